"""The profile of a column: what its cells hold, from one pass over the chunks of a table, or from more.

Nothing is decided before the last chunk. A column counts as numbers until its first word; if that was not in the first
chunk, its words are counted in a second pass. If all words are numbers in one form, such as `$1,234.50`, one more pass
reads them as numbers. A profile depends on the rows alone: its bits are the same however the
rows are cut into chunks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc
from chainrule.tables.chunks import Chunk
from chainrule.tables.column_kinds import CATEGORY, DATE, NUMBER, ColumnKind
from chainrule.tables.columns import (
    NumberCells,
    first_non_number,
    is_categorical,
    not_finite,
    numbers_at_once,
    order_of,
    read_numbers,
    shown,
    text_of,
    texts_of,
    words_of,
)
from chainrule.tables.missing import PLACEHOLDERS, among, one_array, plain_characters, without
from chainrule.tables.number_forms import PLAIN, has_unit, otherwise
from chainrule.tables.profile.dates import Days, Forms
from chainrule.tables.profile.fits import Cell, has_digits
from chainrule.tables.profile.moments import Running
from chainrule.tables.profile.sample import Sample
from chainrule.tables.profile.target_cells import TargetCells
from chainrule.tables.profile.word_counts import MOST_DISTINCT, Counts
from chainrule.tables.profile.written import Points, Written

__all__ = ["MOST_CLASSES", "ColumnProfile", "TargetProfile", "few", "profile_columns"]

MOST_CLASSES = 20  # different values of a target, or words with a number, that are taken for classes
EXACT = 2.0**53  # from here on float64 confuses integers, so that only text tells them apart
_PLAIN = r"^-?(0|[1-9][0-9]*)(\.0+|\.[0-9]*[1-9])?$"  # a number that is written as it usually is


class ColumnProfile:
    """What one column holds. `first_word` is the first cell because of which it is not a column of numbers.

    `placeholder` is the first cell that counts as missing because it stands among numbers (see `missing.PLACEHOLDERS`).
    `form` is the form of its numbers (see `chainrule.tables.number_forms`), if it is not plain, and `example` a cell in
    it; `written` says in which forms the words are, `points` whether the points of plain numbers are decimal points.
    `kind` is what a person says that the column is, or None; `dated` says that its numbers are dates such as 20240229.
    """

    _allows_placeholders = True

    def __init__(self, name: str, form: str | None = None, kind: ColumnKind | None = None) -> None:
        self.name, self.form, self.kind = name, form, kind
        self.dated = False
        self.example: Cell | None = None
        self.written, self.points = Written(), Points()
        self._recounted = False
        self._begin()

    def _begin(self) -> None:
        """Forget all cells."""
        self.rows = self.missing = 0
        self.categorical = False
        self.order: tuple[str, ...] | None = None  # of the words, lowest first, if the column came with one
        self.moments, self.sample, self.counts, self.forms, self.days = Running(), Sample(), Counts(), Forms(), Days()
        self.first_word: Cell | None = None
        self.first_infinite: Cell | None = None
        self.placeholder: Cell | None = None
        self._first_boolean: Cell | None = None
        self._has_numbers = False  # other than booleans
        self._uncounted = 0  # cells that came before the words were counted
        self._placeholders = 0
        self._offset: float | None = None  # of the numbers from the numbers of their rows; NaN where that differs

    @property
    def present(self) -> int:
        """The number of cells that are not missing."""
        return self.rows - self.missing

    @property
    def numeric(self) -> bool:
        """Whether all cells that are not missing are numbers. Raises RowError if one of these is infinite."""
        if self.first_word is None and self.first_infinite is not None:
            raise not_finite(self.name, *self.first_infinite)
        return self.first_word is None

    @property
    def boolean(self) -> bool:
        """Whether some cells are not missing, and all of these are booleans."""
        return self.first_word is None and self._first_boolean is not None and not self._has_numbers

    @property
    def few_words(self) -> bool:
        """Whether the words are `few`."""
        return not self.counts.too_many and few(self.counts.distinct(), self.present)

    @property
    def doubtful(self) -> tuple[str, str] | None:
        """A cell whose mark may be a decimal mark or between thousands, and the form that is not taken; or None."""
        return self.points.doubtful if self.form is None else self.written.doubtful

    @property
    def numbers_rows(self) -> bool:
        """Whether the numbers go up by 1 with every row of the table, and none is missing."""
        offset = self._offset
        return self.first_word is None and self.missing == 0 and offset is not None and not math.isnan(offset)

    @property
    def _incomplete(self) -> bool:
        """Whether the words have to be counted in a second pass."""
        return self.first_word is not None and self._uncounted > 0

    def add(self, cells: Any, rows: NDArray[np.int64], values: NDArray[np.float64] | None = None) -> None:
        """Take the cells of the next rows.

        `rows` are their numbers in the whole table; `values` are the cells as numbers, if they were parsed before.
        """
        if not len(cells):
            return
        if self._recounted:
            self._add_words(cells, self._as_words(cells), rows)
            return
        self.rows += len(cells)
        self._compare_order(cells)
        self.categorical = self.categorical or self._is_categorical(cells)
        if self.first_word is None:
            numbers = None if self._holds_words() else self._numbers(cells, values)
            if numbers is None:
                self._set_first_word(cells, rows)
            else:
                self._add_numbers(cells, rows, numbers)
        if self.first_word is not None:
            self._count(cells, rows)

    def again(self) -> bool:
        """Take note that a pass over the cells is finished; whether one more is needed, with `add` for every chunk."""
        self._finish()
        if self._incomplete and not self._recounted:
            self._recounted, self._uncounted = True, 0
            self.counts, self.forms, self.written = Counts(), Forms(), Written()
            return True
        if self._holds_dates():
            self.dated, self._recounted = True, False
            self._begin()
            return True
        form = None if self.categorical or self.form is not None else self._form()
        if form is not None:
            self.form, self.example, self._recounted = form, self.first_word or self.points.example, False
            self._begin()
        return form is not None

    def _finish(self) -> None:
        """Placeholders are missing beside numbers, and words if there are none."""
        alone = not self._has_numbers and self._first_boolean is None
        if self.first_word is None and self.placeholder is not None and alone:
            self.first_word, self.missing = self.placeholder, self.missing - self._placeholders
            self._uncounted = self.present

    def _form(self) -> str | None:
        """The form in which the column is one of numbers: that of all cells, unless these are few words with a unit."""
        form = self._whole_form()
        if self.kind is not None and self.kind.kind == NUMBER:
            return form
        return None if form is not None and has_unit(form) and self.few_words else form

    def _whole_form(self) -> str | None:
        """The form in which all cells are numbers, if they are not plain ones."""
        if self.first_word is None:
            return otherwise(PLAIN) if self.points.thousands else None
        return self.written.chosen if self.forms.chosen is None else None

    def _as_words(self, cells: Any) -> pa.Array:
        """The cells as words."""
        return words_of(cells, self.name)

    def _compare_order(self, cells: Any) -> None:
        """Keep the order of the words if all chunks come with the same one."""
        order = order_of(cells, self.name)
        self.order = order if order == self.order or self.rows == len(cells) else None

    def _is_categorical(self, cells: Any) -> bool:
        """Whether the cells are categories, by their type or because a person says so."""
        return is_categorical(cells) if self.kind is None else self.kind.is_of_words

    def _holds_words(self) -> bool:
        """Whether the cells are words even if they look like numbers."""
        return self.categorical or self.dated or (self.kind is not None and self.kind.kind == DATE)

    def _holds_dates(self) -> bool:
        """Whether the numbers are dates, so that they are read once more as words."""
        return self.kind is None and not self.dated and self.first_word is None and self.days.certain

    def _numbers(self, cells: Any, values: NDArray[np.float64] | None) -> NumberCells | None:
        if values is not None and self.form is None:
            return NumberCells(values, False)
        return read_numbers(cells, self._allows_placeholders, self.form)

    def _set_first_word(self, cells: Any, rows: NDArray[np.int64]) -> None:
        row, text = self._first_that_is_no_number(cells)
        self.first_word = self._first_boolean or Cell(int(rows[row]), text)
        self.missing -= self._placeholders
        self._uncounted = self.present - len(cells)

    def _first_that_is_no_number(self, cells: Any) -> tuple[int, str]:
        """Row and text of the first cell that is a word; the first that is there where numbers are words."""
        if not self._holds_words() or self.categorical:
            return first_non_number(cells, self.name, self._allows_placeholders)
        words = self._as_words(cells)
        row = pc.index(words.is_valid(), True).as_py()
        return (row, words[row].as_py()) if row >= 0 else (0, "")

    def _count(self, cells: Any, rows: NDArray[np.int64]) -> None:
        words = self._as_words(cells)
        self.missing += words.null_count
        self._add_words(cells, words, rows)
        self._keep_words(words, rows)

    def _add_words(self, cells: Any, words: pa.Array, rows: NDArray[np.int64]) -> None:
        self.counts.add(words)
        if not self.categorical:
            digits = has_digits(words)
            self.forms.add(words, rows, digits)
            self.written.add(self._text(cells) if digits else words, rows, digits)

    def _text(self, cells: Any) -> pa.Array | None:
        """The cells as they are written, without what counts as missing; None for cells that are not text."""
        text = text_of(cells)
        if text is not None and self._allows_placeholders:
            text = without(text, among(text, PLACEHOLDERS))
        return None if text is None else plain_characters(text)

    def _add_numbers(self, cells: Any, rows: NDArray[np.int64], numbers: NumberCells) -> None:
        """Take cells that are all numbers, or all booleans: together the two make a column of words."""
        self._keep_numbers(numbers, rows)
        present = ~np.isnan(numbers.values)
        count = int(np.count_nonzero(present))
        if count and numbers.boolean and self._first_boolean is None:
            first = int(present.argmax())
            self._first_boolean = Cell(int(rows[first]), "true" if numbers.values[first] else "false")
        self._has_numbers = self._has_numbers or bool(count and not numbers.boolean)
        if self._has_numbers and self._first_boolean is not None:
            self._set_first_word(cells, rows)
            return
        self.missing += len(present) - count
        self._add_placeholders(cells, rows, numbers.placeholders)
        self._add_distinct(numbers.values[present])
        self._add_statistics(cells, rows, numbers.values)

    def _add_placeholders(self, cells: Any, rows: NDArray[np.int64], placeholders: NDArray[np.intp]) -> None:
        self._placeholders += len(placeholders)
        if len(placeholders) and self.placeholder is None:
            first = int(placeholders[0])
            self.placeholder = Cell(int(rows[first]), shown(cells, first))

    def _add_statistics(self, cells: Any, rows: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        if self.first_infinite is None and np.isinf(values).any():
            row = int(np.isinf(values).argmax())
            self.first_infinite = Cell(int(rows[row]), shown(cells, row))
        if self.first_infinite is None:
            self.moments.add(values)
            self.sample.add(values)
            if self.form is None:
                self.points.add(cells, rows, values)
            self._compare_with_rows(values, rows)
            if self.form is None and self.kind is None:
                self.days.add(values)

    def _compare_with_rows(self, values: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Compare the numbers with those of their rows, as long as they differ by the same."""
        offset = float(values[0] - rows[0]) if self._offset is None else self._offset
        self._offset = offset if bool((values - rows == offset).all()) else math.nan

    def _add_distinct(self, values: NDArray[np.float64]) -> None:
        """Take the numbers of a chunk that are not missing; only targets need to know the different ones."""

    def _keep_numbers(self, numbers: NumberCells, rows: NDArray[np.int64]) -> None:
        """Keep the cells of these rows; only targets are kept."""

    def _keep_words(self, words: pa.Array, rows: NDArray[np.int64]) -> None:
        """The same of cells that are words."""


