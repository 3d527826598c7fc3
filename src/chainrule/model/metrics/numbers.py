"""Metrics of predicted numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.model.metrics.rows import alike, floats, mean_of, sums_of, weights_of

__all__ = ["explained_variance", "mae", "mape", "max_error", "median_absolute_error", "mse", "r2", "rmse", "rmsle"]


def rmse(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The root of the mean square error, in the target's units: `sqrt(mean((y - a)^2))` over all rows and columns.

    >>> rmse([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    return math.sqrt(mean_of(np.square(y - a), weights_of(weight, y)))


def mse(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean square error, in the square of the target's units: `mean((y - a)^2)` over all rows and columns.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    return mean_of(np.square(y - a), weights_of(weight, y))


def rmsle(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The rmse of `log(1 + y)`, for targets whose relative errors count; NaN where a value is -1 or less.

    >>> rmsle([0.0, np.e - 1], [0.0, np.e - 1])
    0.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    if min(y.min(), a.min()) <= -1:
        return float("nan")
    return math.sqrt(mean_of(np.square(np.log1p(y) - np.log1p(a)), weights_of(weight, y)))


def max_error(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The greatest absolute error, in the target's units: `max(|y - a|)` over the rows with a weight above 0.

    >>> max_error([1.0, 2.0], [1.0, 4.0])
    2.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    w = weights_of(weight, y)
    error = np.abs(y - a)
    return float((error if w is None else error[w > 0]).max())


def mae(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean absolute error, in the target's units: `mean(|y - a|)` over all rows and columns.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    return mean_of(np.abs(y - a), weights_of(weight, y))


def median_absolute_error(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The median of `|y - a|` over all rows, in the target's units; of several columns (n, k) the mean.

    >>> median_absolute_error([1.0, 2.0, 3.0], [1.0, 2.5, 9.0])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    w, error = weights_of(weight, y), np.abs(y - a)
    if w is None:
        return float(np.mean(np.median(error, axis=0)))
    return float(np.mean([_weighted_median(column, w) for column in error.reshape(len(error), -1).T]))


def mape(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean absolute error as a share of the true value: `mean(|y - a| / |y|)`; infinite where y is 0 and a is not.

    >>> mape([1.0, 4.0], [1.5, 4.0])
    0.25

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    error = np.abs(y - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean_of(np.where(error == 0, 0.0, error / np.abs(y)), weights_of(weight, y))


def r2(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The coefficient of determination `1 - Σ (y - a)^2 / Σ (y - mean y)^2`; of several columns (n, k) the mean.

    1 is perfect, 0 is as good as the mean. A constant column has 1 if all predictions are exact, else 0.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    w = weights_of(weight, y)
    return _explained(sums_of(np.square(y - a), w), sums_of(np.square(y - np.average(y, 0, w)), w))


def explained_variance(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The same as `r2`, but for a constant error, which does not count: `1 - Var(y - a) / Var(y)`.

    >>> explained_variance([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    1.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(floats(true), floats(predicted))
    w, error = weights_of(weight, y), y - a
    left, spread = (sums_of(np.square(part - np.average(part, 0, w)), w) for part in (error, y))
    return _explained(left, spread)


def _explained(left: Any, spread: Any) -> float:
    """The mean over columns of 1 - left / spread; of a constant column 1 if nothing is left, else 0."""
    flat = spread == 0
    return float(np.mean(np.where(flat, left == 0, 1 - left / np.where(flat, 1.0, spread))))


def _weighted_median(values: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """The value in the middle of the weights; the mean of the two at the middle."""
    order = np.argsort(values, kind="stable")
    order = order[w[order] > 0]
    below, half = np.cumsum(w[order]), w.sum() / 2
    low, high = np.searchsorted(below, half, "left"), np.searchsorted(below, half, "right")
    return float((values[order[low]] + values[order[min(high, len(order) - 1)]]) / 2)
