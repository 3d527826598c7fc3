"""Weights of rows and of classes, made one weight for each row or, with several targets, for each row and block."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.tables.targets import Classes, Targets

__all__ = ["Examples", "check_class_weight", "class_factors", "weighted"]

_ROWS = 2**16  # looked at together

Examples = tuple[Array, Array, Array | None]  # X, T and the weights of some rows
Factors = dict[str, Array | None]  # by target


def weighted(targets: Targets, rows: Examples, held: Examples, factors: Factors | None) -> tuple[Examples, Examples]:
    """The same examples with their weights times those of their classes, which `class_factors` gives.

    Balanced classes of a target weigh the same in total over `rows`: S / (k S_c) for k classes, where S_c is the sum of
    the weights of class c and S that of all.
    """
    if factors is None:
        return rows, held
    columns = [column for column in targets.columns if isinstance(column, Classes)]
    found = {c.name: _balanced(targets, c, rows) if factors[c.name] is None else factors[c.name] for c in columns}
    return _times(targets, rows, found), _times(targets, held, found)


def check_class_weight(class_weight: Any) -> None:
    """Raise a SettingError unless it is None, "balanced" or a mapping."""
    if class_weight is not None and class_weight != "balanced" and not isinstance(class_weight, Mapping):
        raise SettingError(
            f"class_weight is {class_weight!r}, but must be 'balanced' or give classes their weights: {{'yes': 2}}"
        )


def class_factors(targets: Targets, class_weight: Any) -> Factors | None:
    """The weights (k,) of the classes of each target that has classes; None where they are to be balanced.

    Raises SettingError for weights of something else than these targets' classes.
    """
    columns = [column for column in targets.columns if isinstance(column, Classes)]
    if class_weight is None:
        return None
    if not columns:
        held = ", ".join(targets.names)
        raise SettingError(f"class_weight needs a target with classes, but {held} holds numbers: leave it out")
    if class_weight == "balanced":
        return dict.fromkeys((column.name for column in columns), None)
    if len(columns) == 1 and columns[0].name not in class_weight:
        return {columns[0].name: _given(columns[0], class_weight)}
    names = [column.name for column in columns]
    if set(class_weight) - set(names) or not all(isinstance(value, Mapping) for value in class_weight.values()):
        raise SettingError(f"class_weight must name targets ({', '.join(names)}), each with the weights of its classes")
    return {column.name: _given(column, class_weight.get(column.name, {})) for column in columns}


def _balanced(targets: Targets, column: Classes, rows: Examples) -> Array:
    _, T, weight = rows
    totals = np.zeros(column.width)
    for start in range(0, len(T), _ROWS):
        part = slice(start, start + _ROWS)
        codes = _codes(targets, column, T[part])
        totals += np.bincount(codes, None if weight is None else weight[part], column.width)
    seen = totals > 0
    return np.divide(totals.sum() / seen.sum(), totals, out=np.ones(column.width), where=seen)


def _given(column: Classes, weights: Mapping[Any, Any]) -> Array:
    found = np.ones(column.width)
    for name, value in weights.items():
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and value > 0):
            raise SettingError(f"class_weight of {name!r} is {value!r}, but must be a number above 0")
        try:
            found[np.argmax(column.encode([name], "float64"))] = value
        except DataError:
            known = ", ".join(repr(value) for value in column.values.tolist()[:12])
            raise SettingError(f"class_weight names {name!r}, but the classes of {column.name!r} are {known}") from None
    return found


def _times(targets: Targets, examples: Examples, factors: Factors) -> Examples:
    """The examples with weights (n,) for one block of outputs, (n, blocks) for several."""
    X, T, weight = examples
    blocks = targets.blocks
    found = np.ones((len(T), len(blocks))) if weight is None else np.repeat(weight[:, None], len(blocks), axis=1)
    columns = {column.name: column for column in targets.columns if isinstance(column, Classes)}
    for k, block in enumerate(blocks):
        factor = factors.get(block.name) if block.kind == Classes.kind else None
        for start in range(0, 0 if factor is None else len(T), _ROWS):
            part = slice(start, start + _ROWS)
            assert factor is not None
            found[part, k] *= factor[_codes(targets, columns[block.name], T[part])]
    return X, T, found[:, 0] if len(blocks) == 1 else found


def _codes(targets: Targets, column: Classes, T: Array) -> Array:
    """The number of each row's class, from the targets that the network is to give."""
    start = 0
    for other in targets.columns:
        if other is column:
            break
        start += other.width
    return np.argmax(T[:, start : start + column.width], axis=1)
