"""What is measured: networks, batches and optimizers, and the data they are trained on."""

import dataclasses
import itertools
from functools import cached_property

import numpy as np

from benchmarks import fashion

__all__ = ["CLIP", "DROPPED", "FIT", "HALF", "L2", "NORMS", "ROWS", "WORKLOADS", "Problem", "Workload", "problem"]

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # of Adam, in every contender
L2, CLIP, DROPPED = 1e-2, 0.1, 0.2  # of the features: the factor of W in the gradient, its length, a share


@dataclasses.dataclass(frozen=True)
class Workload:
    """A network and how it is trained.

    `head` names output activation and cost; a call of a contender makes `updates` updates of `batch` rows; `goal` is
    the wished ratio to the best peer and `peak` the wished share of the machine's matrix-product peak. `density` is the
    share of X that is not 0, and `feature` "L2", "clip", "dropout", "bf16" (the products of matrices) or "".
    """

    name: str
    sizes: tuple[int, ...]
    hidden: str
    head: str
    optimizer: str
    rate: float
    batch: int
    updates: int
    goal: float = 1.0
    peak: float | None = None
    data: str = "synthetic"
    density: float = 1.0
    feature: str = ""

    @cached_property
    def layers(self) -> list[tuple[int, int]]:
        """(n_{l-1}, n_l) for l = 2..L."""
        return list(itertools.pairwise(self.sizes))

    @property
    def flops(self) -> int:
        """Useful floating-point operations of an update: 6 B Σ n_{l-1} n_l - 2 B n_1 n_2 (no delta for the input)."""
        n_1, n_2 = self.layers[0]
        return 6 * self.batch * sum(a * b for a, b in self.layers) - 2 * self.batch * n_1 * n_2

    @property
    def parameters(self) -> int:
        """The number of elements of theta."""
        return sum((a + 1) * b for a, b in self.layers)

    @property
    def text(self) -> str:
        """The workload on one line."""
        head = {"sigmoid_quadratic": "sigmoid, quadratic", "softmax": "softmax cross-entropy"}
        head |= {"sigmoid_binary": "sigmoid + binary cross-entropy", "identity": "quadratic"}
        rule = {"sgd": "plain descent", "momentum": "momentum 0.9", "adam": "Adam"}[self.optimizer]
        hidden = "" if self.head == "sigmoid_quadratic" else f"{self.hidden}, "
        half = ", bf16" if self.feature == "bf16" else ""
        return f"{'-'.join(map(str, self.sizes))} {hidden}{head[self.head]}, {rule}, batch {self.batch}{half}"


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", (784, 30, 10), "sigmoid", "sigmoid_quadratic", "sgd", 0.5, 10, 2000, 4.0, data="fashion"),
        Workload("W2", (784, 100, 10), "relu", "softmax", "adam", 1e-3, 200, 100, 1.8, data="fashion"),
        Workload("W3", (30, 256, 256, 256, 2), "relu", "softmax", "adam", 1e-3, 256, 50, 1.4, 0.85),
        Workload("W4", (64, *(64,) * 6, 10), "relu", "softmax", "momentum", 0.01, 32, 500, 2.0),
        Workload("W5", (784, *(1024,) * 3, 10), "relu", "softmax", "adam", 1e-4, 1024, 2, 1.1, 0.92, "fashion"),
        Workload("W6", (2, 16, 16, 1), "tanh", "sigmoid_binary", "sgd", 0.1, 4, 5000, 8.0),
        Workload("W7", (8, 64, 64, 1), "relu", "identity", "adam", 1e-3, 128, 1000, 2.0),
    )
}
HALF = {  # in half precision, where the processor has it
    f"{name}bf16": dataclasses.replace(WORKLOADS[name], name=f"{name}bf16", feature="bf16", goal=0.0)
    for name in ("W3", "W5")
}
ROWS = {f"row{name}": WORKLOADS[name] for name in ("W1", "W2", "W3")}  # one row at a time through these nets
FIT = {f"fit{name}": WORKLOADS[name] for name in ("W1", "W6")}  # one epoch of `cr.fit`, for information
NORMS = {"norms": WORKLOADS["W3"]}  # of every example's gradient, one batch
ROW_GOAL, NORM_GOAL = 3.0, 4.0


@dataclasses.dataclass(frozen=True)
class Problem:
    """A workload with data: X (n, n_1); T (n, n_L), or classes (n,) int32; theta laid out as chainrule's; `order`.

    `order` (calls, updates * batch) names the rows of each call: a permutation of all rows, cut.
    """

    workload: Workload
    X: np.ndarray
    T: np.ndarray
    theta: np.ndarray
    order: np.ndarray

    def one_hot(self, rows: np.ndarray, dtype: type = np.float32) -> np.ndarray:
        """Some rows of T (n, n_L); classes become rows of 0 and 1."""
        T = self.T[rows]
        if T.ndim == 2:
            return T.astype(dtype)
        hot = np.zeros((len(T), self.workload.sizes[-1]), dtype)
        hot[np.arange(len(T)), T] = 1
        return hot

    def views(self, theta: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """(W, b) of each layer: views of theta."""
        found, at = [], 0
        for n_in, n_out in self.workload.layers:
            end = at + n_in * n_out
            found.append((theta[at:end].reshape(n_in, n_out), theta[end : end + n_out]))
            at = end + n_out
        return found


def problem(workload: Workload) -> Problem:
    """The data, first weights and order of rows of a workload; the same in every process."""
    random = np.random.Generator(np.random.Philox(key=7))
    rows = workload.batch * workload.updates
    X, T = fashion_rows(workload) if workload.data == "fashion" else synthetic(workload, random, 2 * rows)
    parts = []
    for n_in, n_out in workload.layers:
        bound = np.sqrt(6 / (n_in + n_out))
        parts += [random.uniform(-bound, bound, n_in * n_out), random.uniform(-0.1, 0.1, n_out)]
    theta = np.concatenate(parts).astype(np.float32)
    calls = len(X) // rows
    order = random.permutation(len(X))[: calls * rows].reshape(calls, rows)
    return Problem(workload, X, T, theta, order)


def fashion_rows(workload: Workload) -> tuple[np.ndarray, np.ndarray]:
    """Fashion-MNIST: pixels / 255, classes; as rows of 0 and 1 where the cost is quadratic."""
    X, classes = fashion.load("train")
    return X, classes if workload.head == "softmax" else np.eye(10, dtype=np.float32)[classes]


def synthetic(workload: Workload, random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal inputs; targets from the signs or sizes of random projections of them."""
    X = random.standard_normal((rows, workload.sizes[0]), dtype=np.float32)
    if workload.density < 1:
        X *= random.random(X.shape, dtype=np.float32) < workload.density
    scores = np.tanh(X @ random.standard_normal((workload.sizes[0], workload.sizes[-1]), dtype=np.float32))
    if workload.head == "softmax":
        return X, scores.argmax(axis=1).astype(np.int32)
    return X, scores if workload.head == "identity" else (scores > 0).astype(np.float32)
