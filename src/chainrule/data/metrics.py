"""How good predictions are: five numbers, each of a whole table, computed in float64 with every row counting alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError

__all__ = ["accuracy", "log_loss", "mae", "r2", "rmse"]


def accuracy(true: ArrayLike, predicted: ArrayLike) -> float:
    """The share of rows whose class is right: `mean(true == predicted)`.

    >>> accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.75

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(np.asarray(true), np.asarray(predicted))
    return float(np.mean(y == a))


def log_loss(T: ArrayLike, P: ArrayLike) -> float:
    """The cross-entropy `-mean_x Σ_k T_xk log P_xk` in nats, of one-hot T (n, k) and probabilities P (n, k).

    A true class of probability 0 costs infinity: nothing is clipped.

    >>> log_loss([[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]])
    0.6931471805599453

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _alike(_floats(T), _floats(P))
    if t.ndim != 2:
        raise DataError(f"log loss needs one column per class, (n, k), not the shape {t.shape}: encode the classes")
    terms = np.zeros_like(p)
    with np.errstate(divide="ignore"):
        np.log(p, out=terms, where=t > 0)
    return float(0.0 - np.mean(np.sum(t * terms, axis=1)))


def rmse(true: ArrayLike, predicted: ArrayLike) -> float:
    """The root of the mean square error, in the target's units: `sqrt(mean((y - a)^2))` over all rows and columns.

    >>> rmse([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    return float(np.sqrt(np.mean(np.square(y - a))))


def mae(true: ArrayLike, predicted: ArrayLike) -> float:
    """The mean absolute error, in the target's units: `mean(|y - a|)` over all rows and columns.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    return float(np.mean(np.abs(y - a)))


def r2(true: ArrayLike, predicted: ArrayLike) -> float:
    """The coefficient of determination `1 - Σ (y - a)^2 / Σ (y - mean y)^2`; of several columns (n, k) the mean.

    1 is perfect, 0 is as good as the mean. A column without spread gives 1 when it is met exactly, else 0.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    left = np.square(y - a).sum(axis=0)
    spread = np.square(y - y.mean(axis=0)).sum(axis=0)
    flat = spread == 0
    return float(np.mean(np.where(flat, left == 0, 1 - left / np.where(flat, 1.0, spread))))


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _alike(true: NDArray[Any], predicted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both, once they have one shape: (n,) against (n, 1) would be compared n times n."""
    if true.shape != predicted.shape or true.size == 0:
        raise DataError(f"shapes {true.shape} and {predicted.shape} cannot be compared: give equal ones with rows")
    return true, predicted
