"""Rows held out: a share of them, a share of each class, or one fold after the other."""

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.random import Purpose, permutation

__all__ = ["folds", "held_out_count", "hold_out"]


def hold_out(seed: int, n: int, fraction: float, classes: Array | None = None) -> tuple[Array, Array]:
    """Rows to train on and rows held out, ceil(fraction n) of them, each ascending; at least one row for each.

    - seed: the seed.
    - n: the number of rows.
    - fraction: the share of the rows that are held out.
    - classes: the class (n,) of each row: the rows held out have each class in its share, to a row.

    >>> hold_out(0, 6, 0.5, classes=np.array([0, 0, 0, 0, 1, 1]))[1]
    array([0, 2, 5])

    Raises DataError if n is below 2.
    """
    if n < 2:
        raise DataError(f"{n} row cannot be split into rows to train on and rows to validate with: give more rows")
    held = min(max(held_out_count(n, fraction), 1), n - 1)
    order = permutation(seed, Purpose.SPLIT, 0, n)
    if classes is None:
        return np.sort(order[held:]), np.sort(order[:held])
    order = order[np.argsort(classes[order], kind="stable")]
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[order[((np.arange(held) + 0.5) * n / held).astype(np.int64)]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def held_out_count(n: int, fraction: float) -> int:
    """ceil(fraction n), by scikit-learn's rule.

    >>> held_out_count(150, 0.1), held_out_count(21, 0.3)
    (15, 7)
    """
    return int(np.ceil(fraction * n - 1e-9))


def folds(seed: int, count: int, rows: int, classes: Array | None = None) -> Array:
    """The fold (n,) of each row, from 0. Folds differ by one row at most; with `classes` (n,) also in each class.

    >>> folds(0, 2, 6, np.array([0, 0, 0, 0, 1, 1])).tolist()
    [1, 1, 0, 0, 1, 0]
    """
    order = permutation(seed, Purpose.FOLDS, 0, rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(rows, dtype=np.int64)
    fold[order] = np.arange(rows) % count
    return fold
