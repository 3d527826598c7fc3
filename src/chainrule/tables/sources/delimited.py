"""CSV files and their kin: every column read as text, because types guessed from the first rows fail in the millionth.

The first line names the columns, cells may be quoted (then they may hold line breaks), and empty lines are skipped.
The encoding, the separator and decimal commas are detected, and mentioned in `notes` if they are unusual. Arrow gets
the rows as bytes in memory, in blocks of whole rows: it never calls back into Python from a thread of its own.

The first pass over all rows notes where each block begins and which rows it has. A later pass over some rows parses
only the blocks that have one of them, and of a file that is neither compressed nor decoded it reads no other bytes.
"""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.arrow import arrow_csv, pa
from chainrule.tables.sources.base import Source
from chainrule.tables.sources.decimals import Decimals
from chainrule.tables.sources.dialects import (
    SEPARATORS,
    Beginning,
    beginning_of,
    header_note,
    named_separator,
    sample_of,
    separator_of,
)
from chainrule.tables.sources.encodings import Utf8Stream
from chainrule.tables.sources.explaining import (
    explain,
    missing_column_hint,
    require_lengths,
    separator_words,
    swallowed_rows,
    text_of,
)
from chainrule.tables.sources.opening import UNREADABLE, open_bytes, open_first, unpacked_name, why_unreadable
from chainrule.tables.sources.row_blocks import RowBlock, row_block, row_blocks

__all__ = ["DelimitedSource", "DelimitedText"]

_HEAD = 4096  # bytes by which a binary file is recognised
_NO_WORDS: Any = dict.fromkeys(("null_values", "true_values", "false_values"), ())  # of which each column has a table
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")


class _Place(NamedTuple):
    """Where some rows of a file are.

    - rows: their numbers.
    - line: the line where the block begins, which in the first one is that of the names.
    - span: the bytes of the file from the first one to that before the second; None where the text is not these bytes.
    - decimals: what is known of decimal commas before them.
    """

    rows: slice
    line: int
    span: tuple[int, int] | None
    decimals: Decimals


