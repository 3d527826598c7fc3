"""How good the outputs of a network are in the words and units of its targets."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.model import metrics
from chainrule.model.heads import Choice, as_answers
from chainrule.registry import require
from chainrule.tables.targets import Targets
from chainrule.training import Monitor

__all__ = ["METRICS", "check_metric", "monitored", "parts", "scores_of"]

Score = Callable[[Array, Array], float]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score of one target: of which kind, whether `max` or `min` is better, from what, and whether always shown.

    `takes` is "answers", in the target's own words and units; "classes", by their number; or "outputs": one-hot
    targets and probabilities.
    """

    kind: str
    mode: Literal["min", "max"]
    takes: Literal["answers", "classes", "outputs"]
    function: Score
    shown: bool = True


METRICS = {
    "accuracy": Metric("classes", "max", "classes", metrics.accuracy),
    "balanced_accuracy": Metric("classes", "max", "classes", metrics.balanced_accuracy),
    "f1": Metric("classes", "max", "classes", metrics.f1),
    "auc": Metric("classes", "max", "outputs", metrics.auc),
    "log_loss": Metric("classes", "min", "outputs", metrics.log_loss),
    "rmse": Metric("numbers", "min", "answers", metrics.rmse),
    "mae": Metric("numbers", "min", "answers", metrics.mae),
    "median_absolute_error": Metric("numbers", "min", "answers", metrics.median_absolute_error),
    "mape": Metric("numbers", "min", "answers", metrics.mape, shown=False),
    "r2": Metric("numbers", "max", "answers", metrics.r2),
}

_FIRST = {"classes": "accuracy", "numbers": "r2"}  # the one that is shown while it trains


def scores_of(targets: Targets, A: Array, T: Array) -> dict[str, Any]:
    """The scores of each target, by name, and the `overall` ones of the numbers where there are several."""
    scores = {
        column.name: {
            name: _score(metric, column, T[:, part], A[:, part])
            for name, metric in METRICS.items()
            if metric.kind == column.kind and metric.shown
        }
        for column, part in parts(targets)
    }
    numbers = [(column, part) for column, part in parts(targets) if column.kind == "numbers"]
    if len(numbers) > 1:
        y, a = (np.stack([column.decode(values[:, part]) for column, part in numbers], axis=1) for values in (T, A))
        return {"targets": scores, "overall": {"rmse": metrics.rmse(y, a), "r2": metrics.r2(y, a)}}
    return {"targets": scores}


def monitored(targets: Targets, choices: Mapping[str, Choice], metric: Any = None, mode: Any = None) -> Monitor:
    """The scores to watch: the first of each target's kind, and `metric` (see `check_metric`), which then chooses.

    Of several targets that it suits a metric is the mean. Raises SettingError for one that suits none.
    """
    several = len(targets.columns) > 1
    functions = {
        f"{_FIRST[column.kind]} {column.name}" if several else _FIRST[column.kind]: _mean(
            [(column, part)], METRICS[_FIRST[column.kind]]
        )
        for column, part in parts(targets)
    }
    outputs = [choices[block.kind].output for block in targets.blocks]

    def of_answers(score: Score) -> Score:
        return lambda A, T: score(as_answers(targets, outputs, A), T)

    if metric is None:
        return Monitor(functions)
    name, entry = _entry(metric, mode)
    suited = [(column, part) for column, part in parts(targets) if entry.kind in (column.kind, "")]
    if not suited:
        fit = ", ".join(name for name, other in METRICS.items() if other.kind == targets.columns[0].kind)
        raise SettingError(f"metric {name} is for {entry.kind}, which no target is: choose from {fit}")
    return Monitor({**functions, name: of_answers(_mean(suited, entry))}, name, entry.mode)


def check_metric(metric: Any, mode: Any) -> None:
    """Raise SettingError unless `metric` is None, a name, or a function of (y_true, y_pred) with a `mode` beside it."""
    require(mode in (None, "min", "max"), "mode", mode, "'min', 'max' or None")
    if metric is not None:
        _entry(metric, mode)


def _entry(metric: Any, mode: Any) -> tuple[str, Metric]:
    if isinstance(metric, str):
        require(metric in METRICS, "metric", metric, f"one of {', '.join(METRICS)}, or a function")
        found = METRICS[metric]
        require(mode in (None, found.mode), f"mode of metric {metric}", mode, f"{found.mode!r}, or left out")
        return metric, found
    require(callable(metric), "metric", metric, f"one of {', '.join(METRICS)}, or a function of (y_true, y_pred)")
    name = getattr(metric, "__name__", "metric")
    require(mode is not None, f"mode of metric {name}", mode, "'max' where a greater value is better, or 'min'")
    return name, Metric("", mode, "answers", metric)


def parts(targets: Targets) -> list[tuple[Any, slice]]:
    """Each target column with the columns of A and T that are its own."""
    stops = np.cumsum([column.width for column in targets.columns]).tolist()
    return [(column, slice(stop - column.width, stop)) for column, stop in zip(targets.columns, stops, strict=True)]


def _mean(columns: list[tuple[Any, slice]], metric: Metric) -> Score:
    def score(A: Array, T: Array) -> float:
        return float(np.mean([_score(metric, column, T[:, part], A[:, part]) for column, part in columns]))

    return score


def _score(metric: Metric, column: Any, T: Array, A: Array) -> float:
    if metric.takes == "answers":
        return float(metric.function(column.decode(T), column.decode(A)))
    if metric.takes == "classes":
        return float(metric.function(T.argmax(axis=1), A.argmax(axis=1)))
    return float(metric.function(T, A))
