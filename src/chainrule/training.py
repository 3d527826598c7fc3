"""Training: an iterator of events, which whoever runs it reads, shows and may leave at any time.

The weights of the network are current whenever an event is seen. Leaving the loop leaves them so; only `Finished`
brings back the best ones, where a validation set says which those are.
"""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array, exact_sum
from chainrule.data.examples import Examples, as_examples, epoch_order
from chainrule.engines import Engine, Run, RunSettings, choose
from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Adam, Clip
from chainrule.random import MOST_DROPPED, as_seed
from chainrule.registry import require

__all__ = [
    "CANCELLED",
    "EpochEnd",
    "Event",
    "Finished",
    "History",
    "Progress",
    "Started",
    "Stopped",
    "as_dropout",
    "check_settings",
    "fit",
    "train",
]

Metric = Callable[[Array, Array], float]

CANCELLED = "cancelled"  # what History.stopped says when the caller asked for the end
GLANCE = 0.1  # seconds between two looks at the caller; calls of the engine are cut to about this

_NUMBER = int | float | np.integer | np.floating


@dataclasses.dataclass(frozen=True)
class Started:
    """Training begins: `rows` with weight above 0, `batches` in each of `epochs`."""

    rows: int
    batches: int
    epochs: int
    engine: str
    seed: int


@dataclasses.dataclass(frozen=True)
class Progress:
    """Some updates of an epoch are done: `batch` of `batches`, `cost` the mean so far, `rate` the learning rate now."""

    epoch: int
    batch: int
    batches: int
    cost: float
    rate: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class EpochEnd:
    """An epoch is done: `cost` is that of `History.cost`, `validation` the cost on the validation set, if any."""

    epoch: int
    cost: float
    metrics: Mapping[str, float]
    validation: float | None
    best: bool
    seconds: float


@dataclasses.dataclass(frozen=True)
class Stopped:
    """Training ends before its last epoch, and why, in words."""

    reason: str


@dataclasses.dataclass
class History:
    """What training left: for each finished epoch e its `cost[e]`, `validation[e]` and `metrics[name][e]`.

    cost[e] = sum_k |B_k| c_k / n, each batch's cost before its update, plus the penalty at the epoch's end.
    `best_epoch` (from 0) is the one whose weights the network has; `stopped` says why training ended early, or is "".
    """

    cost: list[float]
    validation: list[float]
    metrics: dict[str, list[float]]
    seed: int
    engine: str
    best_epoch: int = -1
    stopped: str = ""
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.cost)


@dataclasses.dataclass(frozen=True)
class Finished:
    """Training is over and the network has its final weights: the best ones where there is a validation set."""

    history: History


Event = Started | Progress | EpochEnd | Stopped | Finished


