"""What every engine has to keep, as data: problems made from factors, runs of them, and how results are compared.

The tests themselves are in test_reference.py and take their engines from `chainrule.engines.available`.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.engines import ENGINES, Run, RunState
from chainrule.engines.moves import groups
from chainrule.examples import Examples, as_examples, epoch_order
from chainrule.network import Network
from chainrule.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    AMSGrad,
    Clip,
    Lion,
    Muon,
    NAdam,
    RMSProp,
    RProp,
    ScheduleFree,
)
from chainrule.settings import TrainingSettings

N = 20  # rows of a problem: batches of 7 leave a short last one of 6

OUTPUTS: dict[str, tuple[Any, Any]] = {
    "identity": ("identity", "quadratic"),
    "sigmoid": ("sigmoid", "binary_cross_entropy"),
    "softmax": ("softmax", "cross_entropy"),
    "blocks": ([("softmax", 2), ("identity", 1), ("sigmoid", 2)], ["cross_entropy", "quadratic", "quadratic"]),
}

FACTORS: dict[str, list[Any]] = {
    "dtype": ["float32", "float64"],
    "hidden": [(6,), (), (1, 9)],
    "activation": ["sigmoid", "tanh", "relu", "softmax"],
    "output": list(OUTPUTS),
    "targets": ["numbers", "classes"],
    "optimizer": [
        SGD(0.3),
        SGD(0.1, momentum=0.9),
        SGD(0.1, momentum=0.5, nesterov=True),
        Adam(0.01),
        AdamW(0.01),
        ScheduleFree(0.01, weight_decay=0.1, warmup=2),
        AMSGrad(0.01),
        NAdam(0.01),
        Adagrad(0.01),
        Lion(0.001, weight_decay=0.1),
        Muon(0.01, weight_decay=0.1, adam_rate=0.02),
        RMSProp(0.01),
        RProp(0.01),
    ],
    "batch_size": [7, 1, N, N + 13],
    "weight": [None, "rows", "terms"],
    "penalty": [(0.0, 0.0), (0.5, 0.0), (0.0, 0.1), (0.5, 0.1)],
    "dropout": [0.0, 0.4],
    "rates": [None, {"2": 0.25}],
    "clip": [None, Clip(norm=0.05), Clip(value=0.01), Clip(norm=0.05, value=0.02), Clip(example=0.1)],
    "masks": [False, True],
}

WIDTHS = [(1, 1), (3, 1), (17, 16, 1), (5, 64, 17, 1), (784, 30, 10), (300, 200, 1), (33, 7, 5), (2, 100, 2)]

Case = dict[str, Any]


def covering(factors: dict[str, list[Any]]) -> list[Case]:
    """A few choices of one value for each factor in which every pair of values of two factors meets (greedily found).

    >>> len(covering({"a": [0, 1], "b": [0, 1], "c": [0, 1]}))
    4
    """
    values = [(name, i) for name in factors for i in range(len(factors[name]))]
    missing = dict.fromkeys(pair for pair in itertools.combinations(values, 2) if pair[0][0] != pair[1][0])
    cases = []
    while missing:
        chosen = dict(next(iter(missing)))
        for name, choices in factors.items():
            if name not in chosen:
                gains = [_gain((name, i), chosen, missing) for i in range(len(choices))]
                chosen[name] = gains.index(max(gains))
        met = [(name, chosen[name]) for name in factors]
        for pair in itertools.combinations(met, 2):
            missing.pop(pair, None)
        cases.append({name: factors[name][i] for name, i in met})
    return cases


def _gain(value: tuple[str, int], chosen: dict[str, int], missing: Iterable[Any]) -> int:
    return sum((value, other) in missing or (other, value) in missing for other in chosen.items())


def product(factors: dict[str, list[Any]]) -> Iterator[Case]:
    """Every choice of one value for each factor."""
    return (dict(zip(factors, values, strict=True)) for values in itertools.product(*factors.values()))


def words(case: Case) -> str:
    """A case as a test's name."""
    return "-".join(str(value).replace(" ", "") for value in case.values())