class DelimitedSource(Source):
    """The rows of a delimited file, every column text; an empty cell is an empty text.

    Raises DataError for a file that is absent, empty, compressed otherwise than its name says, not text, or whose
    rows are not all as long as its first line.
    """

    typed = False
    _places: tuple[_Place, ...] = ()  # of all rows, once they were read to their end
    _is_packed = False

    def __init__(self, path: Path) -> None:
        self._path, self._is_packed = path, unpacked_name(path) != path.name.lower()
        self._begin_reading(repr(str(path)), unpacked_name(path).endswith((".tsv", ".tab")))

    def _begin_reading(self, origin: str, only_tab: bool) -> None:
        """Read the names of the columns, and choose how the rows are read."""
        self.origin, self.notes = origin, []
        with self._opened_first() as file, self._one_line_errors():
            head = file.read(_HEAD)
            _require_text(origin, head)
            self._begin = self._beginning(Utf8Stream(file, head), only_tab)
        super().__init__(self.origin, self._begin.names)
        self.hint = missing_column_hint(self._begin.names, "\t" if only_tab else SEPARATORS)
        self._note(header_note(self._begin.names, self.origin))
        if self._separator != "," and not only_tab:
            self._note(f"cells are separated by a {separator_words(self._separator)}")

    def _opened_first(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        return open_first(self._path)

    def _opened_again(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        return open_bytes(self._path)

    def _note(self, text: str | None) -> None:
        if text is not None and text not in self.notes:
            self.notes.append(text)

    @contextlib.contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise DataError(f"{self.origin} is not sound {error.encoding.upper()}: save it as CSV in UTF-8") from None
        except UNREADABLE as error:
            raise DataError(why_unreadable(self._path, error)) from None

    def _beginning(self, text: Utf8Stream, only_tab: bool) -> Beginning:
        """The names and the first rows, checked."""
        sample, line = sample_of(text, self.origin)
        named = named_separator(sample, self.origin)
        self._separator = named or ("\t" if only_tab else separator_of(sample))
        first = next(row_blocks(text, self._separator, self.origin, line), RowBlock(1, 0, b""))
        self._first_line = first.line
        begin = beginning_of(text_of(first, self.origin), self._separator, first.line, named is not None)
        if not any(name.strip() for name in begin.names) and len(begin.names) < 2:
            raise DataError(f"{self.origin} is empty: its first line must name the columns")
        require_lengths(begin.rows, self._separator, begin.names, self.origin)
        return begin

    def _read(self) -> Iterator[pa.Table]:
        return (table for _, table in self._read_some(None, None))

    def _read_some(
        self, names: Sequence[str] | None, chosen: NDArray[np.bool_] | None
    ) -> Iterator[tuple[int, pa.Table]]:
        """All blocks, or those that have a chosen row, once it is known where they are; of all columns."""
        if chosen is None or not self._places:
            yield from self._read_all()
            return
        places = [place for place in self._places if chosen[place.rows].any()]
        for place, block in zip(places, self._blocks_at(places), strict=True):
            table, decimals = self._parsed(self._rows(block)), copy.deepcopy(place.decimals)
            yield place.rows.start, table if self._separator == "," else decimals.with_points(table)

    def _read_all(self) -> Iterator[tuple[int, pa.Table]]:
        """All blocks, whose places are known after it."""
        decimals, swallowed, start, places = Decimals(self.origin), None, 0, []
        for block, first in self._blocks():
            rows, before = self._rows(block), copy.deepcopy(decimals)
            table = self._parsed(rows)
            if swallowed is None and table.num_rows < rows.lines:
                swallowed = swallowed_rows(table, self._separator, "\n" if b"\n" in rows.text else "\r")
                self._note(swallowed)
            table = table if self._separator == "," else decimals.with_points(table)
            self._note(decimals.note)
            yield start, table
            span = None if first is None else (first + block.begin, first + block.end)
            places.append(_Place(slice(start, start + table.num_rows), block.line, span, before))
            start += table.num_rows
        self.rows, self._places = start, tuple(places)

    def _blocks(self) -> Iterator[tuple[RowBlock, int | None]]:
        """All blocks that have rows, and the byte of the file where its text begins (see `Utf8Stream.start`)."""
        with self._one_line_errors(), self._opened_again() as file:
            text = Utf8Stream(file)
            for number, block in enumerate(row_blocks(text, self._separator, self.origin)):
                self._first_line = self._first_line if number else block.line
                self._note(_encoding_note(text.encoding))
                if self._rows(block).text.lstrip(b"\r\n"):
                    yield block, None if self._is_packed else text.start

    def _blocks_at(self, places: Sequence[_Place]) -> Iterator[RowBlock]:
        """The blocks at some places; all bytes are read where one of them is not known by its bytes."""
        if any(place.span is None for place in places):
            lines = {place.line for place in places}
            yield from itertools.islice((block for block, _ in self._blocks() if block.line in lines), len(places))
            return
        with self._one_line_errors(), self._opened_again() as file:
            for _, line, (begin, end), _ in places:  # type: ignore[misc]
                file.seek(begin)
                yield row_block(file.read(end - begin), self._separator, self.origin, line)

    def _rows(self, block: RowBlock) -> RowBlock:
        """The block without the line of names."""
        return block.after(self._begin.size, self._begin.lines) if block.line == self._first_line else block

    def _parsed(self, block: RowBlock) -> pa.Table:
        numbers = [str(number) for number in range(len(self._begin.names))]  # names may be repeated
        mark = b"\n" if block.text.startswith(b"\xef\xbb\xbf") else b""  # of which Arrow would take it away
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(mark + block.text if mark else block.text),
                read_options=arrow_csv.ReadOptions(block_size=len(block.text) + 1, column_names=numbers),
                parse_options=arrow_csv.ParseOptions(delimiter=self._separator, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(numbers, pa.string()),
                    check_utf8=not block.text.isascii(),  # bytes of ASCII are UTF-8
                    **_NO_WORDS,
                ),
            )
        except pa.ArrowInvalid as error:
            explain(block, self._separator, self._begin.names, self.origin, str(error))
        return table.rename_columns(self._begin.names)


class DelimitedText(DelimitedSource):
    """The rows of delimited text in memory, by the same rules.

    >>> DelimitedText(b"x;y\\n1;2\\n", "the text").table().to_pylist()
    [{'x': '1', 'y': '2'}]

    Raises DataError as for a file.
    """

    def __init__(self, text: bytes, origin: str) -> None:
        self._text = text
        self._begin_reading(origin, only_tab=False)

    def _opened_first(self) -> contextlib.AbstractContextManager[IO[bytes]]:
        return contextlib.nullcontext(io.BytesIO(self._text))

    _opened_again = _opened_first


def _encoding_note(encoding: str) -> str | None:
    if encoding == "windows-1252":
        return "the text is not UTF-8 and is read as Windows-1252 (Latin-1): save it in UTF-8 if words look wrong"
    return None if encoding in ("ascii", "utf-8") else f"the text is {encoding[:6].upper()}"


def _require_text(origin: str, head: bytes) -> None:
    """Raise DataError where the first bytes are not text."""
    if b"\0" in head and not head.startswith(_MARKS):
        raise DataError(
            f"{origin} is binary, or UTF-16 without a byte order mark, not CSV text: save it as CSV in UTF-8"
        )