def train(
    net: Network,
    X: Any,
    T: Any,
    *,
    optimizer: Any = None,
    batch_size: int | None = 32,
    epochs: int = 10,
    validation: tuple[Any, ...] | None = None,
    sample_weight: Any = None,
    alpha: float = 0.0,
    l1: float = 0.0,
    dropout: Any = 0.0,
    clip: Clip | None = None,
    shuffle: bool = True,
    metrics: Mapping[str, Metric] | None = None,
    engine: str = "auto",
    threads: int | None = None,
    seed: int | None = 0,
    cancel: Callable[[], bool] | None = None,
) -> Iterator[Event]:
    """Train `net` in place, by mini-batch gradient descent on C (see `Network.cost`): an iterator of events.

    T is (n, n_L), or class numbers (n,); sample_weight (n,) or (n, n_L). batch_size: rows of an update, None for all.
    optimizer: `cr.Adam()` if None. validation: (X, T) or (X, T, sample_weight). metrics: functions of (A, T) by
    name, taken on the validation set. alpha, l1: the penalties. dropout: the probability of dropping a neuron of a
    hidden layer, one number or one for each. clip: bounds for the gradient. seed: for order and dropout; None draws
    one. cancel: asked between updates, ends training when it says True.

    Events: Started; Progress about ten times a second; EpochEnd; Stopped if it ends early (cancelled, or the cost
    is no longer finite: then the last good weights are kept); Finished.

    >>> net = cr.Network([1, 1], output="identity", dtype="float64")
    >>> [type(event).__name__ for event in cr.train(net, [[0.0], [1.0]], [[1.0], [3.0]], epochs=1)]
    ['Started', 'Progress', 'EpochEnd', 'Finished']

    Raises DataError, SettingError or EngineError in one line, before anything is trained.
    """
    check_settings(batch_size, epochs, alpha, l1)
    require(clip is None or isinstance(clip, Clip), "clip", clip, "a Clip, such as cr.Clip(norm=1.0), or None")
    if metrics and validation is None:
        raise SettingError("metrics are taken on the validation set: give validation=(X, T) too")
    rule = OPTIMIZERS.get(Adam() if optimizer is None else optimizer)
    examples = as_examples(net.architecture, X, T, sample_weight, net.dtype)
    settings = RunSettings(
        optimizer=rule,
        batch_size=min(int(batch_size or len(examples.rows)), len(examples.rows)),
        divisor=examples.total,
        alpha=float(alpha),
        l1=float(l1),
        dropout=as_dropout(dropout, len(net.sizes) - 2),
        clip=clip,
        threads=threads,
        seed=as_seed(seed),
    )
    held = None if validation is None else _validation(net, validation)
    chosen = choose(engine, net.architecture, settings)
    trainer = _Trainer(net, examples, settings, chosen, held, dict(metrics or {}), cancel or (lambda: False))
    return trainer.events(epochs, shuffle)


def fit(net: Network, X: Any, T: Any, **settings: Any) -> History:
    """The same as `train`, run to its end: returns its History.

    >>> cr.fit(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=3).epochs
    3
    """
    for event in train(net, X, T, **settings):
        if isinstance(event, Finished):
            return event.history
    raise AssertionError("training ends with Finished")


