"""Weights of classes: what a user sets becomes a factor for each class, and a weight for each row and block.

A weight of 0 leaves the rows of a class out. "balanced" gives the k classes that occur S / (k S_c), so that all weigh
the same in total: S_c is the sum of the weights of class c in the rows to train on, and S that of all.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples import RowArrays
from chainrule.fields import is_number
from chainrule.tables.targets import Classes, Targets

__all__ = ["balanced", "check_class_weight", "class_factors", "factor_of", "weighted"]

_ROWS = 2**16  # computed together

Factors = dict[str, Array | None]  # by target


def balanced(totals: Array) -> Array:
    """The factors (k,) of classes with these total weights (k,); 1 for a class that does not occur.

    >>> balanced(np.array([3.0, 1.0, 0.0]))
    array([0.66666667, 2.        , 1.        ])
    """
    occurs = totals > 0
    return np.divide(totals.sum() / max(int(occurs.sum()), 1), totals, out=np.ones(len(totals)), where=occurs)


def factor_of(name: Any, value: Any) -> float:
    """The weight that a user set for the class `name`. Raises SettingError unless it is a number from 0.

    >>> factor_of("yes", 2)
    2.0
    """
    if not (is_number(value) and math.isfinite(value) and value >= 0):
        raise SettingError(f"class_weight of {name!r} is {value!r}, but must be a number from 0")
    return float(value)


def weighted(
    targets: Targets, rows: RowArrays, held: RowArrays, factors: Factors | None
) -> tuple[RowArrays, RowArrays]:
    """The same rows, their weights multiplied by those of their classes (`class_factors`); `rows` set the balance."""
    if factors is None:
        return rows, held
    columns = [column for column in targets.columns if isinstance(column, Classes)]
    by_target = {c.name: _balanced(targets, c, rows) if factors[c.name] is None else factors[c.name] for c in columns}
    return _times(targets, rows, by_target), _times(targets, held, by_target)


def check_class_weight(class_weight: Any) -> None:
    """Raise a SettingError unless it is None, "balanced" or a mapping."""
    word = isinstance(class_weight, str) and class_weight == "balanced"
    if class_weight is not None and not word and not isinstance(class_weight, Mapping):
        raise SettingError(
            f"class_weight is {class_weight!r}, but must be 'balanced' or give classes their weights: {{'yes': 2}}"
        )


def class_factors(targets: Targets, class_weight: Any) -> Factors | None:
    """The factors (k,) of the classes of each target that has classes; None where they are to be balanced.

    Raises SettingError for weights of something else than these targets' classes.
    """
    columns = [column for column in targets.columns if isinstance(column, Classes)]
    if class_weight is None:
        return None
    if not columns:
        names = ", ".join(targets.names)
        raise SettingError(f"class_weight needs a target with classes, but {names} holds numbers: leave it out")
    if class_weight == "balanced":
        return dict.fromkeys((column.name for column in columns), None)
    if len(columns) == 1 and columns[0].name not in class_weight:
        return {columns[0].name: _factors(columns[0], class_weight)}
    names_of_targets = [column.name for column in columns]
    mappings = all(isinstance(value, Mapping) for value in class_weight.values())
    if set(class_weight) - set(names_of_targets) or not mappings:
        raise SettingError(
            f"class_weight must name targets ({', '.join(names_of_targets)}), each with the weights of its classes"
        )
    return {column.name: _factors(column, class_weight.get(column.name, {})) for column in columns}


def _balanced(targets: Targets, column: Classes, rows: RowArrays) -> Array:
    totals = np.zeros(column.width)
    for start in range(0, len(rows.T), _ROWS):
        part = slice(start, start + _ROWS)
        codes = _codes(targets, column, rows.T[part])
        totals += np.bincount(codes, None if rows.weight is None else rows.weight[part], column.width)
    return balanced(totals)


def _factors(column: Classes, weights: Mapping[Any, Any]) -> Array:
    factors = np.ones(column.width)
    for name, value in weights.items():
        factor = factor_of(name, value)
        try:
            factors[np.argmax(column.encode([name], "float64"))] = factor
        except DataError:
            classes = ", ".join(repr(value) for value in column.values.tolist()[:12])
            raise SettingError(
                f"class_weight names {name!r}, but the classes of {column.name!r} are {classes}"
            ) from None
    return factors


def _times(targets: Targets, rows: RowArrays, factors: Factors) -> RowArrays:
    """The rows with weights (n,) for one block of outputs, (n, blocks) for several."""
    X, T, weight = rows
    blocks = targets.blocks
    weights = np.ones((len(T), len(blocks))) if weight is None else np.repeat(weight[:, None], len(blocks), axis=1)
    columns = {column.name: column for column in targets.columns if isinstance(column, Classes)}
    for k, block in enumerate(blocks):
        factor = factors.get(block.name) if block.kind == Classes.kind else None
        for start in range(0, 0 if factor is None else len(T), _ROWS):
            part = slice(start, start + _ROWS)
            assert factor is not None
            weights[part, k] *= factor[_codes(targets, columns[block.name], T[part])]
    return RowArrays(X, T, weights[:, 0] if len(blocks) == 1 else weights)


def _codes(targets: Targets, column: Classes, T: Array) -> Array:
    """The number of each row's class, from the targets that the network is to give."""
    start = 0
    for other in targets.columns:
        if other is column:
            break
        start += other.width
    return np.argmax(T[:, start : start + column.width], axis=1)
