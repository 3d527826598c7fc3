"""Columns of X that are copies of a target: the target in other units, or a number in which its classes do not overlap.

Only perfect copies count, in the at most 256 rows that the probe of a training reads, because nothing else is known
about an array's columns. `chainrule.model.leaks` judges a table's columns before they are encoded: each by how well it
predicts the target of other rows, missing cells included.
"""

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.training.diagnosis.thresholds import COPY, GROUP

__all__ = ["copies_of_targets"]


def copies_of_targets(X: Array, T: Array, blocks: Sequence[slice]) -> list[tuple[int, int]]:
    """The pairs (column of X, column of T) of copies; each block of columns of T is one target.

    >>> x = np.arange(40.0)
    >>> copies_of_targets(np.column_stack([np.sin(x), 5 - 3 * x]), x[:, None], [slice(0, 1)])
    [(1, 0)]

    A single column never counts as a copy: without it there would be no inputs.
    """
    if X.shape[1] < 2:
        return []
    copies = []
    for block in blocks:
        target = T[:, block]
        search = _separating if _is_one_hot(target) else _proportional
        copies += [(column, block.start + output) for column, output in search(X, target)]
    return copies


def _is_one_hot(T: Array) -> bool:
    """Whether each row has a single 1 among zeros, in several columns."""
    return T.shape[1] > 1 and bool(((T == 0) | (T == 1)).all() and (T.sum(axis=1) == 1).all())


def _separating(X: Array, T: Array) -> list[tuple[int, int]]:
    """The columns in which the classes' values do not overlap, with output 0."""
    codes = T.argmax(axis=1)
    present = np.flatnonzero(np.bincount(codes))
    if len(present) < 2 or np.bincount(codes)[present].min() < GROUP:
        return []
    low = np.stack([X[codes == k].min(axis=0) for k in present])
    high = np.stack([X[codes == k].max(axis=0) for k in present])
    order = np.argsort(low, axis=0)
    apart = np.take_along_axis(high, order, axis=0)[:-1] < np.take_along_axis(low, order, axis=0)[1:]
    return [(int(column), 0) for column in np.flatnonzero(apart.all(axis=0))]


def _proportional(X: Array, T: Array) -> list[tuple[int, int]]:
    """The columns of which a target is a multiple, apart from a constant."""
    if len(X) < GROUP:
        return []
    x, t = ((values - values.mean(axis=0)) / values.std(axis=0) for values in (X, T))
    r = np.abs(np.nan_to_num(x.T @ t / len(X)))
    return [(int(column), int(output)) for column, output in np.argwhere(r > COPY)]
