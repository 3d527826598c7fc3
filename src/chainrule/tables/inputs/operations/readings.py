"""The readings: what a cell of a column is for the inputs that are computed from it."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RowError
from chainrule.tables.arrow import pa, pc
from chainrule.tables.columns import missing_cells, values_of, words_of
from chainrule.tables.items import has_items
from chainrule.tables.missing import one_array
from chainrule.tables.number_forms import PLAIN
from chainrule.tables.profile.dates import times_in

__all__ = ["READINGS", "Cells", "Items", "Number", "Presence", "Reading", "Time", "Word"]


class Cells(NamedTuple):
    """The cells of a column as a reading has them.

    - name: the column.
    - values: numbers (n,) float64, NaN where missing; or numbers of words (n,), -1 for any other; or which
      cells have each of k items, and any other (n, k + 1), sparse; or none (0,).
    - missing: which cells are missing, (n,).
    """

    name: str
    values: Any
    missing: NDArray[np.bool_]

    def part(self, start: int, stop: int) -> Cells:
        """Some of them."""
        return Cells(self.name, self.values[start:stop], self.missing[start:stop])


class Reading(abc.ABC):
    """What a cell is."""

    @abc.abstractmethod
    def read(self, column: Any, name: str) -> Cells:
        """The cells of a column. Raises RowError for a cell that is something else."""


@dataclasses.dataclass(frozen=True)
class Number(Reading):
    """A number, written in a form of `number_forms`."""

    form: str = PLAIN

    def read(self, column: Any, name: str) -> Cells:
        """Raises RowError for a cell that is a word, or infinite."""
        try:
            cells, places = _different(column) if _repeats(column) else (column, None)
            values = self._values(cells, name)
        except RowError:  # it names a row of the different cells
            values, places = self._values(column, name), None
        return self.of_values(values if places is None else values[places], name)

    def _values(self, column: Any, name: str) -> NDArray[np.float64]:
        return values_of(column, lambda row, word: self._refused(name, row, word), name, self.form)

    @staticmethod
    def of_values(values: NDArray[np.float64], name: str) -> Cells:
        """The cells of values (n,) that are read already, NaN where missing."""
        return Cells(name, values, np.isnan(values))

    def _refused(self, name: str, row: int, word: str) -> RowError:
        line = (
            "column {name!r} holds numbers{form}, but {word!r} came in row {row}: write {what}, or leave the cell empty"
        )
        form, what = ("", "a number") if self.form == PLAIN else (f" written as {self.form}", "a number in this form")
        return RowError(row, line, name=name, form=form, word=word, what=what)


@dataclasses.dataclass(frozen=True)
class Time(Reading):
    """A time in a form of `dates.FORMS`, as seconds since 1970."""

    form: str

    def read(self, column: Any, name: str) -> Cells:
        """Raises RowError for a cell that is not a time of this form."""
        seconds, wrong = times_in(column, self.form, name)
        if wrong >= 0:
            line = (
                "column {name!r} holds times ({form}), but {word!r} came in row {row}: "
                "write a time of that form, or leave the cell empty"
            )
            word = str(words_of(column, name)[wrong].as_py())
            raise RowError(wrong, line, name=name, form=self.form, word=word)
        return Cells(name, seconds, np.isnan(seconds))


@dataclasses.dataclass(frozen=True)
class Word(Reading):
    """A word, as its number (from 0) among these words."""

    words: tuple[str, ...]

    def read(self, column: Any, name: str) -> Cells:
        """Raises DataError for a column that does not hold words."""
        cells, places = _different(column)
        words = words_of(cells, name)
        codes = np.asarray(pc.index_in(words, value_set=pa.array(self.words, words.type)).fill_null(-1), dtype=np.intp)
        missing = np.asarray(words.is_null().to_numpy(zero_copy_only=False))
        return Cells(name, codes, missing) if places is None else Cells(name, codes[places], missing[places])


@dataclasses.dataclass(frozen=True)
class Items(Reading):
    """Several words, with a separator between them (see `tables.items`): which of these words a cell has, sparse."""

    separator: str
    words: tuple[str, ...]

    def read(self, column: Any, name: str) -> Cells:
        """Raises DataError for a column that does not hold words."""
        cells, places = _different(column)
        words = words_of(cells, name)
        has, missing = has_items(words, self.words, self.separator), np.asarray(words.is_null())
        return Cells(name, has, missing) if places is None else Cells(name, has[places], missing[places])


def _repeats(column: Any) -> bool:
    """Whether the first cells of a long column of text repeat so often that reading each once is faster."""
    if len(column) < 4 * _FIRST or not pa.types.is_string(column.type) | pa.types.is_large_string(column.type):
        return False
    return 4 * int(pc.count_distinct(column[:_FIRST]).as_py()) < _FIRST


def _different(column: Any) -> tuple[Any, NDArray[Any] | None]:
    """The different cells of a column of text, and the place (n,) of each cell among them; any other column itself."""
    plain = one_array(column)
    if not pa.types.is_large_string(plain.type):
        return column, None
    coded = plain.dictionary_encode(null_encoding="encode")
    return coded.dictionary, coded.indices.to_numpy(zero_copy_only=False)


@dataclasses.dataclass(frozen=True)
class Presence(Reading):
    """Only whether the cell is missing."""

    def read(self, column: Any, name: str) -> Cells:
        return Cells(name, np.empty(0), missing_cells(column, allow_placeholders=True))


_FIRST = 1024  # cells by which a column is judged
READINGS: tuple[type[Reading], ...] = (Number, Time, Word, Items, Presence)
