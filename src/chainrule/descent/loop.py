"""The loop of a descent: evaluate C and dC/dv, stop or update, and report it in the same events as a training."""

import dataclasses
import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Self

import numpy as np

from chainrule.arrays import Array
from chainrule.descent.comparison import check_gradient
from chainrule.descent.curvature import falls_nearby
from chainrule.descent.path import Path
from chainrule.descent.problem import Problem
from chainrule.descent.unbounded import Unbounded
from chainrule.examples import epoch_order
from chainrule.optimizers import Clip, Ending, Optimizer, Point
from chainrule.schedules import Schedule
from chainrule.text import counted
from chainrule.training import EpochEnd, Event, Finished, History, Progress, Started, Stopped
from chainrule.training.history import Reason

__all__ = ["Descent", "Settings"]

PROGRESS_INTERVAL = 0.1  # seconds between two Progress events

CONVERGED, MAX_STEPS, NOT_FINITE, CANCELLED, STALLED, SADDLE, UNBOUNDED = range(7)  # the status of a result

SMALL = 1e-2  # the relative size of a gradient up to which a relative tolerance is advice, not an excuse

COMPARED_ROWS = 2**10  # examples by which a given gradient is compared with differences


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a descent, checked; `batch_size` is 1 where there are no examples."""

    optimizer: Optimizer
    schedule: Schedule
    clip: Clip
    tolerance: float
    relative_tolerance: float
    max_steps: int
    batch_size: int
    seed: int


class Descent(Iterator[Event]):
    """A running descent: an iterator of events, with the current `v`, `path`, `best` and `history`.

    An epoch is one update, or with examples one pass over them in a new order; `history.cost` has C over all examples
    at the end of each epoch. `history.stopped` is "converged" where the gradient is small enough or C no longer falls,
    "diverged" where C or dC/dv is not finite or C falls without bound, "cancelled", or "" after max_steps; `status`
    distinguishes all cases.
    """

    def __init__(self, problem: Problem, settings: Settings, cancel: Callable[[], bool] | None = None) -> None:
        self.problem, self._settings, self._cancel = problem, settings, cancel or (lambda: False)
        self._rows = 1 if problem.examples is None else problem.examples
        self._per_epoch = -(-self._rows // settings.batch_size)
        self._v = problem.arguments.start
        self._slots = (np.zeros_like(self._v),) * settings.optimizer.slots
        self._factors = settings.schedule.follow()
        self.path, self.steps, self.status = Path.of_points(len(self._v)), 0, MAX_STEPS
        self.history = History([], [], {}, settings.seed, problem.how)
        self.best: Point | None = None
        self.last: Point | None = None
        self._falls_unbounded: Unbounded | None = None  # from the starting point on
        self._next: Point | None = None  # the point that a line search reached, with its cost and gradient
        self._evaluations = 0
        self._began = self._last_progress = time.monotonic()
        self._events = self._all_events()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """End the descent; no more events follow."""
        self._events.close()

    @property
    def v(self) -> Any:
        """The current point, in the form of v0."""
        return self.problem.arguments.split(self._v.copy())

    def _all_events(self) -> Generator[Event, None, None]:
        s = self._settings
        epochs = -(-s.max_steps // self._per_epoch)
        yield Started(self._rows, self._per_epoch, epochs, self.history.engine, s.seed)
        self._evaluate_here()
        self._compare_gradient()
        yield from self._all_epochs()
        if not self.history.stopped:
            self.history.message = f"not converged after {self._step_count()}: {self._gradient_size()}"
        else:
            yield Stopped(self.history.stopped, self.history.message)
        self.history.seconds = time.monotonic() - self._began
        yield Finished(self.history)

    def _all_epochs(self) -> Iterator[Event]:
        while not self._should_end():
            rates = self._rates()
            yield from self._epoch(rates)
            if self.history.stopped:
                return
            self._evaluate_here()
            if self._is_finite():
                yield self._end_epoch(float(rates[-1]))

    def _rates(self) -> Array:
        """The learning rates of the next epoch."""
        s, count = self._settings, self._per_epoch
        factors = self._factors(self.steps, count, count, s.max_steps, self.history.cost)
        return s.optimizer.learning_rate * factors

    def _epoch(self, rates: Array) -> Iterator[Event]:
        """The updates of an epoch; without examples one update, with the gradient that is already computed."""
        epoch = self.history.epochs
        if self.problem.examples is None or self._settings.optimizer.line_search:
            yield from self._whole_epoch(epoch, float(rates[0]))
            return None
        m, order = self._settings.batch_size, epoch_order(self._settings.seed, epoch, np.arange(self._rows))
        for k in range(min(self._per_epoch, self._settings.max_steps - self.steps)):
            if self._cancel():
                return self._stop(CANCELLED)
            cost, gradient = self.problem(self._gradient_at, order[k * m : (k + 1) * m])
            if not (math.isfinite(cost) and np.isfinite(gradient).all()):
                return self._stop(NOT_FINITE)
            if k:
                self.path.add(self.steps, self._v, cost)
            self._update(gradient, rates[k])
            yield from self._progress(epoch, k + 1, cost, rates[k])
        return None

    @property
    def _gradient_at(self) -> Array:
        """Where the rule takes the gradient: for most rules at v."""
        return self._settings.optimizer.gradient_at(self._v, self._slots)

    def _update(self, gradient: Array, eta: float) -> None:
        s = self._settings
        self.steps += 1
        with np.errstate(all="ignore"):  # an overflow is noticed at the next evaluation
            g = s.clip.apply(gradient)
            self._v, self._slots = s.optimizer.update(self._v, g, self._slots, float(eta), self.steps)

    def _whole_epoch(self, epoch: int, rate: float) -> Iterator[Event]:
        """The only update of an epoch that starts with the gradient of all examples, which is already computed."""
        assert self.last is not None, "evaluated before"
        cost = self.last.cost
        if self._settings.optimizer.line_search:
            self._search(self.last)
        else:
            at = self._gradient_at
            self._update(self.last.gradient if at is self._v else self._evaluate(at)[1], rate)
        if not self.history.stopped:
            yield from self._progress(epoch, 1, cost, rate)

    def _search(self, here: Point) -> None:
        """An update by a line search; where the search finds no step, the cost no longer falls."""
        s = self._settings
        update = s.optimizer.search(self._evaluate, here, self._slots, self._evaluations, s.tolerance)
        if isinstance(update, Ending):
            if not update.is_precise:
                return self._stop(STALLED, update)
            return self._stop(SADDLE if self._falls_nearby() else CONVERGED, update)
        self._next, self._slots = update
        self._v, self.steps = self._next.theta, self.steps + 1
        return None

    def _evaluate(self, v: Array) -> tuple[float, Array]:
        self._evaluations += 1
        return self.problem(v)

    def _evaluate_here(self) -> None:
        """Compute C and dC/dv of all examples at v; add the point to the path, and keep it if it is the best so far."""
        self.last, self._next = self._next or Point(self._v, *self._evaluate(self._v)), None
        self.path.add(self.steps, self._v, self.last.cost)
        if self._is_finite() and (self.best is None or self.last.cost < self.best.cost):
            self.best = self.last

    def _compare_gradient(self) -> None:
        """Raise SettingError where the user gives a gradient that is wrong at the start."""
        problem, here = self.problem, self.last
        if not (problem.is_given and self._is_finite()) or here is None:
            return
        rows = None if problem.examples is None else np.arange(min(problem.examples, COMPARED_ROWS))
        if rows is not None and len(rows) < self._rows:
            here = Point(self._v, *problem(self._v, rows))

        def cost(v: Array) -> float:
            problem.nfev += 1
            return problem.value(v, rows)

        check_gradient(cost, here, problem.name)

    def _is_finite(self) -> bool:
        return self.last is not None and math.isfinite(self.last.cost) and bool(np.isfinite(self.last.gradient).all())

    def _should_end(self) -> bool:
        """Whether the descent ends here; `history.stopped` gets the reason, if it is not max_steps."""
        assert self.last is not None, "evaluated before"
        if not self._is_finite():
            self._stop(NOT_FINITE)
        elif self._is_unbounded(self.last):
            self._stop(UNBOUNDED)
        elif self._is_flat(self.last):
            self._stop(SADDLE if self._falls_nearby() else CONVERGED)
        elif self._cancel():
            self._stop(CANCELLED)
        return bool(self.history.stopped) or self.steps >= self._settings.max_steps

    def _falls_nearby(self) -> bool:
        return falls_nearby(lambda v: self.problem(v)[1], self._v)

    def _is_unbounded(self, here: Point) -> bool:
        if self._falls_unbounded is None:
            self._falls_unbounded = Unbounded(here)
            return False
        return self._falls_unbounded(here)

    def _is_flat(self, here: Point) -> bool:
        """Whether every element of |dC/dv| is within the tolerance, or within the relative one."""
        if np.abs(here.gradient).max() <= self._settings.tolerance:
            return True
        return 0 < self._relative_size(here) <= self._settings.relative_tolerance

    @staticmethod
    def _relative_size(here: Point) -> float:
        """max_k |dC/dv_k| max(|v_k|, 1) / |C|: the share by which C changes if one v_k changes by its size."""
        with np.errstate(over="ignore"):
            largest = float((np.abs(here.gradient) * np.maximum(np.abs(here.theta), 1.0)).max())
        return largest / abs(here.cost) if here.cost else math.inf

    def _stop(self, status: int, ending: Ending | None = None) -> None:
        self.status = status
        self.history.stopped, self.history.message = self._reason(f"after {self._step_count()}", ending)

    def _reason(self, after: str, ending: Ending | None) -> tuple[Reason, str]:
        """Why the descent ends, for programs and in words."""
        if self.status == NOT_FINITE:
            rule = self._settings.optimizer
            smaller = self.steps and not rule.line_search
            advice = f"try a learning rate smaller than {rule.learning_rate:g}" if smaller else "start at another point"
            return "diverged", f"the cost or its gradient is not finite {after}: {advice}"
        size = self._gradient_size()
        if self.status == CANCELLED:
            return "cancelled", f"cancelled {after}: {size}"
        if self.status == UNBOUNDED:
            return "diverged", f"the cost falls without bound {after}: {self._extent()}"
        if self.status == CONVERGED and ending is not None:
            rounding = "a further step would change less than rounding does"
            return "converged", f"converged {after} to the precision of the arithmetic: {size}, but {rounding}"
        if self.status == CONVERGED:
            return "converged", f"converged {after}: {size}"
        if self.status == SADDLE:
            words = f"a saddle point or a maximum {after}: {size}, but the cost falls on both sides"
            return "converged", f"{words}: start at another point"
        if ending is not None and ending.reason == "evaluations":
            return "evaluations", f"{ending.message}, in {self._step_count()}: {size}"
        if ending is not None and ending.at_border:
            words = f"the cost is not finite at the points after this one, in {self._step_count()}: {size}"
            return "converged", f"{words}; start at another point, or try adam"
        return "converged", f"the cost no longer falls {after}: {size}{self._advice()}"

    def _advice(self) -> str:
        """The relative tolerance that would accept the last point, if its gradient is small."""
        assert self.last is not None, "evaluated before"
        size = self._relative_size(self.last)
        if not 0 < size <= SMALL:
            return ""
        return f"; a relative_tolerance of {10.0 ** math.ceil(math.log10(size)):g} would accept this point"

    def _extent(self) -> str:
        """How far a cost without bound has fallen."""
        assert self.last is not None, "evaluated before"
        assert self._falls_unbounded is not None, "which has said so"
        step = self._falls_unbounded.step
        return f"a step of {step:.2g} still lowered it to {self.last.cost:.2g}; check the sign of f, or its domain"

    def _step_count(self) -> str:
        return counted(self.steps, "step")

    def _gradient_size(self) -> str:
        point = self.last if self.status in (CONVERGED, STALLED, SADDLE) else self.best
        if point is None:
            return "there is no gradient"
        largest, tolerance = np.abs(point.gradient).max(), self._settings.tolerance
        relative = self._settings.relative_tolerance
        if self.status in (CONVERGED, SADDLE) and tolerance < largest and self._relative_size(point) <= relative:
            return f"max|dC/dv| is {largest:.2g}, {self._relative_size(point):.2g} ≤ {relative:g} of the cost"
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
        """A Progress event every `PROGRESS_INTERVAL` seconds; it changes no bit of the result."""
        now = time.monotonic()
        if now - self._last_progress >= PROGRESS_INTERVAL:
            self._last_progress = now
            yield Progress(epoch, batch, self._per_epoch, cost, float(rate), now - self._began)
