"""Which scores are computed on the validation set after each epoch, and which of them chooses the weights."""

import dataclasses
from collections.abc import Callable, Mapping

from chainrule.arrays import Array
from chainrule.fields import Function
from chainrule.registry import require
from chainrule.training.history import Mode

__all__ = ["Metric", "Monitor"]

Metric = Callable[[Array, Array], float]
_METRIC = Function(2, "a function of (A, T)")


@dataclasses.dataclass(frozen=True)
class Monitor:
    """What is computed on the validation set, and the value whose best epoch gives the final weights.

    - metrics: functions of (A, T), by name.
    - name: "cost", the name of a metric, or "training", the training cost: validation is then only reported.
    - mode: "min" where lower is better, "max" where greater is; None for "min" with a cost and "max" with a metric.

    >>> Monitor({"accuracy": lambda A, T: 0.5}, "accuracy").mode
    'max'

    Raises SettingError where `name` or `mode` is another, where a metric is not a function or is called like a cost.
    """

    metrics: Mapping[str, Metric] = dataclasses.field(default_factory=dict)
    name: str = "cost"
    mode: Mode | None = None

    def __post_init__(self) -> None:
        for name, function in self.metrics.items():
            require(isinstance(name, str), "the name of a metric", name, "text")
            require(name not in ("cost", "training"), "metrics", name, "named otherwise: this is the name of a cost")
            _METRIC.clean(f"metric {name}", function)
        names = ["cost", "training", *self.metrics]
        require(isinstance(self.name, str) and self.name in names, "monitor", self.name, f"one of {', '.join(names)}")
        require(
            isinstance(self.mode, str | None) and self.mode in ("min", "max", None),
            "mode",
            self.mode,
            "min, max or None",
        )
        require(not self.of_cost or self.mode != "max", "mode", self.mode, "min where a cost is monitored")
        object.__setattr__(self, "mode", self.mode or ("min" if self.of_cost else "max"))

    @property
    def of_cost(self) -> bool:
        """Whether the value is a cost."""
        return self.name in ("cost", "training")

    def scores(self, A: Array, T: Array) -> dict[str, float]:
        """The value of each metric for outputs A (n, n_L) and targets T."""
        return {name: float(metric(A, T)) for name, metric in self.metrics.items()}
