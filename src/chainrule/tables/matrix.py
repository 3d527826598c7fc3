"""Columns of numbers as one matrix, for what takes numbers and not cells."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RowError
from chainrule.tables.arrow import pa
from chainrule.tables.columns import values_of

__all__ = ["matrix_of", "numbers_of"]


def matrix_of(table: pa.Table, names: Sequence[str]) -> NDArray[np.float64]:
    """The columns as float64 (n, k). Raises RowError for a cell that is missing or a word.

    >>> import pyarrow as pa
    >>> matrix_of(pa.table({"a": [1, 2], "b": ["3", "4.5"]}), ["b", "a"])
    array([[3. , 1. ],
           [4.5, 2. ]])
    """
    return np.stack([numbers_of(table, name) for name in names], axis=1)


def numbers_of(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A column as float64 (n,). Raises RowError for a cell that is missing or a word."""
    values = values_of(table.column(name), partial(_refused, name), name)
    if np.isnan(values).any():
        raise RowError(int(np.isnan(values).argmax()), "row {row} of column {name!r} is missing: fill it", name=name)
    return values


def _refused(name: str, row: int, word: str) -> RowError:
    return RowError(row, "column {name!r} must hold numbers, but {word!r} came in row {row}", name=name, word=word)
