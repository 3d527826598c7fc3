"""What training tells: frozen events while it runs, and the history that it leaves."""

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from chainrule.training.diagnosis import Finding

__all__ = ["EpochEnd", "Event", "Finished", "Gains", "History", "Mode", "Progress", "Reason", "Started", "Stopped"]

Reason = Literal["cancelled", "diverged", "patience", "time", "converged", "evaluations"]
Mode = Literal["min", "max"]


@dataclasses.dataclass(frozen=True)
class Started:
    """Training begins: `rows` with weight above 0, `batches` in each of `epochs`; `notes` are lines to read.

    >>> event = next(cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], batch_size=1, epochs=3))
    >>> event.rows, event.batches, event.epochs
    (2, 2, 3)
    """

    rows: int
    batches: int
    epochs: int
    engine: str
    seed: int
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Progress:
    """Some updates of an epoch are done: `batch` of `batches`, `cost` the mean so far, `rate` the learning rate now.

    About ten come a second, one an epoch at least. `epoch` counts from 0, `seconds` from the begin of training.

    >>> events = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], batch_size=1, epochs=1)
    >>> [(event.epoch, event.batch, event.batches) for event in events if isinstance(event, cr.Progress)][-1]
    (0, 2, 2)
    """

    epoch: int
    batch: int
    batches: int
    cost: float
    rate: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class EpochEnd:
    """An epoch is done: `cost` is that of `History.cost`, `validation` the cost on the validation set, if any.

    `metrics` are those on the validation set by name; `best` says whether no earlier epoch was better. `epoch` counts
    from 0, `seconds` from the begin of training.

    >>> events = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=2)
    >>> [(event.epoch, event.validation) for event in events if isinstance(event, cr.EpochEnd)]
    [(0, None), (1, None)]
    """

    epoch: int
    cost: float
    metrics: Mapping[str, float]
    validation: float | None
    best: bool
    seconds: float


@dataclasses.dataclass(frozen=True)
class Stopped:
    """Training ends before its last epoch: `reason` for programs, `message` for people.

    >>> events = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=9, cancel=lambda: True)
    >>> [event.reason for event in events if isinstance(event, cr.Stopped)]
    ['cancelled']
    """

    reason: Reason
    message: str


@dataclasses.dataclass
class History:
    """What training left: for each finished epoch e its `cost[e]`, `validation[e]`, `metrics[name][e]` and `rate[e]`.

    cost[e] = sum_k |B_k| c_k / n, each batch's cost before its update, plus the penalty at the epoch's end. rate[e] is
    the learning rate of its last update. `best_epoch` (from 0) is the one with the best monitored value on the
    validation set, whose weights the network has: the lowest cost, or the lowest or greatest of the metric `monitor`
    (`mode` min or max). Without a validation set, and where "training" is monitored, the cost in training, it is the
    last finished one. -1: there is none. `stopped` is why training ended early, or "", and `message` says it in words.
    `probes` are numbers of the layers, their errors and the data on some of the training rows, before the first update
    and with the final weights (see `chainrule.training.probe`); `diagnose` says what they mean.

    >>> history = cr.fit(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=5)
    >>> history.cost[-1] < history.cost[0], history.best_epoch, history.rate[-1], history.stopped
    (True, 4, 0.001, '')
    """

    cost: list[float]
    validation: list[float]
    metrics: dict[str, list[float]]
    seed: int
    engine: str
    rate: list[float] = dataclasses.field(default_factory=list)
    monitor: str = "cost"
    mode: Mode = "min"
    best_epoch: int = -1
    stopped: Reason | Literal[""] = ""
    message: str = ""
    seconds: float = 0.0
    probes: dict[str, list[float]] = dataclasses.field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.cost)

    @property
    def watched(self) -> list[float]:
        """The monitored value of each finished epoch, turned so that lower is better.

        >>> History([3.0], [2.5], {"accuracy": [0.75]}, seed=0, engine="", monitor="accuracy", mode="max").watched
        [-0.75]
        """
        if self.monitor in ("cost", "training"):
            return (self.monitor == "cost" and self.validation) or self.cost
        values = self.metrics[self.monitor]
        return values if self.mode == "min" else [-value for value in values]

    def copy(self) -> "History":
        """A history of its own, whose lists no later epoch is added to.

        >>> history = History([3.0], [], {"mae": [0.5]}, seed=0, engine="")
        >>> other = history.copy()
        >>> other.cost.append(2.0)
        >>> history.cost, other == history, other.metrics["mae"] is history.metrics["mae"]
        ([3.0], False, False)
        """
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return History(**{name: _own(value) for name, value in parts.items()})

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A matplotlib Figure of the curves with the best epoch marked; written to `path` (.png, .svg, .pdf) if given.

        Raises SettingError without matplotlib, which is optional, and for another ending.
        """
        from chainrule.plots import training_figure, write_figure

        figure = training_figure(self)
        if path is not None:
            write_figure(figure, path)
        return figure

    def _repr_html_(self) -> str:
        """The costs as inline SVG, for notebooks."""
        from chainrule.plots import lines_svg

        costs = {"cost": self.cost, "validation": self.validation}
        lines = {name: (range(1, len(values) + 1), values) for name, values in costs.items()}
        return lines_svg(lines, "epoch", self.message, self.best_epoch + 1 if self.validation else None)

    def diagnose(self, names: Sequence[str] | None = None) -> list["Finding"]:
        """What is wrong with the training, each with the change that mends it; empty for one in good health.

        `names` are those of the inputs.

        >>> X, T = np.linspace(0, 3000, 100)[:, None], np.linspace(-1, 1, 100)[:, None]
        >>> history = cr.fit(cr.Network([1, 8, 1], activation="tanh", output="identity"), X, T)
        >>> print(history.diagnose(["metres"])[0])
        unscaled input: input 'metres' is about 1.74e+03 in size, first weights are drawn for about 1:
        subtract each input's mean and divide by its standard deviation, those of the rows to train on
        """
        from chainrule.training.diagnosis import diagnose

        return diagnose(self, names)

    def epochs_without_gain(self, min_delta: float = 0.0) -> int:
        """How many epochs ago the monitored value last became better than ever by more than `min_delta`.

        >>> History([3.0, 1.0, 1.5, 0.9], [], {}, seed=0, engine="").epochs_without_gain(min_delta=0.2)
        2
        """
        return Gains(min_delta).since(self.watched)


def _own(value: Any) -> Any:
    """A copy of a list of numbers, or of a mapping of those; anything else as it is."""
    if isinstance(value, dict):
        return {name: _own(part) for name, part in value.items()}
    return list(value) if isinstance(value, list) else value


class Gains:
    """Counts the epochs without a gain in values that only ever become more, reading each of them once."""

    def __init__(self, min_delta: float) -> None:
        self._min_delta, self._best, self._since, self._seen = min_delta, math.inf, 0, 0

    def since(self, watched: Sequence[float]) -> int:
        """How many epochs ago the last value came that was below all before it by more than `min_delta`."""
        for value in watched[self._seen :]:
            self._since = 0 if value < self._best - self._min_delta else self._since + 1
            self._best = min(self._best, value) if math.isfinite(value) else self._best
        self._seen = len(watched)
        return self._since


@dataclasses.dataclass(frozen=True)
class Finished:
    """Training is over and the network has its final weights: the best ones where there is a validation set.

    >>> *_, last = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=3)
    >>> last.history.epochs
    3
    """

    history: History


Event = Started | Progress | EpochEnd | Stopped | Finished
