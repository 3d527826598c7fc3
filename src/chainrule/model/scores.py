"""Scores: metrics of predictions in the words and units of the targets."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.model import metrics
from chainrule.model.heads import Head, as_predictions
from chainrule.model.kinds import MetricChoice, takes_probabilities
from chainrule.registry import require
from chainrule.tables.targets import ClassTarget, Outputs, Targets
from chainrule.training import Monitor

__all__ = ["METRIC", "METRICS", "check_mode", "monitored", "scores_of"]

Score = Callable[[Array, Array], float]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric of one target.

    - kind: the kind of target that it is for, "classes", "ordered" (classes too), "labels" or "numbers"; "" for all.
    - mode: whether a greater value is better ("max") or a smaller one ("min").
    - takes: what it is computed from: "values" in the words and units of the target, "classes" by their number,
      "outputs", which are one-hot targets and probabilities, or which labels there are and their probabilities, or
      "all": values and probabilities (n, k).
    - function: the score of true and predicted ones; those of `METRICS` take the weights of rows as well.
    - shown: whether it is always among the scores, or only if it is set as metric.
    - needs_spread: whether it is not a score of rows whose true values are all equal; as metric it has a value there.
    """

    kind: str
    mode: Literal["min", "max"]
    takes: Literal["values", "classes", "outputs", "all"]
    function: Callable[..., float]
    shown: bool = True
    needs_spread: bool = False

    def suits(self, kind: str) -> bool:
        """Whether it is for a kind of target; ordered classes have the metrics of classes too."""
        return self.kind in ("", kind) or (kind, self.kind) == ("ordered", "classes")


METRICS = {
    "accuracy": Metric("classes", "max", "classes", metrics.accuracy),
    "balanced_accuracy": Metric("classes", "max", "classes", metrics.balanced_accuracy),
    "f1": Metric("classes", "max", "classes", metrics.f1),
    "auc": Metric("classes", "max", "outputs", metrics.auc),
    "average_precision": Metric("classes", "max", "outputs", metrics.average_precision, shown=False),
    "precision": Metric("classes", "max", "classes", metrics.precision, shown=False),
    "recall": Metric("classes", "max", "classes", metrics.recall, shown=False),
    "mcc": Metric("classes", "max", "classes", metrics.mcc, shown=False),
    "kappa": Metric("classes", "max", "classes", metrics.kappa, shown=False),
    "log_loss": Metric("classes", "min", "outputs", metrics.log_loss),
    "brier": Metric("classes", "min", "outputs", metrics.brier),
    "ece": Metric("classes", "min", "outputs", metrics.ece),
    "rank_error": Metric("ordered", "min", "classes", metrics.rank_error),
    "quadratic_kappa": Metric("ordered", "max", "classes", metrics.quadratic_kappa),
    "exact_match": Metric("labels", "max", "outputs", metrics.exact_match),
    "label_f1": Metric("labels", "max", "outputs", metrics.label_f1),
    "label_auc": Metric("labels", "max", "outputs", metrics.label_auc),
    "label_log_loss": Metric("labels", "min", "outputs", metrics.label_log_loss),
    "rmse": Metric("numbers", "min", "values", metrics.rmse),
    "mae": Metric("numbers", "min", "values", metrics.mae),
    "median_absolute_error": Metric("numbers", "min", "values", metrics.median_absolute_error),
    "mape": Metric("numbers", "min", "values", metrics.mape, shown=False),
    "mse": Metric("numbers", "min", "values", metrics.mse, shown=False),
    "rmsle": Metric("numbers", "min", "values", metrics.rmsle, shown=False),
    "max_error": Metric("numbers", "min", "values", metrics.max_error, shown=False),
    "explained_variance": Metric("numbers", "max", "values", metrics.explained_variance, False, needs_spread=True),
    "r2": Metric("numbers", "max", "values", metrics.r2, needs_spread=True),
}

METRIC = MetricChoice(tuple(METRICS), metavar="NAME,NAME")

_FIRST = {
    "classes": "accuracy",
    "ordered": "accuracy",
    "labels": "label_f1",
    "numbers": "r2",
}  # the metric that is shown during training


def scores_of(
    targets: Outputs, A: Array, T: Array, weight: Array | None = None, more: Sequence[Any] = ()
) -> dict[str, Any]:
    """The scores of predictions A (n, n_L) of true values T (n, n_L), encoded by `targets.truth`, by target.

    - weight: the weights (n,) of the rows, or None.
    - more: metrics that are among the scores, too, by name or as functions, which take no weights.

    With several targets of numbers also their `overall` scores. r2 is NaN where all true values of a target are equal.
    A row that lacks a target does not count in its scores, nor in the overall ones.
    """
    truths = targets.truth.columns
    entries = {name: metric for name, metric in METRICS.items() if metric.shown} | dict(map(_named, more))
    scores = {
        column.name: _scores_of_target(entries, column, truth, A[:, part], T[:, part], weight)
        for truth, (column, part) in zip(truths, targets.slices, strict=True)
    }
    names = [column.name for column in truths if column.kind == "numbers"]
    there = targets.truth.there(T).all(axis=1) if len(names) > 1 else np.ones(len(T), np.bool_)
    if len(names) > 1 and there.any():
        if not there.all():
            A, T, weight = A[there], T[there], None if weight is None else weight[there]
        decoded = targets.truth.decode(T), targets.decode(A)
        y, a = (np.stack([values[name] for name in names], axis=1) for values in decoded)
        r2 = metrics.r2(y, a, weight) if _vary(y) else math.nan
        return {"targets": scores, "overall": {"rmse": metrics.rmse(y, a, weight), "r2": r2}}
    return {"targets": scores}


