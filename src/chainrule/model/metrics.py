"""Metrics: each scores the predictions for a whole table, in float64, and all rows count alike.

Why not scikit-learn's metrics: importing that library takes longer than scoring most tables, and the command line must
start fast. Each metric agrees with scikit-learn's function of the same meaning; the tests compare them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError

__all__ = [
    "accuracy",
    "auc",
    "balanced_accuracy",
    "brier",
    "ece",
    "f1",
    "log_loss",
    "mae",
    "mape",
    "median_absolute_error",
    "r2",
    "rmse",
]


_BINS = 15  # of probabilities, for the calibration error


def accuracy(true: ArrayLike, predicted: ArrayLike) -> float:
    """The share of rows whose class is right: `mean(true == predicted)`.

    >>> accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.75

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(np.asarray(true), np.asarray(predicted))
    return float(np.mean(y == a))


def balanced_accuracy(true: ArrayLike, predicted: ArrayLike) -> float:
    """The mean over the true classes of the share of rows that are right: rare classes count as much as common ones.

    >>> balanced_accuracy(["a", "a", "a", "b"], ["a", "a", "a", "a"])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    hits, rows, _ = _counts(true, predicted)
    occurs = rows > 0
    return float(np.mean(hits[occurs] / rows[occurs]))


def f1(true: ArrayLike, predicted: ArrayLike) -> float:
    """The mean over the classes of `2 h / (n + p)`: h hits among n rows of the class and p predictions of it (macro).

    >>> f1(["a", "b", "b", "a"], ["a", "b", "a", "a"]) == (2 * 2 / 5 + 2 * 1 / 3) / 2
    True

    Raises DataError for shapes that differ or hold no row.
    """
    hits, rows, predictions = _counts(true, predicted)
    return float(np.mean(2 * hits / (rows + predictions)))


def auc(T: ArrayLike, P: ArrayLike) -> float:
    """The area under the ROC curve, of one-hot T (n, k) and probabilities P (n, k): the mean over the k classes.

    For one class it is the share of pairs, a row of the class and a row of another one, in which the first has the
    greater probability; a tie counts half. NaN where a class has all rows, or none.

    >>> auc([[1, 0], [0, 1], [0, 1]], [[0.6, 0.4], [0.3, 0.7], [0.6, 0.4]])
    0.75

    Raises DataError for shapes that differ, hold no row or are not 2-D.

    Source: Hanley & McNeil, The meaning and use of the area under a ROC curve, Radiology 143, 1982.
    """
    t, p = _per_class(T, P, "auc")
    with np.errstate(invalid="ignore"):
        return float(np.mean([_area(t[:, k] > 0, p[:, k]) for k in range(t.shape[1])]))


def log_loss(T: ArrayLike, P: ArrayLike) -> float:
    """The cross-entropy `-mean_x Σ_k T_xk log P_xk` in nats, of one-hot T (n, k) and probabilities P (n, k).

    A true class of probability 0 costs infinity: nothing is clipped. NaN where a row of T has no class at all.

    >>> log_loss([[1, 0], [0, 1]], [[0.5, 0.5], [0.5, 0.5]])
    0.6931471805599453

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "log loss")
    terms = np.zeros_like(p)
    with np.errstate(divide="ignore"):
        np.log(p, out=terms, where=t > 0)
    return float(0.0 - np.mean(np.sum(t * terms, axis=1))) if t.any(axis=1).all() else float("nan")


