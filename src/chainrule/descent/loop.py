"""The descent itself: look at C and dC/dv, stop or update, and tell of it in the events that a training has."""

import dataclasses
import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self

import numpy as np

from chainrule.arrays import Array
from chainrule.descent.path import Path
from chainrule.descent.problem import Problem
from chainrule.examples import epoch_order
from chainrule.optimizers import Clip, Ending, Optimizer, Point
from chainrule.schedules import Schedule
from chainrule.training import EpochEnd, Event, Finished, History, Progress, Started, Stopped

__all__ = ["Descent", "Settings"]

GLANCE = 0.1  # seconds between two Progress events

CONVERGED, MAX_STEPS, NOT_FINITE, CANCELLED, STALLED = range(5)  # a result's status


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to descend, checked; `batch_size` is 1 where there are no examples."""

    optimizer: Optimizer
    schedule: Schedule
    clip: Clip
    tolerance: float
    max_steps: int
    batch_size: int
    seed: int


class Descent(Iterator[Event]):
    """A descent in progress: an iterator of events, with `v`, `path`, `best` and `history` so far.

    An epoch is one update, or with examples one pass over them in an order of its own; `history.cost` has C over all
    examples at each epoch's end. Its `stopped` is "converged" where the gradient vanished or C falls no further,
    "diverged" where C or dC/dv is not finite, "cancelled", or "" after max_steps; `status` tells them apart.
    """

    def __init__(self, problem: Problem, settings: Settings, cancel: Callable[[], bool] | None = None) -> None:
        self.problem, self._settings, self._cancel = problem, settings, cancel or (lambda: False)
        self._rows = 1 if problem.examples is None else problem.examples
        self._per_epoch = -(-self._rows // settings.batch_size)
        self._v, self._slots = problem.form.start, (np.zeros_like(problem.form.start),) * settings.optimizer.slots
        self._factors = settings.schedule.follow()
        self.path, self.steps, self.status = Path.of_points(len(self._v)), 0, MAX_STEPS
        self.history = History([], [], {}, settings.seed, problem.how)
        self.best: Point | None = None
        self.last: Point | None = None
        self._next: Point | None = None  # where a line search has led, with what it has computed there
        self._evaluations = 0
        self._began = self._told = time.monotonic()
        self._events = self._all_events()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """End it here: no more events come."""
        self._events.close()

    @property
    def v(self) -> Any:
        """Where the descent is now, in the form of v0."""
        return self.problem.form.split(self._v.copy())

    def _all_events(self) -> Generator[Event, None, None]:
        s = self._settings
        epochs = -(-s.max_steps // self._per_epoch)
        yield Started(self._rows, self._per_epoch, epochs, self.history.engine, s.seed)
        self._look()
        yield from self._all_epochs()
        if not self.history.stopped:
            self.history.message = f"not converged after {self._taken()}: {self._slope()}"
        else:
            yield Stopped(self.history.stopped, self.history.message)
        self.history.seconds = time.monotonic() - self._began
        yield Finished(self.history)

    def _all_epochs(self) -> Iterator[Event]:
        while not self._over():
            rates = self._rates()
            yield from self._epoch(rates)
            if self.history.stopped:
                return
            self._look()
            if self._is_finite():
                yield self._end_epoch(float(rates[-1]))

    def _rates(self) -> Array:
        """The learning rates of the coming epoch."""
        s, count = self._settings, self._per_epoch
        factors = self._factors(self.steps, count, count, s.max_steps, self.history.cost)
        return s.optimizer.learning_rate * factors

    def _epoch(self, rates: Array) -> Iterator[Event]:
        """The updates of an epoch; without examples the one whose gradient has been looked at."""
        epoch = self.history.epochs
        if self.problem.examples is None or self._settings.optimizer.line_search:
            yield from self._whole_epoch(epoch, float(rates[0]))
            return None
        m, order = self._settings.batch_size, epoch_order(self._settings.seed, epoch, np.arange(self._rows))
        for k in range(min(self._per_epoch, self._settings.max_steps - self.steps)):
            if self._cancel():
                return self._stop(CANCELLED)
            cost, gradient = self.problem(self._v, order[k * m : (k + 1) * m])
            if not (math.isfinite(cost) and np.isfinite(gradient).all()):
                return self._stop(NOT_FINITE)
            if k:
                self.path.add(self.steps, self._v, cost)
            self._update(gradient, rates[k])
            yield from self._progress(epoch, k + 1, cost, rates[k])
        return None

    def _update(self, gradient: Array, eta: float) -> None:
        s = self._settings
        self.steps += 1
        with np.errstate(all="ignore"):  # what overflows is looked at next
            g = s.clip.apply(gradient)
            self._v, self._slots = s.optimizer.update(self._v, g, self._slots, float(eta), self.steps)

    def _whole_epoch(self, epoch: int, rate: float) -> Iterator[Event]:
        """The one update of an epoch that begins with the gradient that is known, of all examples."""
        assert self.last is not None, "looked first"
        cost = self.last.cost
        if self._settings.optimizer.line_search:
            self._search(self.last)
        else:
            self._update(self.last.gradient, rate)
        if not self.history.stopped:
            yield from self._progress(epoch, 1, cost, rate)

    def _search(self, here: Point) -> None:
        """An update by a line search; the cost falls no further where there is none."""
        s = self._settings
        update = s.optimizer.search(self._evaluate, here, self._slots, self._evaluations, s.tolerance)
        if isinstance(update, Ending):
            return self._stop(STALLED, update)
        self._next, self._slots = update
        self._v, self.steps = self._next.theta, self.steps + 1
        return None

    def _evaluate(self, v: Array) -> tuple[float, Array]:
        self._evaluations += 1
        return self.problem(v)

    def _look(self) -> None:
        """C and dC/dv of all examples here; keeps the place on the path, and where it is the best so far."""
        self.last, self._next = self._next or Point(self._v, *self._evaluate(self._v)), None
        self.path.add(self.steps, self._v, self.last.cost)
        if self._is_finite() and (self.best is None or self.last.cost < self.best.cost):
            self.best = self.last

    def _is_finite(self) -> bool:
        return self.last is not None and math.isfinite(self.last.cost) and bool(np.isfinite(self.last.gradient).all())

    def _over(self) -> bool:
        """Whether to stop here, and why."""
        assert self.last is not None, "looked first"
        if not self._is_finite():
            self._stop(NOT_FINITE)
        elif np.abs(self.last.gradient).max() <= self._settings.tolerance:
            self._stop(CONVERGED)
        elif self._cancel():
            self._stop(CANCELLED)
        return bool(self.history.stopped) or self.steps >= self._settings.max_steps

    def _stop(self, status: int, ending: Ending | None = None) -> None:
        history, steps = self.history, self._taken()
        self.status = status
        if status == NOT_FINITE:
            rate = self._settings.optimizer.learning_rate
            cure = f"try a learning rate smaller than {rate:g}" if self.steps else "start elsewhere"
            history.stopped, history.message = (
                "diverged",
                f"the cost or its gradient is not finite after {steps}: {cure}",
            )
        elif status == CANCELLED:
            history.stopped, history.message = "cancelled", f"cancelled after {steps}: {self._slope()}"
        elif status == CONVERGED:
            history.stopped, history.message = "converged", f"converged after {steps}: {self._slope()}"
        elif ending is not None and ending.reason == "evaluations":
            history.stopped, history.message = "evaluations", f"{ending.message}, in {steps}: {self._slope()}"
        else:
            history.stopped = "converged"
            history.message = f"the cost falls no further after {steps}: {self._slope()}"

    def _taken(self) -> str:
        return f"{self.steps:,} step{'s' * (self.steps != 1)}"

    def _slope(self) -> str:
        point = self.last if self.status in (CONVERGED, STALLED) else self.best
        if point is None:
            return "there is no gradient"
        largest, tolerance = np.abs(point.gradient).max(), self._settings.tolerance
        sign = "≤" if largest <= tolerance else ">"
        return f"max|dC/dv| is {largest:.2g} {sign} {tolerance:g}"

    def _end_epoch(self, rate: float) -> EpochEnd:
        assert self.last is not None
        epoch, history, cost = self.history.epochs, self.history, self.last.cost
        best = self.best is self.last
        history.cost.append(cost)
        history.rate.append(rate)
        history.best_epoch = epoch if best else history.best_epoch
        return EpochEnd(epoch, cost, {}, None, best, time.monotonic() - self._began)

    def _progress(self, epoch: int, batch: int, cost: float, rate: float) -> Iterator[Progress]:
        """An event now and then; no bit depends on it."""
        now = time.monotonic()
        if now - self._told >= GLANCE:
            self._told = now
            yield Progress(epoch, batch, self._per_epoch, cost, float(rate), now - self._began)
