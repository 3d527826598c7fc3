"""Weights of classes become weights of the rows to train on, and of those to validate with."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.estimators.labels import Labels, in_words
from chainrule.estimators.rows import Rows
from chainrule.estimators.targets import weight_by_row
from chainrule.model.class_weight import balanced, factor_of

__all__ = ["weigh_classes", "without_classes_of_weight_0"]


def without_classes_of_weight_0(labels: Labels, class_weight: Any, rows: Rows) -> Rows:
    """The rows without those that have weight 0 in every output: they are as if they were not there.

    Raises DataError if no row is left, and SettingError or DataError as `weigh_classes` does.
    """
    if class_weight is None:
        return rows
    weights = _weights(labels, rows, _factors_by_output(labels, class_weight, rows))
    kept = np.flatnonzero(weights.reshape(len(rows.y), -1).any(axis=1))
    if not len(kept):
        raise DataError("class_weight gives every row the weight 0: give some class of y a weight above 0")
    return rows if len(kept) == len(rows.y) else rows.take(kept)


def weigh_classes(labels: Labels, class_weight: Any, rows: Rows, held_out: Rows | None) -> tuple[Rows, Rows | None]:
    """The same rows, each weight times those of the row's classes; "balanced" is by the `rows` to train on.

    Weights are (n,) for one output, (n, outputs) for several. Raises SettingError for a `class_weight` that does not
    fit the classes, DataError for weights of rows that do not fit the outputs.
    """
    factors = _factors_by_output(labels, class_weight, rows)
    weighted = rows._replace(weight=_weights(labels, rows, factors))
    if held_out is None:
        return weighted, None
    return weighted, held_out._replace(weight=_weights(labels, held_out, factors)).present()


def _factors_by_output(labels: Labels, class_weight: Any, rows: Rows) -> list[Array]:
    """The factors (k,) of the k classes of each output.

    "balanced" gives the classes that occur S / (k S_c), where S_c is the weight of class c and S that of all. A mapping
    gives a class its weight, 1 to those that it does not name; None is 1 for all. A list has one of these for each
    output.
    """
    codes = labels.codes(rows.y)
    several = class_weight if isinstance(class_weight, list | tuple) else [class_weight] * codes.shape[1]
    if len(several) != codes.shape[1]:
        raise SettingError(f"{len(several)} class weights came for {codes.shape[1]} outputs: give one for each")
    factors = []
    for weights, classes, code in zip(several, labels.classes, codes.T, strict=True):
        if isinstance(weights, str) and weights == "balanced":
            totals = np.bincount(code, weight_by_row(rows.weight), len(classes))
            factors.append(balanced(totals.astype(np.float64)))
        else:
            factors.append(_factors(weights, classes))
    return factors


def _factors(weights: Any, classes: Array) -> Array:
    """The factor of each class of one output, from a mapping or None."""
    weights = {} if weights is None else weights
    if not isinstance(weights, Mapping):
        raise SettingError(
            f"class_weight is {weights!r}, but must be 'balanced', a mapping from class to weight, or a list of those"
        )
    factors, unknown = np.ones(len(classes)), dict(weights)
    for k, name in enumerate(classes.tolist()):
        factors[k] = factor_of(name, unknown.pop(name, 1.0))
    if unknown and len(weights) - len(unknown) < len(classes):
        raise SettingError(f"class_weight names {in_words(list(unknown))}, but the classes are {in_words(classes)}")
    return factors


def _weights(labels: Labels, rows: Rows, factors: list[Array]) -> Array:
    """The weights of rows times the factors of their classes."""
    codes, weight = labels.codes(rows.y), rows.weight
    weights = np.stack([factor[code] for factor, code in zip(factors, codes.T, strict=True)], axis=1)
    if weight is not None:
        if weight.ndim == 2 and weight.shape[1] != len(factors):
            raise DataError(
                f"sample_weight has {weight.shape[1]} columns, but there are {len(factors)} outputs: give one for each"
            )
        weights = weights * weight.reshape(len(rows.y), -1)
    return weights[:, 0] if len(factors) == 1 else weights