class Problem(NamedTuple):
    """What an engine is given, and a source of random numbers for what the test adds."""

    architecture: Architecture
    theta: np.ndarray
    data: Examples
    settings: TrainingSettings
    divisor: float
    rng: np.random.Generator

    def start(self, engine: str) -> tuple[Run, np.ndarray]:
        """A new run, and the theta that it trains."""
        theta = self.theta.copy()
        return ENGINES[engine]().start(self.architecture, theta, self.settings, self.divisor), theta

    @property
    def batches(self) -> int:
        """The number of batches of an epoch."""
        return -(-len(self.data.rows) // self.settings.batch_size)

    def rates(self) -> np.ndarray:
        """A learning rate for each batch of an epoch, not all the same."""
        return self.settings.optimizer.learning_rate / (1 + np.arange(self.batches) % 3)

    def order(self, epoch: int) -> np.ndarray:
        """The rows of weight above 0 in the order of an epoch."""
        return epoch_order(self.settings.seed, epoch, self.data.rows)

    def only(self, rows: Any) -> "Problem":
        """The same problem with some of the rows; the penalties' divisor stays."""
        X, T, weight, _, total = self.data
        some = Examples(X[rows], T[rows], None if weight is None else weight[rows], np.arange(len(X[rows])), total)
        return self._replace(data=some)

    def in_float64(self) -> "Problem":
        """The same problem and the same numbers in float64."""
        X, T, weight, *rest = self.data
        wide = [a if a is None or a.dtype == np.int32 else a.astype(np.float64) for a in (X, T, weight)]
        return self._replace(theta=self.theta.astype(np.float64), data=Examples(*wide, *rest))

    def predict(self, engine: str) -> np.ndarray:
        """A^L of all rows."""
        return ENGINES[engine]().predict(self.architecture, self.theta, self.data.X)

    def cost(self, engine: str) -> float:
        """sum of s C_x / n over all rows."""
        return ENGINES[engine]().cost(self.architecture, self.theta, *self.data[:3])

    def gradient(self, engine: str) -> np.ndarray:
        """dC/dtheta over all rows, with the penalties."""
        s = self.settings
        return ENGINES[engine]().gradient(self.architecture, self.theta, *self.data[:3], self.divisor, s.alpha, s.l1)

    def by_row(self, engine: str) -> tuple[np.ndarray, np.ndarray]:
        """dC_x/dtheta of each row alone, (n, parameters), without weights of rows and penalties; and those weights."""
        X, weight = self.data.X, self.data.weight
        by_term = weight is not None and weight.ndim == 2
        free = self._replace(settings=dataclasses.replace(self.settings, alpha=0.0, l1=0.0))
        free = free._replace(data=free.data._replace(weight=weight if by_term else None))
        s = np.ones(len(X)) if weight is None or by_term else weight
        return np.array([free.only([row]).gradient(engine) for row in range(len(X))]), s

    def clipped_gradient(self, engine: str) -> np.ndarray:
        """The gradient under the settings' clip, by hand: what is cut off each row's own is taken away."""
        g, clip = self.gradient(engine), self.settings.clip
        if clip is None:
            return g
        if clip.example < np.inf:
            rows, s = self.by_row(engine)
            cut = s * (1 - np.minimum(1, clip.example / np.linalg.norm(rows, axis=1)))
            g = (g - cut @ rows / len(rows)).astype(g.dtype)
        return clip.apply(g)

    def moved(self, theta: np.ndarray, g: np.ndarray, slots: Any, rate: float, step: int) -> Any:
        """theta and slots after one update, layer by layer, and matrix by matrix for a rule that takes matrices."""
        rule, shapes = self.settings.optimizer, list(itertools.pairwise(self.architecture.sizes))
        theta, slots = theta.copy(), tuple(slot.copy() for slot in slots)
        for k, ((n_in, n_out), (W, b)) in enumerate(zip(shapes, self.architecture.slices, strict=True)):
            eta = rate * (self.settings.rates or {}).get(str(k + 2), 1.0)
            whole = slice(W.start, b.stop)
            parts = [[array[whole] for array in (theta, g, *slots)]]
            if rule.by_matrix and k < len(shapes) - 1:
                matrices = [array[W].reshape(n_in, n_out) for array in (theta, g, *slots)]
                blocks = [(group[k - 1] if k else slice(None), group[k]) for group in groups(self.architecture)]
                parts = [[matrix[block] for matrix in matrices] for block in blocks]
                parts = [part for part in parts if part[0].size] + [[array[b] for array in (theta, g, *slots)]]
            for part in parts:
                new, kept = rule.update(part[0], part[1], tuple(part[2:]), eta, step)
                for array, values in zip([part[0], *part[2:]], (new, *kept), strict=True):
                    array[...] = values
        for W, mask in zip(self.architecture.views(theta)[0], self.architecture.masks, strict=True):
            W[...] = W if mask is None else np.where(mask, W, 0)
        return theta, slots

    def norms(self, engine: str) -> np.ndarray:
        """The length of each row's own gradient."""
        X, T, weight = self.data[:3]
        by_term = weight if weight is not None and weight.ndim == 2 else None
        return ENGINES[engine]().gradient_norms(self.architecture, self.theta, X, T, by_term)


def problem(seed: int = 0, **case: Any) -> Problem:
    """The problem of a case; a factor left out takes its first value."""
    case = {name: values[0] for name, values in FACTORS.items()} | case
    rng = np.random.default_rng(seed)
    sizes = [4, *case["hidden"], 5]
    masks = [rng.integers(0, 2, shape) for shape in itertools.pairwise(sizes)] if case["masks"] else None
    net = Network(sizes, case["activation"], *OUTPUTS[case["output"]], masks=masks, seed=seed, dtype=case["dtype"])
    net.b[-1][...] = rng.normal(size=5)
    X = rng.normal(size=(N, 4)).astype(case["dtype"])
    T = _classes(rng, net.architecture) if case["targets"] == "classes" else _numbers(rng, net.architecture)
    data = as_examples(net.architecture, X, T, _weight(rng, net.architecture, case["weight"]), net.dtype)
    dropout = (case["dropout"],) * len(case["hidden"])
    settings = TrainingSettings(
        optimizer=case["optimizer"],
        batch_size=case["batch_size"],
        alpha=case["penalty"][0],
        l1=case["penalty"][1],
        dropout=dropout,
        rates=case["rates"],
        clip=case["clip"],
        seed=2**40 + seed,
    )
    return Problem(net.architecture, net.theta, data, settings, data.total, rng)


def _classes(rng: np.random.Generator, architecture: Architecture) -> np.ndarray:
    drawn = [rng.integers(0, block.width, N) for block in architecture.blocks]
    return drawn[0] if len(drawn) == 1 else np.stack(drawn, axis=1)


def _numbers(rng: np.random.Generator, architecture: Architecture) -> np.ndarray:
    T = rng.uniform(size=(N, architecture.sizes[-1]))
    for block in architecture.blocks:
        if block.cost.distribution:
            T[:, block.columns] /= T[:, block.columns].sum(axis=1, keepdims=True)
    return T


def _weight(rng: np.random.Generator, architecture: Architecture, kind: str | None) -> np.ndarray | None:
    """Weights from 0 to 2.5, a third of them 0 where there is one for each row."""
    blocks = architecture.blocks
    columns = architecture.sizes[-1] if all(block.separable for block in blocks) else len(blocks)
    if kind is None:
        return None
    drawn = rng.uniform(0.5, 2.5, (N,) if kind == "rows" else (N, columns))
    drawn[rng.permutation(N)[: N // 3]] = 0
    return drawn


def play(run: Run, p: Problem, cuts: Callable[[int], Iterable[int]] = lambda batches: (), epochs: Any = (0, 1)) -> Any:
    """Make the updates of some epochs, each cut into calls before the batches `cuts(batches)`; returns the costs."""
    m, costs = p.settings.batch_size, []
    for epoch in epochs:
        order, rates = p.order(epoch), p.rates()
        for first, last in itertools.pairwise(sorted({0, p.batches, *cuts(p.batches)})):
            at = first
            while at < last:
                part = run.steps(*p.data[:3], order[at * m : last * m], rates[at:last], epoch, at)
                assert part.dtype == np.float64
                assert 1 <= len(part) <= last - at
                costs.extend(part)
                at += len(part)
    return np.array(costs)


class Relay:
    """A run that hands its state to a new Run at every call."""

    def __init__(self, engine: str, p: Problem) -> None:
        self.engine, self.p = engine, p
        self.run, self.theta = p.start(engine)

    @property
    def state(self) -> RunState:
        return self.run.state

    def steps(self, *arguments: Any) -> np.ndarray:
        state = self.run.state
        self.run, self.theta = self.p.start(self.engine)
        self.run.state = state
        return self.run.steps(*arguments)


def bits(*parts: Any) -> list[Any]:
    """What has to be the same to the last bit: arrays as dtype, shape and bytes; a run's state as its parts."""
    found: list[Any] = []
    for part in parts:
        if hasattr(part, "slots"):
            found += bits(part.theta, part.slots, part.step)
        else:
            found.append((part.dtype.str, part.shape, part.tobytes()) if isinstance(part, np.ndarray) else part)
    return found


def error_bound(p: Problem) -> np.ndarray:
    """How far dC/dtheta may lie from exact in p's type: c k eps (|A|ᵀ|delta| / m + |penalty|), sums over magnitudes.

    |A| <= 1 + |Z|, |sigma'| <= 1 and |delta_L| <= |A| + |T| hold for all of FACTORS, and no weight is above c = 4; k
    is the number of terms in all sums on the way.
    """
    W, b = p.architecture.views(np.abs(p.theta).astype(np.float64))
    A = [np.abs(p.data.X).astype(np.float64)]
    for w, c in zip(W, b, strict=True):
        A.append(1 + A[-1] @ w + c)
    delta = [A[-1] + 1]
    for w in W[:0:-1]:
        delta.insert(0, delta[0] @ w.T)
    parts = [part for a, d in zip(A[:-1], delta, strict=True) for part in ((a.T @ d).ravel(), d.sum(axis=0))]
    penalty = (p.settings.alpha * np.abs(p.theta) + p.settings.l1) / p.divisor
    k = sum(p.architecture.sizes) + len(A[0])
    return 4 * k * np.finfo(p.theta.dtype).eps * (np.concatenate(parts) / len(A[0]) + penalty)


def check_gradient(found: np.ndarray, exact: np.ndarray, bound: np.ndarray) -> None:
    """Raise an AssertionError where a gradient leaves the bound around the exact one."""
    off = np.abs(found.astype(np.float64) - exact) > bound
    assert not off.any(), f"{off.sum()} of {off.size} elements are outside the bound"


class Integers(NamedTuple):
    """A network (relu, identity, quadratic) all of whose numbers are small integers: exact, so compared by ==."""

    sizes: tuple[int, ...]
    m: int

    def draw(self) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
        """W, b, X and T, int64."""
        rng = np.random.default_rng([*self.sizes, self.m])
        W = [rng.integers(-2, 3, shape) for shape in itertools.pairwise(self.sizes)]
        b = [rng.integers(-2, 3, n) for n in self.sizes[1:]]
        return W, b, rng.integers(-2, 3, (self.m, self.sizes[0])), rng.integers(-2, 3, (self.m, self.sizes[-1]))

    def by_hand(self) -> tuple[np.ndarray, int, np.ndarray]:
        """A^L, 2 m C and m dC/dtheta in integers, without any code of the package."""
        W, b, X, T = self.draw()
        A, Z = [X], []
        for w, c in zip(W, b, strict=True):
            Z.append(A[-1] @ w + c)
            A.append(np.maximum(Z[-1], 0))
        delta = [Z[-1] - T]
        for k in range(len(W) - 1, 0, -1):
            delta.insert(0, (delta[0] @ W[k].T) * (Z[k - 1] > 0))
        parts = [part for a, d in zip(A[:-1], delta, strict=True) for part in ((a.T @ d).ravel(), d.sum(axis=0))]
        return Z[-1], int((delta[-1] ** 2).sum()), np.concatenate(parts)


INTEGERS = [
    Integers((1, 1), 1),
    Integers((3, 2), 4),
    Integers((5, 4, 3), 8),
    Integers((17, 13, 1), 2),
    Integers((2, 33, 7, 5), 16),
    Integers((64, 31, 2), 1),
]
