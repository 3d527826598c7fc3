"""How a column of text writes its numbers: the form that all its cells are in, and whether another one is possible.

`1.234` may be 1.234 or 1234. It is 1234 if cells such as `925` and `1.050` are in the column too: nobody who writes
three decimals leaves them out of 925, and nobody who leaves out zeros writes 1.050. Else a point is taken for a decimal
point, a comma for one between thousands, and the column is `doubtful`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc
from chainrule.tables.columns import text_of
from chainrule.tables.lengths import LENGTHS
from chainrule.tables.number_forms import PLAIN, affixes, cells_in, forms_of, minus_first, otherwise, rank
from chainrule.tables.profile.fits import MEANT, Cell, Fits

__all__ = ["Points", "Written"]

_MOST_AFFIXES = 4  # currencies and units among the first words, beyond which they are none
_BARE = r"^[^(]*$"
_SEPARATED = r"[0-9][.,][0-9]"
_GROUPED = r"^[+-]?(?:[0-9]{1,3}|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)$"
_SOME = 256  # cells that are read before all others

Values = NDArray[np.float64]


class Marks:
    """What the cells have of marks between their digits."""

    def __init__(self) -> None:
        self.separated: Cell | None = None  # the first cell with a mark
        self.short = False  # whether there is a number of three digits or fewer without one
        self._ends_in_0 = False

    def add(self, text: pa.Array, rows: NDArray[np.int64]) -> None:
        """Take the cells of the next rows."""
        if self.separated is None:
            row = pc.index(pc.match_substring_regex(text, _SEPARATED), True).as_py()
            self.separated = Cell(int(rows[row]), text[row].as_py()) if row >= 0 else None
        self.short = self.short or _any(text, r"^[^0-9.,]*[0-9]{1,3}[^0-9.,]*$")
        self._ends_in_0 = self._ends_in_0 or _any(text, r"[.,][0-9]{2}0(?:[^0-9.,]|$)")

    @property
    def between_thousands(self) -> bool:
        """Whether marks before three digits are certainly between thousands."""
        return self.short and self._ends_in_0


class Written:
    """The forms of numbers that the words of a column are in.

    >>> import pyarrow as pa
    >>> written = Written()
    >>> written.add(pa.array(["$12.50", "$1,234.00"], pa.large_string()), np.arange(2))
    >>> written.chosen, written.doubtful
    ('$1,234.5', None)
    """

    def __init__(self) -> None:
        self.fits = Fits(self._forms_of, _zeros_of)
        self._marks, self._affixes = Marks(), set[tuple[str, str]]()
        self._bare = False  # whether some cell is not in brackets
        self._first_words = 0
        self._like: list[str] = []  # those that are like numbers
        self._none = False

    def add(self, text: pa.Array | None, rows: NDArray[np.int64], digits: bool = True) -> None:
        """Take the words (n,) of the next rows, null where missing; None for cells that are not text.

        `digits` says whether one of them has a digit.
        """
        self._none = self._none or text is None
        if text is None or self._none:
            return
        self.fits.add(text, rows, digits)
        self._none = len(self._affixes) > _MOST_AFFIXES
        if self.fits.forms and not self._none:
            self._marks.add(text, rows)
            self._bare = self._bare or _any(text, _BARE)

    @property
    def chosen(self) -> str | None:
        """The form of the column; None if its cells are not all in one."""
        forms = self._whole()
        if not forms:
            return None
        other, certain = otherwise(forms[0]), self._marks.separated and self._marks.between_thousands
        in_points = other if certain and rank(forms[0]) == 0 else None
        return in_points if in_points in forms else forms[0]

    @property
    def doubtful(self) -> tuple[str, str] | None:
        """The first cell whose mark may be a decimal mark or between thousands, and the form that is not chosen."""
        chosen, cell = self.chosen, self._marks.separated
        if chosen is None or cell is None or self._marks.between_thousands:
            return None
        other = otherwise(chosen)
        return (cell.text, other) if other in self._whole() and other is not None else None

    @property
    def alike(self) -> list[str]:
        """Two words of a column whose first words are almost all like numbers, but not in one form; else none."""
        if self._none or len(self._like) <= MEANT * self._first_words or self.fits.whole():
            return []
        by_affix = {affixes(forms_of(word)[0]): word for word in reversed(self._like)}
        return list(reversed(by_affix.values()))[:2]

    def _whole(self) -> list[str]:
        return sorted(self.fits.whole(), key=rank) if self._bare and not self._none else []

    def _forms_of(self, word: str) -> list[str]:
        forms = forms_of(word)
        self._first_words += 1
        self._like += [word] if forms else []
        self._affixes |= {affixes(form) for form in forms if form not in LENGTHS}
        return forms if len(self._affixes) <= _MOST_AFFIXES else []


class Points:
    """Whether the points of a column of plain numbers are decimal points, or between thousands.

    >>> import pyarrow as pa
    >>> points = Points()
    >>> points.add(pa.array(["925", "1.056", "1.050"]), np.arange(3), np.array([925, 1.056, 1.05]))
    >>> points.thousands
    True
    """

    def __init__(self) -> None:
        self._marks, self._decimal, self._fractions = Marks(), False, False

    def add(self, cells: Any, rows: NDArray[np.int64], values: Values) -> None:
        """Take the cells of the next rows, and the numbers that they are with decimal points."""
        if self._decimal or not _is_text(cells) or _surely_decimal(values):
            self._fractions = self._fractions or (_is_text(cells) and bool((values % 1 > 0).any()))
            self._decimal = True
            return
        if not _has_points(cells):
            self._marks.short = self._marks.short or bool(np.isfinite(values).any())
            return
        text = text_of(cells)
        if text is None or not _all(text.slice(0, _SOME), _GROUPED) or not _all(text, _GROUPED):
            self._decimal = True
        else:
            self._marks.add(text, rows)

    @property
    def thousands(self) -> bool:
        """Whether they are certainly between thousands."""
        return not self._decimal and self._marks.separated is not None and self._marks.between_thousands

    @property
    def decimal(self) -> bool:
        """Whether some are certainly decimal points."""
        return self._decimal and self._fractions

    @property
    def doubtful(self) -> tuple[str, str] | None:
        """The first cell with a point, if all may be between thousands, and the form with points between thousands."""
        cell = self._marks.separated
        doubt = not self._decimal and cell is not None and not self._marks.between_thousands
        other = otherwise(PLAIN)
        return (cell.text, other) if doubt and cell is not None and other is not None else None

    @property
    def example(self) -> Cell | None:
        """The first cell with a point."""
        return self._marks.separated


def _zeros_of(words: pa.Array) -> Callable[[str], Values]:
    """For each form 0 where a word is in it, NaN elsewhere: what the number is does not matter here."""
    text = minus_first(words)
    return lambda form: np.where(cells_in(text, form), 0.0, np.nan)


def _surely_decimal(values: Values) -> bool:
    """Whether one of the first values, or any that is large, cannot be written with a point between thousands."""
    if (np.abs(values) >= 1000).any():
        return True
    some = values[:_SOME][~np.isnan(values[:_SOME])]
    thousandths = some * 1000
    small = (np.abs(some) < 1) & (some != 0)
    return bool((small | (np.abs(thousandths - thousandths.round()) > 1e-6)).any())


def _is_text(cells: Any) -> bool:
    return cells is not None and (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def _has_points(cells: Any) -> bool:
    """Whether a column of text has a point at all."""
    chunks = cells.chunks if isinstance(cells, pa.ChunkedArray) else [cells]
    texts = [chunk.buffers()[2] for chunk in chunks]
    return any(text is not None and b"." in text.to_pybytes() for text in texts)


def _any(text: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(text, pattern)).as_py())


def _all(text: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(text, pattern), min_count=0).as_py())
