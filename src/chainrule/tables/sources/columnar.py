"""Parquet and Arrow files (Feather is one): columns with types, read by row groups and batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chainrule.errors import DataError
from chainrule.tables.arrow import pa, parquet
from chainrule.tables.sources.base import Source, rows_of
from chainrule.tables.sources.opening import why_unreadable

__all__ = ["ArrowFileSource", "ParquetSource"]


class ParquetSource(Source):
    """A Parquet file. Raises DataError for a file that is absent, damaged, or no Parquet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _reading(path, "Parquet"), self._open() as file:
            schema, meta = file.schema_arrow, file.metadata
            size = sum(meta.row_group(k).total_byte_size for k in range(meta.num_row_groups))
            self._rows = rows_of(max(size / max(meta.num_rows, 1), 8 * len(schema)))
        super().__init__(repr(str(path)), schema.names)
        self.schema = schema

    def _open(self) -> Any:
        return parquet.ParquetFile(self._path)

    def _read(self) -> Iterator[pa.Table]:
        with _reading(self._path, "Parquet"), self._open() as file:
            for batch in file.iter_batches(self._rows):
                yield pa.Table.from_batches([batch])


class ArrowFileSource(Source):
    """A file of Arrow batches (.arrow, .feather), mapped into memory and not copied. Raises DataError as above."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _reading(path, "Arrow"), self._open() as file:
            schema = file.schema
        super().__init__(repr(str(path)), schema.names)
        self.schema = schema

    def _open(self) -> Any:
        return pa.ipc.open_file(pa.memory_map(str(self._path)))

    def _read(self) -> Iterator[pa.Table]:
        with _reading(self._path, "Arrow"), self._open() as file:
            for number in range(file.num_record_batches):
                batch = file.get_batch(number)
                batch.validate()
                rows = rows_of(batch.nbytes / max(batch.num_rows, 1))
                for start in range(0, batch.num_rows, rows):
                    yield pa.Table.from_batches([batch.slice(start, rows)])


class _reading:  # noqa: N801 - a context
    """Turns what goes wrong while a file is read into one line."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind

    def __enter__(self) -> None:
        if not self._path.is_file():
            error = FileNotFoundError() if not self._path.exists() else IsADirectoryError()
            raise DataError(why_unreadable(self._path, error))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, pa.ArrowException | OSError | EOFError) and not isinstance(error, DataError):
            reason = " ".join(str(error).split())[:160]
            raise DataError(
                f"{str(self._path)!r} is damaged or no {self._kind} file ({reason}): get a new copy"
            ) from None
