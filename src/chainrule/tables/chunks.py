"""A table chunk by chunk: some rows with their numbers in the whole, so that errors name a row of the file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError, SettingError
from chainrule.tables.arrow import pa
from chainrule.tables.sources import Source

__all__ = ["Chunk", "chunks_of", "cut_chunks", "one_row", "rows_at_once", "with_file_name", "with_row_numbers"]

AT_ONCE = 2**22  # numbers that are encoded at once


class Chunk(NamedTuple):
    """Some rows of a table, and the number (from 0) that each of them has in the whole."""

    table: pa.Table
    rows: NDArray[np.int64]


def chunks_of(source: Source, names: Sequence[str], chosen: NDArray[np.bool_] | None = None) -> Iterator[Chunk]:
    """One pass over the columns `names` of a source, block by block: the chosen rows, or all of them.

    >>> from chainrule.tables.sources import as_source
    >>> [chunk.rows for chunk in chunks_of(as_source({"x": [5, 6, 7]}), ["x"], np.array([True, False, True]))]
    [array([0, 2])]
    """
    stop = 0
    for start, block in source.some_blocks(names, chosen):
        stop = start + block.num_rows
        rows = np.arange(start, stop)
        table = block.select(list(names))
        if chosen is not None and not chosen[rows].all():
            mask = chosen[rows]
            table, rows = table.filter(pa.array(mask)), rows[mask]
        yield Chunk(table, rows)
    if chosen is None:
        source.require_rows(stop)


def rows_at_once(width: int) -> int:
    """How many rows of `width` float64 numbers take 32 MB at most; one at least."""
    return max(1, AT_ONCE // max(width, 1))


def cut_chunks(chunks: Iterable[Chunk], width: int) -> Iterator[Chunk]:
    """The same rows in chunks so small that `width` float64 numbers for each row take 32 MB at most."""
    most = rows_at_once(width)
    for table, rows in chunks:
        for start in range(0, len(rows), most):
            yield Chunk(table.slice(start, most), rows[start : start + most])


def one_row(source: Source, names: Sequence[str], row: int) -> pa.Table:
    """A table of one row of a source, numbered from 1.

    >>> from chainrule.tables.sources import as_source
    >>> one_row(as_source({"x": [5, 6, 7]}), ["x"], 2).to_pydict()
    {'x': [6]}

    Raises SettingError for a number that there is not.
    """
    count = 0
    for table, rows in chunks_of(source, names):
        if 1 <= row - count <= len(rows):
            return table.slice(row - 1 - count, 1)
        count += len(rows)
    raise SettingError(f"row is {row}, but {source.origin} has rows 1 to {count:,}")


@contextlib.contextmanager
def with_row_numbers(rows: NDArray[np.int64]) -> Iterator[None]:
    """Let an error about one of some rows name the row by its number in the whole table."""
    try:
        yield
    except RowError as error:
        raise error.at(rows.tolist()) from None


@contextlib.contextmanager
def with_file_name(source: Source) -> Iterator[None]:
    """Let an error about a row name the file; a table in memory needs no name."""
    try:
        yield
    except RowError as error:
        if source.origin[0] not in "'\"":
            raise
        raise DataError(f"in {source.origin}: {error}") from None
