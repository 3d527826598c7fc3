"""The loop over epochs: cuts them into calls of an engine, closes them, and knows at any time where it is."""

import copy
import dataclasses
import math
import time
from collections.abc import Callable, Generator, Iterator
from typing import Self

import numpy as np

from chainrule.arrays import Array, exact_sum
from chainrule.data.examples import Examples, epoch_order
from chainrule.engines import Engine, RunSettings, RunState
from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.training.events import EpochEnd, Event, Finished, History, Progress, Reason, Started, Stopped

__all__ = ["Metric", "Training", "TrainingState"]

Metric = Callable[[Array, Array], float]

GLANCE = 0.1  # seconds between two looks at the caller; calls of the engine are cut to about this


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """Exactly where a training is between two updates: going on from here gives the bits of never having stopped.

    `epoch` (from 0) is in progress and `costs` are those of its batches so far; `run` has theta, slots and the number
    of updates; `kept` are the weights to go back to.
    """

    epoch: int
    costs: Array
    run: RunState
    kept: Array
    history: History


class Training(Iterator[Event]):
    """A training in progress: an iterator of events, with its `state` and its `history` so far."""

    def __init__(
        self,
        net: Network,
        examples: Examples,
        settings: RunSettings,
        engine: Engine,
        epochs: int,
        shuffle: bool,
        held: Examples | None,
        metrics: dict[str, Metric],
        cancel: Callable[[], bool] | None,
        state: TrainingState | None,
    ) -> None:
        self._net, self._examples, self._settings, self._engine = net, examples, settings, engine
        self._epochs, self._shuffle, self._held, self._metrics = epochs, shuffle, held, metrics
        self._cancel = cancel or (lambda: False)
        self._began, self._per_call = time.monotonic(), 1
        self._batches = -(-len(examples.rows) // settings.batch_size)
        self.history = History([], [], {name: [] for name in metrics}, settings.seed, engine.name)
        self._epoch, self._costs, self._kept = 0, np.empty(0), net.theta.copy()
        self._run = engine.start(net.architecture, net.theta, settings)
        self._last: TrainingState | None = None
        if state is not None:
            self._go_to(state)
        self._events = self._all_events()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """End it here: no more events come, and the network keeps its current weights."""
        self._events.close()

    @property
    def state(self) -> TrainingState:
        """A copy of where training is; after Finished, where it was before the best weights came back."""
        if self._last is not None:
            return self._last
        history = copy.deepcopy(self.history)
        return TrainingState(self._epoch, self._costs.copy(), self._run.state, self._kept.copy(), history)

    def _go_to(self, state: TrainingState) -> None:
        if (state.kept.shape, state.history.seed) != (self._kept.shape, self._settings.seed):
            raise SettingError("the state is of another network or another seed: go on with those that it came from")
        self._run.state = state.run
        self._epoch, self._costs, self._kept = state.epoch, state.costs.copy(), state.kept.copy()
        self.history = dataclasses.replace(copy.deepcopy(state.history), stopped="", message="")

    def _all_events(self) -> Generator[Event, None, None]:
        settings = self._settings
        yield Started(len(self._examples.rows), self._batches, self._epochs, self._engine.name, settings.seed)
        while self._epoch < self._epochs and not self.history.stopped:
            yield from self._updates()
            yield Stopped(self.history.stopped, self.history.message) if self.history.stopped else self._end_epoch()
        self._last = self.state
        if self.history.stopped == "diverged" or (self._held is not None and self.history.best_epoch >= 0):
            self._net.theta[...] = self._kept
        self.history.seconds += time.monotonic() - self._began
        yield Finished(self.history)

    def _updates(self) -> Iterator[Event]:
        """The updates of the epoch in progress, cut into calls of about GLANCE seconds at borders between batches."""
        rate, first = self._settings.optimizer.learning_rate, self._net.theta.copy()
        order = epoch_order(self._settings.seed, self._epoch, self._examples.rows, self._shuffle)
        while len(self._costs) < self._batches:
            if self._cancel():
                return self._stop("cancelled", "cancelled")
            begins = not len(self._costs)
            cost = self._call(order, rate)
            if begins and self._held is None and math.isfinite(self._costs[0]):
                self._kept = first  # the weights at the epoch's begin: their cost has just been seen to be finite
            if not math.isfinite(cost):
                return self._diverge("the cost is")
            yield Progress(self._epoch, len(self._costs), self._batches, cost, rate, self._seconds())
        if not (math.isfinite(self._epoch_cost()) and np.isfinite(self._net.theta).all()):
            self._diverge("the weights are")
        return None

    def _call(self, order: Array, rate: float) -> float:
        """One call of the engine; the mean cost of the epoch so far."""
        (X, T, weight, *_), m, at = self._examples, self._settings.batch_size, len(self._costs)
        count = min(self._per_call, self._batches - at)
        asked = time.monotonic()
        rows = order[at * m : (at + count) * m]
        made = self._run.steps(X, T, weight, rows, np.full(count, rate), self._epoch, at)
        self._costs = np.concatenate([self._costs, made])
        self._pace(len(made), time.monotonic() - asked)
        return self._mean_cost()

    def _pace(self, updates: int, seconds: float) -> None:
        """How many updates the next call makes; no bit depends on it."""
        self._per_call = max(1, min(2 * self._per_call, int(updates * GLANCE / max(seconds, 1e-9))))

    def _mean_cost(self) -> float:
        """sum_k |B_k| c_k / n over the batches so far, where only an epoch's last may be shorter than m."""
        n, m = len(self._examples.rows), self._settings.batch_size
        sizes = np.minimum(m, n - m * np.arange(len(self._costs)))
        with np.errstate(over="ignore"):
            return exact_sum(self._costs * sizes) / int(sizes.sum())

    def _epoch_cost(self) -> float:
        s = self._settings
        return self._mean_cost() + self._net.penalty(s.alpha, s.l1, s.divisor)

    def _stop(self, reason: Reason, message: str) -> None:
        self.history.stopped, self.history.message = reason, message

    def _diverge(self, what: str) -> None:
        words = f"{what} no longer finite in epoch {self._epoch + 1}"
        self._stop("diverged", f"{words}, the last good weights are kept: try a smaller learning rate")

    def _end_epoch(self) -> EpochEnd:
        """Close an epoch: its cost, the validation set's, and whether these are the weights to keep."""
        cost, (validation, found) = self._epoch_cost(), self._validate()
        so_far = filter(math.isfinite, self.history.validation)
        best = validation is None or validation < min(so_far, default=math.inf)
        self.history.cost.append(cost)
        if validation is not None:
            self.history.validation.append(validation)
        for name, value in found.items():
            self.history.metrics[name].append(value)
        if best:
            self.history.best_epoch = self._epoch
        if best and self._held is not None:
            self._kept = self._net.theta.copy()
        self._epoch, self._costs = self._epoch + 1, np.empty(0)
        return EpochEnd(self._epoch - 1, cost, found, validation, best, self._seconds())

    def _validate(self) -> tuple[float | None, dict[str, float]]:
        if self._held is None:
            return None, {}
        net, (X, T, weight, *_) = self._net, self._held
        cost = self._engine.cost(net.architecture, net.theta, X, T, weight)
        if not self._metrics:
            return cost, {}
        A = self._engine.predict(net.architecture, net.theta, X)
        return cost, {name: float(metric(A, T)) for name, metric in self._metrics.items()}

    def _seconds(self) -> float:
        return time.monotonic() - self._began
