"""The loop over epochs: cuts them into calls of an engine, closes them, and knows at any time where it is."""

import dataclasses
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Literal, Protocol, Self

import numpy as np

from chainrule.arrays import Array, exact_sum
from chainrule.engines import Engine, RunState
from chainrule.errors import SettingError
from chainrule.examples import Examples, epoch_order
from chainrule.network import Network
from chainrule.settings import TrainingSettings
from chainrule.training.diagnosis.divergence import explanation
from chainrule.training.events import EpochEnd, Event, Finished, Gains, History, Progress, Reason, Started, Stopped
from chainrule.training.monitor import Monitor
from chainrule.training.probe import most_rows, probe_data, probe_layers, sample

__all__ = ["Training", "TrainingState"]

GLANCE = 0.1  # seconds between two looks at the caller; calls of the engine are cut to about this
SCORED = 1024  # rows trained on that the metrics are taken on while somebody looks
LOOK = 4096  # rows that are looked at to explain a divergence


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """Exactly where a training is between two updates: going on from here gives the bits of never having stopped.

    `epoch` (from 0) is in progress and `costs` are those of its batches so far; `run` has theta, slots and the number
    of updates; `kept` are the weights to go back to. What a schedule or patience has seen is in the history.
    """

    epoch: int
    costs: Array
    run: RunState
    kept: Array
    history: History


class Keeper(Protocol):
    """Sees every event of a training before it is handed out, and saves its state when it likes."""

    def saw(self, training: "Training", event: Event) -> None:
        """Look at an event, and at the training's state."""

    def save(self, state: TrainingState) -> None:
        """Save a state, unless it or a later one is saved."""


