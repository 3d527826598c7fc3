"""Rows held out: a share of them, a share of each class, or one fold after the other."""

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.random import Purpose, permutation

__all__ = ["folds", "hold_out", "split_rows"]


def split_rows(seed: int, n: int, fraction: float) -> tuple[Array, Array]:
    """Rows to train on and rows held out, round(fraction n) of them, each ascending; at least one row for each.

    >>> split_rows(0, 5, 0.4)
    (array([0, 1, 2]), array([3, 4]))

    Raises DataError if n is below 2.
    """
    if n < 2:
        raise DataError(f"{n} row cannot be split into rows to train on and rows to validate with: give more rows")
    held = min(max(round(fraction * n), 1), n - 1)
    order = permutation(seed, Purpose.SPLIT, 0, n)
    return np.sort(order[held:]), np.sort(order[:held])


def hold_out(seed: int, n: int, fraction: float, classes: Array | None = None) -> tuple[Array, Array]:
    """Rows to train on and rows held out, ceil(fraction n) of them, each ascending; classes (n,) keep their shares.

    >>> hold_out(0, 6, 0.5, classes=np.array([0, 0, 0, 0, 1, 1]))[1]
    array([0, 2, 5])

    Raises DataError if fewer than two rows are held out, or none are left to train on.
    """
    held = int(np.ceil(fraction * n - 1e-9))
    if held < 2 or held >= n:
        raise DataError(
            f"The validation set is too {'small' if held < 2 else 'large'}, {held} of {n} rows: it needs 2 and must "
            "leave some to train on, so change validation_fraction or give more rows"
        )
    if classes is None:
        return split_rows(seed, n, held / n)
    order = permutation(seed, Purpose.SPLIT, 0, n)
    order = order[np.argsort(classes[order], kind="stable")]
    chosen = np.zeros(n, dtype=np.bool_)
    chosen[order[((np.arange(held) + 0.5) * n / held).astype(np.int64)]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


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
