"""Permutation importance: how much worse a model predicts when the cells of a column are dealt out among the rows.

    importance of a column  =  loss with its cells permuted  -  loss,   the mean over some permutations

It says what the model uses, not what the world depends on: of two columns that say the same, each looks unimportant
because the other is left. Such columns can be permuted together, as a group.

Source: Breiman, Random forests, Machine Learning 45, 2001.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.model.scores import METRICS
from chainrule.random import Purpose, permutation
from chainrule.tables.names import listed
from chainrule.text import number, short, words

__all__ = ["Importance", "grouped", "importance_of"]

LOSS = {"classes": "log_loss", "labels": "label_log_loss", "numbers": "rmse"}  # the metric that a table is sorted by


@dataclasses.dataclass(frozen=True)
class Importance:
    """How much worse each metric of each target becomes without a column, or a group of columns.

    - rows: how many rows were predicted.
    - scores: by target and metric, with all columns as they are.
    - losses: by column, target and metric, how much worse the score was in each permutation, (repeats,); above 0 where
      the column helps.
    """

    rows: int
    scores: Mapping[str, Mapping[str, float]]
    losses: Mapping[str, Mapping[str, Mapping[str, Array]]]

    def mean(self, column: str, target: str, metric: str) -> float:
        """The mean over the permutations; NaN where the metric is not defined."""
        return float(np.mean(self.losses[column][target][metric]))

    def spread(self, column: str, target: str, metric: str) -> float:
        """The standard deviation over the permutations; NaN for one of them, and where the metric is infinite."""
        values = self.losses[column][target][metric]
        return float(np.std(values, ddof=1)) if len(values) > 1 and np.isfinite(values).all() else math.nan

    def ranked(self, target: str, metric: str | None = None) -> list[str]:
        """The columns, the most important first: by `metric`, or by that of `loss`."""
        metric = metric or self.loss(target)
        return sorted(self.losses, key=lambda column: -np.nan_to_num(self.mean(column, target, metric), nan=-np.inf))

    def table(self, target: str) -> list[tuple[str, ...]]:
        """A line for each column, the most important first: its name, and mean ± spread for each metric."""
        metrics = self._metrics(target)
        return [
            (short(column), *(self._cell(column, target, metric) for metric in metrics))
            for column in self.ranked(target)
        ]

    def heads(self, target: str) -> tuple[str, ...]:
        """The heads of `table`."""
        return ("", *(words(metric) for metric in self._metrics(target)))

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        columns = {
            column: {
                target: {
                    metric: {
                        "mean": _plain(self.mean(column, target, metric)),
                        "spread": _plain(self.spread(column, target, metric)),
                        "permutations": _all_plain(values),
                    }
                    for metric, values in by_metric.items()
                }
                for target, by_metric in by_target.items()
            }
            for column, by_target in self.losses.items()
        }
        scores = {t: {m: _plain(value) for m, value in by_metric.items()} for t, by_metric in self.scores.items()}
        return {"rows": self.rows, "scores": scores, "columns": columns}

    def loss(self, target: str) -> str:
        """The metric that columns are sorted by: the log loss or the rmse; if one is infinite, the first finite one."""
        usual = next(metric for metric in LOSS.values() if metric in self.scores[target])
        metrics = self.scores[target]
        means = {metric: [self.mean(column, target, metric) for column in self.losses] for metric in metrics}
        if not np.isinf(means[usual]).any():
            return usual
        return next((metric for metric, values in means.items() if np.isfinite(values).all()), usual)

    def _metrics(self, target: str) -> list[str]:
        """The metrics of a target, that of the order first."""
        first = self.loss(target)
        return [first, *(metric for metric in self.scores[target] if metric != first)]

    def _cell(self, column: str, target: str, metric: str) -> str:
        mean, spread = self.mean(column, target, metric), self.spread(column, target, metric)
        if math.isnan(mean):
            return "-"
        return number(mean) + ("" if math.isnan(spread) else f" ± {number(spread)}")


def importance_of(
    X: Array,
    slices: Mapping[str, Sequence[slice]],
    scores: Callable[[Array], Mapping[str, Mapping[str, float]]],
    repeats: int,
    seed: int,
) -> Importance:
    """The importance of columns, or groups of them.

    - X: the encoded rows (n, n_1).
    - slices: for each column or group the inputs that it became.
    - scores: the scores by target and metric of encoded rows, as a function.
    - repeats, seed: the number of permutations, and their seed; all columns have the same ones.
    """
    whole = scores(X)
    orders = [permutation(seed, Purpose.PERMUTED, k, len(X)) for k in range(repeats)]
    losses = {column: _losses(X, parts, scores, whole, orders) for column, parts in slices.items()}
    return Importance(len(X), whole, losses)


def _losses(X: Array, parts: Sequence[slice], scores: Any, whole: Any, orders: list[Array]) -> Any:
    permuted = []
    for order in orders:
        changed = X.copy()
        for part in parts:
            changed[:, part] = X[order, part]
        permuted.append(scores(changed))
    return {
        target: {
            metric: np.array([_worse(metric, each[target][metric], value) for each in permuted])
            for metric, value in by_metric.items()
        }
        for target, by_metric in whole.items()
    }


def grouped(own: Mapping[str, slice], groups: Mapping[str, Sequence[str]] | None = None) -> dict[str, list[slice]]:
    """The inputs of each group of columns, by its name, and those of the columns that are in no group.

    - own: for each column the inputs that it became.
    - groups: columns by the name of their group.

    >>> grouped({"a": slice(0, 1), "b": slice(1, 3), "c": slice(3, 4)}, {"both": ["a", "c"]})
    {'both': [slice(0, 1, None), slice(3, 4, None)], 'b': [slice(1, 3, None)]}

    Raises SettingError for a group of columns that the model does not use, or of no column.
    """
    chosen = {name: list(columns) for name, columns in (groups or {}).items()}
    for name, columns in chosen.items():
        unknown = [column for column in columns if column not in own]
        if unknown or not columns:
            what = f"{unknown[0]!r}, which is not an input" if unknown else "no column"
            raise SettingError(f"group {name!r} has {what}: the inputs are {listed(own)}")
    inside = {column for columns in chosen.values() for column in columns}
    alone = {name: [part] for name, part in own.items() if name not in inside}
    return {**{name: [own[column] for column in columns] for name, columns in chosen.items()}, **alone}


def _worse(metric: str, now: float, before: float) -> float:
    """By how much a score is worse than before."""
    return before - now if METRICS[metric].mode == "max" else now - before


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _all_plain(values: Array) -> list[float | None]:
    return [_plain(value) for value in values.tolist()]
