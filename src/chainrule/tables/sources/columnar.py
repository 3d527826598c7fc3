"""Parquet and Arrow files (Feather is one): columns with types, read by row groups and batches."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.arrow import pa, parquet
from chainrule.tables.memory import available_memory
from chainrule.tables.sources.base import LONGEST_ROW, Source, rows_of
from chainrule.tables.sources.opening import why_unreadable
from chainrule.tables.sources.pandas_index import index_note, stored_index
from chainrule.tables.sources.plain import plain_blocks, plain_schema, require_valid, written_out

__all__ = ["ArrowFileSource", "ParquetSource"]

_PACKED = 200  # times smaller than what it unpacks to: then its pages may be of any size
_BUFFER = 1 << 16  # bytes of a column that are read from the disk at once


class _ColumnarSource(Source):
    """A file whose columns have types, without an index of pandas."""

    def __init__(self, path: Path | str, schema: pa.Schema) -> None:
        self._path, self._index = path, stored_index(schema)
        columns = [field for field in schema if field.name not in set(self._index)]
        super().__init__(repr(str(path)), [field.name for field in columns])
        self.notes += index_note(self._index)
        self.schema = plain_schema(pa.schema(columns))

    def _blocks(self, batch: pa.RecordBatch) -> Iterator[pa.Table]:
        table = pa.Table.from_batches([batch]).drop_columns(self._index)
        return plain_blocks(require_valid(table, self.origin))


class ParquetSource(_ColumnarSource):
    """A Parquet file. Raises DataError for a file that is absent, damaged, or not Parquet.

    Columns of words that the file stores as a dictionary are read so, and written out block by block: a word that
    comes in a million rows is in memory once.
    """

    reads_columns = True

    def __init__(self, path: Path | str) -> None:
        self._path = path
        with self._opened() as file:
            schema, meta = file.schema_arrow, file.metadata
            _require_bounded(path, meta)
            size = sum(meta.row_group(k).total_byte_size for k in range(meta.num_row_groups))
            self._batch = rows_of(max(size / max(meta.num_rows, 1), 8 * len(schema)))
            self._words = _stored_as_dictionary(file)
            super().__init__(path, schema)
            self.rows = meta.num_rows
            self._ends = np.cumsum([0, *(meta.row_group(k).num_rows for k in range(meta.num_row_groups))])
            plain = self._index == [] and self._kept is None and not any("." in name for name in self.names)
            self._has_plain_columns = plain and not any(pa.types.is_nested(field.type) for field in schema)

    @contextlib.contextmanager
    def _opened(self, **options: Any) -> Iterator[Any]:
        """The open file."""
        with (
            _one_line_errors(Path(self._path), "Parquet"),
            parquet.ParquetFile(self._path, buffer_size=_BUFFER, **options) as file,
        ):
            yield file

    def _read(self) -> Iterator[pa.Table]:
        return (block for _, block in self._read_some(None, None))

    def _read_some(
        self, names: Sequence[str] | None, chosen: NDArray[np.bool_] | None
    ) -> Iterator[tuple[int, pa.Table]]:
        """The row groups that have a chosen row, by the footer; of the columns only `names`."""
        wanted = None if names is None or not self._has_plain_columns else list(names)
        words = [name for name in self._words if wanted is None or name in wanted]
        with self._opened(read_dictionary=words) as file:
            for groups, first in self._runs(chosen):
                start = first
                for batch in file.iter_batches(self._batch, row_groups=groups, columns=wanted):
                    for block in self._blocks(batch):
                        yield start, written_out(block, words)
                        start += block.num_rows

    def _runs(self, chosen: NDArray[np.bool_] | None) -> Iterator[tuple[list[int], int]]:
        """The row groups that are read together, and the number of the first row of each run."""
        pairs = list(itertools.pairwise(self._ends.tolist()))
        wanted = [chosen is None or bool(chosen[start:stop].any()) for start, stop in pairs]
        for is_wanted, run in itertools.groupby(range(len(pairs)), key=wanted.__getitem__):
            groups = list(run)
            if is_wanted:
                yield groups, pairs[groups[0]][0]


class ArrowFileSource(_ColumnarSource):
    """A file of Arrow batches (.arrow, .feather), read batch by batch. Raises DataError likewise.

    It is not mapped into memory: a file that shrinks meanwhile is then a DataError and not a signal.
    """

    def __init__(self, path: Path) -> None:
        self._file = path
        with _one_line_errors(path, "Arrow"), _open_arrow(path) as file:
            super().__init__(path, file.schema)

    def _read(self) -> Iterator[pa.Table]:
        with _one_line_errors(self._file, "Arrow"), _open_arrow(self._file) as file:
            for number in range(file.num_record_batches):
                yield from self._blocks(file.get_batch(number))


def _require_bounded(path: Path | str, meta: Any) -> None:
    """Raise DataError for a Parquet file whose cells are too long, or that unpacks to more than the free memory.

    Arrow unpacks a page as a whole. The metadata have no sizes of pages, but those of the columns of a row group.
    """
    for number in range(meta.num_row_groups):
        group, packed = meta.row_group(number), 0
        for column in (group.column(k) for k in range(group.num_columns)):
            size = column.total_uncompressed_size
            if size > LONGEST_ROW * max(column.num_values, 1):
                raise DataError(
                    f"column {column.path_in_schema!r} of {str(path)!r} takes {size:,} bytes for {column.num_values:,} "
                    f"cells: {LONGEST_ROW:,} bytes a cell at most"
                )
            packed += size if size > _PACKED * column.total_compressed_size else 0
        free = available_memory() if packed > LONGEST_ROW else packed
        if packed > free:
            raise DataError(
                f"{str(path)!r} unpacks to {packed:,} bytes at once, but {free:,} bytes of memory are free: "
                "write it with smaller row groups"
            )


def _open_arrow(path: Path) -> Any:
    return pa.ipc.open_file(pa.OSFile(str(path)))


def _stored_as_dictionary(file: Any) -> list[str]:
    """The columns of words that the first row group stores as a dictionary, but which are not categories."""
    if not file.metadata.num_row_groups:
        return []
    group = file.metadata.row_group(0)
    columns = (group.column(k) for k in range(group.num_columns))
    stored = {column.path_in_schema for column in columns if column.has_dictionary_page}
    return [field.name for field in file.schema_arrow if field.name in stored and _is_text(field.type)]


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


@contextlib.contextmanager
def _one_line_errors(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one line."""
    if not path.is_file():
        raise DataError(why_unreadable(path, IsADirectoryError() if path.exists() else FileNotFoundError()))
    try:
        yield
    except MemoryError:  # one of Arrow's exceptions too
        raise DataError(f"{str(path)!r} has a part that does not fit in memory: write it in smaller parts") from None
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"{str(path)!r} is damaged or not a {kind} file ({reason}): get a new copy") from None