def _scores_of_target(
    entries: Mapping[str, Metric], column: Any, truth: Any, A: Array, T: Array, weight: Array | None
) -> dict[str, float]:
    """The scores of one target, of the rows that have it; NaN if there is none."""
    there = truth.present(T)
    if not there.all():
        A, T, weight = A[there], T[there], None if weight is None else weight[there]
    return {
        name: _score(metric, column, T, A, truth, weight)
        if len(T) and (not metric.needs_spread or _vary(T))
        else math.nan
        for name, metric in entries.items()
        if metric.suits(column.kind)
    }


def monitored(targets: Targets, heads: Mapping[str, Head], metric: Any = None, mode: Any = None) -> Monitor:
    """The scores that are computed after each epoch: accuracy or r2 of each target, and `metric`.

    - targets, heads: the targets, and their heads by kind.
    - metric: the score that chooses the best epoch: a name of `METRICS`, a function of (y_true, y_pred) or one of
      (y_true, y_pred, probabilities); or several, of which the first chooses. With several targets that it suits it is
      their mean. None lets the cost choose.
    - mode: see `check_mode`.

    Raises SettingError where a metric suits no target.
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
    entries = dict(map(_named, metric if isinstance(metric, tuple) else (metric,)))
    for name, entry in entries.items():
        suited = [(column, part) for column, part in targets.slices if entry.suits(column.kind)]
        if not suited:
            fit = ", ".join(name for name, other in METRICS.items() if other.suits(targets.columns[0].kind))
            what = "ordered classes" if entry.kind == "ordered" else entry.kind
            raise SettingError(f"metric {name} is for {what}, but no target has {what}: choose from {fit}")
        functions[name] = of_predictions(_mean(suited, entry))
    first = next(iter(entries))
    return Monitor(functions, first, mode or entries[first].mode)


def check_mode(metric: Any, mode: Any) -> None:
    """Raise SettingError where `mode` contradicts a metric of `METRICS`, or is None for a function.

    Of several metrics the first one counts.
    """
    first = metric[0] if isinstance(metric, tuple) else metric
    if isinstance(first, str):
        own = METRICS[first].mode
        require(mode in (None, own), f"mode of metric {first}", mode, f"{own!r}, or left out")
    elif first is not None:
        name, _ = _named(first)
        require(mode is not None, f"mode of metric {name}", mode, "'max' where a greater value is better, or 'min'")


def _named(metric: Any) -> tuple[str, Metric]:
    """The name and the entry of a metric; a function becomes an entry for the targets that it can be computed of."""
    if isinstance(metric, str):
        return metric, METRICS[metric]
    name = getattr(metric, "__name__", "metric")
    if takes_probabilities(metric):
        return name, Metric("classes", "max", "all", metric)
    return name, Metric("", "max", "values", metric)


def _mean(columns: list[tuple[Any, slice]], metric: Metric) -> Score:
    """The mean of a metric over some target columns, as a function of A and T."""

    def score(A: Array, T: Array) -> float:
        return float(np.mean([_score_of_those(metric, column, T[:, part], A[:, part]) for column, part in columns]))

    return score


def _score_of_those(metric: Metric, column: Any, T: Array, A: Array) -> float:
    """A metric of the rows that have the target; NaN if there is none."""
    there = column.present(T)
    if there.all():
        return _score(metric, column, T, A)
    return _score(metric, column, T[there], A[there]) if there.any() else math.nan


def _vary(y: Array) -> bool:
    """Whether no column of y (n, k) has the same value in all rows."""
    return bool((y != y[0]).any(axis=0).all())


def _score(metric: Metric, column: Any, T: Array, A: Array, truth: Any = None, weight: Array | None = None) -> float:
    """A metric of one target column, whose columns of T and A these are; T is encoded by `truth`, or by the column."""
    truth = column if truth is None else truth
    weights = () if weight is None else (weight,)
    if metric.takes == "all":
        return float(metric.function(truth.decode(T), column.decode(A), A))
    if metric.takes == "values":
        return float(metric.function(truth.decode(T), column.decode(A), *weights))
    if metric.takes == "classes":
        return float(metric.function(truth.codes(T), column.codes(A), *weights))
    if isinstance(column, ClassTarget) and isinstance(truth, ClassTarget):
        return float(metric.function(truth.one_hot(T), column.probabilities(A), *weights))
    return float(metric.function(T, A, *weights))
