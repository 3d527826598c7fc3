"""CSV files: every column read as text, because types guessed from the first rows fail in the millionth.

A file is UTF-8 with or without a byte order mark, its cells are separated by commas and may be quoted (then
they may hold line breaks), its first line names the columns, and empty lines are skipped. When a file cannot
be read, it is read once more, slowly, to say in which line and why.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from chainrule.data.sources.base import Source
from chainrule.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DelimitedSource"]

_BLOCK = 1 << 23  # bytes parsed at once; no row may be longer
_HEAD = 4096  # bytes looked at to recognise what is no text
_UNREADABLE = (OSError, EOFError, zlib.error)


class DelimitedSource(Source):
    """The rows of a CSV file, every column text; an empty cell is an empty text.

    Raises DataError for a file that is absent, empty, compressed otherwise than its name says, not UTF-8, or whose
    rows are not all as long as its first line.
    """

    def __init__(self, path: Path) -> None:
        _look(path)
        self._header = _header(path)
        super().__init__(repr(str(path)), self._header)
        if len(self.names) == 1 and any(mark in self.names[0] for mark in ";\t|"):
            raise DataError(f"{self.origin} has one column, {self.names[0]!r}: separate its cells by commas")
        self._path = path

    def _read(self) -> Iterator[pa.Table]:
        import pyarrow as pa

        last = None
        try:
            for batch in _parsed(self._path, self._header):
                last = pa.Table.from_batches([batch])
                yield last
        except (ValueError, OSError) as error:
            _explain(self._path, len(self._header), str(error))
        if last is not None and last.num_rows and _maybe_unclosed(last):
            _scan(self._path, len(self._header))


def _parsed(path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    with pa.input_stream(str(path), compression="gzip" if _zipped(path) else None) as stream:
        yield from arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(block_size=_BLOCK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )


def _zipped(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _bytes(path: Path) -> IO[bytes] | gzip.GzipFile:
    return gzip.open(path) if _zipped(path) else path.open("rb")


def _text(path: Path) -> IO[str]:
    if _zipped(path):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _look(path: Path) -> None:
    """Refuse what can be recognised from the first bytes."""
    try:
        with _bytes(path) as file:
            head = file.read(_HEAD)
    except _UNREADABLE as error:
        raise DataError(_why_unreadable(path, error)) from None
    if head.startswith(b"\x1f\x8b"):
        raise DataError(f"{str(path)!r} is compressed with gzip, but its name does not end in .gz: rename it")
    if b"\0" in head:
        raise DataError(f"{str(path)!r} is binary or UTF-16, no CSV text: save it as CSV in UTF-8")
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise DataError(f"{str(path)!r} is empty: its first line must name the columns")


def _why_unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {str(path)!r}: check the name and the folder"
    if isinstance(error, IsADirectoryError):
        return f"{str(path)!r} is a folder: give one .csv or .csv.gz file in it"
    if isinstance(error, gzip.BadGzipFile) and "CRC" not in str(error) and "length" not in str(error):
        return f"{str(path)!r} is not compressed with gzip, though its name ends in .gz: rename it"
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return f"{str(path)!r} is damaged, its compressed data break off or do not unpack: get a new copy"
    return f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}"


def _header(path: Path) -> list[str]:
    """The names in the first line that is not empty."""
    try:
        with _text(path) as file:
            return next(filter(None, csv.reader(file, strict=True)), [])
    except (UnicodeDecodeError, csv.Error, *_UNREADABLE) as error:
        _explain(path, 0, str(error))


def _maybe_unclosed(table: pa.Table) -> bool:
    """Whether the very last cell holds a line break: an unclosed quotation mark swallows the rows after it."""
    last = table.column(table.num_columns - 1)[-1].as_py()
    return "\n" in last or "\r" in last


def _explain(path: Path, expected: int, message: str) -> NoReturn:
    """Raise the DataError that names the line; `message` when the slow reading finds nothing wrong."""
    try:
        with _bytes(path) as file:
            for number, line in enumerate(file, 1):
                _require_utf8(path, number, line)
        _scan(path, expected)
    except _UNREADABLE as error:
        raise DataError(_why_unreadable(path, error)) from None
    raise DataError(f"{str(path)!r} cannot be read: {' '.join(message.split())}")


def _require_utf8(path: Path, number: int, line: bytes) -> None:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"line {number} of {str(path)!r} is not UTF-8: save the file as CSV in UTF-8") from None


def _scan(path: Path, expected: int) -> None:
    """Raise DataError at the first row that has not `expected` cells (0: as many as the first) or never ends."""
    with _text(path) as file:
        rows = csv.reader(file, strict=True)
        start = 1
        try:
            for row in rows:
                expected = expected or len(row)
                _require_length(path, start, expected, row)
                start = rows.line_num + 1
        except csv.Error as error:
            hint = "close the quotation mark that is opened there" if "end of data" in str(error) else str(error)
            raise DataError(f"line {start} of {str(path)!r} starts a row that cannot be read: {hint}") from None


def _require_length(path: Path, line: int, expected: int, row: list[str]) -> None:
    if row and len(row) != expected:
        raise DataError(
            f"line {line} of {str(path)!r} has {_columns(len(row))}, but the first line names {expected}: "
            "every row needs one cell per column (quote a cell that holds a comma)"
        )


def _columns(count: int) -> str:
    return f"{count} column" + "s" * (count != 1)
