"""What a person calls a row, and rows: a mapping by column, the cells in their order, several of them, or a table."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.errors import DataError
from chainrule.tables.names import listed, require_columns
from chainrule.text import shown

__all__ = ["Rows", "columns_of"]


class Rows(NamedTuple):
    """Rows as names with columns, or as any other table; and whether it is one row."""

    table: Any
    single: bool


def columns_of(rows: Any, columns: Sequence[str]) -> Rows:
    """One row, or several, as a table of `columns`; what is a table already stays as it is.

    >>> columns_of({"x": 1, "y": 2}, ["x"]), columns_of([(1,), (2,)], ["x"])
    (Rows(table={'x': [1]}, single=True), Rows(table={'x': [1, 2]}, single=False))

    Raises DataError for rows that lack a column, or have another number of cells.
    """
    rows = dict(rows.items()) if _is_series(rows) else rows
    if isinstance(rows, Mapping):
        if any(map(_is_column, rows.values())):
            return Rows(rows, False)
        return Rows(_by_column([rows], columns, "the row"), True)
    if not isinstance(rows, list | tuple) and not _is_array(rows):
        return Rows(rows, False)
    cells = list(rows)
    if cells and all(isinstance(row, Mapping | list | tuple | np.ndarray) or _is_series(row) for row in cells):
        return Rows(_by_column(cells, columns, "row {number}"), False)
    return Rows(_by_column([cells], columns, "the row"), True)


def _by_column(rows: Sequence[Any], columns: Sequence[str], what: str) -> dict[str, list[Any]]:
    cells = [_cells(row, columns, what.format(number=k + 1)) for k, row in enumerate(rows)]
    return dict(zip(columns, map(list, zip(*cells, strict=True)), strict=True))


def _cells(row: Any, columns: Sequence[str], what: str) -> list[Any]:
    """The cells of a row in the order of the columns."""
    if isinstance(row, Mapping) or _is_series(row):
        require_columns([str(name) for name in row.keys()], columns, "input")  # noqa: SIM118 - a Series too
        return [row[name] for name in columns]
    if len(row) != len(columns):
        raise DataError(
            f"{what} has {len(row):,} cells, {shown(list(row[:4]))}, but there are {len(columns):,} columns: "
            f"{listed(columns)}"
        )
    return list(row)


def _is_array(rows: Any) -> bool:
    """Whether it is an array (n,) without fields that have names."""
    return isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype.names is None


def _is_series(rows: Any) -> bool:
    """Whether it is a row of a frame of pandas."""
    return getattr(rows, "ndim", 0) == 1 and hasattr(rows, "keys")


def _is_column(cell: Any) -> bool:
    return isinstance(cell, list | tuple) or getattr(cell, "ndim", 0) > 0 or hasattr(cell, "__arrow_c_array__")
