"""The cells of a target column, kept as they were parsed, so that no later pass has to read the column again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa
from chainrule.tables.columns import NumberCells, words_of

__all__ = ["TargetCells"]

MOST_WORDS = 2**16  # different words that are kept

_NUMBER, _BOOLEAN, _WORD, _MIXED = range(4)


class TargetCells:
    """What a target holds in each row: `numbers` (n,) float64, NaN where missing, or `codes` (n,) int32 of its `words`.

    `form` is the form in which the numbers were read, None for plain ones; `boolean` says that they are those of
    booleans. Neither is there, so that the column has to be read again, if the cells are not all of one kind, if a
    number is infinite, and beyond 2^16 different words.

    >>> cells = TargetCells()
    >>> cells.add_words(np.array([2, 0]), pa.array(["yes", "no"]))
    >>> cells.finish(np.array([True, False, True]))
    >>> cells.codes, cells.words
    (array([ 1, -1,  0], dtype=int32), ['yes', 'no'])
    """

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, form: str | None) -> None:
        """Forget all cells; the numbers of the next ones are in a form (None for plain ones)."""
        self.form = form
        self.numbers: NDArray[np.float64] | None = None
        self.codes: NDArray[np.int32] | None = None
        self.words: list[str] = []
        self._kind: int | None = None
        self._parts: list[tuple[NDArray[np.int64], NDArray[np.float64 | np.int32]]] = []
        self._code_of: dict[str, int] = {}

    @property
    def boolean(self) -> bool:
        """Whether the numbers are those of booleans."""
        return self._kind == _BOOLEAN

    def add_numbers(self, rows: NDArray[np.int64], cells: NumberCells) -> None:
        """Keep cells that are all numbers, or all booleans, in these rows (from 0) of the table."""
        if not np.isnan(cells.values).all():
            self._add(_BOOLEAN if cells.boolean else _NUMBER, rows, cells.values)

    def add_words(self, rows: NDArray[np.int64], words: pa.Array) -> None:
        """Keep words, null where missing, in these rows of the table."""
        encoded = words.dictionary_encode()
        codes = [self._code_of.setdefault(word, len(self._code_of)) for word in encoded.dictionary.to_pylist()]
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        kind = _WORD if len(self._code_of) <= MOST_WORDS else _MIXED
        self._add(kind, rows, np.array([*codes, -1], np.int32)[places])

    def finish(self, present: NDArray[np.bool_]) -> None:
        """Make the arrays, for a table in which these rows (n,) have a target."""
        parts, self._parts = self._parts, []
        if self._kind == _WORD:
            self.codes, self.words = np.full(len(present), -1, np.int32), list(self._code_of)
            for rows, codes in parts:
                self.codes[rows] = codes
        elif self._kind in (_NUMBER, _BOOLEAN):
            numbers = np.full(len(present), np.nan)
            for rows, values in parts:
                numbers[rows] = values
            self.numbers = None if np.isinf(numbers[present]).any() else numbers

    def present(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these rows have a value, of cells that are numbers or words."""
        if self.numbers is not None:
            return ~np.isnan(self.numbers[rows])
        return np.ones(len(rows), np.bool_) if self.codes is None else self.codes[rows] >= 0

    def text(self, row: int) -> str:
        """The word of a row, or its number in digits."""
        if self.numbers is not None:
            return str(words_of(self.numbers[[row]])[0].as_py())
        return self.words[self.codes[row]] if self.codes is not None else ""

    def _add(self, kind: int, rows: NDArray[np.int64], values: NDArray[np.float64 | np.int32]) -> None:
        self._kind = kind if self._kind in (None, kind) else _MIXED
        self._parts.append((rows, values))
        if self._kind == _MIXED:
            self._parts.clear()
