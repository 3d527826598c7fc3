"""How the rows of a table are divided into parts to train on and parts to test on.

folds         each row is tested once; every fold has its share of each class
groups        the same, and rows with one value of a column stay together
time          forward: part k is tested by what was learned from all parts before it
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, SettingError
from chainrule.examples import folds
from chainrule.tables.arrow import pa, pc
from chainrule.tables.columns import missing_cells, read_numbers, words_of
from chainrule.tables.profile.dates import Forms, times_in
from chainrule.text import counted

__all__ = ["Split", "by_class", "by_group", "by_time", "group_codes", "require_times", "time_order", "times_of"]

Rows = NDArray[np.int64]
Split = tuple[Rows, Rows]
"""The rows to train on and the rows to test on, each ascending."""


def by_class(seed: int, count: int, rows: int, classes: NDArray[np.int64] | None) -> Iterator[Split]:
    """Splits in which each row is tested once, with the same share of each class in every fold.

    >>> [test.tolist() for _, test in by_class(0, 2, 6, np.array([0, 0, 0, 0, 1, 1]))]
    [[2, 3, 5], [0, 1, 4]]

    Raises SettingError for more folds than rows.
    """
    _require_enough(count, rows, "rows")
    yield from _splits(folds(seed, count, rows, classes), count)


def by_group(seed: int, count: int, groups: NDArray[np.int64]) -> Iterator[Split]:
    """Splits in which each row is tested once, and the rows of a group, by its number in `groups` (n,), stay together.

    >>> [test.tolist() for _, test in by_group(0, 2, np.array([0, 0, 0, 1, 2, 2]))]
    [[0, 1, 2], [3, 4, 5]]

    Raises SettingError for more folds than groups.
    """
    _require_enough(count, len(np.unique(groups)), "groups")
    yield from _splits(folds(seed, count, len(groups), groups=groups), count)


def by_time(count: int, order: NDArray[np.int64], ties: NDArray[np.bool_]) -> Iterator[Split]:
    """Splits in which the rows of each of `count` parts are predicted from all rows before them.

    - count: the parts that are tested; the rows are divided into one more, and the first is only learned from.
    - order: the numbers of the rows (n,), the earliest first.
    - ties: for each place in that order (n,) whether its time is that of the place before: such rows stay together.

    >>> splits = by_time(2, np.array([3, 0, 1, 2, 4, 5]), np.zeros(6, bool))
    >>> [(train.tolist(), test.tolist()) for train, test in splits]
    [([0, 3], [1, 2]), ([0, 1, 2, 3], [4, 5])]

    Raises SettingError for more parts than different times allow.
    """
    starts = np.flatnonzero(~ties)
    _require_enough(count + 1, len(starts), "different times")
    wanted = np.arange(1, count + 1) * len(order) / (count + 1)
    ends = starts[np.searchsorted(starts, wanted).clip(0, len(starts) - 1)]
    ends = np.array(sorted(set(ends.tolist())))
    if len(ends) < count:
        raise SettingError(
            f"folds is {count}, but the rows have so many equal times that they have {len(ends)}: take fewer folds"
        )
    for start, stop in zip(ends, [*ends[1:], len(order)], strict=True):
        yield np.sort(order[:start]), np.sort(order[start:stop])


def group_codes(column: pa.ChunkedArray, name: str) -> NDArray[np.int64]:
    """The number of each row's group: rows with the same cell are one; missing cells are one, too."""
    words = words_of(column, name)
    return np.asarray(pc.fill_null(words, "").dictionary_encode().indices, dtype=np.int64)


def time_order(column: pa.ChunkedArray, name: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The rows from the earliest to the latest, and which have the time of the row before, for `by_time`.

    Raises DataError for a column that holds neither times nor numbers, or has missing cells.
    """
    times = times_of(column, name)
    require_times(times, np.arange(len(times)), name)
    order = np.argsort(times, kind="stable")
    sorted_times = times[order]
    return order, np.concatenate([[False], sorted_times[1:] == sorted_times[:-1]])


def require_times(times: NDArray[np.float64], rows: Rows, name: str) -> None:
    """Raise DataError where one of these rows has no time."""
    missing = np.isnan(times[rows])
    if missing.any():
        row = int(rows[missing.argmax()]) + 1
        raise DataError(f"column {name!r} orders the rows, but row {row} has no value: fill it in")


def times_of(column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """The cells (n,) as numbers: as they are, or seconds since 1970 of times; NaN where missing.

    Raises DataError for a column that holds neither times nor numbers.
    """
    numbers = read_numbers(column, allow_placeholders=True)
    if numbers is not None:
        return np.where(missing_cells(column, allow_placeholders=True), np.nan, numbers.values.astype(np.float64))
    forms, words = Forms(), words_of(column, name)
    forms.add(words, np.arange(len(words)))
    if forms.chosen is None:
        raise DataError(f"column {name!r} orders the rows, but it holds neither times of one form nor numbers")
    return times_in(column, forms.chosen, name)[0]


def _splits(fold: NDArray[np.int64], count: int) -> Iterator[Split]:
    for k in range(count):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def _require_enough(count: int, available: int, what: str) -> None:
    if count > available:
        raise SettingError(f"there are {counted(count, 'part')} to make of {available} {what}: take fewer folds")
