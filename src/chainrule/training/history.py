"""The history of a training: its costs, scores and rates, epoch by epoch, and how it ended."""

import dataclasses
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from chainrule.errors import SettingError

if TYPE_CHECKING:
    from chainrule.training.diagnosis import Finding

__all__ = ["History", "Mode", "Reason"]

Reason = Literal["cancelled", "diverged", "patience", "time", "converged", "evaluations"]
Mode = Literal["min", "max"]


@dataclasses.dataclass
class History:
    """The course of a training: what it computed in each finished epoch e, and how it ended.

    - cost: cost[e] = sum_k |B_k| c_k / n, each batch's cost before its update, plus the penalty at the epoch's end.
    - validation: the cost on the validation set, without penalty; empty if there is none.
    - metrics: the metrics on the validation set, by name.
    - seed, engine: what fixed every random choice, and what computed.
    - rate: the learning rate of the epoch's last update.
    - monitor: the value that is monitored, "cost", "training" or the name of a metric; `mode` says whether "min" or
      "max" is better.
    - best_epoch: the epoch (from 0) with the best monitored value on the validation set, whose weights the network has.
      Without a validation set, or with monitor "training", the last finished one; -1 if there is none.
    - stopped: why training ended early, or ""; `message` says it in words.
    - seconds: the time that training took.
    - probes: numbers of the layers, their errors and the data on some of the training rows, before the first update and
      with the final weights (see `chainrule.training.probe`); `diagnose` judges them.

    - noise: the noise multiplier of `Clip(example=c, noise=z)`, 0 without noise; `exposed` says why `epsilon` does not
      hold in spite of it, or "".

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
    noise: float = 0.0
    exposed: str = ""

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.cost)

    @property
    def watched(self) -> list[float]:
        """The monitored value of each finished epoch, with its sign changed where greater is better: lower is better.

        >>> History([3.0], [2.5], {"accuracy": [0.75]}, seed=0, engine="", monitor="accuracy", mode="max").watched
        [-0.75]
        """
        if self.monitor in ("cost", "training"):
            return (self.monitor == "cost" and self.validation) or self.cost
        values = self.metrics[self.monitor]
        return values if self.mode == "min" else [-value for value in values]

    def copy(self) -> "History":
        """A copy with lists of its own, which later epochs do not change.

        >>> history = History([3.0], [], {"mae": [0.5]}, seed=0, engine="")
        >>> other = history.copy()
        >>> other.cost.append(2.0)
        >>> history.cost, other == history, other.metrics["mae"] is history.metrics["mae"]
        ([3.0], False, False)
        """
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return History(**{name: _copied(value) for name, value in parts.items()})

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A matplotlib Figure of the curves, with the best epoch marked.

        - path: where to write it, as .png, .svg or .pdf; None writes nothing.

        Raises SettingError where matplotlib, which is optional, is not installed, and where `path` ends otherwise.
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

    def epsilon(self, delta: float) -> float:
        """The epsilon for `delta` of what the weights tell of a single training row; see `chainrule.privacy.epsilon`.

        Rows are taken without replacement, each in one update of every epoch, so no smaller epsilon of random sampling
        holds. An epoch that was begun counts. It holds for the weights alone, and against those who do not know the
        seed: the costs in this history have no noise.

        - delta: between 0 and 1, well below 1 / n for n rows.

        Raises SettingError for a training without noise, and where the weights depend on the rows in another way; where
        dp-accounting, which is optional, is not installed.
        """
        from chainrule.privacy import epsilon

        if not self.noise:
            raise SettingError(
                "the training had no noise, so no epsilon holds: give clip=cr.Clip(example=1.0, noise=1.0)"
            )
        exposed = self.exposed or ("training diverged, which shows" if self.stopped == "diverged" else "")
        if exposed:
            raise SettingError(f"no epsilon holds for this training: {exposed}")
        cut = self.stopped in ("cancelled", "time")
        return epsilon(self.noise, delta, epochs=max(1, self.epochs + cut))

    def diagnose(self, names: Sequence[str] | None = None) -> list["Finding"]:
        """What is wrong with the training, each finding with a change that helps; empty if nothing is wrong.

        - names: names of the inputs, for the findings; None numbers them.

        >>> X, T = np.linspace(0, 3000, 100)[:, None], np.linspace(-1, 1, 100)[:, None]
        >>> history = cr.fit(cr.Network([1, 8, 1], activation="tanh", output="identity"), X, T)
        >>> print(history.diagnose(["metres"])[0])
        unscaled input: input 'metres' is about 1.74e+03 in size, first weights are drawn for about 1:
        subtract each input's mean and divide by its standard deviation, those of the rows to train on
        """
        from chainrule.training.diagnosis import diagnose

        return diagnose(self, names)


def _copied(value: Any) -> Any:
    """A copy of a list, or of a mapping of lists; any other value itself."""
    if isinstance(value, dict):
        return {name: _copied(part) for name, part in value.items()}
    return list(value) if isinstance(value, list) else value
