"""A source of rows: what every reader offers."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.paths import FileStamp, stamp_of
from chainrule.tables.arrow import pa
from chainrule.tables.names import UNNAMED, listed, named_columns
from chainrule.text import counted

__all__ = ["BLOCK_BYTES", "LONGEST_ROW", "Source", "rows_of"]

BLOCK_BYTES = 1 << 23  # about the size of a block of rows, in the form in which the source stores it
LONGEST_ROW = 1 << 26  # bytes


class Source(ABC):
    """Rows that can be read again and again, block by block, in memory that does not grow with their number.

    A reader implements `_read`; checks that hold for all sources are made here.
    """

    origin: str  #: its name in messages, e.g. `'houses.csv'` with the quotation marks
    names: list[str]  #: the columns that have a name, in order
    notes: list[str]  #: lines for the user about how it is read; complete once it was read to its end
    typed = True  #: whether cells have a type, so that a text is meant as one; a CSV has text only
    reads_columns = False  #: whether a few columns are read without the others
    named = True  #: whether the names of the columns are in the source itself
    hint = ""  #: what may be wrong where it lacks a column
    schema: pa.Schema | None = None  #: the types of all columns, if they are known before the rows are read
    rows: int | None = None  #: the number of rows, once it is known
    file: tuple[Path, FileStamp] | None = None  #: the file that is read, and its stamp before it was first opened

    def __init__(self, origin: str, names: Sequence[str]) -> None:
        """Raises DataError if a name comes twice, and if no column has one."""
        kept = named_columns(names, origin)
        self.origin, self.notes, self.names = origin, [], [names[number] for number in kept]
        self._kept = None if len(kept) == len(names) else kept
        self._unnamed = [number + 1 for number, name in enumerate(names) if not name.strip()]

    @abstractmethod
    def _read(self) -> Iterator[pa.Table]:
        """The rows block by block: all columns, also those without a name."""

    def _read_some(
        self, names: Sequence[str] | None, chosen: NDArray[np.bool_] | None
    ) -> Iterator[tuple[int, pa.Table]]:
        """The rows block by block, each with the number of its first row.

        - names: columns, None for all; a reader that can read only these does so, and the others read all.
        - chosen: rows (n,), None for all; a reader that can leaves out parts without any.
        """
        start = 0
        for block in self._read():
            yield start, block
            start += block.num_rows
        self.rows = start

    def blocks(self, names: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The rows in order, as tables with at least one row each, of the columns `names`, or at least of these.

        Raises DataError in one line for rows that cannot be read, and for a source without rows.
        """
        rows = 0
        for _, block in self.some_blocks(names):
            rows += block.num_rows
            yield block
        self.require_rows(rows)

    def require_rows(self, rows: int) -> None:
        """Raise DataError where the number of rows is 0."""
        if not rows:
            columns = counted(len(self.names), "column")
            raise DataError(f"{self.origin} has {columns} and no rows: at least one of each is needed")

    def every_block(self) -> Iterator[pa.Table]:
        """The same with all columns, but no error for a source without rows."""
        return (block for _, block in self.some_blocks())

    def some_blocks(
        self, names: Sequence[str] | None = None, chosen: NDArray[np.bool_] | None = None
    ) -> Iterator[tuple[int, pa.Table]]:
        """The blocks that have a chosen row, each with the number of its first row; see `blocks` for `names`.

        >>> from chainrule.tables.sources import as_source
        >>> rows = as_source({"x": [1, 2, 3]})
        >>> [start for start, _ in rows.some_blocks(["x"], np.array([False, False, True]))]
        [0]
        """
        with self._one_file():
            for start, block in self._read_some(names, chosen):
                if block.num_rows and (chosen is None or chosen[start : start + block.num_rows].any()):
                    yield start, self._chosen(self._bounded(block))

    @contextlib.contextmanager
    def _one_file(self) -> Iterator[None]:
        """Raise DataError where the file is not the one that was opened first, before, during or after a pass."""
        self._require_same_file()
        try:
            yield
        except DataError:
            self._require_same_file()  # the reason why the rows cannot be read
            raise
        self._require_same_file()

    def _require_same_file(self) -> None:
        if self.file is None:
            return
        path, stamp = self.file
        try:
            same = stamp_of(path) == stamp
        except OSError:
            same = False
        if not same:
            raise DataError(f"{self.origin} has changed while it was read: start again when nothing writes to it")

    def table(self) -> pa.Table:
        """All blocks in one table."""
        return pa.concat_tables(self.blocks())

    def chosen_schema(self) -> pa.Schema:
        """The types of the columns `names`, for a source with a schema."""
        assert self.schema is not None, "called only for a source with a schema"
        return pa.schema([self.schema.field(name) for name in self.names])

    def _bounded(self, block: pa.Table) -> pa.Table:
        """The block. Raises DataError for one of a file that is so large that a cell in it must be out of bounds."""
        if self.file is not None and block.nbytes > LONGEST_ROW:
            name = max(block.column_names, key=lambda name: block.column(name).nbytes)
            raise DataError(
                f"column {name!r} of {self.origin} has {block.column(name).nbytes:,} bytes in {block.num_rows:,} rows: "
                f"{LONGEST_ROW:,} bytes a row at most"
            )
        return block

    def _chosen(self, block: pa.Table) -> pa.Table:
        if self._kept is None:
            return block
        return block.select(self._kept).replace_schema_metadata({UNNAMED: listed(self._unnamed)})


def rows_of(row_bytes: float) -> int:
    """The rows that make a block when one row takes `row_bytes` bytes: at least one.

    >>> rows_of(8), rows_of(1e9)
    (1048576, 1)
    """
    return max(1, int(BLOCK_BYTES // max(row_bytes, 1)))
