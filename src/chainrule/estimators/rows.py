"""Rows with their targets and weights, and how some of them are held out."""

from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.examples.examples import split_rows
from chainrule.random import Purpose, permutation

__all__ = ["Rows", "as_weight", "hold_out"]


class Rows(NamedTuple):
    """X (n, n_1), an array or a sparse matrix of rows, y as the user has it, and None or the weights of examples."""

    X: Any
    y: Array
    weight: Array | None

    def take(self, rows: Array) -> "Rows":
        """Some of the rows."""
        return Rows(self.X[rows], self.y[rows], None if self.weight is None else self.weight[rows])

    def present(self) -> "Rows":
        """The rows with a weight above 0."""
        if self.weight is None:
            return self
        kept = np.flatnonzero(self.weight.reshape(len(self.weight), -1).any(axis=1))
        if not len(kept):
            raise DataError(
                "every sample_weight is zero, so there is nothing to learn from: give some row a weight above 0"
            )
        return self if len(kept) == len(self.weight) else self.take(kept)


def as_weight(weight: Any, n: int) -> Array | None:
    """None, or the weights of n examples, float64: (n,), or (n, outputs); one number is that of every example."""
    if weight is None:
        return None
    try:
        found = np.asarray(weight, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("sample_weight must be numbers, one for each row") from None
    found = np.full(n, found) if found.ndim == 0 else found
    if found.ndim > 2 or len(found) != n:
        raise DataError(f"sample_weight has shape {found.shape}, but there are {n} rows: give one for each")
    if not np.isfinite(found).all() or (found < 0).any():
        raise DataError("sample_weight has values that are negative or not finite: weights are at least 0")
    return found


def hold_out(seed: int, n: int, fraction: float, classes: Array | None = None) -> tuple[Array, Array]:
    """Rows to train on and rows held out, each ascending; with `classes` (n,) each class gives its share, to a row.

    >>> hold_out(0, 6, 0.5, classes=np.array([0, 0, 0, 0, 1, 1]))[1]
    array([0, 2, 5])

    Raises DataError where that leaves less than two rows to validate with, or none to train on.
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
