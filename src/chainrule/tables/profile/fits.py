"""Which forms the cells of a column are written in: how many cells fit each, and the first cell that does not.

A form is considered once one of the first 32 different words of the column fits it, and from then on every cell is
read in it. Cells before that word did not fit, so that the counts are the same however the cells are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc

__all__ = ["MEANT", "MOST_ODD", "Cell", "Fit", "Fits"]

MEANT = 0.9  # the share of the cells in one form from which on the others are taken for slips
MOST_ODD = 5  # different words that are taken for slips, or for a missing value, however often they come

_CONSIDERED = 32  # different words

Values = NDArray[np.float64]


class Cell(NamedTuple):
    """A cell, by its row (from 0) in the whole table, and its text."""

    row: int
    text: str


class Fit:
    """How the cells of a column fit a form: the `count` that do, and the different words `odd` that do not."""

    def __init__(self, first_odd: Cell | None, odd: Iterable[str]) -> None:
        self.count, self.first_odd, self.odd = 0, first_odd, set(odd)

    @property
    def few_odd(self) -> bool:
        """Whether there are so few different odd words that they may stand for a missing value."""
        return len(self.odd) <= MOST_ODD


class Fits:
    """The forms of a column, by name. `considered` gives those of a word, `read` the values of cells, NaN if odd.

    >>> import pyarrow as pa
    >>> fits = Fits(lambda word: ["whole"] if word.isdigit() else [], lambda text, form: pc.cast(text, pa.float64()))
    >>> fits.add(pa.array(["7", "8", None], pa.large_string()), np.arange(3))
    {'whole': array([ 7.,  8., nan])}
    >>> fits.count, fits.whole(), fits.forms["whole"].count
    (2, ['whole'], 2)
    """

    def __init__(self, considered: Callable[[str], list[str]], read: Callable[[pa.Array, str], Values]) -> None:
        self._considered, self._read = considered, read
        self._seen: dict[str, None] = {}
        self._first: Cell | None = None
        self.count = 0
        self.forms: dict[str, Fit] = {}

    def add(self, words: pa.Array, rows: NDArray[np.int64]) -> dict[str, Values]:
        """Take the words (n,) of the next rows, null where missing: their values by each form, if all of them fit it.

        Of a form that is considered from here on, they are those of these rows alone.
        """
        present = len(words) - words.null_count
        if not present:
            return {}
        encoded = words.dictionary_encode()
        distinct, codes = encoded.dictionary, encoded.indices.fill_null(len(encoded.dictionary)).to_numpy()
        first = self._consider(distinct, codes, rows)
        self._first = self._first or first
        counts = np.bincount(codes, minlength=len(distinct) + 1)[:-1] if self.forms else np.empty(0)
        values = {form: np.asarray(self._read(distinct, form)) for form in self.forms}
        for form, own in values.items():
            self._count(form, np.isnan(own), (distinct, codes, counts, rows))
        self.count += present
        return {form: np.append(own, np.nan)[codes] for form, own in values.items() if not np.isnan(own).any()}

    def whole(self) -> list[str]:
        """The forms that all cells fit, at least one of them."""
        return [form for form, fit in self.forms.items() if fit.count == self.count > 0]

    def best(self) -> str | None:
        """The form that most cells fit, the first of equals."""
        return max(self.forms, key=lambda form: self.forms[form].count, default=None)

    def _consider(self, distinct: pa.Array, codes: NDArray[np.int32], rows: NDArray[np.int64]) -> Cell:
        """Consider the forms of new words; the first cell of these rows."""
        seen_before = set(self._seen)
        for word in distinct.slice(0, _CONSIDERED).to_pylist():
            if word in self._seen or len(self._seen) >= _CONSIDERED:
                continue
            self._seen[word] = None
            for form in self._considered(word):
                if form not in self.forms:
                    self.forms[form] = Fit(self._first, seen_before)
        return Cell(int(rows[(codes < len(distinct)).argmax()]), distinct[0].as_py())

    def _count(
        self,
        form: str,
        odd: NDArray[np.bool_],
        chunk: tuple[pa.Array, NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]],
    ) -> None:
        distinct, codes, counts, rows = chunk
        fit = self.forms[form]
        fit.count += int(counts[~odd].sum())
        if not odd.any():
            return
        if fit.few_odd:
            fit.odd.update(distinct.filter(pa.array(odd)).slice(0, MOST_ODD + 1).to_pylist())
        if fit.first_odd is None:
            first = int(np.append(odd, False)[codes].argmax())
            fit.first_odd = Cell(int(rows[first]), distinct[codes[first]].as_py())
