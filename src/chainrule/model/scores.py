"""How good the outputs of a network are in the words and units of its targets."""

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.data import metrics
from chainrule.data.targets import Targets

__all__ = ["scores_of", "training_metrics"]


def scores_of(targets: Targets, A: Array, T: Array) -> dict[str, Any]:
    """The scores of each target, by name, and the `overall` ones of the numbers where there are several."""
    true, found = targets.decode(T), targets.decode(A)
    scores: dict[str, dict[str, float]] = {}
    start = 0
    for column in targets.columns:
        part = slice(start, start + column.width)
        start += column.width
        y, a = true[column.name], found[column.name]
        if column.kind == "classes":
            scores[column.name] = {
                "accuracy": metrics.accuracy(y, a),
                "log_loss": metrics.log_loss(T[:, part], A[:, part]),
            }
        else:
            scores[column.name] = {"rmse": metrics.rmse(y, a), "mae": metrics.mae(y, a), "r2": metrics.r2(y, a)}
    numbers = [column.name for column in targets.columns if column.kind == "numbers"]
    if len(numbers) > 1:
        y, a = (np.stack([values[name] for name in numbers], axis=1) for values in (true, found))
        return {"targets": scores, "overall": {"rmse": metrics.rmse(y, a), "r2": metrics.r2(y, a)}}
    return {"targets": scores}


def training_metrics(targets: Targets) -> dict[str, Callable[[Array, Array], float]]:
    """The one score of each target that is shown while it trains: accuracy, or r2."""

    def score(name: str, kind: str) -> Callable[[Array, Array], float]:
        function = metrics.accuracy if kind == "classes" else metrics.r2
        return lambda A, T: function(targets.decode(T)[name], targets.decode(A)[name])

    several = len(targets.columns) > 1
    labels = {"classes": "accuracy", "numbers": "r2"}
    return {f"{labels[c.kind]} {c.name}" if several else labels[c.kind]: score(c.name, c.kind) for c in targets.columns}
