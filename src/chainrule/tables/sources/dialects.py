"""The dialect of a delimited file: what separates its cells, and whether its first line names the columns.

Every candidate reads the first rows. One under which the first line has several cells, and each row after it as many,
wins; of several, the one with most cells; of equals, the first of comma, semicolon, tab, vertical bar. If none is right
for all of the rows, the same order decides, and the row that is wrong is reported when it is reached. In a `.tsv` file
only the tab separates.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from chainrule.errors import DataError
from chainrule.tables.names import listed

__all__ = ["SEPARATORS", "header_note", "long_cells", "sample_of", "separator_of"]

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

_SAMPLE = 1 << 20  # characters of text by which the separator is chosen
_ROWS = 100
_NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*")


def sample_of(text: IO[str]) -> str:
    """The beginning of the text, from the first line that is not empty."""
    sample = ""
    for more in iter(lambda: text.read(_SAMPLE), ""):
        sample = (sample + more).lstrip("\r\n")
        if len(sample) >= _SAMPLE:
            break
    return sample


def separator_of(sample: str) -> str:
    """The separator by the rule above.

    >>> separator_of("a;b\\n1,5;2\\n"), separator_of("name\\nJo\\n")
    (';', ',')
    """
    order = list(SEPARATORS)
    return max(order, key=lambda separator: (*_fit(sample, separator), -order.index(separator)))


def _fit(sample: str, separator: str) -> tuple[bool, int]:
    """Whether the rows are as long as the first, of two cells or more; and how long that is."""
    if separator not in sample:
        return False, 1
    with long_cells():
        rows = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
        first = list(itertools.islice(filter(None, rows), _ROWS))
    if len(first) > 1 and len(first) < _ROWS and len(sample) >= _SAMPLE:
        first.pop()  # cut off by the end of the sample
    width = len(first[0]) if first else 0
    return width > 1 and all(len(row) == width for row in first), width


@contextmanager
def long_cells() -> Iterator[None]:
    """Lets the `csv` module read cells of any length, as Arrow does."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def header_note(names: Sequence[str], origin: str) -> str | None:
    """A note on a first line that is a single whole number; None for any other line of names.

    Raises DataError for a line of numbers, unless they are whole and go up: it is a row, not names. So is `sep=;`.
    """
    if names and names[0].lower().startswith("sep="):
        raise DataError(f"the first line of {origin} is {names[0]!r}, a word to Excel, not names: remove that line")
    if not names or not all(_NUMBER.fullmatch(name) for name in names):
        return None
    whole = all(name.strip().isdecimal() for name in names)
    if whole and all(int(left) < int(right) for left, right in itertools.pairwise(names)):
        return None if len(names) > 1 else f"the first line of {origin} holds only {names[0]!r}, taken as a name"
    raise DataError(
        f"the first line of {origin} holds only numbers, {listed(names[:3])}: put a line of names before it"
    )
