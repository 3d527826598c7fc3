"""The dialect of a delimited file: what separates its cells, and which names its first line has.

Every candidate reads the first rows. One under which the first line has several cells, and each row after it as many,
wins; of several, the one with most cells; of equals, the first of comma, semicolon, tab, vertical bar. If none is right
for all of the rows, one wins under which most rows have the same number of cells, and the first row that is wrong is
reported. In a `.tsv` file only the tab separates. A first line `sep=:`, as Excel reads it, names any other separator.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from chainrule.errors import DataError
from chainrule.tables.names import listed
from chainrule.tables.sources.encodings import Utf8Stream
from chainrule.tables.sources.row_blocks import line_breaks, require_rows

__all__ = [
    "SEPARATORS",
    "Beginning",
    "beginning_of",
    "header_note",
    "long_cells",
    "named_separator",
    "numbered_rows",
    "sample_of",
    "separator_of",
]

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

_SAMPLE = 1 << 20  # bytes of text by which the separator is chosen
_ROWS = 100
_NUMBER = re.compile(r"\s*[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?\s*")
_NAMES_SEPARATOR = re.compile(r'"?sep=', re.IGNORECASE)
_SEPARATOR_LINE = re.compile(r'("?)sep=([^\w".+\r\n-])\1[\r\n]', re.IGNORECASE | re.ASCII)


def sample_of(stream: Utf8Stream, origin: str) -> tuple[str, int]:
    """The text from the first line that is not empty, as far as it is needed, and the number of that line.

    What is read of the stream is empty lines alone. Raises DataError where they never end.
    """
    line, empty = 1, 0
    while (ahead := stream.peek(_SAMPLE)) and not ahead.strip(b"\r\n"):
        line += line_breaks(stream.read(_SAMPLE))
        empty += _SAMPLE
        require_rows(empty, line, origin)
    sample = ahead.lstrip(b"\r\n")
    return sample.decode(errors="replace"), line


def named_separator(sample: str, origin: str) -> str | None:
    r"""The separator that a first line such as `sep=;` names; None for any other first line.

    >>> named_separator("sep=:\na:b\n", "the file")
    ':'

    Raises DataError for such a line without a character that can separate cells.
    """
    if not _NAMES_SEPARATOR.match(sample):
        return None
    line = _SEPARATOR_LINE.match(sample)
    if line is None or not line[2].isascii():
        raise DataError(
            f"the first line of {origin} begins with 'sep=', but names no separator: write sep= and one character, "
            "not a letter, a digit, a quotation mark, or one of _ . + -"
        )
    return line[2]


def separator_of(sample: str) -> str:
    """The separator by the rule above.

    >>> separator_of("a;b\\n1,5;2\\n"), separator_of("name\\nJo\\n")
    (';', ',')
    """
    order = list(SEPARATORS)
    return max(order, key=lambda separator: (*_fit(sample, separator), -order.index(separator)))


def _fit(sample: str, separator: str) -> tuple[int, int]:
    """How well the rows agree with each other, from 0 to 4, and the cells of the first.

    4 if all have as many cells, several; 3 if most have, and the first has several; 2 if no comma separates anything;
    1 if most have several, but the first has one.
    """
    widths = _widths(sample, separator) if separator in sample else [1]
    usual, rows = Counter(widths).most_common(1)[0]
    if usual == 1:
        return (2 if rows == len(widths) and separator == "," else 0), widths[0]
    if rows == len(widths):
        return 4, usual
    return (0 if 2 * rows < len(widths) else 3 if widths[0] > 1 else 1), widths[0]


def _widths(sample: str, separator: str) -> list[int]:
    """How many cells each of the first rows has."""
    with long_cells():
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator, skipinitialspace=separator != " ")
        widths = [len(row) for row in itertools.islice(filter(None, rows), _ROWS)]
    if len(widths) > 1 and len(widths) < _ROWS and len(sample) >= _SAMPLE // 4:
        widths.pop()  # cut off by the end of the sample, whose characters take up to 4 bytes
    return widths


@contextmanager
def long_cells() -> Iterator[None]:
    """Lets the `csv` module read cells of any length, as Arrow does."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


class Beginning(NamedTuple):
    """The names in the first line, the bytes and lines before the rows, and the first rows with their lines."""

    names: list[str]
    size: int
    lines: int
    rows: list[tuple[int, list[str]]]


def beginning_of(text: str, separator: str, line: int = 1, named: bool = False) -> Beginning:
    """The beginning of a text of whole rows from `line` on; `named`: whether a line `sep=` is before the names.

    >>> beginning_of('"a","b"\\n\\n1,2\\n', ",")
    Beginning(names=['a', 'b'], size=8, lines=1, rows=[(3, ['1', '2'])])
    """
    lines = _Counted(text)
    with long_cells():
        rows = numbered_rows(csv.reader(lines, delimiter=separator, strict=True), line)
        if named:
            next(rows)
        _, names = next(rows, (0, []))
        size, count = lines.size, lines.count
        return Beginning([name.strip("\ufeff") for name in names], size, count, list(itertools.islice(rows, _ROWS)))


def numbered_rows(rows: Any, first: int = 1) -> Iterator[tuple[int, list[str]]]:
    """The rows of a `csv.reader` that are not empty, each with the line where it begins."""
    line = first
    for row in rows:
        if row:
            yield line, row
        line = first + rows.line_num


class _Counted:
    """The lines of a text, counted in lines and bytes of UTF-8 as they are taken."""

    def __init__(self, text: str) -> None:
        self._lines, self.size, self.count = io.StringIO(text, newline=""), 0, 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.size += len(line.encode())
            self.count += 1
            yield line


def header_note(names: Sequence[str], origin: str) -> str | None:
    """A note on a first line that is a single whole number; None for any other line of names.

    Raises DataError for a line of numbers, unless they are whole and go up: it is a row, not names.
    """
    if not names or not all(_NUMBER.fullmatch(name) for name in names):
        return None
    digits = [name.strip().lstrip("0") for name in names]  # compared as text: Python limits the digits of an int
    whole = all(name.strip().isdecimal() for name in names)
    if whole and all((len(left), left) < (len(right), right) for left, right in itertools.pairwise(digits)):
        return None if len(names) > 1 else f"the first line of {origin} holds only {listed(names)}, taken as a name"
    raise DataError(
        f"the first line of {origin} holds only numbers, {listed(names[:3])}: put a line of names before it"
    )
