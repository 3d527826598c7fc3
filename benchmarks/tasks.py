"""What a worker does for one task: compare with the oracle, warm up, then timed turns.

Every task has `check() -> deviation from the oracle` and `turn(seconds) -> µs of each timed piece, per update or call`.
"""

import abc
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks import oracle
from benchmarks.contenders import Training
from benchmarks.sweeps import MANY, points
from benchmarks.workloads import FIT, HALF, NORMS, ROWS, WORKLOADS, Problem, Workload, problem

__all__ = ["PEAK", "TOLERANCE", "Task", "expected", "kind_of", "make", "workload_of"]

PEAK = "peak"  # the task that every other is measured beside
ALL = {**WORKLOADS, **HALF, **ROWS, **NORMS, **FIT, **points()}
PEAK_FLOPS = 2 * 1024**3
TOLERANCE = {
    "train": 1e-2,
    "row": 1e-5,
    "rows": 1e-5,
    "norms": 1e-5,
    "fit": 0.0,
    PEAK: 0.0,
}  # float32, see `oracle.deviation`
PIECE = 0.03  # seconds that a timed piece takes at least, where a call can be cut or repeated
FRESH = 200  # rows that are asked one after the other


def kind_of(task: str) -> str:
    """train, row, rows, norms, fit or peak."""
    kinds = {"row": ROWS, "rows": {w.name for w in MANY.values()}, "norms": NORMS, "fit": FIT, PEAK: {PEAK}}
    return next((kind for kind, names in kinds.items() if task in names), "train")


def workload_of(task: str) -> Workload:
    """Its network and how it is trained."""
    return ALL[task]


def make(task: str, module: Any, threads: int, expected: np.ndarray | None) -> "Task":
    """The task of that name for the contender whose module it is."""
    if (kind := kind_of(task)) == PEAK:
        return Calls(module.peak(threads))
    given = problem(ALL[task])
    if kind == "fit":
        return Calls(module.fit(given, threads), len(given.X) // given.workload.batch)
    if kind == "train":
        return Updates(given, module.Training(given, threads), expected)
    assert expected is not None
    if kind == "row":
        return Rows(given, module.predictor(given, threads), expected)
    if kind == "rows":
        return Checked(partial(module.outputs(given, threads), given.X[: given.workload.batch]), expected)
    return Norms(given, module.norms(given, threads), expected)


def expected(task: str) -> np.ndarray | None:
    """The oracle's answer: theta, A^L of the rows, or norms."""
    if (kind := kind_of(task)) in (PEAK, "fit"):  # `fit` draws an order of its own
        return None
    given = problem(ALL[task])
    if given.workload.feature in ("dropout", "bf16"):  # each draws other neurons; products of other numbers
        return None
    if kind == "rows":
        return oracle.predict(given, given.X[: given.workload.batch])
    if kind == "row":
        return oracle.predict(given, given.X[:FRESH])
    if kind == "norms":
        return oracle.norms(given, np.arange(given.workload.batch))
    return oracle.train(given, _checked(given))


def _checked(given: Problem) -> np.ndarray:
    return given.order[0][: oracle.CHECKED * given.workload.batch]


class Task(abc.ABC):
    """The base: timed pieces until a turn's seconds are spent."""

    def check(self) -> float:
        """The deviation from the oracle; leaves everything compiled and warm."""
        return 0.0

    def turn(self, seconds: float) -> list[float]:
        """µs per update or call, piece after piece."""
        return list(_timed(self.pieces(), seconds))

    @abc.abstractmethod
    def pieces(self) -> Iterator[tuple[Callable[[], object], int]]:
        """What is timed, without end: a function, and how many updates or calls it makes."""


def _timed(pieces: Iterator[tuple[Callable[[], object], int]], seconds: float) -> Iterator[float]:
    until = time.perf_counter() + seconds
    while (before := time.perf_counter()) < until:
        piece, count = next(pieces)
        before = time.perf_counter()
        piece()
        yield (time.perf_counter() - before) / count * 1e6


class Updates(Task):
    """Training: pieces of an epoch's order, from the first weights in every turn."""

    def __init__(self, given: Problem, training: Training, expected: np.ndarray | None) -> None:
        self.given, self.training, self._expected = given, training, expected
        self._cuts = 1

    def check(self) -> float:
        checked = _checked(self.given)
        self.training.steps(checked)
        found, theta = 0.0, self.training.theta()
        if self._expected is not None:
            found = oracle.deviation(theta, self._expected, self.given.theta)
        if self.training.whole:
            self.training.steps(self.given.order[0])  # compiled for this length
        else:
            before = time.perf_counter()
            self.training.steps(checked)
            per_update = (time.perf_counter() - before) / (len(checked) / self.given.workload.batch)
            self._cuts = max(1, min(self.given.workload.updates, int(per_update * self.given.workload.updates / PIECE)))
        return found

    def pieces(self) -> Iterator[tuple[Callable[[], object], int]]:
        self.training.reset()
        batch = self.given.workload.batch
        while True:
            for order in self.given.order:
                for part in np.array_split(order.reshape(-1, batch), self._cuts):
                    yield partial(self.training.steps, part.ravel()), len(part)


class Calls(Task):
    """The same call again and again, each of `count` updates."""

    def __init__(self, call: Callable[[], object], count: int = 1) -> None:
        self._call, self._count = call, count

    def pieces(self) -> Iterator[tuple[Callable[[], object], int]]:
        while True:
            yield self._call, self._count


class Checked(Calls):
    """A call whose answer is known."""

    def __init__(self, call: Callable[[], Any], expected: np.ndarray) -> None:
        super().__init__(call)
        self._expected = expected

    def check(self) -> float:
        self._call()
        return oracle.deviation(np.asarray(self._call()).reshape(self._expected.shape), self._expected)


class Norms(Checked):
    """The norms of the first batch."""

    def __init__(self, given: Problem, norms: Callable[..., np.ndarray], expected: np.ndarray) -> None:
        X, T = (part[: given.workload.batch].copy() for part in (given.X, given.T))
        super().__init__(lambda: norms(X, T), expected)


class Rows(Task):
    """One row after the other, each an array of its own."""

    def __init__(self, given: Problem, predict: Callable[[np.ndarray], np.ndarray], expected: np.ndarray) -> None:
        self._predict, self._expected = predict, expected
        self._rows = [row.copy() for row in given.X[:FRESH]]

    def check(self) -> float:
        found = np.array([np.asarray(self._predict(x)).reshape(-1) for x in self._rows])
        return oracle.deviation(found, self._expected)

    def pieces(self) -> Iterator[tuple[Callable[[], object], int]]:
        predict, rows = self._predict, self._rows

        def piece() -> None:
            for x in rows:
                predict(x)

        while True:
            yield piece, len(rows)