class _Trainer:
    """One training run: the engine's run, the history so far, and the weights to go back to."""

    def __init__(
        self,
        net: Network,
        examples: Examples,
        settings: RunSettings,
        engine: Engine,
        held: Examples | None,
        metrics: dict[str, Metric],
        cancel: Callable[[], bool],
    ) -> None:
        self.net, self.examples, self.settings, self.held = net, examples, settings, held
        self.metrics, self.cancel, self.engine = metrics, cancel, engine
        self.history = History([], [], {name: [] for name in metrics}, settings.seed, engine.name)
        self.kept = net.theta.copy()
        self.began = time.monotonic()
        self.per_call = 1
        self.epoch_cost = math.nan
        self.diverged = False

    def events(self, epochs: int, shuffle: bool) -> Iterator[Event]:
        """All events of the run."""
        rows, m = self.examples.rows, self.settings.batch_size
        yield Started(len(rows), -(-len(rows) // m), epochs, self.engine.name, self.settings.seed)
        run = self.engine.start(self.net.architecture, self.net.theta, self.settings)
        for epoch in range(epochs):
            yield from self._epoch(run, epoch, epoch_order(self.settings.seed, epoch, rows, shuffle))
            if self.history.stopped:
                yield Stopped(self.history.stopped)
                break
            yield self._end(epoch)
        if self.diverged or (self.held is not None and self.history.best_epoch >= 0):
            self.net.theta[...] = self.kept
        self.history.seconds = time.monotonic() - self.began
        yield Finished(self.history)

    def _epoch(self, run: Run, epoch: int, order: Array) -> Iterator[Event]:
        """The updates of one epoch, cut into calls of about GLANCE seconds at borders between batches."""
        m, (X, T, weight, _, _) = self.settings.batch_size, self.examples
        rate = self.settings.optimizer.learning_rate
        batches = -(-len(order) // m)
        costs = np.empty(batches)
        at = 0
        while at < batches:
            if self.cancel():
                self.history.stopped = CANCELLED
                return
            count = min(self.per_call, batches - at)
            asked = time.monotonic()
            part = run.steps(X, T, weight, order[at * m : (at + count) * m], np.full(count, rate), epoch, at)
            self._pace(len(part), time.monotonic() - asked)
            costs[at : at + len(part)] = part
            at += len(part)
            cost = _mean_cost(costs[:at], m, min(at * m, len(order)))
            if not math.isfinite(cost):
                self._diverge("the cost is", epoch)
                return
            yield Progress(epoch, at, batches, cost, rate, time.monotonic() - self.began)
        s = self.settings
        self.epoch_cost = cost + self.net.penalty(s.alpha, s.l1, s.divisor)
        if not (math.isfinite(self.epoch_cost) and np.isfinite(self.net.theta).all()):
            self._diverge("the weights are", epoch)

    def _diverge(self, what: str, epoch: int) -> None:
        """End training: the weights go back to the last good ones."""
        self.diverged = True
        self.history.stopped = f"{what} no longer finite in epoch {epoch + 1}: try a smaller learning rate"

    def _pace(self, updates: int, seconds: float) -> None:
        """How many updates the next call makes; no bit depends on it."""
        self.per_call = max(1, min(2 * self.per_call, int(updates * GLANCE / max(seconds, 1e-9))))

    def _end(self, epoch: int) -> EpochEnd:
        """Close an epoch: its cost, the validation set's, and whether these are the weights to keep."""
        validation, found = self._validate()
        so_far = filter(math.isfinite, self.history.validation)
        best = validation is None or validation < min(so_far, default=math.inf)
        self.history.cost.append(self.epoch_cost)
        if validation is not None:
            self.history.validation.append(validation)
        for name, value in found.items():
            self.history.metrics[name].append(value)
        if best:
            self.kept[...] = self.net.theta
            self.history.best_epoch = epoch
        return EpochEnd(epoch, self.epoch_cost, found, validation, best, time.monotonic() - self.began)

    def _validate(self) -> tuple[float | None, dict[str, float]]:
        if self.held is None:
            return None, {}
        net, (X, T, weight, *_) = self.net, self.held
        cost = self.engine.cost(net.architecture, net.theta, X, T, weight)
        A = self.engine.predict(net.architecture, net.theta, X) if self.metrics else X
        return cost, {name: float(metric(A, T)) for name, metric in self.metrics.items()}


def _mean_cost(costs: Array, m: int, rows: int) -> float:
    """sum_k |B_k| c_k / n over the batches so far, where only the last may be shorter than m."""
    sizes = np.full(len(costs), m)
    sizes[-1] = rows - m * (len(costs) - 1)
    with np.errstate(over="ignore"):
        return exact_sum(costs * sizes) / rows


def check_settings(batch_size: Any, epochs: Any, alpha: float, l1: float) -> None:
    """Raise a SettingError for settings that no training could have."""
    whole = batch_size is None or _is_count(batch_size)
    require(whole, "batch_size", batch_size, "a whole number from 1, or None for all rows")
    require(_is_count(epochs), "epochs", epochs, "a whole number from 1")
    for name, value in {"alpha": alpha, "l1": l1}.items():
        require(isinstance(value, _NUMBER) and 0 <= value < math.inf, name, value, "a number from 0")


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1


def as_dropout(dropout: Any, hidden: int) -> tuple[float, ...]:
    """The probability of dropping a neuron for each hidden layer, from one number or one for each."""
    given = list(dropout) if isinstance(dropout, list | tuple) else [dropout] * hidden
    if len(given) != hidden:
        raise SettingError(f"{len(given)} dropout probabilities came for {hidden} hidden layers: give one for each")
    for p in given:
        require(isinstance(p, _NUMBER) and 0 <= float(p) <= MOST_DROPPED, "dropout", p, f"from 0 to {MOST_DROPPED}")
    return tuple(float(p) for p in given)


def _validation(net: Network, validation: tuple[Any, ...]) -> Examples:
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise SettingError("validation must be (X, T) or (X, T, sample_weight)")
    X, T, *weight = validation
    return as_examples(net.architecture, X, T, weight[0] if weight else None, net.dtype).present()
