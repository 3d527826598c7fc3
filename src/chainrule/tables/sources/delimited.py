"""CSV files and their kin: every column read as text, because types guessed from the first rows fail in the millionth.

The first line names the columns, cells may be quoted (then they may hold line breaks), and empty lines are skipped.
The encoding, the separator and decimal commas are detected, and mentioned in `notes` if they are unusual. The file is
opened once for all that comes before the rows, and once for each pass over the rows.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from chainrule.errors import DataError
from chainrule.tables.arrow import arrow_csv, pa
from chainrule.tables.sources.base import BLOCK_BYTES, Source
from chainrule.tables.sources.decimals import Decimals
from chainrule.tables.sources.dialects import SEPARATORS, header_note, long_cells, sample_of, separator_of
from chainrule.tables.sources.encodings import Utf8Stream, text_of
from chainrule.tables.sources.explaining import explain, scan
from chainrule.tables.sources.opening import UNREADABLE, open_bytes, open_first, unpacked_name

__all__ = ["DelimitedSource"]

_HEAD = 4096  # bytes by which a binary file is recognised
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_LONGEST = 1 << 30  # bytes that one row may take at most
_ROW_TOO_LONG = "straddling"  # Arrow's words for a row that is longer than a block
_NO_ROWS = "Empty CSV file or block"  # and for a file without rows, or a block of empty lines


class DelimitedSource(Source):
    """The rows of a delimited file, every column text; an empty cell is an empty text.

    Raises DataError for a file that is absent, empty, compressed otherwise than its name says, not text, or whose
    rows are not all as long as its first line.
    """

    typed = False

    def __init__(self, path: Path) -> None:
        self._path = path
        with open_first(path) as file:
            head = file.read(_HEAD)
            _require_text(path, head)
            self._separator, self._header = _beginning(path, text_of(file, head))
        super().__init__(repr(str(path)), self._header)
        self._note(header_note(self._header, self.origin))
        if self._separator != "," and unpacked_name(path).endswith((".csv", ".txt")):
            self._note(f"cells are separated by a {SEPARATORS[self._separator]}")

    def _note(self, text: str | None) -> None:
        if text is not None and text not in self.notes:
            self.notes.append(text)

    def _read(self) -> Iterator[pa.Table]:
        last, decimals = None, Decimals(self.origin)
        try:
            for block in self._parsed():
                last = block if self._separator == "," else decimals.with_points(block)
                self._note(decimals.note)
                yield last
        except DataError:
            raise
        except (ValueError, *UNREADABLE) as error:
            explain(self._path, self._separator, len(self._header), str(error))
        if last is not None and last.num_rows and _maybe_unclosed(last):
            scan(self._path, self._separator, len(self._header))

    def _parsed(self) -> Iterator[pa.Table]:
        block, done = BLOCK_BYTES, 0
        while True:
            try:
                for batch in self._batches(block, done):
                    done += batch.num_rows
                    yield pa.Table.from_batches([batch])
            except pa.ArrowInvalid as error:
                if block < _LONGEST and (_ROW_TOO_LONG in str(error) or _NO_ROWS in str(error)):
                    block = min(8 * block, _LONGEST)
                elif _NO_ROWS in str(error):
                    return
                else:
                    raise
            else:
                return

    def _batches(self, block: int, skipped: int) -> Iterator[pa.RecordBatch]:
        types = dict.fromkeys(self._header, pa.string())
        with open_bytes(self._path) as file:
            text = Utf8Stream(file)
            for batch in arrow_csv.open_csv(
                pa.PythonFile(text, mode="r"),
                read_options=arrow_csv.ReadOptions(block_size=block, skip_rows_after_names=skipped),
                parse_options=arrow_csv.ParseOptions(delimiter=self._separator, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(column_types=types),
            ):
                self._note(_encoding_note(text.encoding))
                yield batch


def _encoding_note(encoding: str) -> str | None:
    if encoding == "windows-1252":
        return "the text is not UTF-8 and is read as Windows-1252 (Latin-1): save it in UTF-8 if words look wrong"
    return None if encoding in ("ascii", "utf-8") else f"the text is {encoding[:6].upper()}"


def _require_text(path: Path, head: bytes) -> None:
    """Raise DataError for a file whose first bytes are not text."""
    if b"\0" in head and not head.startswith(_MARKS):
        raise DataError(
            f"{str(path)!r} is binary, or UTF-16 without a byte order mark, not CSV text: save it as CSV in UTF-8"
        )


def _beginning(path: Path, text: IO[str]) -> tuple[str, list[str]]:
    """The separator, and the names in the first line that is not empty."""
    separator, sample = "\t" if unpacked_name(path).endswith((".tsv", ".tab")) else "", ""
    try:
        if not separator:
            sample = sample_of(text)
            separator = separator_of(sample)
        lines = itertools.chain(io.StringIO(sample + text.readline(), newline=""), text)
        with long_cells():
            names = next(filter(None, csv.reader(lines, delimiter=separator, strict=True)), [])
    except (ValueError, csv.Error, *UNREADABLE) as error:
        explain(path, separator or ",", 0, str(error))
    if not any(name.strip() for name in names) and len(names) < 2:
        raise DataError(f"{str(path)!r} is empty: its first line must name the columns")
    return separator, names


def _maybe_unclosed(table: pa.Table) -> bool:
    """Whether the very last cell holds a line break: an unclosed quotation mark swallows the rows after it."""
    last = table.column(table.num_columns - 1)[-1].as_py()
    return "\n" in last or "\r" in last