class TargetProfile(ColumnProfile):
    """What a target column holds: also its different numbers, and those of categories too.

    `values` are those numbers in order, None if there are more than 2^20; `as_text` says that their text may say more,
    and that `counts` has their words as they are written. Placeholders are words here. `cells`, if there are any, keep
    what each row holds.

    `task` is what the target may become, classes or a number; `typed` whether the table has types, so that a text is
    meant as one. Without types only a text that is not plainly written, such as 007, may be more than its number.
    """

    _allows_placeholders = False

    def __init__(self, name: str, task: str = "auto", typed: bool = True, kind: ColumnKind | None = None) -> None:
        self.cells: TargetCells | None = None
        self._task, self._typed = task, typed
        super().__init__(name, kind=kind)

    def _begin(self) -> None:
        super()._begin()
        self.texts = False  # whether the numbers are texts of a table that has types
        self._odd = False  # whether numbers are not plainly written
        self.values: NDArray[np.float64] | None = np.empty(0)
        self._largest = 0.0
        if self.cells is not None:
            self.cells.begin(self.form)

    @classmethod
    def of_numbers(cls, name: str, values: NDArray[np.float64]) -> TargetProfile:
        """The profile of a column of finite numbers (n,) that is in memory."""
        profile = cls(name)
        profile.rows = len(values)
        profile._add_numbers(None, np.arange(len(values)), NumberCells(values, False))
        return profile

    @property
    def as_text(self) -> bool:
        """Whether the text of the numbers may say more: of codes, and if float64 does not tell them apart."""
        return self.values is not None and (self.large or (self._may_be_classes and (self.texts or self._odd)))

    @property
    def large(self) -> bool:
        """Whether the numbers are too large for float64 to tell them apart."""
        return self._largest >= EXACT

    @property
    def _may_be_classes(self) -> bool:
        classes = self.categorical or (self.values is not None and len(self.values) <= MOST_CLASSES)
        return self._task == "classification" or (self._task == "auto" and classes)

    @property
    def _incomplete(self) -> bool:
        """Whether the words have to be counted in a second pass."""
        return super()._incomplete or (self.first_word is None and self.first_infinite is None and self.as_text)

    def _is_categorical(self, cells: Any) -> bool:
        return is_categorical(cells)

    def _holds_words(self) -> bool:
        return self.kind is not None and self.kind.is_of_words and self.kind.kind != CATEGORY

    def _holds_dates(self) -> bool:
        return False

    def _form(self) -> str | None:
        """Few different words are classes, whose text is kept."""
        classes = self.values is not None and len(self.values) <= MOST_CLASSES
        if self.first_word is not None:
            classes = self.few_words
        if self._task == "regression":
            return self._whole_form()
        return super()._form() if self._task == "auto" and not classes else None

    def _as_words(self, cells: Any) -> pa.Array:
        return texts_of(cells, self.name)

    def _add_words(self, cells: Any, words: pa.Array, rows: NDArray[np.int64]) -> None:
        self.counts.add(words)
        digits = has_digits(words)
        self.written.add(self._text(cells) if digits else words, rows, digits)

    def _add_numbers(self, cells: Any, rows: NDArray[np.int64], numbers: NumberCells) -> None:
        super()._add_numbers(cells, rows, numbers)
        is_text = cells is not None and pa.types.is_large_string(one_array(cells[:0]).type)
        if is_text and self._typed:
            self.texts = True
        elif is_text and not (self._odd or numbers.boolean):
            plain = pc.match_substring_regex(texts_of(cells, self.name), _PLAIN)
            self._odd = pc.all(plain).as_py() is False

    def _add_distinct(self, values: NDArray[np.float64]) -> None:
        if self.values is not None:
            self.values = np.unique(np.concatenate([self.values, np.unique(values)]))
            self._largest = float(np.abs(self.values).max(initial=0.0))
            if len(self.values) > MOST_DISTINCT:
                self.values = None

    def _keep_numbers(self, numbers: NumberCells, rows: NDArray[np.int64]) -> None:
        if self.cells is not None:
            self.cells.add_numbers(rows, numbers)

    def _keep_words(self, words: pa.Array, rows: NDArray[np.int64]) -> None:
        if self.cells is not None:
            self.cells.add_words(rows, words)

    def keep(self, cells: Any, rows: NDArray[np.int64]) -> None:
        """Keep cells that are not part of the profile, such as those of a test."""
        numbers = self._numbers(cells, None) if self.first_word is None else None
        if numbers is None:
            self._keep_words(self._as_words(cells), rows)
        else:
            self._keep_numbers(numbers, rows)


def few(different: int, cells: int) -> bool:
    """Whether words with a number are so few, and repeat so often, that they are taken for classes.

    - different: how many different words there are.
    - cells: how many cells hold them.

    >>> few(3, 60), few(15, 15), few(21, 1000)
    (True, False, False)
    """
    return different <= 2 or (different <= MOST_CLASSES and 2 * different <= cells)


def profile_columns(chunks: Callable[[], Iterable[Chunk]], profiles: Iterable[ColumnProfile]) -> None:
    """Let each of the profiles take its column from every chunk; `chunks` begins a pass over the table."""
    profiles = list(profiles)
    for table, rows in chunks():
        values = numbers_at_once(table, [profile.name for profile in profiles if profile.first_word is None])
        for profile in profiles:
            profile.add(table.column(profile.name), rows, values.get(profile.name))
    while profiles := [profile for profile in profiles if profile.again()]:
        for table, rows in chunks():
            for profile in profiles:
                profile.add(table.column(profile.name), rows)
