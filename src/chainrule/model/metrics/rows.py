"""Rows as every metric takes them: floats of one shape, and their weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError

__all__ = ["alike", "floats", "mean_of", "sums_of", "weights_of"]


def floats(values: ArrayLike) -> NDArray[np.float64]:
    """The values in float64."""
    return np.asarray(values, dtype=np.float64)


def alike(true: NDArray[Any], predicted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both, if they have the same shape: NumPy would compare (n,) with (n, 1) as n times n values."""
    if true.shape != predicted.shape or true.size == 0:
        raise DataError(
            f"shapes {true.shape} and {predicted.shape} cannot be compared: give equal shapes with at least one row"
        )
    return true, predicted


def weights_of(weight: ArrayLike | None, rows: NDArray[Any]) -> NDArray[np.float64] | None:
    """The weights (n,) of rows. Raises DataError for another shape, and where no row has a weight above 0."""
    if weight is None:
        return None
    w = floats(weight)
    if w.shape != rows.shape[:1] or not (w >= 0).all() or not w.any():
        raise DataError("weights must be numbers from 0, one for each row, and one of them above 0")
    return w


def mean_of(values: NDArray[Any], weight: NDArray[np.float64] | None) -> float:
    """The mean over all rows, by weight, and columns. Rows of weight 0 do not count, not even infinite ones."""
    if weight is None:
        return float(np.mean(values))
    there = weight > 0
    return float(np.mean(np.average(values[there], 0, weight[there])))


def sums_of(values: NDArray[np.float64], weight: NDArray[np.float64] | None) -> Any:
    """The sum over rows, by weight, of each column."""
    return values.sum(axis=0) if weight is None else weight @ values