class Training(Iterator[Event]):
    """A training in progress: an iterator of events, with its `state` and its `history` so far.

    `net`, `examples`, `settings` (settled), `engine`, `validation`, `monitor`, `divisor` (S) and `feature_names` are
    what it was started with; `notes` are lines to read, `keeper` saves its state, `probed` are the rows that the
    training doctor's probe takes, in which it searches copies of a target if `search_leaks`.
    """

    def __init__(
        self,
        net: Network,
        examples: Examples,
        settings: TrainingSettings,
        engine: Engine,
        *,
        validation: Examples | None,
        monitor: Monitor,
        divisor: float,
        feature_names: Sequence[str] | None = None,
        cancel: Callable[[], bool] | None = None,
        search_leaks: bool = True,
    ) -> None:
        self.net, self.examples, self.settings, self.engine = net, examples, settings, engine
        self.validation, self.monitor, self.divisor = validation, monitor, divisor
        self.feature_names, self._cancel = feature_names, cancel or (lambda: False)
        self._search_leaks = search_leaks
        self._began, self._per_call = time.monotonic(), 1
        self._chooses = validation is not None and monitor.name != "training"  # whether the best weights come back
        self._batches = -(-len(examples.rows) // settings.batch_size)
        self.history = History(
            cost=[],
            validation=[],
            metrics={name: [] for name in monitor.metrics},
            seed=settings.seed or 0,
            engine=engine.name,
            monitor=monitor.name,
            mode=monitor.mode or "min",
        )
        self._epoch, self._costs, self._kept, self._last_rate = 0, np.empty(0), net.theta.copy(), 0.0
        self._factors, self._gains = settings.schedule.follow(), Gains(settings.min_delta)
        self.probed = sample(examples.rows, most_rows(net.architecture, examples.X.dtype))
        self._run = engine.start(net.architecture, net.theta, settings, divisor)
        self._last: TrainingState | None = None
        self.keeper: Keeper | None = None
        self.notes: list[str] = []
        self._events = self._all_events()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        event = next(self._events)
        if self.keeper is not None:
            self.keeper.saw(self, event)
        return event

    def close(self) -> None:
        """End it here: no more events come, and the network keeps its current weights."""
        self._events.close()

    @property
    def state(self) -> TrainingState:
        """A copy of where training is; after Finished, where it was before the best weights came back."""
        if self._last is not None:
            return self._last
        history = self.history.copy()
        return TrainingState(self._epoch, self._costs.copy(), self._run.state, self._kept.copy(), history)

    def scores(self) -> dict[str, float]:
        """The metrics on some of the rows trained on, by the weights as they are now; no bit depends on it."""
        net, rows = self.net, sample(self.examples.rows, SCORED)
        A = self.engine.predict(net.architecture, net.theta, self.examples.X[rows])
        return {name: float(metric(A, self.examples.T[rows])) for name, metric in self.monitor.metrics.items()}

    def go_to(self, state: TrainingState) -> None:
        """Before its first event: put it where another training with the same data and settings was."""
        same = (state.kept.shape, state.history.seed) == (self._kept.shape, self.settings.seed)
        if not same or len(state.costs) > self._batches:
            raise SettingError("the state is of another network, seed or data: go on with those that it came from")
        before, now = ((h.monitor, h.mode, [*h.metrics]) for h in (state.history, self.history))
        if before != now:
            raise SettingError(f"the state is of a training with other metrics or another monitor: {before}, not {now}")
        self._run.state = state.run
        self._epoch, self._costs, self._kept = state.epoch, state.costs.copy(), state.kept.copy()
        begun = {name: values for name, values in state.history.probes.items() if name.startswith("start")}
        self.history = dataclasses.replace(state.history.copy(), stopped="", message="", probes=begun)

    def _all_events(self) -> Generator[Event, None, None]:
        rows, epochs = len(self.examples.rows), self.settings.epochs
        yield Started(rows, self._batches, epochs, self.engine.name, self.history.seed, tuple(self.notes))
        self._look_first()
        yield from self._all_epochs(epochs)
        self._last = self.state
        if self.history.stopped == "diverged" or (self._chooses and self.history.best_epoch >= 0):
            self.net.theta[...] = self._kept
        self.look_back()
        self.history.seconds += time.monotonic() - self._began
        yield Finished(self.history)

    def look_back(self, theta: Array | None = None) -> None:
        """Look at some rows trained on with the weights theta that are left, those of now if None, for `diagnose`.

        It is done before Finished; who leaves the loop before that may ask for it.
        """
        self._look("end", self.net.theta if theta is None else theta)

    def _look_first(self) -> None:
        """The same before the first update, and at the data."""
        if self._epoch or len(self._costs):
            return
        self._look("start", self.net.theta)
        if self.settings.probe:
            a, (X, T, *_), rows = self.net.architecture, self.examples, self.probed
            found = probe_data(a, X[rows], T[rows], self._search_leaks)
            found |= {"rate": [float(self.settings.optimizer.learning_rate)]}
            found |= {"dropout": list(self.settings.dropout)} if any(self.settings.dropout) else {}
            self.history.probes |= {f"start {name}": values for name, values in found.items()}

    def _look(self, when: Literal["start", "end"], theta: Array) -> None:
        if self.settings.probe:
            s, (X, T, *_), rows = self.settings, self.examples, self.probed
            found = probe_layers(self.net.architecture, theta, X[rows], T[rows])
            found["cost"][0] += self.net.architecture.penalty(self.net.theta, s.alpha, s.l1, self.divisor)
            self.history.probes |= {f"{when} {name}": values for name, values in found.items()}

    def _all_epochs(self, epochs: int) -> Iterator[Event]:
        while self._epoch < epochs and not self.history.stopped:
            if self._out_of_patience():
                self._stop("patience", f"no gain in {self.settings.patience} epochs")
            else:
                yield from self._updates()
            yield Stopped(self.history.stopped, self.history.message) if self.history.stopped else self._end_epoch()

    def _updates(self) -> Iterator[Event]:
        """The updates of the epoch in progress, cut into calls of about GLANCE seconds at borders between batches."""
        rates, first = self._rates(), self.net.theta.copy()
        self._last_rate = float(rates[-1])
        order = epoch_order(self.history.seed, self._epoch, self.examples.rows, self.settings.shuffle)
        while len(self._costs) < self._batches:
            if self._asked_to_stop():
                return None
            begins = not len(self._costs)
            cost = self._call(order, rates)
            if self._run.ended:
                return self._stop(*self._run.ended)
            if begins and not self._chooses and math.isfinite(self._costs[0]):
                self._kept = first  # the weights at the epoch's begin: their cost has just been seen to be finite
            rate = float(rates[len(self._costs) - 1])
            if not math.isfinite(cost):
                return self._diverge("the cost is", rate)
            yield Progress(self._epoch, len(self._costs), self._batches, cost, rate, self._seconds())
        if not (math.isfinite(self._epoch_cost()) and np.isfinite(self.net.theta).all()):
            self._diverge("the weights are", self._last_rate)
        return None

    def _rates(self) -> Array:
        """The learning rate of each update of the epoch in progress, float64."""
        p, eta = self._batches, self.settings.optimizer.learning_rate
        return eta * self._factors(self._epoch * p, p, p, self.settings.epochs * p, self.history.watched)

    def _call(self, order: Array, rates: Array) -> float:
        """One call of the engine; the mean cost of the epoch so far."""
        m, at = self.settings.batch_size, len(self._costs)
        count = min(self._per_call, self._batches - at, max(1, self.examples.rows_at_once // m))
        asked = time.monotonic()
        X, T, weight, rows = self.examples.located(order[at * m : (at + count) * m])
        made = self._run.steps(X, T, weight, rows, rates[at : at + count], self._epoch, at)
        self._costs = np.concatenate([self._costs, made])
        self._pace(len(made), time.monotonic() - asked)
        return self._mean_cost()

    def _pace(self, updates: int, seconds: float) -> None:
        """How many updates the next call makes; no bit depends on it."""
        self._per_call = max(1, min(2 * self._per_call, int(updates * GLANCE / max(seconds, 1e-9))))

    def _mean_cost(self) -> float:
        """sum_k |B_k| c_k / n over the batches so far, where only an epoch's last may be shorter than m."""
        n, m = len(self.examples.rows), self.settings.batch_size
        sizes = np.minimum(m, n - m * np.arange(len(self._costs)))
        with np.errstate(over="ignore"):
            return exact_sum(self._costs * sizes) / max(int(sizes.sum()), 1)

    def _epoch_cost(self) -> float:
        s = self.settings
        return self._mean_cost() + self.net.architecture.penalty(self.net.theta, s.alpha, s.l1, self.divisor)

    def _asked_to_stop(self) -> bool:
        if self._cancel():
            self._stop("cancelled", "cancelled")
        elif self.settings.time is not None and self._seconds() >= self.settings.time:
            self._stop("time", "the time is over")
        return bool(self.history.stopped)

    def _out_of_patience(self) -> bool:
        patience = self.settings.patience
        return patience is not None and self._gains.since(self.history.watched) >= patience

    def _stop(self, reason: Reason, message: str) -> None:
        self.history.stopped, self.history.message = reason, message

    def _diverge(self, what: str, rate: float) -> None:
        rows = self.examples.rows[:LOOK]
        X, T = self.examples.X[rows], self.examples.T[rows]
        self._stop("diverged", explanation(self._epoch, what, rate, X, T, self.feature_names))

    def _end_epoch(self) -> EpochEnd:
        """Close an epoch: its cost, the validation set's, and whether these are the weights to keep."""
        history, cost, (validation, found) = self.history, self._epoch_cost(), self._validate()
        history.cost.append(cost)
        history.rate.append(self._last_rate)
        if validation is not None:
            history.validation.append(validation)
        for name, value in found.items():
            history.metrics[name].append(value)
        best = not self._chooses or self._is_best(history.watched)
        if best:
            history.best_epoch = self._epoch
        if best and self._chooses:
            self._kept = self.net.theta.copy()
        self._epoch, self._costs = self._epoch + 1, np.empty(0)
        return EpochEnd(self._epoch - 1, cost, found, validation, best, self._seconds())

    def _is_best(self, watched: Sequence[float]) -> bool:
        """Whether the last value is below that of the best epoch so far."""
        best = self.history.best_epoch
        return math.isfinite(watched[-1]) and (best < 0 or watched[-1] < watched[best])

    def _validate(self) -> tuple[float | None, dict[str, float]]:
        if self.validation is None:
            return None, {}
        network = self.net.architecture, self.net.theta
        cost = self.validation.cost(partial(self.engine.cost, *network))
        if not self.monitor.metrics:
            return cost, {}
        A, T = self.validation.outputs(partial(self.engine.predict, *network)), self.validation.T
        return cost, {name: float(metric(A, T)) for name, metric in self.monitor.metrics.items()}

    def _seconds(self) -> float:
        return time.monotonic() - self._began