def brier(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The Brier score `mean_x Σ_k (P_xk - T_xk)^2` of one-hot T and probabilities P, (n, k), halved for two classes.

    0 is perfect. It falls where probabilities are nearer to how often they are right, and where they tell rows apart.
    Rows count by their weight (n,).

    >>> brier([[1, 0], [0, 1]], [[0.5, 0.5], [0.0, 1.0]])
    0.125

    Raises DataError for shapes that differ, hold no row or are not 2-D.

    Source: Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78, 1950.
    """
    t, p = _per_class(T, P, "the Brier score")
    missed = np.square(1 - t.sum(axis=1))  # of a class that has no column, and so the probability 0
    scores = (np.square(p - t).sum(axis=1) + missed) / (2 if t.shape[1] == 2 else 1)
    return float(np.average(scores, weights=None if weight is None else _floats(weight)))


def ece(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The expected calibration error: how far the greatest probability of a row is from how often its class is right.

    `Σ_b w_b / w |right_b - p_b|` over 15 bins b of the greatest probability, ((b - 1) / 15, b / 15], where right_b is
    the share of rows in the bin that are right and p_b the mean probability; T (n, k) is one-hot, P (n, k). Rows count
    by their weight (n,). With few rows in a bin it is above 0 by chance alone.

    >>> ece([[1, 0], [0, 1]], [[0.75, 0.25], [0.75, 0.25]])
    0.25

    Raises DataError for shapes that differ, hold no row or are not 2-D.

    Source: Guo, Pleiss, Sun & Weinberger, On calibration of modern neural networks, ICML 2017.
    """
    t, p = _per_class(T, P, "the calibration error")
    w, place = np.ones(len(p)) if weight is None else _floats(weight), np.argmax(p, axis=1)
    rows = np.arange(len(p))
    sure, right = p[rows, place], t[rows, place] > 0
    bins = np.clip(np.ceil(sure * _BINS) - 1, 0, _BINS - 1).astype(np.intp)
    return float(np.abs(np.bincount(bins, w * (right - sure), _BINS)).sum() / w.sum())


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


def median_absolute_error(true: ArrayLike, predicted: ArrayLike) -> float:
    """The median of `|y - a|` over all rows, in the target's units; of several columns (n, k) the mean.

    >>> median_absolute_error([1.0, 2.0, 3.0], [1.0, 2.5, 9.0])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    return float(np.mean(np.median(np.abs(y - a), axis=0)))


def mape(true: ArrayLike, predicted: ArrayLike) -> float:
    """The mean absolute error as a share of the true value: `mean(|y - a| / |y|)`; infinite where y is 0 and a is not.

    >>> mape([1.0, 4.0], [1.5, 4.0])
    0.25

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    error = np.abs(y - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(np.where(error == 0, 0.0, error / np.abs(y))))


def r2(true: ArrayLike, predicted: ArrayLike) -> float:
    """The coefficient of determination `1 - Σ (y - a)^2 / Σ (y - mean y)^2`; of several columns (n, k) the mean.

    1 is perfect, 0 is as good as the mean. A constant column has 1 if all predictions are exact, else 0.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    left = np.square(y - a).sum(axis=0)
    spread = np.square(y - y.mean(axis=0)).sum(axis=0)
    flat = spread == 0
    return float(np.mean(np.where(flat, left == 0, 1 - left / np.where(flat, 1.0, spread))))


def _counts(true: ArrayLike, predicted: ArrayLike) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """For each class that occurs: the hits (rows predicted rightly), its rows, and the predictions of it."""
    y, a = _alike(np.asarray(true), np.asarray(predicted))
    classes, codes = np.unique(np.concatenate([y.ravel(), a.ravel()]), return_inverse=True)
    y, a = np.split(codes, 2)
    return tuple(np.bincount(part, minlength=len(classes)) for part in (y[y == a], y, a))  # type: ignore[return-value]


def _area(positive: NDArray[np.bool_], p: NDArray[np.float64]) -> np.float64:
    """(R - n1 (n1 + 1) / 2) / (n1 n0), where R is the sum of the ranks of the n1 positive rows."""
    _, place, count = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    n1 = np.float64(positive.sum())
    return (rank[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(p) - n1))


def _per_class(T: ArrayLike, P: ArrayLike, what: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as (n, k) floats. Raises DataError for another shape, naming the metric."""
    t, p = _alike(_floats(T), _floats(P))
    if t.ndim != 2:
        raise DataError(f"{what} needs one column per class, (n, k), not the shape {t.shape}: encode the classes")
    return t, p


def _floats(values: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)


def _alike(true: NDArray[Any], predicted: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Both, if they have the same shape: NumPy would compare (n,) with (n, 1) as n times n values."""
    if true.shape != predicted.shape or true.size == 0:
        raise DataError(
            f"shapes {true.shape} and {predicted.shape} cannot be compared: give equal shapes with at least one row"
        )
    return true, predicted
