"""Rows with their targets and weights."""

from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError

__all__ = ["Rows", "as_weight"]


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
