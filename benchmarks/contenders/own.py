"""chainrule, through the seam between training and an engine: nothing else is timed."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csr_array

import chainrule as cr
from benchmarks.workloads import BETA1, BETA2, CLIP, DROPPED, EPS, L2, Problem, Workload
from chainrule.engines import available, choose
from chainrule.examples import Compressed
from chainrule.settings import TrainingSettings

__all__ = ["ENGINE", "Training", "fit", "network", "norms", "outputs", "predictor"]

ENGINE = available()[0]
HEADS = {
    "sigmoid_quadratic": ("sigmoid", "quadratic"),
    "softmax": ("softmax", "cross_entropy"),
    "sigmoid_binary": ("sigmoid", "binary_cross_entropy"),
    "identity": ("identity", "quadratic"),
}


def network(problem: Problem) -> cr.Network:
    """The problem's network."""
    w = problem.workload
    output, cost = HEADS[w.head]
    return cr.Network(w.sizes, w.hidden, output, cost, initializer=problem.theta, dtype=problem.theta.dtype)


def optimizer(w: Workload) -> cr.SGD | cr.Adam:
    """The workload's update rule."""
    if w.optimizer == "adam":
        return cr.Adam(w.rate, BETA1, BETA2, EPS)
    return cr.SGD(w.rate, momentum=0.9 if w.optimizer == "momentum" else 0.0)


def settings_of(problem: Problem, threads: int) -> TrainingSettings:
    """The workload's settings."""
    w, more = problem.workload, {}
    if w.feature == "L2":
        more["alpha"] = L2 * len(problem.X)  # alpha/(2S) sum W², S rows
    elif w.feature == "bf16":
        more["precision"] = "bf16"
    elif w.feature:
        more |= {"clip": cr.Clip(norm=CLIP)} if w.feature == "clip" else {"dropout": DROPPED}
    return TrainingSettings(optimizer=optimizer(w), batch_size=w.batch, threads=threads, **more)


def sparse(X: np.ndarray) -> Compressed:
    """The rows as the core takes them from a sparse matrix."""
    rows = csr_array(X)
    return Compressed(rows.data, rows.indices.astype(np.int32), rows.indptr.astype(np.int64), X.shape[1])


class Training:
    """A run of the engine that auto asks first."""

    whole = False

    def __init__(self, problem: Problem, threads: int, engine: str = ENGINE) -> None:
        w = self._workload = problem.workload
        self._problem, self._net = problem, network(problem)
        settings = settings_of(problem, threads)
        self._X = sparse(problem.X) if w.density < 1 else problem.X
        self._run = choose(engine, self._net.architecture, settings).start(
            self._net.architecture, self._net.theta, settings, float(len(problem.X))
        )
        self._first = self._run.state
        self._rates = np.full(w.updates, w.rate)

    def reset(self) -> None:
        self._run.state = self._first

    def steps(self, order: np.ndarray) -> None:
        batch, done, wanted = self._workload.batch, 0, len(order) // self._workload.batch
        while done < wanted:
            done += len(
                self._run.steps(
                    self._X, self._problem.T, None, order[done * batch :], self._rates[: wanted - done], 0, done
                )
            )

    def theta(self) -> np.ndarray:
        return self._net.theta.copy()


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """One row or many by the frozen network, as peers' compiled functions and sessions are."""
    return network(problem).predictor()


outputs = predictor


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The lengths of the examples' gradients."""
    net = network(problem)
    return lambda X, T: net.example_gradients(X, T).norms()


def fit(problem: Problem, threads: int) -> Callable[[], object]:
    """One epoch by the public function: checks, order and events are counted."""
    w = problem.workload

    def epoch() -> None:
        cr.fit(network(problem), problem.X, problem.T, optimizer=optimizer(w), batch_size=w.batch, epochs=1)

    return epoch
