"""The reason why a delimited file cannot be read: it is read once more, slowly, to name the line."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NoReturn

from chainrule.errors import DataError
from chainrule.tables.sources.dialects import SEPARATORS, long_cells
from chainrule.tables.sources.encodings import Utf8Stream, text_of
from chainrule.tables.sources.opening import UNREADABLE, open_bytes, why_unreadable

__all__ = ["explain", "scan"]


def explain(path: Path, separator: str, expected: int, message: str) -> NoReturn:
    """Raise the DataError that names the line; `message` when the slow reading finds nothing wrong."""
    try:
        _require_text(path)
        scan(path, separator, expected)
    except UnicodeDecodeError as error:
        raise DataError(f"{str(path)!r} is not sound {error.encoding.upper()}: save the file as CSV in UTF-8") from None
    except UNREADABLE as error:
        raise DataError(why_unreadable(path, error)) from None
    raise DataError(f"{str(path)!r} cannot be read: {' '.join(message.split())}")


def _require_text(path: Path) -> None:
    """Raise DataError at the first line that is not UTF-8, or holds a byte 0."""
    with open_bytes(path) as file:
        lines = io.BufferedReader(Utf8Stream(file, zeros=True))
        for number, line in enumerate(lines, 1):
            if b"\0" in line:
                raise DataError(
                    f"line {number} of {str(path)!r} holds a byte 0, which is not text: save the file as CSV in UTF-8"
                )
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                raise DataError(
                    f"line {number} of {str(path)!r} is not UTF-8, though what is before it is: save the file in UTF-8"
                ) from None


def scan(path: Path, separator: str, expected: int) -> None:
    """Raise DataError at the first row that has not `expected` cells (0: as many as the first) or never ends."""
    with open_bytes(path) as file, text_of(file) as text, long_cells():
        rows = csv.reader(text, delimiter=separator, strict=True)
        start = 1
        try:
            for row in rows:
                expected = expected or len(row)
                _require_length(path, start, separator, expected, row)
                start = rows.line_num + 1
        except csv.Error as error:
            hint = "close the quotation mark that is opened there" if "end of data" in str(error) else str(error)
            raise DataError(f"line {start} of {str(path)!r} starts a row that cannot be read: {hint}") from None


def _require_length(path: Path, line: int, separator: str, expected: int, row: list[str]) -> None:
    if row and len(row) != expected:
        raise DataError(
            f"line {line} of {str(path)!r} has {_columns(len(row))}, but the first line names {expected}: "
            f"every row needs one cell per column (quote a cell that holds a {SEPARATORS[separator]})"
        )


def _columns(count: int) -> str:
    return f"{count} column" + "s" * (count != 1)
