"""Parquet and Arrow files (Feather is one): columns with types, read by row groups and batches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.errors import DataError
from chainrule.tables.arrow import pa, parquet
from chainrule.tables.sources.base import Source, rows_of
from chainrule.tables.sources.opening import why_unreadable

__all__ = ["ArrowFileSource", "ParquetSource"]


class ParquetSource(Source):
    """A Parquet file. Raises DataError for a file that is absent, damaged, or not Parquet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _one_line_errors(path, "Parquet"), self._open() as file:
            schema, meta = file.schema_arrow, file.metadata
            size = sum(meta.row_group(k).total_byte_size for k in range(meta.num_row_groups))
            self._rows = rows_of(max(size / max(meta.num_rows, 1), 8 * len(schema)))
        super().__init__(repr(str(path)), schema.names)
        self.schema = schema

    def _open(self) -> Any:
        return parquet.ParquetFile(self._path)

    def _read(self) -> Iterator[pa.Table]:
        with _one_line_errors(self._path, "Parquet"), self._open() as file:
            for batch in file.iter_batches(self._rows):
                yield pa.Table.from_batches([batch])


class ArrowFileSource(Source):
    """A file of Arrow batches (.arrow, .feather), read batch by batch. Raises DataError likewise."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _one_line_errors(path, "Arrow"), self._open() as file:
            schema = file.schema
        super().__init__(repr(str(path)), schema.names)
        self.schema = schema

    def _open(self) -> Any:
        return pa.ipc.open_file(pa.OSFile(str(self._path)))

    def _read(self) -> Iterator[pa.Table]:
        with _one_line_errors(self._path, "Arrow"), self._open() as file:
            for number in range(file.num_record_batches):
                batch = file.get_batch(number)
                batch.validate()
                rows = rows_of(batch.nbytes / max(batch.num_rows, 1))
                for start in range(0, batch.num_rows, rows):
                    yield pa.Table.from_batches([batch.slice(start, rows)])


@contextlib.contextmanager
def _one_line_errors(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one line."""
    if not path.is_file():
        raise DataError(why_unreadable(path, IsADirectoryError() if path.exists() else FileNotFoundError()))
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        reason = " ".join(str(error).split())[:160]
        raise DataError(f"{str(path)!r} is damaged or not a {kind} file ({reason}): get a new copy") from None
