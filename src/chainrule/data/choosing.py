"""What a target column is: classes or numbers, and which."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.data.columns import (
    column_as_numbers,
    first_non_number,
    is_boolean,
    is_categorical,
    looks_numeric,
    words_of,
)
from chainrule.data.moments import standard
from chainrule.data.outputs import Classes, Quantity, Target
from chainrule.errors import DataError

__all__ = ["TASKS", "target_of"]

TASKS = ("auto", "classification", "regression")

_MOST_CLASSES = 20  # whole numbers that `auto` takes for classes
_ROWS_EACH = 10  # rows per class, on average, below which `auto` takes whole numbers for quantities
_EXACT = 2.0**53  # from here on float64 confuses integers, so that classes are compared as text


def target_of(name: str, column: Any, task: str) -> Target:
    """The target that `column` is under `task`, by the rule that `Targets.fit` states.

    >>> target_of("survived", [1, 0, 0, None], "auto")
    Classes(name='survived', type='integer', words=('0', '1'))
    >>> target_of("price", [1.0, 2.0, 3.0, 4.0, 5.0], "auto").mean
    3.0

    Raises DataError for a column without values, with one value only, or with words among numbers.
    """
    cells = words_of(column, name)
    if cells.null_count == len(cells):
        raise DataError(f"target {name!r} has no values, every cell is missing: choose another column")
    if task != "regression" and is_boolean(column):
        return _classes(name, "boolean", cells.drop_null().unique().to_pylist())
    numbers = column_as_numbers(column, name)
    if numbers is None:
        return _of_words(name, cells, task)
    distinct = np.unique(numbers[0][~numbers[1]])
    few = task == "auto" and (_few(distinct, len(cells) - cells.null_count) or is_categorical(column))
    if task == "classification" or few:
        return _of_numbers(name, distinct, cells)
    return _quantity(name, *numbers)


def _few(distinct: NDArray[np.float64], rows: int) -> bool:
    """Whether `auto` takes these numbers for classes."""
    whole = bool((distinct == np.trunc(distinct)).all())
    k = len(distinct)
    return whole and (k <= 2 or (k <= _MOST_CLASSES and k * _ROWS_EACH <= rows))


def _of_words(name: str, cells: Any, task: str) -> Classes:
    if task == "regression":
        row, word = first_non_number(cells)
        raise DataError(
            f"target {name!r} cannot be a number, {word!r} came in row {row + 1}: mend it, or use task='classification'"
        )
    words = cells.drop_null().unique()
    if task == "auto" and len(words) > _MOST_CLASSES:
        _require_classes(name, cells, len(words))
    return _classes(name, "text", sorted(words.to_pylist()))


def _require_classes(name: str, cells: Any, classes: int) -> None:
    """Raise DataError for numbers with a few words among them, and for words that hardly ever repeat."""
    if looks_numeric(cells):
        row, word = first_non_number(cells)
        raise DataError(
            f"target {name!r} holds numbers, but {word!r} came in row {row + 1}: "
            "mend it, leave the cell empty, or use task='classification'"
        )
    if 2 * classes > len(cells) - cells.null_count:
        raise DataError(
            f"target {name!r} holds {classes} different words in {len(cells)} rows, as names and identifiers do: "
            "choose another column, or use task='classification'"
        )


def _of_numbers(name: str, distinct: NDArray[np.float64], cells: Any) -> Classes:
    if np.abs(distinct).max() >= _EXACT:
        return _classes(name, "text", sorted(cells.drop_null().unique().to_pylist()))
    if (distinct == np.trunc(distinct)).all():
        return _classes(name, "integer", [str(int(value)) for value in distinct])
    return _classes(name, "number", [repr(float(value) + 0.0) for value in distinct])


def _classes(name: str, type_: str, words: list[str]) -> Classes:
    if len(words) < 2:
        raise DataError(f"target {name!r} has only one value, {words[0]!r}: there is nothing to learn from it")
    return Classes(name, type_, tuple(sorted(words)) if type_ == "boolean" else tuple(words))


def _quantity(name: str, values: NDArray[np.float64], missing: NDArray[np.bool_]) -> Quantity:
    mean, scale = standard(values, missing)
    if scale == 0:
        raise DataError(f"target {name!r} has only one value, {mean:g}: there is nothing to learn from it")
    return Quantity(name, mean, scale)
