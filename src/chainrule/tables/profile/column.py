"""What the cells of a column are, found in one pass over the blocks of a table, or in two.

Nothing is decided before the last block has been seen. A column counts as numbers until its first word comes; if that
was not in the first block, its words are counted in a second pass. What is found is a function of the rows alone, the
same bits however they are cut into blocks.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError
from chainrule.tables.arrow import pa
from chainrule.tables.columns import (
    NumberCells,
    first_non_number,
    is_categorical,
    not_finite,
    numbers_at_once,
    order_of,
    read_numbers,
    shown,
    words_of,
)
from chainrule.tables.profile.dates import Forms
from chainrule.tables.profile.moments import Running
from chainrule.tables.profile.sample import Sample
from chainrule.tables.profile.word_counts import MOST_DISTINCT, Counts
from chainrule.tables.sources import Source

__all__ = ["ColumnProfile", "Part", "TargetProfile", "cut", "gather", "numbered", "parts_of"]

TOGETHER = 2**22  # numbers that are encoded at once
EXACT = 2.0**53  # from here on float64 confuses integers, so that they are told apart as text


class Part(NamedTuple):
    """Some rows of a table, and what number (from 0) each of them has in the whole."""

    table: pa.Table
    rows: NDArray[np.int64]


class Place(NamedTuple):
    """A cell, by its row (from 0) in the whole table, and its text."""

    row: int
    text: str


class ColumnProfile:
    """What one column holds. `word` is the first cell that makes it no column of numbers."""

    _lenient = True  # whether the words of `UNSAID` are missing beside numbers

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = self.missing = 0
        self.categorical = False
        self.order: tuple[str, ...] | None = None  # of the words, lowest first, if the column came with one
        self.moments, self.sample, self.counts, self.forms = Running(), Sample(), Counts(), Forms()
        self.word: Place | None = None
        self.infinite: Place | None = None
        self._boolean: Place | None = None  # the first truth value
        self._number = False  # whether a number came that is no truth value
        self._uncounted = 0  # cells that came before the words were counted
        self._unsaid = 0  # cells that are missing only if the others are numbers
        self.unsaid: Place | None = None  # the first of them
        self._offset: float | None = None  # of the numbers from the numbers of their rows; NaN where that differs

    @property
    def present(self) -> int:
        """How many cells are not missing."""
        return self.rows - self.missing

    @property
    def numeric(self) -> bool:
        """Whether all cells that are not missing are numbers. Raises RowError where one of those is infinite."""
        if self.word is None and self.infinite is not None:
            row, text = self.infinite
            raise not_finite(self.name, row, text)
        return self.word is None

    @property
    def boolean(self) -> bool:
        """Whether there are cells that are not missing, and all of them are truth values."""
        return self.word is None and self._boolean is not None and not self._number

    @property
    def counting(self) -> bool:
        """Whether the numbers go up by 1 with every row of the table, and none is missing."""
        offset = self._offset
        return self.word is None and self.missing == 0 and offset is not None and not math.isnan(offset)

    @property
    def incomplete(self) -> bool:
        """Whether the words have to be counted from the first block on."""
        return self.word is not None and self._uncounted > 0

    def add(self, cells: Any, rows: NDArray[np.int64], values: NDArray[np.float64] | None = None) -> None:
        """Take the cells of the next rows, which have these numbers in the whole table; `values` if they were read."""
        if not len(cells):
            return
        self.rows += len(cells)
        self._look_for_order(cells)
        self.categorical = self.categorical or is_categorical(cells)
        found = None if self.word is not None or self._as_words() else self._numbers(cells, values)
        if found is None and self.word is None:
            self._is_words(cells, rows)
        elif found is not None:
            self._add_numbers(cells, rows, found)
        if self.word is not None:
            self._count(cells)

    def recount(self, cells: Any) -> None:
        """Count the words of the next rows, in a second pass that begins with `restart`."""
        self._add_words(words_of(cells, self.name))

    def restart(self) -> None:
        """Forget the words counted so far."""
        self.counts, self.forms, self._uncounted = Counts(), Forms(), 0

    def _look_for_order(self, cells: Any) -> None:
        """Keep the order of the words if all blocks come with the same."""
        order = order_of(cells, self.name)
        self.order = order if order == self.order or self.rows == len(cells) else None

    def _as_words(self) -> bool:
        """Whether the cells are taken for words, be they numbers or not."""
        return self.categorical

    def finish(self) -> None:
        """Say that the last block has come: cells that are missing only beside numbers are words beside none."""
        if self.word is None and self.unsaid is not None and not self._number and self._boolean is None:
            self.word, self.missing = self.unsaid, self.missing - self._unsaid
            self._uncounted = self.present

    def _numbers(self, cells: Any, values: NDArray[np.float64] | None) -> NumberCells | None:
        return read_numbers(cells, self._lenient) if values is None else NumberCells(values, False)

    def _is_words(self, cells: Any, rows: NDArray[np.int64]) -> None:
        row, text = first_non_number(cells, self.name, self._lenient)
        self.word = self._boolean or Place(int(rows[row]), text)
        self.missing -= self._unsaid
        self._uncounted = self.present - len(cells)

    def _count(self, cells: Any) -> None:
        words = words_of(cells, self.name)
        self.missing += words.null_count
        self._add_words(words)

    def _add_words(self, words: pa.Array) -> None:
        self.counts.add(words)
        self.forms.add(words)

    def _add_numbers(self, cells: Any, rows: NDArray[np.int64], found: NumberCells) -> None:
        values, boolean, unsaid = found
        present = ~np.isnan(values)
        count = int(np.count_nonzero(present))
        if count and boolean and self._boolean is None:
            first = int(present.argmax())
            self._boolean = Place(int(rows[first]), "true" if values[first] else "false")
        self._number = self._number or bool(count and not boolean)
        if self._number and self._boolean is not None:
            self._is_words(cells, rows)
            return
        self.missing += len(values) - count
        self._unsaid += len(unsaid)
        if len(unsaid) and self.unsaid is None:
            self.unsaid = Place(int(rows[unsaid[0]]), shown(cells, int(unsaid[0])))
        self._take(values, present)
        if self.infinite is None and np.isinf(values).any():
            row = int(np.isinf(values).argmax())
            self.infinite = Place(int(rows[row]), shown(cells, row))
        if self.infinite is None:
            self.moments.add(values)
            self.sample.add(values)
            self._compare(values, rows)

    def _compare(self, values: NDArray[np.float64], rows: NDArray[np.int64]) -> None:
        """Compare the numbers with those of their rows, as long as they differ by the same."""
        offset = float(values[0] - rows[0]) if self._offset is None else self._offset
        self._offset = offset if bool((values - rows == offset).all()) else math.nan

    def _take(self, values: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
        """Look at the numbers of a block."""


class TargetProfile(ColumnProfile):
    """What a column holds that is to be predicted: also its different numbers, of categories too.

    `values` are those numbers in order, None when there are more than 2^20; `as_text` says that some are so large that
    only their text tells them apart, and that `counts` has their words.
    """

    _lenient = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.values: NDArray[np.float64] | None = np.empty(0)
        self._largest = 0.0

    @property
    def as_text(self) -> bool:
        """Whether the numbers are too large to be told apart as float64."""
        return self.values is not None and self._largest >= EXACT

    @property
    def incomplete(self) -> bool:
        """Whether the words have to be counted from the first block on."""
        return super().incomplete or (self.word is None and self.infinite is None and self.as_text)

    def _as_words(self) -> bool:
        return False

    def _add_words(self, words: pa.Array) -> None:
        self.counts.add(words)

    def _take(self, values: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
        if self.values is not None:
            self.values = np.unique(np.concatenate([self.values, np.unique(values[present])]))
            self._largest = float(np.abs(self.values).max(initial=0.0))
            if len(self.values) > MOST_DISTINCT:
                self.values = None


def parts_of(source: Source, names: Sequence[str], chosen: NDArray[np.bool_] | None = None) -> Iterator[Part]:
    """One pass over the columns `names` of a source: block by block the rows that are chosen, all without a choice."""
    start = 0
    for block in source.blocks():
        rows = np.arange(start, start + block.num_rows)
        start += block.num_rows
        table = block.select(list(names))
        if chosen is not None and not chosen[rows].all():
            mask = chosen[rows]
            table, rows = table.filter(pa.array(mask)), rows[mask]
        yield Part(table, rows)


def cut(parts: Iterable[Part], width: int) -> Iterator[Part]:
    """The same rows in parts of so few that what they become, `width` numbers each, takes 32 MB at most."""
    together = max(1, TOGETHER // max(width, 1))
    for table, rows in parts:
        for start in range(0, len(rows), together):
            yield Part(table.slice(start, together), rows[start : start + together])


def gather(parts: Callable[[], Iterable[Part]], facts: Iterable[ColumnProfile]) -> None:
    """Let each of the facts see its column in every part; `parts` begins a pass over the table."""
    all_facts = list(facts)
    for table, rows in parts():
        known = numbers_at_once(table, [fact.name for fact in all_facts if fact.word is None])
        for fact in all_facts:
            fact.add(table.column(fact.name), rows, known.get(fact.name))
    for fact in all_facts:
        fact.finish()
    again = [fact for fact in all_facts if fact.incomplete]
    for fact in again:
        fact.restart()
    for table, _ in parts() if again else ():
        for fact in again:
            fact.recount(table.column(fact.name))


@contextlib.contextmanager
def numbered(rows: NDArray[np.int64]) -> Iterator[None]:
    """Give an error about a row the number that it has in the file."""
    try:
        yield
    except RowError as error:
        raise error.at(rows.tolist()) from None


@contextlib.contextmanager
def named(source: Source) -> Iterator[None]:
    """Give an error about a row the file that it is in; what is in memory needs no name."""
    try:
        yield
    except RowError as error:
        if source.origin[0] not in "'\"":
            raise
        raise DataError(f"in {source.origin}: {error}") from None
