"""The settings of training, checked before anything is computed."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.optimizers import Clip, Optimizer
from chainrule.random import MOST_DROPPED
from chainrule.registry import require
from chainrule.schedules import Constant, Schedule
from chainrule.training.events import Mode

__all__ = [
    "Metric",
    "Plan",
    "as_batch_size",
    "as_dropout",
    "as_mode",
    "check_settings",
    "check_stopping",
    "check_total",
]

Metric = Callable[[Array, Array], float]

BATCH = 32  # rows of an update, where nothing else is said

_NUMBER = int | float | np.integer | np.floating


@dataclasses.dataclass(frozen=True)
class Plan:
    """How long a training goes on and what it looks at; what an engine must know is in its RunSettings."""

    epochs: int
    shuffle: bool = True
    schedule: Schedule = dataclasses.field(default_factory=Constant)
    patience: int | None = None
    min_delta: float = 0.0
    time: float | None = None
    metrics: Mapping[str, Metric] = dataclasses.field(default_factory=dict)
    monitor: str = "cost"
    mode: Mode = "min"
    cancel: Callable[[], bool] = lambda: False
    feature_names: Sequence[str] | None = None
    look: bool = True


def check_settings(batch_size: Any, epochs: Any, alpha: Any, l1: Any, threads: Any) -> None:
    """Raise a SettingError for settings that no training could have."""
    whole = batch_size is None or batch_size == "auto" or _is_count(batch_size)
    require(whole, "batch_size", batch_size, "a whole number from 1, None for all rows, or 'auto'")
    require(_is_count(epochs), "epochs", epochs, "a whole number from 1")
    require(threads is None or _is_count(threads), "threads", threads, "a whole number from 1, or None")
    for name, value in {"alpha": alpha, "l1": l1}.items():
        require(_is_number(value) and bool(0 <= value < math.inf), name, value, "a number from 0")


def check_stopping(patience: Any, min_delta: Any, time: Any) -> None:
    """Raise a SettingError for rules that could not end a training."""
    require(patience is None or _is_count(patience), "patience", patience, "a number of epochs from 1, or None")
    least = _is_number(min_delta) and bool(0 <= min_delta < math.inf)
    require(least, "min_delta", min_delta, "a number from 0")
    require(time is None or (_is_number(time) and time > 0), "time", time, "a number of seconds above 0, or None")


def check_total(total_weight: Any) -> None:
    """Raise a SettingError unless it is None or can be S."""
    above = _is_number(total_weight) and bool(0 < total_weight < math.inf)
    require(total_weight is None or above, "total_weight", total_weight, "a number above 0, or None")


def check_rule(rule: Optimizer, schedule: Schedule, clip: Clip | None, dropout: Sequence[float]) -> None:
    """Raise a SettingError for what a line search cannot have: it takes the cost and its gradient as they are."""
    if rule.line_search:
        asked = {"schedule": not isinstance(schedule, Constant), "clip": clip is not None, "dropout": any(dropout)}
        for name in (name for name, there in asked.items() if there):
            raise SettingError(f"{name} does not go with {rule.name}, whose line search finds the step: leave it out")


def as_batch_size(batch_size: Any, rule: Optimizer, rows: int) -> int:
    """The rows of an update: as asked, all for None, and for "auto" 32, or all where the rule is made for that.

    >>> from chainrule.optimizers import Adam, RProp
    >>> as_batch_size("auto", Adam(), 100), as_batch_size("auto", RProp(), 100), as_batch_size(None, Adam(), 100)
    (32, 100, 100)

    Raises SettingError for mini-batches under a rule that needs all rows.
    """
    if batch_size is None or (batch_size == "auto" and rule.full_batch):
        return rows
    found = min(BATCH if batch_size == "auto" else int(batch_size), rows)
    if rule.full_batch and found < rows:
        raise SettingError(
            f"batch_size is {batch_size}, but optimizer {rule.name} needs all {rows} rows in every update: use None"
        )
    return found


def as_mode(mode: Any, monitor: Any, metrics: Mapping[str, Metric]) -> Mode:
    """Whether the monitored value is better when lower ("min") or greater ("max"); None: min for the cost, else max.

    Raises SettingError for another mode, and for a monitor that is neither a cost nor one of the metrics.
    """
    known = ["cost", "training", *metrics]
    require(monitor in known, "monitor", monitor, f"one of {', '.join(known)}")
    require(mode in ("min", "max", None), "mode", mode, "min, max or None")
    lower = monitor in ("cost", "training")
    require(not lower or mode != "max", "mode", mode, "min where a cost is monitored")
    return mode or ("min" if lower else "max")


def as_dropout(dropout: Any, hidden: int) -> tuple[float, ...]:
    """The probability of dropping a neuron for each hidden layer, from one number or one for each."""
    given = list(dropout) if isinstance(dropout, list | tuple) else [dropout] * hidden
    if len(given) != hidden:
        raise SettingError(f"{len(given)} dropout probabilities came for {hidden} hidden layers: give one for each")
    for p in given:
        require(_is_number(p) and 0 <= float(p) <= MOST_DROPPED, "dropout", p, f"from 0 to {MOST_DROPPED}")
    return tuple(float(p) for p in given)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBER) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1
