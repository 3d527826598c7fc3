"""Which scores are taken on the validation set at the end of each epoch, and which of them chooses the weights."""

import dataclasses
from collections.abc import Callable, Mapping

from chainrule.arrays import Array
from chainrule.registry import require
from chainrule.training.events import Mode

__all__ = ["Metric", "Monitor"]

Metric = Callable[[Array, Array], float]


@dataclasses.dataclass(frozen=True)
class Monitor:
    """The `metrics` by name, functions of (A, T); `name` is the one whose best value says which weights are kept.

    name: "cost", "training" (the cost in training: then validation is only reported) or the name of a metric. mode:
    "min" where lower is better, "max" where greater is; None: "min" for a cost, else "max".

    >>> Monitor({"accuracy": lambda A, T: 0.5}, "accuracy").mode
    'max'

    Raises SettingError for another name or mode, and for a metric that is not a function.
    """

    metrics: Mapping[str, Metric] = dataclasses.field(default_factory=dict)
    name: str = "cost"
    mode: Mode | None = None

    def __post_init__(self) -> None:
        for name, function in self.metrics.items():
            require(callable(function), f"metric {name}", function, "a function")
            require(name not in ("cost", "training"), "metrics", name, "named otherwise: the cost is there already")
        names = ["cost", "training", *self.metrics]
        require(self.name in names, "monitor", self.name, f"one of {', '.join(names)}")
        require(self.mode in ("min", "max", None), "mode", self.mode, "min, max or None")
        lower = self.name in ("cost", "training")
        require(not lower or self.mode != "max", "mode", self.mode, "min where a cost is monitored")
        object.__setattr__(self, "mode", self.mode or ("min" if lower else "max"))
