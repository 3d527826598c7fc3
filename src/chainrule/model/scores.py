"""Scores: metrics of predictions in the words and units of the targets."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.model import metrics
from chainrule.model.heads import Head, as_predictions
from chainrule.registry import require
from chainrule.tables.targets import Outputs, Targets
from chainrule.training import Monitor

__all__ = ["METRICS", "check_mode", "monitored", "scores_of"]

Score = Callable[[Array, Array], float]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of one target.

    - kind: the kind of target that it is for, "classes" or "numbers"; "" for both.
    - mode: whether a greater value is better ("max") or a smaller one ("min").
    - takes: what it is computed from: "values" in the words and units of the target, "classes" by their number, or
      "outputs", which are one-hot targets and probabilities.
    - function: the score of true and predicted ones.
    - shown: whether it is always among the scores, or only if it is set as metric.
    - needs_spread: whether it is not a score of rows whose true values are all equal; as metric it has a value there.
    """

    kind: str
    mode: Literal["min", "max"]
    takes: Literal["values", "classes", "outputs"]
    function: Score
    shown: bool = True
    needs_spread: bool = False


METRICS = {
    "accuracy": Metric("classes", "max", "classes", metrics.accuracy),
    "balanced_accuracy": Metric("classes", "max", "classes", metrics.balanced_accuracy),
    "f1": Metric("classes", "max", "classes", metrics.f1),
    "auc": Metric("classes", "max", "outputs", metrics.auc),
    "log_loss": Metric("classes", "min", "outputs", metrics.log_loss),
    "rmse": Metric("numbers", "min", "values", metrics.rmse),
    "mae": Metric("numbers", "min", "values", metrics.mae),
    "median_absolute_error": Metric("numbers", "min", "values", metrics.median_absolute_error),
    "mape": Metric("numbers", "min", "values", metrics.mape, shown=False),
    "r2": Metric("numbers", "max", "values", metrics.r2, needs_spread=True),
}

_FIRST = {"classes": "accuracy", "numbers": "r2"}  # the metric that is shown during training


def scores_of(targets: Outputs, A: Array, T: Array) -> dict[str, Any]:
    """The scores of predictions A (n, n_L) of true values T (n, n_L), encoded by `targets.truth`, by target.

    With several targets of numbers also their `overall` scores. r2 is NaN where all true values of a target are equal.
    """
    truths = targets.truth.columns
    scores = {
        column.name: {
            name: _score(metric, column, T[:, part], A[:, part], truth)
            if not metric.needs_spread or _vary(T[:, part])
            else math.nan
            for name, metric in METRICS.items()
            if metric.kind == column.kind and metric.shown
        }
        for truth, (column, part) in zip(truths, targets.slices, strict=True)
    }
    names = [column.name for column in truths if column.kind == "numbers"]
    if len(names) > 1:
        decoded = targets.truth.decode(T), targets.decode(A)
        y, a = (np.stack([values[name] for name in names], axis=1) for values in decoded)
        r2 = metrics.r2(y, a) if _vary(y) else math.nan
        return {"targets": scores, "overall": {"rmse": metrics.rmse(y, a), "r2": r2}}
    return {"targets": scores}


def monitored(targets: Targets, heads: Mapping[str, Head], metric: Any = None, mode: Any = None) -> Monitor:
    """The scores that are computed after each epoch: accuracy or r2 of each target, and `metric`.

    - targets, heads: the targets, and their heads by kind.
    - metric: the score that chooses the best epoch: a name of `METRICS` or a function of (y_true, y_pred). With several
      targets that it suits it is their mean. None lets the cost choose.
    - mode: see `check_mode`.

    Raises SettingError where the metric suits no target.
    """
    several = len(targets.columns) > 1
    functions = {
        f"{_FIRST[column.kind]} {column.name}" if several else _FIRST[column.kind]: _mean(
            [(column, part)], METRICS[_FIRST[column.kind]]
        )
        for column, part in targets.slices
    }
    outputs = [heads[block.kind].output for block in targets.blocks]

    def of_predictions(score: Score) -> Score:
        return lambda A, T: score(as_predictions(targets, outputs, A), T)

    if metric is None:
        return Monitor(functions)
    name, entry = _entry(metric, mode)
    suited = [(column, part) for column, part in targets.slices if entry.kind in (column.kind, "")]
    if not suited:
        fit = ", ".join(name for name, other in METRICS.items() if other.kind == targets.columns[0].kind)
        raise SettingError(f"metric {name} is for {entry.kind}, but no target has {entry.kind}: choose from {fit}")
    return Monitor({**functions, name: of_predictions(_mean(suited, entry))}, name, entry.mode)


def check_mode(metric: Any, mode: Any) -> None:
    """Raise SettingError where `mode` contradicts a metric of `METRICS`, or is None for a function."""
    if metric is not None:
        _entry(metric, mode)


def _entry(metric: Any, mode: Any) -> tuple[str, Metric]:
    """The name and the entry of a metric; a function becomes an entry for targets of both kinds."""
    if isinstance(metric, str):
        entry = METRICS[metric]
        require(mode in (None, entry.mode), f"mode of metric {metric}", mode, f"{entry.mode!r}, or left out")
        return metric, entry
    name = getattr(metric, "__name__", "metric")
    require(mode is not None, f"mode of metric {name}", mode, "'max' where a greater value is better, or 'min'")
    return name, Metric("", mode, "values", metric)


def _mean(columns: list[tuple[Any, slice]], metric: Metric) -> Score:
    """The mean of a metric over some target columns, as a function of A and T."""

    def score(A: Array, T: Array) -> float:
        return float(np.mean([_score(metric, column, T[:, part], A[:, part]) for column, part in columns]))

    return score


def _vary(y: Array) -> bool:
    """Whether no column of y (n, k) has the same value in all rows."""
    return bool((y != y[0]).any(axis=0).all())


def _score(metric: Metric, column: Any, T: Array, A: Array, truth: Any = None) -> float:
    """A metric of one target column, whose columns of T and A these are; T is encoded by `truth`, or by the column."""
    truth = column if truth is None else truth
    if metric.takes == "values":
        return float(metric.function(truth.decode(T), column.decode(A)))
    if metric.takes == "classes":
        return float(metric.function(truth.codes(T), column.codes(A)))
    return float(metric.function(T, A))
