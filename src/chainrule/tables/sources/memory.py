"""Tables in memory: an Arrow table, a data frame, a mapping of names to columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import DataError
from chainrule.tables.arrow import pa
from chainrule.tables.sources.base import Source, rows_of

__all__ = ["TableSource", "column_of", "table_of_frame", "table_of_mapping"]


class TableSource(Source):
    """A table in memory; its blocks are views."""

    def __init__(self, table: pa.Table, origin: str) -> None:
        super().__init__(origin, table.column_names)
        self._table = table

    def _read(self) -> Iterator[pa.Table]:
        table = self._table
        rows = rows_of(table.nbytes / max(table.num_rows, 1))
        return (table.slice(start, rows) for start in range(0, table.num_rows, rows))

    def table(self) -> pa.Table:
        return self._chosen(self._table) if self._table.num_rows and self.names else super().table()


def table_of_frame(frame: Any) -> pa.Table:
    """The frame's columns, without the index of a pandas frame."""
    try:
        table = pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        _cannot_become_table("the frame", error)
    index = (table.schema.pandas_metadata or {}).get("index_columns", [])
    return table.drop_columns([name for name in index if name in table.column_names])


def table_of_mapping(columns: Mapping[Any, Any]) -> pa.Table:
    """The columns, which must be equally long."""
    arrays = {name: _as_column(name, values) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        (first, rows), *others = lengths.items()
        name, other = next(pair for pair in others if pair[1] != rows)
        raise DataError(f"column {first!r} has {rows} rows, but column {name!r} has {other}: make them equal")
    return pa.table(arrays)


def column_of(name: str, values: Any) -> pa.Array:
    """One column, NaN and None as missing. Raises DataError for values that a column cannot hold."""
    try:
        return pa.array(_native(values), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        _cannot_become_table(f"column {name!r}", error)


def _as_column(name: Any, values: Any) -> Any:
    if not isinstance(name, str):
        raise DataError(f"the column name {name!r} is {type(name).__name__}, but names must be text")
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if _axes(values) != 1:
        raise DataError(f"column {name!r} is {_shape(values)}, but a column must be a 1-D array or list")
    return column_of(name, values)


def _axes(values: Any) -> int:
    """The number of axes; a list has one, or two if all its items are lists or arrays."""
    if hasattr(values, "ndim"):
        return int(values.ndim)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        return 0
    return 2 if len(values) and all(isinstance(v, list | tuple | np.ndarray) for v in values) else 1


def _shape(values: Any) -> str:
    if hasattr(values, "shape"):
        return f"an array of shape {tuple(values.shape)}"
    return "a list of lists" if isinstance(values, list | tuple) else f"a {type(values).__name__}"


def _native(values: Any) -> Any:
    swapped = isinstance(values, np.ndarray) and not values.dtype.isnative
    return values.astype(values.dtype.newbyteorder("=")) if swapped else values


def _cannot_become_table(what: str, error: Exception) -> NoReturn:
    reason = " ".join("; ".join(str(part) for part in error.args).split())
    raise DataError(f"{what} cannot be read ({reason}): a column holds numbers, words or booleans") from None
