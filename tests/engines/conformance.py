"""What every engine has to keep, as data: problems from factors, runs of them, and how results are compared.

The tests are in test_reference.py and take their engines from `chainrule.engines.ENGINES`.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.data.examples import Examples, as_examples, epoch_order
from chainrule.engines import ENGINES, Run, RunSettings
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, Clip

N = 20  # rows of a problem: batches of 7 leave a short last one of 6

OUTPUTS = {
    "identity": ("identity", "quadratic"),
    "sigmoid": ("sigmoid", "binary_cross_entropy"),
    "softmax": ("softmax", "cross_entropy"),
    "blocks": (
        [("softmax", 2), ("identity", 1), ("sigmoid", 2)],
        ["cross_entropy", "quadratic", "quadratic"],
    ),
}

FACTORS: dict[str, list[Any]] = {
    "dtype": ["float32", "float64"],
    "hidden": [(), (6,), (1, 9)],
    "activation": ["sigmoid", "tanh", "relu", "softmax"],
    "output": list(OUTPUTS),
    "targets": ["numbers", "classes"],
    "optimizer": [SGD(0.3), SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.5, nesterov=True), Adam(0.01)],
    "batch_size": [1, 7, N, N + 13],
    "weight": [None, "rows", "terms"],
    "penalty": [(0.0, 0.0), (0.5, 0.0), (0.0, 0.1), (0.5, 0.1)],
    "dropout": [0.0, 0.4],
    "clip": [None, Clip(norm=0.05), Clip(value=0.01), Clip(norm=0.05, value=0.02)],
    "masks": [False, True],
}

Case = dict[str, Any]


def covering(factors: dict[str, list[Any]]) -> list[Case]:
    """A few choices of one value for each factor in which every pair of values of two factors meets.

    >>> len(covering({"a": [0, 1], "b": [0, 1], "c": [0, 1]}))
    4
    """
    names = list(factors)
    value = [(name, i) for name in names for i in range(len(factors[name]))]
    missing = {frozenset(pair) for pair in itertools.combinations(value, 2) if pair[0][0] != pair[1][0]}
    cases = []
    while missing:
        chosen = dict(min(sorted(pair) for pair in missing))
        for name in names:
            if name not in chosen:
                gain = [
                    sum(frozenset([(name, i), other]) in missing for other in chosen.items())
                    for i in range(len(factors[name]))
                ]
                chosen[name] = gain.index(max(gain))
        missing -= {frozenset(pair) for pair in itertools.combinations(chosen.items(), 2)}
        cases.append({name: factors[name][chosen[name]] for name in names})
    return cases


def product(factors: dict[str, list[Any]]) -> Iterator[Case]:
    """Every choice of one value for each factor."""
    return (dict(zip(factors, values, strict=True)) for values in itertools.product(*factors.values()))


def words(case: Case) -> str:
    """A case as the name of a test."""
    return "-".join(str(value).replace(" ", "") for value in case.values())


class Problem(NamedTuple):
    """What an engine is given; `rng` is there for what a test draws itself."""

    architecture: Architecture
    theta: np.ndarray
    data: Examples
    settings: RunSettings
    rng: np.random.Generator

    def start(self, engine: str) -> tuple[Run, np.ndarray]:
        """A new run, and the theta that it trains."""
        theta = self.theta.copy()
        return ENGINES[engine]().start(self.architecture, theta, self.settings), theta


def problem(seed: int = 0, **case: Any) -> Problem:
    """The problem of a case; factors left out take their first value."""
    case = {name: values[0] for name, values in FACTORS.items()} | case
    rng = np.random.default_rng(seed)
    output, cost = OUTPUTS[case["output"]]
    sizes = [4, *case["hidden"], 5]
    masks = [rng.integers(0, 2, shape) for shape in itertools.pairwise(sizes)] if case["masks"] else None
    net = Network(sizes, case["activation"], output, cost, masks=masks, seed=seed, dtype=case["dtype"])
    net.b[-1][...] = rng.normal(size=5)
    X = rng.normal(size=(N, 4)).astype(case["dtype"])
    T = _targets(rng, case["output"], case["targets"] == "classes", len(net.architecture.blocks))
    data = as_examples(net.architecture, X, T, _weight(rng, case["weight"], net.architecture), net.dtype)
    alpha, l1 = case["penalty"]
    dropout = (case["dropout"],) * len(case["hidden"])
    settings = RunSettings(
        case["optimizer"], case["batch_size"], data.total, alpha, l1, dropout, case["clip"], seed=2**40 + seed
    )
    return Problem(net.architecture, net.theta, data, settings, rng)


def _targets(rng: np.random.Generator, output: str, classes: bool, blocks: int) -> np.ndarray:
    if classes:
        return rng.integers(0, 5, N) if blocks == 1 else np.stack([rng.integers(0, k, N) for k in (2, 1, 2)], axis=1)
    T = rng.uniform(size=(N, 5))
    share = {"softmax": slice(0, 5), "blocks": slice(0, 2)}.get(output, slice(0, 0))
    T[:, share] /= T[:, share].sum(axis=1, keepdims=True)
    return T


def _weight(rng: np.random.Generator, kind: str | None, architecture: Architecture) -> np.ndarray | None:
    blocks = architecture.blocks
    columns = architecture.sizes[-1] if all(block.separable for block in blocks) else len(blocks)
    shape = {None: None, "rows": (N,), "terms": (N, columns)}[kind]
    return None if shape is None else rng.integers(0, 3, shape) + rng.uniform(0, 0.5, shape)


def play(run: Run, p: Problem, cuts: Callable[[int], list[int]] | None = None, epochs: Any = range(2)) -> np.ndarray:
    """Make the updates of some epochs, each cut into calls at the batches that `cuts(batches)` gives; the costs."""
    m, (X, T, weight, rows, _) = p.settings.batch_size, p.data
    batches, costs = -(-len(rows) // m), []
    rates = p.settings.optimizer.learning_rate / (1 + np.arange(batches) % 3)
    for epoch in epochs:
        order = epoch_order(p.settings.seed, epoch, rows)
        borders = [0, *(cuts(batches) if cuts else []), batches]
        for first, last in itertools.pairwise(sorted(set(borders))):
            at = first
            while at < last:
                part = run.steps(X, T, weight, order[at * m : last * m], rates[at:last], epoch, at)
                assert 1 <= len(part) <= last - at
                assert part.dtype == np.float64
                costs.extend(part)
                at += len(part)
    return np.array(costs)


def bits(*parts: Any) -> tuple[Any, ...]:
    """What has to be the same to the last bit: arrays as dtype, shape and bytes, run states as their parts."""
    flat = itertools.chain.from_iterable((s.theta, s.slots, s.step) if hasattr(s, "slots") else (s,) for s in parts)
    return tuple((str(p.dtype), p.shape, p.tobytes()) if isinstance(p, np.ndarray) else p for p in flat)


def gradient_of(engine: str, p: Problem, data: Examples | None = None, theta: np.ndarray | None = None) -> np.ndarray:
    """The engine's dC/dtheta on the problem's rows of weight above 0."""
    data, s = data or p.data.present(), p.settings
    theta = p.theta if theta is None else theta
    return ENGINES[engine]().gradient(p.architecture, theta, *data[:3], data.total, s.alpha, s.l1)


def cost_of(engine: str, p: Problem, data: Examples | None = None) -> float:
    """The engine's cost on the problem's rows of weight above 0, without penalty."""
    data = data or p.data.present()
    return ENGINES[engine]().cost(p.architecture, p.theta, *data[:3])


def in_float64(p: Problem) -> Problem:
    """The same problem, the same numbers, in float64."""
    X, T, weight, rows, total = p.data
    wide = [a if a is None or a.dtype == np.int32 else a.astype(np.float64) for a in (X, T, weight)]
    return p._replace(theta=p.theta.astype(np.float64), data=Examples(*wide, rows, total))


def error_bound(p: Problem) -> np.ndarray:
    """How far dC/dtheta in p's type may lie from exact: c k eps (|A|ᵀ|delta|) / m with every sum over magnitudes.

    |A| <= 1 + |Z|, |sigma'| <= 1 and |delta_L| <= |A| + |T| hold for every activation and cost of OUTPUTS; k counts
    the terms of all sums on the way. Weights are at most 3 times their mean here.
    """
    W, b = p.architecture.views(np.abs(p.theta).astype(np.float64))
    A = [np.abs(p.data.X).astype(np.float64)]
    for w, c in zip(W, b, strict=True):
        A.append(1 + A[-1] @ w + c)
    delta = [A[-1] + 1]
    for w in W[:0:-1]:
        delta.insert(0, delta[0] @ w.T)
    parts = [(a.T @ d, d.sum(axis=0)) for a, d in zip(A[:-1], delta, strict=True)]
    magnitude = np.concatenate([part.ravel() for layer in parts for part in layer]) / len(A[0])
    terms = sum(p.architecture.sizes) + len(A[0])
    return 3 * terms * np.finfo(p.theta.dtype).eps * magnitude


def check_gradient(found: np.ndarray, exact: np.ndarray, bound: np.ndarray) -> None:
    """Raise an AssertionError where a gradient is outside the bound around the exact one."""
    off = np.abs(found.astype(np.float64) - exact) > bound
    assert not off.any(), f"{off.sum()} of {off.size} elements are outside the bound"


class Integers(NamedTuple):
    """A network whose every number is a small integer, or a few binary digits: exact in float32, so compared by ==."""

    sizes: tuple[int, ...]
    m: int

    def draw(self) -> tuple[Architecture, list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
        """Architecture (relu, identity, quadratic), W, b, X and T, all of type int64."""
        rng = np.random.default_rng(sum(self.sizes) + self.m)
        architecture = Architecture.of(self.sizes, "relu", "identity")
        W = [rng.integers(-2, 3, shape) for shape in itertools.pairwise(self.sizes)]
        b = [rng.integers(-2, 3, n) for n in self.sizes[1:]]
        return architecture, W, b, *(rng.integers(-2, 3, (self.m, n)) for n in (self.sizes[0], self.sizes[-1]))

    def by_hand(self) -> tuple[np.ndarray, int, np.ndarray]:
        """A^L, 2 m C and m dC/dtheta in integers, written out without any code of the package."""
        _, W, b, X, T = self.draw()
        A, Z = [X], []
        for w, c in zip(W, b, strict=True):
            Z.append(A[-1] @ w + c)
            A.append(np.maximum(Z[-1], 0))
        delta = [Z[-1] - T]
        for k in range(len(W) - 1, 0, -1):
            delta.insert(0, (delta[0] @ W[k].T) * (Z[k - 1] > 0))
        gradient = [part for a, d in zip(A, delta, strict=False) for part in ((a.T @ d).ravel(), d.sum(axis=0))]
        return Z[-1], int(((Z[-1] - T) ** 2).sum()), np.concatenate(gradient)


INTEGERS = [
    Integers((1, 1), 1),
    Integers((3, 2), 4),
    Integers((5, 4, 3), 8),
    Integers((17, 13, 1), 2),
    Integers((2, 33, 7, 5), 16),
    Integers((64, 31, 2), 1),
]

WIDTHS = [(1, 1), (3, 1), (5, 64, 17, 1), (17, 16, 1), (784, 30, 10), (300, 200, 1), (33, 7, 5), (2, 100, 2)]
