"""Weights of classes become weights of the rows to train on, and of those to validate with."""

from typing import Any

import numpy as np

from chainrule.errors import DataError, SettingError
from chainrule.estimators.rows import Rows
from chainrule.examples import RowArrays
from chainrule.model.class_weight import Factors, factors_of, weighted
from chainrule.tables.targets import ArrayLabels, ArrayTargets

__all__ = ["weigh_classes", "weighed_for", "without_classes_of_weight_0"]


def without_classes_of_weight_0(labels: ArrayLabels, class_weight: Any, rows: Rows) -> Rows:
    """The rows without those that have weight 0 in every output: they are as if they were not there.

    Raises DataError if no row is left, and SettingError or DataError as `weigh_classes` does.
    """
    if class_weight is None:
        return rows
    weighed, _ = weigh_classes(labels, class_weight, rows, None)
    assert weighed.weight is not None, "there are factors"
    kept = np.flatnonzero(weighed.weight.reshape(len(rows.y), -1).any(axis=1))
    if not len(kept):
        raise DataError("class_weight gives every row the weight 0: give some class of y a weight above 0")
    return rows if len(kept) == len(rows.y) else rows.take(kept)


def weigh_classes(
    labels: ArrayLabels, class_weight: Any, rows: Rows, held_out: Rows | None
) -> tuple[Rows, Rows | None]:
    """The same rows, each weight times those of the row's classes; "balanced" is by the `rows` to train on.

    Weights are (n,) for one output, (n, outputs) for several. Raises SettingError for a `class_weight` that does not
    fit the classes, DataError for weights of rows that do not fit the outputs.
    """
    validation = None if held_out is None else _arrays(labels, held_out)
    train, validation = weighted(labels.outputs, _arrays(labels, rows), validation, _factors(labels, class_weight))
    weighed = rows._replace(weight=train.weight)
    if held_out is None or validation is None:
        return weighed, None
    return weighed, held_out._replace(weight=validation.weight).present()


def weighed_for(
    estimator: Any, targets: ArrayTargets, rows: Rows, held_out: Rows | None = None
) -> tuple[Rows, Rows | None]:
    """The same rows as `weigh_classes` gives them, where the estimator has weights of classes."""
    class_weight = getattr(estimator, "class_weight", None)
    if class_weight is None or not isinstance(targets, ArrayLabels):
        return rows, held_out
    return weigh_classes(targets, class_weight, rows, held_out)


def _arrays(labels: ArrayLabels, rows: Rows) -> RowArrays:
    return RowArrays(rows.X, labels.encode(rows.y), rows.weight)


def _factors(labels: ArrayLabels, class_weight: Any) -> Factors:
    """The factors of the classes of each output, from a setting for all of them or a list with one for each."""
    columns = labels.columns
    several = class_weight if isinstance(class_weight, list | tuple) else [class_weight] * len(columns)
    if len(several) != len(columns):
        raise SettingError(f"{len(several)} class weights came for {len(columns)} outputs: give one for each")
    return {column.name: factors_of(column, weights) for column, weights in zip(columns, several, strict=True)}
