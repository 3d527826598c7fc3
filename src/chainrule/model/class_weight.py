"""Weights of classes: a setting becomes a factor for each class, and the factors become weights of rows and blocks.

A factor of 0 leaves the rows of a class out. "balanced" gives each class c of the k that occur the factor S / (k S_c),
so that all classes have the same total weight: S_c is the sum of the weights of class c in the rows to train on, and S
is the sum over all classes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples import RowArrays
from chainrule.model.heads import slices_of
from chainrule.registry import is_finite, require
from chainrule.tables.targets import Classes, Targets

__all__ = ["Factors", "balanced", "class_factors", "factor_of", "left_out", "weighted"]

_ROWS = 2**16  # computed together

Factors = dict[str, Array | None]  # by target: the factor of each class, None to balance them


def balanced(totals: Array) -> Array:
    """The factors (k,) of balanced classes with the total weights `totals` (k,); 1 for a class that does not occur.

    >>> balanced(np.array([3.0, 1.0, 0.0]))
    array([0.66666667, 2.        , 1.        ])
    """
    occurs = totals > 0
    return np.divide(totals.sum() / max(int(occurs.sum()), 1), totals, out=np.ones(len(totals)), where=occurs)


def factor_of(name: Any, value: Any) -> float:
    """The factor of the class `name`, set to `value`.

    >>> factor_of("yes", 2)
    2.0

    Raises SettingError where the value is not a number from 0.
    """
    require(is_finite(value) and value >= 0, f"class_weight of {name!r}", value, "a number from 0")
    return float(value)


def weighted(
    targets: Targets, rows: RowArrays, held_out: RowArrays, factors: Factors | None
) -> tuple[RowArrays, RowArrays]:
    """The rows to train on and the held-out rows, with their weights multiplied by the factors of their classes.

    - targets: the targets that the columns of T stand for.
    - rows, held_out: X, T and weights; classes are balanced by `rows` alone.
    - factors: the factors of the classes (see `class_factors`); None leaves all weights as they are.
    """
    if factors is None:
        return rows, held_out
    parts = {column.name: part for column, part in slices_of(targets)}
    by_target = {name: _balanced(parts[name], rows) if f is None else f for name, f in factors.items()}
    return _times(targets, rows, by_target), _times(targets, held_out, by_target)


def left_out(targets: Targets, T: Array, factors: Factors) -> Array:
    """Whether each row (n,) of targets T (n, n_L) has no weight, because the factors of all its targets are 0."""
    out = np.ones(len(T), np.bool_)
    for column, part in slices_of(targets):
        factor = factors.get(column.name)  # a target of numbers has none
        out &= False if factor is None else (factor == 0)[T[:, part].argmax(axis=1)]
    return out


def class_factors(targets: Targets, class_weight: Any) -> Factors | None:
    """The factors (k,) of the k classes of each target with classes, or None where they are to be balanced.

    - targets: the targets of the table.
    - class_weight: None, for which the result is None; "balanced"; or a mapping from class to factor, with several
      targets from target to such a mapping. A class that is not named has the factor 1.

    Raises SettingError where no target has classes, and where a target, a class or a factor is not a possible one.
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


def _balanced(part: slice, rows: RowArrays) -> Array:
    """The factors that balance the classes of a target, whose one-hot columns of T are `part`."""
    totals = np.zeros(part.stop - part.start)
    for start in range(0, len(rows.T), _ROWS):
        some = slice(start, start + _ROWS)
        codes = rows.T[some, part].argmax(axis=1)
        totals += np.bincount(codes, None if rows.weight is None else rows.weight[some], len(totals))
    return balanced(totals)


def _factors(column: Classes, weights: Mapping[Any, Any]) -> Array:
    """The factors (k,) of the classes of a target, by a mapping from class to factor."""
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


def _times(targets: Targets, rows: RowArrays, factors: Mapping[str, Array]) -> RowArrays:
    """The rows with weights times factors: (n,) for one block of outputs, (n, blocks) for several."""
    X, T, weight = rows
    blocks = [block.name for block in targets.blocks]
    weights = np.ones((len(T), len(blocks))) if weight is None else np.repeat(weight[:, None], len(blocks), axis=1)
    for column, part in slices_of(targets):
        for start in range(0, len(T) if column.name in factors else 0, _ROWS):
            some = slice(start, start + _ROWS)
            weights[some, blocks.index(column.name)] *= factors[column.name][T[some, part].argmax(axis=1)]
    return RowArrays(X, T, weights[:, 0] if len(blocks) == 1 else weights)
