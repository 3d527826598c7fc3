"""The learning-rate range test: a short training whose rate grows from update to update; it suggests a rate."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.examples import Examples
from chainrule.fields import Number, Whole
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Adam, Optimizer
from chainrule.registry import require
from chainrule.schedules import Schedule
from chainrule.settings import TrainingSettings
from chainrule.training.events import Updated
from chainrule.training.loop import Training
from chainrule.training.starting import start, train

__all__ = ["RangeTest", "find_learning_rate", "range_test"]

TOO_HIGH = 2.0  # the test ends when the cost has risen by so many times the first costs
_LEFT_OUT = (
    *("epochs", "schedule", "patience", "min_delta", "time", "tolerance"),
    *("validation", "metrics", "monitor", "mode", "checkpoint", "state"),
)


@dataclasses.dataclass(frozen=True)
class _Growing(Schedule):
    """start growth^k for update k, at most until update `last`."""

    name = "growing"
    start: float = 1.0
    growth: float = 1.0
    last: int = 1

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        return np.array([self.start * self.growth ** min(k, self.last) for k in range(first, first + count)])


@dataclasses.dataclass(frozen=True)
class RangeTest:
    """What a range test measured.

    - rates: the learning rate of each update, growing.
    - costs: the cost of its batch, before the update.
    - smooth: the costs, each averaged with its neighbours, a tenth of the updates on both sides.
    - suggestion: the rate at which the costs fall most steeply over the logarithm of the rate: the slope is that of
      the straight line through the same neighbours. None where they only rise, and for fewer than three.

    >>> cr.RangeTest([0.1, 1.0, 10.0], [1.0, 0.5, 0.2]).suggestion
    1.0
    """

    rates: list[float]
    costs: list[float]

    @property
    def smooth(self) -> list[float]:
        """The means of the costs and their neighbours."""
        reach = self._reach
        return [float(np.mean(self.costs[max(0, k - reach) : k + reach + 1])) for k in range(len(self.costs))]

    @property
    def suggestion(self) -> float | None:
        """The rate of the steepest fall."""
        reach = self._reach
        if len(self.costs) <= 2 * reach:
            return None
        slopes = np.correlate(self.costs, np.arange(-reach, reach + 1), "valid")
        steepest = int(np.argmin(slopes))
        return self.rates[steepest + reach] if slopes[steepest] < 0 else None

    @property
    def _reach(self) -> int:
        """How many costs on both sides are neighbours."""
        return max(1, len(self.costs) // 10)

    def plot(self, path: str | os.PathLike[str] | None = None) -> Any:
        """A matplotlib Figure of cost over learning rate, with the suggestion marked.

        - path: where to write it, as .png, .svg or .pdf; None writes nothing.

        Raises SettingError where matplotlib, which is optional, is not installed, and where `path` ends otherwise.
        """
        from chainrule.plots import rates_figure, write_figure

        figure = rates_figure(self)
        if path is not None:
            write_figure(figure, path)
        return figure


def find_learning_rate(
    net: Network,
    X: Any,
    T: Any,
    *,
    sample_weight: Any = None,
    lowest: float = 1e-6,
    highest: float = 10.0,
    updates: int = 200,
    **settings: Any,
) -> RangeTest:
    """Train a copy of the network while the learning rate grows from `lowest` to `highest`: the range test.

    The network keeps its weights. The rate is multiplied by the same factor at each update. The test ends early when
    the cost is no longer finite or has risen by twice the first costs.

    - net, X, T, sample_weight: as in `train`.
    - lowest, highest: the rates of the first and of the last update, above 0.
    - updates: how many updates, from 10.
    - settings: those of `train`, such as optimizer, batch_size, alpha or dropout, but none of the schedule, of a
      validation or of the end. The learning rate of the optimizer does not count.

    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> net = cr.Network([1, 16, 1], activation="tanh", output="identity")
    >>> test = cr.find_learning_rate(net, X, X**2, optimizer="sgd", batch_size=16)
    >>> 1e-3 < test.suggestion < 2
    True

    Raises SettingError where a rate is not above 0, highest is not above lowest, the optimizer has no learning rate, or
    a setting does not go with the test; and DataError, SettingError or EngineError where `train` does.

    Source: Smith, No more pesky learning rate guessing games, 2015, published as Cyclical learning rates for training
    neural networks, WACV 2017, section 3.3, where the rate grows on a line; over its logarithm as is usual today.
    """
    for name in (name for name in _LEFT_OUT if name in settings):
        raise SettingError(f"{name} does not go with the search for a learning rate: leave it out")
    run = {"sample_weight": sample_weight, "probe": False, **settings}
    run |= _growing(
        Adam() if run.get("optimizer") is None else OPTIMIZERS.get(run["optimizer"]), lowest, highest, updates
    )
    return _measured(train(net.copy(), X, T, **run), lowest, updates)


def range_test(
    net: Network,
    examples: Examples,
    settings: TrainingSettings,
    lowest: float = 1e-6,
    highest: float = 10.0,
    updates: int = 200,
) -> RangeTest:
    """The same for examples and settings that are checked already; their schedule and end do not count.

    - net: the network, which keeps its weights.
    - examples, settings: what it would be trained on, and how.
    - lowest, highest, updates: as for `find_learning_rate`.

    Raises SettingError as `find_learning_rate` does.
    """
    run = _growing(settings.optimizer, lowest, highest, updates)
    never: dict[str, Any] = {"patience": None, "time": None, "tolerance": None, "probe": False}
    training = start(net.copy(), examples, dataclasses.replace(settings, **never, **run))
    return _measured(training, lowest, updates)


def _growing(rule: Optimizer, lowest: float, highest: float, updates: int) -> dict[str, Any]:
    """The settings of a training whose rate grows. Raises SettingError for a range or a rule that does not fit."""
    lowest, highest, updates = _checked_range(lowest, highest, updates)
    if rule.line_search:
        raise SettingError(f"optimizer {rule.name} has no learning rate, but a line search: choose another, or no test")
    schedule = _Growing(lowest / rule.learning_rate, (highest / lowest) ** (1 / (updates - 1)), updates - 1)
    return {"optimizer": rule, "schedule": schedule, "epochs": updates}


def _measured(training: Training, lowest: float, updates: int) -> RangeTest:
    """The rates and costs of the updates, until the cost explodes; the first tenth of them says what is much.

    Raises SettingError where it explodes at once.
    """
    rates, costs, first = list[float](), list[float](), updates // 10
    with np.errstate(all="ignore"):
        for event in training.each_update():
            if isinstance(event, Updated):
                much = TOO_HIGH * max(map(abs, costs[:first]), default=0.0)
                exploded = len(costs) >= first and event.cost - min(costs) > much
                if not np.isfinite(event.cost) or exploded:
                    break
                rates.append(event.rate)
                costs.append(event.cost)
                if len(costs) == updates:
                    break
    training.close()
    require(len(costs) > updates // 10, "lowest", lowest, "lower: the cost explodes at once")
    return RangeTest(rates, costs)


def _checked_range(lowest: float, highest: float, updates: int) -> tuple[float, float, int]:
    lowest, highest = (
        Number(0, above=True).clean(name, each) for name, each in (("lowest", lowest), ("highest", highest))
    )
    require(highest > lowest, "highest", highest, f"above lowest, {lowest:g}")
    return lowest, highest, Whole(10).clean("updates", updates)
