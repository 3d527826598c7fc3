"""How a delimited file is written: what separates its cells, and what its first line names.

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

_SAMPLE = 1 << 20  # characters of text that are looked at
_ROWS = 100
_NUMBER = re.compile(r"\s*[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?\s*")


def sample_of(text: IO[str]) -> str:
    """The beginning of the text, from the first line that is not empty."""
    sample = ""
    for part in iter(lambda: text.read(_SAMPLE), ""):
        sample = (sample + part).lstrip("\r\n")
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
        found = list(itertools.islice(filter(None, rows), _ROWS))
    if len(found) > 1 and len(found) < _ROWS and len(sample) >= _SAMPLE:
        found.pop()  # cut off by the end of the sample
    width = len(found[0]) if found else 0
    return width > 1 and all(len(row) == width for row in found), width


@contextmanager
def long_cells() -> Iterator[None]:
    """Lets the `csv` module read cells of any length, as Arrow does."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def header_note(names: Sequence[str], origin: str) -> str | None:
    """What to say of a first line that holds only numbers: nothing if it does not, a note if they go up by whole steps.

    Raises DataError if they do not: then it is a row, and no line of names. So is Excel's `sep=;`.
    """
    if names and names[0].lower().startswith("sep="):
        raise DataError(f"the first line of {origin} is {names[0]!r}, a word to Excel and no names: remove that line")
    if not names or not all(_NUMBER.fullmatch(name) for name in names):
        return None
    whole = all(name.strip().isdecimal() for name in names)
    if whole and all(int(left) < int(right) for left, right in itertools.pairwise(names)):
        return None if len(names) > 1 else f"the first line of {origin} holds only {names[0]!r}, taken as a name"
    raise DataError(
        f"the first line of {origin} holds only numbers, {listed(names[:3])}: put a line of names before it"
    )
