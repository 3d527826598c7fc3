"""How a column says which rows of a table may be held out: rows of a group stay together, or the latest are held out.

    group         no group has rows in two of the parts: rows to train on, for validation, for the test, of a fold
    time_column   no row to train on is later than a row for validation, and none of these than a row for the test

With neither, rows are held out at random, or every K-th.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.examples import hold_out, hold_out_latest
from chainrule.model.settings import TableSettings
from chainrule.model.splits import group_codes, require_times, times_of
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import chunks_of
from chainrule.tables.columns import words_of
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source
from chainrule.text import counted, shown

__all__ = ["Division"]

Rows = NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class Division:
    """How the rows of a table may be divided.

    - name: the column of groups or times, "" for none.
    - column: its cells, if there is one.
    - by_time: whether they are times.
    - test_every: the setting of this name.
    """

    name: str = ""
    column: pa.ChunkedArray | None = None
    by_time: bool = False
    test_every: int | None = None

    @classmethod
    def of(cls, source: Source, settings: TableSettings) -> Division:
        """The division of a table; reads its column of groups or times, which must fit in memory."""
        name = settings.group or settings.time_column
        if name is None:
            return cls(test_every=settings.test_every)
        require_columns(source.names, [name], "group" if settings.group else "time", source.hint)
        return cls(name, _column(source, name), settings.group is None, settings.test_every)

    @cached_property
    def groups(self) -> Rows | None:
        """The number (n,) of each row's group, in the order in which groups appear; None if there are none."""
        return None if self.column is None or self.by_time else group_codes(self.column, self.name)

    @cached_property
    def times(self) -> NDArray[np.float64] | None:
        """The time (n,) of each row, NaN where missing; None if there are none."""
        return times_of(self.column, self.name) if self.column is not None and self.by_time else None

    def is_test(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of these rows are for the test: every K-th row or group, beginning with the first, or the latest."""
        if self.test_every is None:
            return np.zeros(len(rows), np.bool_)
        if self.times is not None:
            return self._latest[rows]
        numbers = rows if self.groups is None else self.groups[rows]
        return np.asarray(numbers % self.test_every == 0)

    @cached_property
    def _latest(self) -> NDArray[np.bool_]:
        """Whether each row is one of the latest, 1 of K rows that have a time."""
        assert self.times is not None, "called only for a column of times"
        assert self.test_every is not None, "called only for a test"
        dated = np.flatnonzero(~np.isnan(self.times))
        latest = np.zeros(len(self.times), np.bool_)
        latest[dated[hold_out_latest(self.times[dated], 1 / self.test_every)[1]]] = True
        return latest

    def check(self, rows: Rows) -> None:
        """Raise DataError where one of these rows lacks a time."""
        if self.times is not None:
            require_times(self.times, rows, self.name)

    def count(self, rows: Rows) -> int | None:
        """The number of groups of these rows; None without groups."""
        return None if self.groups is None else len(np.unique(self.groups[rows]))

    def groups_of(self, rows: Rows) -> Rows | None:
        """The groups of these rows; None without groups."""
        return None if self.groups is None else self.groups[rows]

    def held_out(self, seed: int, rows: Rows, share: float, strata: Array | None) -> Rows:
        """Those of the rows that are held out.

        - seed: the seed.
        - rows: the numbers of rows of the table.
        - share: how many of them are held out, about.
        - strata: the class of each of the rows, of which they keep the shares if there is no column.
        """
        if self.times is not None:
            return rows[hold_out_latest(self.times[rows], share)[1]]
        return rows[hold_out(seed, len(rows), share, strata, self.groups_of(rows))[1]]

    def require_apart(self, rows: Rows, other: Source, others: Rows) -> None:
        """Raise SettingError where rows of another table, to validate with, are not apart from rows to train on.

        Without the column in the other table nothing is known, and nothing is required.
        """
        if self.column is None or self.name not in other.names or not len(rows) or not len(others):
            return
        column = _column(other, self.name)
        if self.times is not None:
            times = times_of(column, self.name)
            require_times(times, others, self.name)
            if times[others].min() <= self.times[rows].max():
                raise SettingError(
                    f"rows to validate with are not later by {self.name!r} than all rows to train on: give later rows, "
                    "or leave out time_column"
                )
            return
        ours, theirs = (_words(part, self.name, chosen) for part, chosen in ((self.column, rows), (column, others)))
        both = sorted(ours & theirs)
        if both:
            raise SettingError(
                f"{counted(len(both), 'group')} of {self.name!r}, such as {shown(both[0])}, have rows to train on and "
                "rows to validate with: give other rows, or leave out group"
            )


def _column(source: Source, name: str) -> pa.ChunkedArray:
    return pa.concat_tables([chunk.table for chunk in chunks_of(source, [name])]).column(name)


def _words(column: pa.ChunkedArray, name: str, rows: Rows) -> set[str]:
    return {word or "" for word in words_of(column, name).take(pa.array(rows)).to_pylist()}
