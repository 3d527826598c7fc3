"""The summary of a training on a table: the settings that ran and the scores, as plain data for the model's file."""

import dataclasses
import math
import os
from collections.abc import Mapping
from typing import Any

from chainrule._version import __version__
from chainrule.model.settings import TableSettings
from chainrule.schedules import Constant
from chainrule.training import History

__all__ = ["curves_of", "finite", "identity_of", "summary_of"]

MOST_POINTS = 200  # of a curve in a model's file
_IDENTITY = ("task", "drop", "keep", "weight", "members", "start", "class_weight", "test_every", "validation")


def summary_of(
    s: TableSettings, history: History, members: int, rows: int, held_out: int, metric: str
) -> dict[str, Any]:
    """The settings that ran, and the scores at the best epoch.

    - s: the settings that ran.
    - history: the history of the training, with costs as the mean over the members.
    - members: the size of the ensemble.
    - rows, held_out: the numbers of rows to train on and held out for validation.
    - metric: the name of the metric that chose the weights, "" for the cost.
    """
    best = history.best_epoch
    curves = {"cost": history.cost, "validation_cost": history.validation, **history.metrics}
    return {
        "rows": rows,
        "validation_rows": rows if members > 1 else held_out,
        **({} if members == 1 else {"members": members}),
        "start": s.start,
        "epochs": history.epochs,
        "best_epoch": best + 1,
        "at_best_epoch": finite({name: values[best] for name, values in curves.items() if values and best >= 0}),
        "stopped": history.stopped,
        "curves": curves_of(history),
        "optimizer": s.rule.document(),
        **_unusual(s, metric),
        "batch_size": s.training.rows_of_update(rows),
        "alpha": s.alpha,
        "l1": s.l1,
        "dropout": s.dropout,
        "seed": s.seed,
        "engine": history.engine,
        "chainrule": __version__,
    }


def curves_of(history: History) -> dict[str, list[Any]]:
    """The curves of a training for its model's file: by name the values after some epochs, at most `MOST_POINTS`.

    - history: the history of the training.

    `epoch` has the epochs, from 1; a value that is not finite is None.

    >>> curves_of(History([3.0, 1 / 3], [], {"r2": [0.5, math.nan]}, seed=0, engine=""))
    {'epoch': [1, 2], 'cost': [3.0, 0.33333], 'r2': [0.5, None]}
    """
    count = min(history.epochs, MOST_POINTS)
    epochs = sorted({round(k * (history.epochs - 1) / max(count - 1, 1)) for k in range(count)})
    curves = {"cost": history.cost, "validation_cost": history.validation, **history.metrics}
    kept = {name: [_five_digits(values[e]) for e in epochs] for name, values in curves.items() if values}
    return {"epoch": [e + 1 for e in epochs], **kept}


def _five_digits(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def identity_of(settings: TableSettings, targets: list[str]) -> dict[str, Any]:
    """The settings that a training on arrays does not have, for its checkpoint, which compares them when it resumes."""
    values = {name: _plain(getattr(settings, name)) for name in _IDENTITY}
    values |= {name: column for name in ("group", "time_column") if (column := getattr(settings, name)) is not None}
    return {"target": targets, **values, **({"kinds": settings.kinds} if settings.kinds else {})}


def finite(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The scores that are finite, because JSON has neither infinity nor NaN."""
    inner = {name: finite(value) if isinstance(value, Mapping) else value for name, value in scores.items()}
    return {name: value for name, value in inner.items() if isinstance(value, dict) or math.isfinite(value)}


def _unusual(s: TableSettings, metric: str) -> dict[str, Any]:
    """The settings of these names that are not at their default, as plain data."""
    bounds = {} if s.clip is None else dataclasses.asdict(s.clip)
    schedule = {} if s.schedule is None or isinstance(s.schedule, Constant) else s.schedule.document()
    values: dict[str, Any] = {
        "schedule": schedule,
        "clip": {name: bound for name, bound in finite(bounds).items() if bound},
        "metric": metric,
    }
    values |= {
        name: getattr(s, name)
        for name in ("patience", "time", "tolerance", "precision", "weight", "group", "time_column")
    }
    values |= {"kinds": s.kinds, "class_weight": _plain(s.class_weight), "test_every": s.test_every}
    return {name: value for name, value in values.items() if value}


def _plain(value: Any) -> Any:
    """A setting as plain data: a mapping with texts as keys, a path as a text, a table as "a table"."""
    if isinstance(value, Mapping):
        return {str(name): _part(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return value if value is None or isinstance(value, str | int | float) else "a table"


def _part(value: Any) -> Any:
    """A value of a mapping: a text as it is, a weight as a float."""
    return value if isinstance(value, str) else _plain(value) if isinstance(value, Mapping) else float(value)
