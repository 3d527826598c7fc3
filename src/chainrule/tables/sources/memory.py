"""Tables in memory: an Arrow table, a data frame, a mapping of names to columns."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.tables.arrow import interchange, pa
from chainrule.tables.sources.base import Source
from chainrule.tables.sources.objects import cannot_be_read, column_of
from chainrule.tables.sources.pandas_index import index_note, stored_index
from chainrule.tables.sources.plain import plain_blocks, plain_table, require_valid

__all__ = ["TableSource", "source_of_frame", "table_of_mapping"]


class TableSource(Source):
    """A table in memory, without an index of pandas; blocks in plain types are views.

    Raises DataError for a table whose buffers do not hold what its types say.
    """

    def __init__(self, table: pa.Table, origin: str) -> None:
        index = stored_index(table.schema)
        table = require_valid(table, origin).drop_columns(index)
        super().__init__(origin, table.column_names)
        self.notes += index_note(index)
        self._table = table

    def _read(self) -> Iterator[pa.Table]:
        return plain_blocks(self._table)

    def table(self) -> pa.Table:
        return self._chosen(plain_table(self._table)) if self._table.num_rows and self.names else super().table()


def source_of_frame(frame: Any) -> TableSource:
    """The frame's columns, without the index of a pandas frame."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        source = TableSource(_table_of_pandas(frame), "the frame")
        source.notes += index_note([str(name) for name in frame.index.names if name is not None])
        return source
    return TableSource(_table_of_frame(frame), "the frame")


def _table_of_frame(frame: Any) -> pa.Table:
    by_arrow = hasattr(frame, "__arrow_c_stream__") or hasattr(frame, "__arrow_c_array__")
    try:
        return pa.table(frame) if by_arrow else interchange.from_dataframe(frame)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, RuntimeError) as error:
        cannot_be_read("the frame", error)


def _table_of_pandas(frame: Any) -> pa.Table:
    """The columns one by one: those of objects, categories and sparse numbers need the rules of `column_of`."""
    names = [str(name) for name in frame.columns]
    return pa.table([column_of(name, frame.iloc[:, k]) for k, name in enumerate(names)], names=names)


def table_of_mapping(columns: Mapping[Any, Any]) -> pa.Table:
    """The columns, which must be equally long."""
    arrays = {name: _as_column(name, values) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        (first, rows), *others = lengths.items()
        name, other = next(pair for pair in others if pair[1] != rows)
        raise DataError(f"column {first!r} has {rows} rows, but column {name!r} has {other}: make them equal")
    return pa.table(arrays)


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
