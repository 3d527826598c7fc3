"""Weights of classes: a setting becomes a factor for each class, and the factors become weights of rows and blocks.

A factor of 0 leaves the rows of a class out. "balanced" gives each class c of the k that occur the factor S / (k S_c),
so that all classes have the same total weight: S_c is the sum of the weights of class c in the rows to train on, and S
is the sum over all classes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples import RowArrays
from chainrule.registry import is_finite, require
from chainrule.tables.names import listed
from chainrule.tables.targets import ClassTarget, Outputs, Targets, in_words
from chainrule.text import shown

__all__ = ["Factors", "balanced", "class_factors", "factors_of", "left_out", "weighted", "without_absent"]

_ROWS = 2**16  # computed together

Factors = dict[str, Array | None]  # by target: the factor of each class, None to balance them


def balanced(totals: Array) -> Array:
    """The factors (k,) of balanced classes with the total weights `totals` (k,); 1 for a class that does not occur.

    >>> balanced(np.array([3.0, 1.0, 0.0]))
    array([0.66666667, 2.        , 1.        ])
    """
    occurs = totals > 0
    return np.divide(totals.sum() / max(int(occurs.sum()), 1), totals, out=np.ones(len(totals)), where=occurs)


def factors_of(column: ClassTarget, weights: Any) -> Array | None:
    """The factors (k,) of the classes of one target; None where they are to be balanced.

    - column: the target.
    - weights: "balanced"; a mapping from class to factor, 1 for a class that it does not name; or None, 1 for all.

    >>> from chainrule.tables.targets import Labels
    >>> factors_of(Labels.of("y", ["no", "yes"]), {"yes": 3})
    array([1., 3.])

    Raises SettingError for anything else, and for a class that does not occur unless every class that does is named.
    """
    if isinstance(weights, str) and weights == "balanced":
        return None
    weights = {} if weights is None else weights
    if not isinstance(weights, Mapping):
        raise SettingError(
            f"class_weight is {shown(weights)}, but must be 'balanced', a mapping from class to weight, or a list of "
            "those"
        )
    factors, named, unknown = np.ones(len(column.values)), set(), []
    for name, value in weights.items():
        factor, code = _factor(name, value), column.code_of(name)
        if code is None:
            unknown.append(name)
        else:
            factors[code] = factor
            named.add(code)
    if unknown and len(named) < len(factors):
        classes = in_words(column.values)
        raise SettingError(f"class_weight names {in_words(unknown)}, but the classes of {column.name!r} are {classes}")
    return factors


def class_factors(targets: Outputs, class_weight: Any) -> Factors | None:
    """The factors (k,) of the k classes of each target with classes, or None where they are to be balanced.

    - targets: the targets of the table.
    - class_weight: None, for which the result is None; "balanced"; or a mapping from class to factor, with several
      targets from target to such a mapping. A class that is not named has the factor 1.

    Raises SettingError where no target has classes, and where a target, a class or a factor is not a possible one.
    """
    columns = [column for column in targets.columns if isinstance(column, ClassTarget)]
    if class_weight is None:
        return None
    if not columns:
        line = f"class_weight needs a target with classes, but {listed(targets.names)} has none: leave it out"
        raise SettingError(line)
    if class_weight == "balanced":
        return dict.fromkeys((column.name for column in columns), None)
    if len(columns) == 1 and columns[0].name not in class_weight:
        return {columns[0].name: factors_of(columns[0], class_weight)}
    names_of_targets = [column.name for column in columns]
    mappings = all(isinstance(value, Mapping) for value in class_weight.values())
    if set(class_weight) - set(names_of_targets) or not mappings:
        raise SettingError(
            f"class_weight must name targets ({', '.join(names_of_targets)}), each with the weights of its classes"
        )
    return {column.name: factors_of(column, class_weight.get(column.name)) for column in columns}


def weighted(
    targets: Outputs, rows: RowArrays, held_out: RowArrays | None, factors: Factors | None
) -> tuple[RowArrays, RowArrays | None]:
    """The rows to train on and the held-out rows, with their weights multiplied by the factors of their classes.

    - targets: the targets that T stands for.
    - rows, held_out: X, T and weights; classes are balanced by `rows` alone.
    - factors: the factors of the classes (see `class_factors`); None leaves all weights as they are.

    Weights become (n,), or (n, k) for k targets of which each has weights of its own: targets of numbers that are
    neighbours share one. Raises DataError for weights that do not fit the targets.
    """
    if factors is None:
        return rows, held_out
    totals = _totals(targets, rows) if any(f is None for f in factors.values()) else {}
    by_target = {name: balanced(totals[name]) if factor is None else factor for name, factor in factors.items()}
    return _times(targets, rows, by_target), None if held_out is None else _times(targets, held_out, by_target)


def without_absent(targets: Targets, rows: RowArrays) -> RowArrays:
    """The rows with weight 0 for the outputs of the targets that a row lacks.

    Weights become (n, n_L) if a row lacks a target; otherwise they stay as they are.
    """
    if len(targets.columns) == 1:
        return rows
    there = np.concatenate([targets.there(T) for _, T, _ in _chunks(rows)]) if len(rows.T) else np.ones((0, 1), bool)
    if there.all():
        return rows
    weight = np.ones(len(rows.T)) if rows.weight is None else np.asarray(rows.weight)
    widths = [column.width for column in targets.columns]
    return rows._replace(weight=np.repeat(weight[:, np.newaxis] * there, widths, axis=1))


def left_out(targets: Targets, T: Array, factors: Factors) -> Array:
    """Whether each row (n,) of targets T has no weight, because the factors of all targets that it has are 0."""
    codes = targets.codes(T)
    if len(codes) < len(targets.columns):  # a target of numbers has no factors
        return np.zeros(len(T), np.bool_)
    out = np.ones(len(T), np.bool_)
    for there, (name, code) in zip(targets.there(T).T, codes.items(), strict=True):
        factor = factors.get(name)
        out &= ~there if factor is None else ~there | (factor == 0)[code]
    return out


def _factor(name: Any, value: Any) -> float:
    """The factor of the class `name`, set to `value`. Raises SettingError where it is not a number from 0."""
    require(is_finite(value) and value >= 0, f"class_weight of {shown(name)}", value, "a number from 0")
    return float(value)


def _chunks(rows: RowArrays) -> Iterator[tuple[slice, Array, Array | None]]:
    """The rows part by part: which they are, their T and their weights."""
    for start in range(0, len(rows.T), _ROWS):
        some = slice(start, start + _ROWS)
        yield some, rows.T[some], None if rows.weight is None else rows.weight[some]


def _totals(targets: Outputs, rows: RowArrays) -> dict[str, Array]:
    """The total weight (k,) of each class, by target. Weights of several targets count by their mean."""
    totals = {name: np.zeros(len(classes)) for name, classes in targets.classes.items()}
    for _, T, weight in _chunks(rows):
        mean = weight if weight is None or weight.ndim == 1 else weight.mean(axis=1)
        first = {column.name: part.start for column, part in targets.slices}
        by_output = weight is not None and _is_by_output(targets, weight)
        for name, codes in targets.codes(T).items():
            own = weight[:, first[name]] if weight is not None and by_output else mean
            totals[name] += np.bincount(codes, own, len(totals[name]))
    return totals


def _times(targets: Outputs, rows: RowArrays, factors: Mapping[str, Array]) -> RowArrays:
    """The rows with weights times factors: (n,) for one block of outputs, (n, blocks) for several."""
    if rows.weight is not None and _is_by_output(targets, rows.weight):
        return _times_by_output(targets, rows, factors)
    blocks = [block.name for block in targets.blocks]
    weights = _by_block(rows.weight, len(rows.T), len(blocks))
    for some, T, _ in _chunks(rows):
        for name, codes in targets.codes(T).items():
            if name in factors:
                weights[some, blocks.index(name)] *= factors[name][codes]
    return rows._replace(weight=weights[:, 0] if len(blocks) == 1 else weights)


def _is_by_output(targets: Outputs, weight: Array) -> bool:
    """Whether weights are (n, n_L), as those of rows that lack targets."""
    return weight.ndim == 2 and weight.shape[1] == targets.width != len(targets.blocks)


def _times_by_output(targets: Outputs, rows: RowArrays, factors: Mapping[str, Array]) -> RowArrays:
    """The rows with weights (n, n_L) times factors."""
    weights = np.array(rows.weight)
    parts = {column.name: part for column, part in targets.slices}
    for some, T, _ in _chunks(rows):
        for name, codes in targets.codes(T).items():
            if name in factors:
                weights[some, parts[name]] *= factors[name][codes][:, np.newaxis]
    return rows._replace(weight=weights)


def _by_block(weight: Array | None, n: int, blocks: int) -> Array:
    """Weights (n, blocks), a copy. Raises DataError for weights (n, k) of another number of blocks."""
    if weight is None:
        return np.ones((n, blocks))
    if weight.ndim == 2 and weight.shape[1] != blocks:
        raise DataError(
            f"sample_weight has {weight.shape[1]} columns, but there are {blocks} outputs: give one for each"
        )
    return np.repeat(weight[:, None], blocks, axis=1) if weight.ndim == 1 else np.array(weight)
