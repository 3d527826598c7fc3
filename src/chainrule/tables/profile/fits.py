"""Which forms the cells of a column are written in: how many cells fit each, and the first cell that does not.

A form is considered once one of the first 32 different words with a digit fits it, and from then on every cell is read
in it. Cells before that word did not fit, so that the counts are the same however the cells are cut into chunks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc

__all__ = ["MEANT", "MOST_ODD", "Cell", "Fit", "Fits", "has_digits"]

MEANT = 0.9  # the share of the cells in one form from which on the others are taken for slips
MOST_ODD = 5  # different words that are taken for slips, or for a missing value, however often they come

_DIGIT = r"\p{Nd}"
_CONSIDERED = 32  # different words with a digit

Values = NDArray[np.float64]


class Cell(NamedTuple):
    """A cell, by its row (from 0) in the whole table, and its text."""

    row: int
    text: str


def has_digits(words: pa.Array) -> bool:
    """Whether one of the words has a digit."""
    return bool(pc.any(pc.match_substring_regex(words, _DIGIT)).as_py())


class Fit:
    """How the cells of a column fit a form: the `count` that do, and the different words `odd` that do not."""

    def __init__(self, first_odd: Cell | None, odd: Iterable[str]) -> None:
        self.count, self.first_odd, self.odd = 0, first_odd, set(odd)

    @property
    def few_odd(self) -> bool:
        """Whether there are so few different odd words that they may stand for a missing value."""
        return len(self.odd) <= MOST_ODD


class Fits:
    """The forms of a column, by name.

    `considered(word)` gives those of a word; `read(words)(form)` gives the values of words, NaN for those that are odd.

    >>> import pyarrow as pa
    >>> fits = Fits(lambda word: ["whole"] if word.isdigit() else [], lambda words: lambda form: words.cast("double"))
    >>> fits.add(pa.array(["7", "8", None], pa.large_string()), np.arange(3))
    {'whole': array([ 7.,  8., nan])}
    >>> fits.count, fits.whole(), fits.forms["whole"].count
    (2, ['whole'], 2)
    """

    def __init__(
        self, considered: Callable[[str], list[str]], read: Callable[[pa.Array], Callable[[str], Any]]
    ) -> None:
        self._considered, self._read = considered, read
        self._seen: set[str] = set()  # words that were considered
        self._earlier: set[str] = set()  # the first words of all
        self._first: Cell | None = None
        self.count = 0
        self.forms: dict[str, Fit] = {}

    def add(self, words: pa.Array, rows: NDArray[np.int64], digits: bool = True) -> dict[str, Values]:
        """Take the words (n,) of the next rows, null where missing: their values by each form that all of these fit.

        `digits` says whether one of the words has a digit.
        """
        present = len(words) - words.null_count
        if not present:
            return {}
        self.count += present
        chunk = _Chunk(words, rows)
        if digits:
            self._consider(chunk)
        read = self._read(chunk.words) if self.forms else None
        values = {form: np.asarray(read(form)) for form in self.forms} if read else {}
        for form, own in values.items():
            self._count(self.forms[form], np.isnan(own), chunk)
        self._first = self._first or chunk.cell(np.ones(len(chunk.words), np.bool_))
        if len(self._earlier) <= MOST_ODD:
            self._earlier.update(chunk.words.slice(0, 2 * MOST_ODD).to_pylist())
        return {form: np.append(own, np.nan)[chunk.codes] for form, own in values.items() if not np.isnan(own).any()}

    def whole(self) -> list[str]:
        """The forms that all cells fit, at least one of them."""
        return [form for form, fit in self.forms.items() if fit.count == self.count > 0]

    def best(self) -> str | None:
        """The form that most cells fit, the first of equals."""
        return max(self.forms, key=lambda form: self.forms[form].count, default=None)

    def _consider(self, chunk: _Chunk) -> None:
        """Consider the forms of new words."""
        if len(self._seen) >= _CONSIDERED:
            return
        with_digit = chunk.words.filter(pc.match_substring_regex(chunk.words, _DIGIT))
        for word in with_digit.slice(0, _CONSIDERED).to_pylist():
            new = word not in self._seen and len(self._seen) < _CONSIDERED
            for form in self._considered(word) if new else ():
                self.forms.setdefault(form, Fit(self._first, self._earlier))
            self._seen |= {word} if new else set()

    def _count(self, fit: Fit, odd: NDArray[np.bool_], chunk: _Chunk) -> None:
        fit.count += int(chunk.counts[~odd].sum())
        if odd.any():
            fit.first_odd = fit.first_odd or chunk.cell(odd)
            if fit.few_odd:
                fit.odd.update(chunk.words.filter(pa.array(odd)).slice(0, 2 * MOST_ODD).to_pylist())


class _Chunk:
    """The different `words` of some rows, the `codes` (n,) of the rows, and how often each word comes."""

    def __init__(self, words: pa.Array, rows: NDArray[np.int64]) -> None:
        encoded = words.dictionary_encode()
        self.words, self._indices, self._rows = encoded.dictionary, encoded.indices, rows

    @functools.cached_property
    def codes(self) -> NDArray[np.int32]:
        """The number of each row's word; where it is missing, the number of words."""
        return np.asarray(self._indices.fill_null(len(self.words)))

    @functools.cached_property
    def counts(self) -> NDArray[np.int64]:
        return np.bincount(self.codes, minlength=len(self.words) + 1)[:-1]

    def cell(self, chosen: NDArray[np.bool_]) -> Cell:
        """The first cell with one of the chosen words."""
        row = int(np.append(chosen, False)[self.codes].argmax())
        return Cell(int(self._rows[row]), self.words[int(self.codes[row])].as_py())
