"""Rows held out: a share of them, of each class or of groups, the latest, or one fold after the other."""

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.random import Purpose, permutation

__all__ = ["folds", "held_out_count", "hold_out", "hold_out_latest"]


def hold_out(
    seed: int, n: int, fraction: float, classes: Array | None = None, groups: Array | None = None
) -> tuple[Array, Array]:
    """Rows to train on and rows held out, ceil(fraction n) of them, each ascending; at least one row for each.

    - seed: the seed.
    - n: the number of rows.
    - fraction: the share of the rows that are held out.
    - classes: the class (n,) of each row: the rows held out have each class in its share, to a row.
    - groups: the group (n,) of each row, in place of classes: whole groups are held out, in random order, each that
      leaves no more than the share; the smallest group if none does.

    >>> hold_out(0, 6, 0.5, classes=np.array([0, 0, 0, 0, 1, 1]))[1]
    array([0, 2, 5])
    >>> hold_out(0, 6, 0.5, groups=np.array([7, 7, 8, 8, 8, 8]))[1]
    array([0, 1])

    Raises DataError if n is below 2, or all rows are of one group.
    """
    if n < 2:
        raise DataError(f"{n} row cannot be split into rows to train on and rows to validate with: give more rows")
    held = min(max(held_out_count(n, fraction), 1), n - 1)
    if groups is not None:
        chosen = _in_some_groups(seed, groups, held)
        return np.flatnonzero(~chosen), np.flatnonzero(chosen)
    order = permutation(seed, Purpose.SPLIT, 0, n)
    if classes is None:
        return np.sort(order[held:]), np.sort(order[:held])
    order = order[np.argsort(classes[order], kind="stable")]
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[order[((np.arange(held) + 0.5) * n / held).astype(np.int64)]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def _in_some_groups(seed: int, groups: Array, held: int) -> Array:
    """Whether each row (n,) is in one of the groups that are held out, which have about `held` rows together."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < 2:
        raise DataError("all rows to train on are of one group, so no group can be held out: give rows of more groups")
    order, taken = permutation(seed, Purpose.SPLIT, 0, len(sizes)), np.zeros(len(sizes), np.bool_)
    for each in order:
        taken[each] = sizes[taken].sum() + sizes[each] <= held
    if not taken.any():
        taken[order[sizes[order].argmin()]] = True
    return taken[group]


def hold_out_latest(times: Array, fraction: float) -> tuple[Array, Array]:
    """Rows to train on and the latest rows, about ceil(fraction n) of them, each ascending; equal times stay together.

    - times: the time (n,) of each row, a number.
    - fraction: the share of the rows that are held out.

    >>> hold_out_latest(np.array([5.0, 1.0, 2.0, 5.0, 3.0, 4.0]), 0.3)[1]
    array([0, 3])

    Raises DataError if all rows have one time.
    """
    n, order = len(times), np.argsort(times, kind="stable")
    starts = np.flatnonzero(np.diff(times[order])) + 1  # the places at which a later time begins
    if not len(starts):
        raise DataError("all rows to train on have one time, so none is the latest: give rows of more times")
    wanted = n - min(max(held_out_count(n, fraction), 1), n - 1)
    start = starts[min(int(np.searchsorted(starts, wanted)), len(starts) - 1)]
    return np.sort(order[:start]), np.sort(order[start:])


def held_out_count(n: int, fraction: float) -> int:
    """ceil(fraction n), by scikit-learn's rule.

    >>> held_out_count(150, 0.1), held_out_count(21, 0.3)
    (15, 7)
    """
    return int(np.ceil(fraction * n - 1e-9))


def folds(seed: int, count: int, rows: int, classes: Array | None = None, groups: Array | None = None) -> Array:
    """The fold (n,) of each row, from 0. Folds differ by one row at most; with `classes` (n,) also in each class.

    With `groups` (n,), in place of classes, the rows of a group are in one fold: groups go to the folds from the
    largest to the smallest, each to the fold that has the fewest rows.

    >>> folds(0, 2, 6, np.array([0, 0, 0, 0, 1, 1])).tolist()
    [1, 1, 0, 0, 1, 0]
    >>> folds(0, 2, 6, groups=np.array([4, 4, 4, 5, 6, 6])).tolist()
    [0, 0, 0, 1, 1, 1]

    Raises SettingError for more folds than groups.
    """
    if groups is not None:
        return _folds_of_groups(seed, count, groups)
    order = permutation(seed, Purpose.FOLDS, 0, rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(rows, dtype=np.int64)
    fold[order] = np.arange(rows) % count
    return fold


def _folds_of_groups(seed: int, count: int, groups: Array) -> Array:
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if count > len(sizes):
        raise SettingError(f"there are {count} parts to make of {len(sizes)} groups: take fewer")
    order = permutation(seed, Purpose.FOLDS, 0, len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    filled, fold_of = np.zeros(count, np.int64), np.empty(len(sizes), np.int64)
    for each in order:
        fold_of[each] = filled.argmin()
        filled[fold_of[each]] += sizes[each]
    fold: Array = fold_of[group]
    return fold
