"""Metrics: each scores the predictions for a whole table, in float64.

All rows count alike, or by the weights (n,) of the rows: weight 2 counts as the row twice, weight 0 as without it.

Why not scikit-learn's metrics: importing that library takes longer than scoring most tables, and the command line must
start fast. Each metric agrees with scikit-learn's function of the same meaning; the tests compare them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError

__all__ = [
    "accuracy",
    "auc",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "ece",
    "exact_match",
    "explained_variance",
    "f1",
    "kappa",
    "label_auc",
    "label_f1",
    "label_log_loss",
    "log_loss",
    "mae",
    "mape",
    "max_error",
    "mcc",
    "median_absolute_error",
    "mse",
    "precision",
    "quadratic_kappa",
    "r2",
    "rank_error",
    "recall",
    "rmse",
    "rmsle",
]


_BINS = 15  # of probabilities, for the calibration error


def accuracy(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The share of rows whose class is right: `mean(true == predicted)`.

    >>> accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.75

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(np.asarray(true), np.asarray(predicted))
    return _mean(y == a, _weights(weight, y))


def balanced_accuracy(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean over the true classes of the share of rows that are right: rare classes count as much as common ones.

    >>> balanced_accuracy(["a", "a", "a", "b"], ["a", "a", "a", "a"])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    hits, rows, _ = _counts(true, predicted, weight)
    occurs = rows > 0
    return float(np.mean(hits[occurs] / rows[occurs]))


def f1(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean over the classes of `2 h / (n + p)`: h hits among n rows of the class and p predictions of it (macro).

    >>> f1(["a", "b", "b", "a"], ["a", "b", "a", "a"]) == (2 * 2 / 5 + 2 * 1 / 3) / 2
    True

    Raises DataError for shapes that differ or hold no row.
    """
    hits, rows, predictions = _counts(true, predicted, weight)
    both = rows + predictions
    return float(np.mean((2 * hits)[both > 0] / both[both > 0]))


def precision(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean over the classes of the share of the predictions of it that are right; 0 for one never predicted.

    >>> precision(["a", "b", "b", "a"], ["a", "b", "a", "a"]) == (2 / 3 + 1) / 2
    True

    Raises DataError for shapes that differ or hold no row.
    """
    hits, rows, predictions = _counts(true, predicted, weight)
    occurs = rows + predictions > 0
    return float(np.mean((hits / np.where(predictions > 0, predictions, 1))[occurs]))


def recall(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean over the classes of the share of its rows that are right; 0 for one that is predicted but never true.

    Without such a class it is `balanced_accuracy`.

    >>> recall(["a", "b", "b", "a"], ["a", "b", "a", "c"]) == (1 / 2 + 1 / 2 + 0) / 3
    True

    Raises DataError for shapes that differ or hold no row.
    """
    hits, rows, predictions = _counts(true, predicted, weight)
    occurs = rows + predictions > 0
    return float(np.mean((hits / np.where(rows > 0, rows, 1))[occurs]))


def mcc(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The correlation of true and predicted classes: `(c s - Σ n_k p_k) / sqrt((s² - Σ p_k²) (s² - Σ n_k²))`.

    s rows, c of them right, n_k rows of class k and p_k predictions of it. 1 is perfect, 0 is as good as chance, or a
    constant prediction.

    >>> round(mcc(["a", "b", "b", "a"], ["a", "b", "a", "a"]), 4)
    0.5774

    Raises DataError for shapes that differ or hold no row.

    Source: Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient (2004).
    """
    hits, rows, predictions = (part.astype(np.float64) for part in _counts(true, predicted, weight))
    s = rows.sum()
    spread = (s**2 - (predictions**2).sum()) * (s**2 - (rows**2).sum())
    return float((hits.sum() * s - (rows * predictions).sum()) / np.sqrt(spread)) if spread > 0 else 0.0


def kappa(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Cohen's kappa, `(p - e) / (1 - e)`: the accuracy p beside e, that of predictions dealt out by chance.

    NaN where true and predicted values are all the same class.

    >>> kappa(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.5

    Raises DataError for shapes that differ or hold no row.

    Source: Cohen, A coefficient of agreement for nominal scales (1960).
    """
    hits, rows, predictions = _counts(true, predicted, weight)
    s = rows.sum()
    by_chance = float((rows / s) @ (predictions / s))
    return (float(hits.sum() / s) - by_chance) / (1 - by_chance) if by_chance < 1 else float("nan")


def auc(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The area under the ROC curve, of one-hot T (n, k) and probabilities P (n, k): the mean over the k classes.

    For one class it is the share of pairs, a row of the class and a row of another one, in which the first has the
    greater probability; a tie counts half. NaN where a class has all rows, or none.

    >>> auc([[1, 0], [0, 1], [0, 1]], [[0.6, 0.4], [0.3, 0.7], [0.6, 0.4]])
    0.75

    Raises DataError for shapes that differ, hold no row or are not 2-D.

    Source: Hanley & McNeil, The meaning and use of the area under a ROC curve, Radiology 143, 1982.
    """
    t, p = _per_class(T, P, "auc")
    w = _weights(weight, t)
    with np.errstate(invalid="ignore"):
        if w is None:
            return float(np.mean([_area(t[:, k] > 0, p[:, k]) for k in range(t.shape[1])]))
        return float(np.mean([_weighted_area(t[:, k] > 0, p[:, k], w) for k in range(t.shape[1])]))


def average_precision(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The area under the precision-recall curve, `Σ (R_i - R_(i-1)) p_i`, of one-hot T (n, k) and probabilities P.

    p_i and R_i are precision and recall when all rows with at least the i-th greatest probability are predicted to be
    of the class. For two classes it is that of the second one, for more the mean over them; NaN where such a class has
    no row.

    >>> average_precision([[1, 0], [0, 1], [1, 0], [0, 1]], [[0.9, 0.1], [0.6, 0.4], [0.65, 0.35], [0.2, 0.8]])
    1.0

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "average precision")
    w = _weights(weight, t)
    w = np.ones(len(t)) if w is None else w
    classes = [1] if t.shape[1] == 2 else range(t.shape[1])
    return float(np.mean([_precision_area(t[:, k] > 0, p[:, k], w) for k in classes]))


def log_loss(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
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
    if not t.any(axis=1).all():
        return float("nan")
    return 0.0 - _mean(np.sum(t * terms, axis=1), _weights(weight, t))


def rank_error(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean distance of the predicted class from the true one, in steps of their order: `mean(|y - a|)`.

    Classes are numbers from 0 in their order. Rows with a class below 0, which is none of them, do not count.

    >>> rank_error([0, 1, 2, 2], [0, 2, 2, 0])
    0.75

    Raises DataError for shapes that differ or hold no row.
    """
    y, a, w = _known(true, predicted, weight)
    return float(np.average(np.abs(y - a), weights=w)) if w.sum() > 0 else float("nan")


def quadratic_kappa(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Cohen's kappa of classes in an order, weighted by the square of their distance: `1 - Σ (y - a)² / E Σ (y - a)²`.

    E is the mean over all ways to pair the true classes with the predicted ones. 1 is perfect, 0 is as good as chance.
    Classes are numbers from 0 in their order; rows with a class below 0 do not count. NaN where both are all one class.

    >>> quadratic_kappa([0, 1, 2, 2], [0, 2, 2, 1])
    0.6363636363636364

    Raises DataError for shapes that differ or hold no row.

    Source: Cohen, Weighted kappa, Psychological Bulletin 70, 1968.
    """
    y, a, w = _known(true, predicted, weight)
    if w.sum() == 0:
        return float("nan")
    means = np.average([y, a], axis=1, weights=w)
    spread = np.average(np.square([y, a] - means[:, np.newaxis]), axis=1, weights=w)
    by_chance = spread.sum() + (means[0] - means[1]) ** 2
    return float(1 - np.average(np.square(y - a), weights=w) / by_chance) if by_chance > 0 else float("nan")


def exact_match(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The share of rows with exactly the right labels, of T (n, k) in 0 and 1 and probabilities P (n, k).

    A label is predicted where its probability is above 1/2.

    >>> exact_match([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.4]])
    0.5

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "exact match")
    return _mean(((p > 0.5) == (t > 0.5)).all(axis=1), _weights(weight, t))


def label_f1(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """`2 h / (n + p)` over all labels together (micro): h hits among n labels that are there and p that are predicted.

    A label is predicted where its probability is above 1/2. NaN where none is there and none predicted.

    >>> label_f1([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.4]])
    0.8

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "label f1")
    there, said, w = t > 0.5, p > 0.5, _weights(weight, t)
    hits, count = float(_sums(_floats(2 * (there & said)), w).sum()), float(_sums(_floats(1 * there + said), w).sum())
    return hits / count if count else float("nan")


def label_auc(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean of the `auc` of each label over those that some rows have and some have not; NaN without such a label.

    >>> label_auc([[1, 1], [0, 1]], [[0.9, 0.8], [0.2, 0.6]])
    1.0

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "label auc")
    w = _weights(weight, t)
    some = [k for k in range(t.shape[1]) if 0 < np.count_nonzero(t[:, k] > 0) < len(t)]
    if w is None:
        areas = [_area(t[:, k] > 0, p[:, k]) for k in some]
    else:
        with np.errstate(invalid="ignore"):
            areas = [_weighted_area(t[:, k] > 0, p[:, k], w) for k in some]
    return float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan")


def label_log_loss(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The binary cross-entropy `-mean(t log p + (1 - t) log(1 - p))` over all labels, in nats, of T and P (n, k).

    >>> label_log_loss([[1, 0]], [[0.5, 0.5]])
    0.6931471805599453

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "label log loss")
    with np.errstate(divide="ignore"):
        return 0.0 - _mean(np.log(np.where(t > 0.5, p, 1 - p)), _weights(weight, t))


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
    return _mean(scores, _weights(weight, t))


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
    w, place = _weights(weight, t), np.argmax(p, axis=1)
    w = np.ones(len(p)) if w is None else w
    rows = np.arange(len(p))
    sure, right = p[rows, place], t[rows, place] > 0
    bins = np.clip(np.ceil(sure * _BINS) - 1, 0, _BINS - 1).astype(np.intp)
    return float(np.abs(np.bincount(bins, w * (right - sure), _BINS)).sum() / w.sum())


def rmse(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The root of the mean square error, in the target's units: `sqrt(mean((y - a)^2))` over all rows and columns.

    >>> rmse([1.0, 2.0], [1.0, 4.0])
    1.4142135623730951

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    return math.sqrt(_mean(np.square(y - a), _weights(weight, y)))


def mse(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean square error, in the square of the target's units: `mean((y - a)^2)` over all rows and columns.

    >>> mse([1.0, 2.0], [1.0, 4.0])
    2.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    return _mean(np.square(y - a), _weights(weight, y))


def rmsle(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The rmse of `log(1 + y)`, for targets whose relative errors count; NaN where a value is -1 or less.

    >>> rmsle([0.0, np.e - 1], [0.0, np.e - 1])
    0.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    if min(y.min(), a.min()) <= -1:
        return float("nan")
    return math.sqrt(_mean(np.square(np.log1p(y) - np.log1p(a)), _weights(weight, y)))


def max_error(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The greatest absolute error, in the target's units: `max(|y - a|)` over the rows with a weight above 0.

    >>> max_error([1.0, 2.0], [1.0, 4.0])
    2.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    w = _weights(weight, y)
    error = np.abs(y - a)
    return float((error if w is None else error[w > 0]).max())


def mae(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean absolute error, in the target's units: `mean(|y - a|)` over all rows and columns.

    >>> mae([1.0, 2.0], [1.0, 4.0])
    1.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    return _mean(np.abs(y - a), _weights(weight, y))


def median_absolute_error(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The median of `|y - a|` over all rows, in the target's units; of several columns (n, k) the mean.

    >>> median_absolute_error([1.0, 2.0, 3.0], [1.0, 2.5, 9.0])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    w, error = _weights(weight, y), np.abs(y - a)
    if w is None:
        return float(np.mean(np.median(error, axis=0)))
    return float(np.mean([_weighted_median(column, w) for column in error.reshape(len(error), -1).T]))


def mape(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean absolute error as a share of the true value: `mean(|y - a| / |y|)`; infinite where y is 0 and a is not.

    >>> mape([1.0, 4.0], [1.5, 4.0])
    0.25

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    error = np.abs(y - a)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _mean(np.where(error == 0, 0.0, error / np.abs(y)), _weights(weight, y))


def r2(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The coefficient of determination `1 - Σ (y - a)^2 / Σ (y - mean y)^2`; of several columns (n, k) the mean.

    1 is perfect, 0 is as good as the mean. A constant column has 1 if all predictions are exact, else 0.

    >>> r2([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    w = _weights(weight, y)
    return _explained(_sums(np.square(y - a), w), _sums(np.square(y - np.average(y, 0, w)), w))


def explained_variance(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The same as `r2`, but for a constant error, which does not count: `1 - Var(y - a) / Var(y)`.

    >>> explained_variance([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    1.0

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = _alike(_floats(true), _floats(predicted))
    w, error = _weights(weight, y), y - a
    left, spread = (_sums(np.square(part - np.average(part, 0, w)), w) for part in (error, y))
    return _explained(left, spread)


def _explained(left: Any, spread: Any) -> float:
    """The mean over columns of 1 - left / spread; of a constant column 1 if nothing is left, else 0."""
    flat = spread == 0
    return float(np.mean(np.where(flat, left == 0, 1 - left / np.where(flat, 1.0, spread))))


def _known(
    true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Both as floats and the weights, without the rows whose true class is none."""
    y, a = _alike(_floats(true), _floats(predicted))
    w = _weights(weight, y)
    return y[y >= 0], a[y >= 0], (np.ones(len(y)) if w is None else w)[y >= 0]


def _weights(weight: ArrayLike | None, rows: NDArray[Any]) -> NDArray[np.float64] | None:
    """The weights (n,) of rows. Raises DataError for another shape, and where no row has a weight above 0."""
    if weight is None:
        return None
    w = _floats(weight)
    if w.shape != rows.shape[:1] or not (w >= 0).all() or not w.any():
        raise DataError("weights must be numbers from 0, one for each row, and one of them above 0")
    return w


def _mean(values: NDArray[Any], weight: NDArray[np.float64] | None) -> float:
    """The mean over all rows, by weight, and columns. Rows of weight 0 do not count, not even infinite ones."""
    if weight is None:
        return float(np.mean(values))
    there = weight > 0
    return float(np.mean(np.average(values[there], 0, weight[there])))


def _sums(values: NDArray[np.float64], weight: NDArray[np.float64] | None) -> Any:
    """The sum over rows, by weight, of each column."""
    return values.sum(axis=0) if weight is None else weight @ values


def _counts(
    true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """For each class that occurs: the hits (rows predicted rightly), its rows, and the predictions of it, by weight."""
    y, a = _alike(np.asarray(true), np.asarray(predicted))
    w = _weights(weight, y)
    classes, codes = np.unique(np.concatenate([y.ravel(), a.ravel()]), return_inverse=True)
    y, a = np.split(codes, 2)
    parts = ((y[y == a], None if w is None else w[y == a]), (y, w), (a, w))
    hits, rows, predictions = (np.bincount(part, own, minlength=len(classes)) for part, own in parts)
    return hits, rows, predictions


def _area(positive: NDArray[np.bool_], p: NDArray[np.float64]) -> np.float64:
    """(R - n1 (n1 + 1) / 2) / (n1 n0), where R is the sum of the ranks of the n1 positive rows."""
    _, place, count = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    n1 = np.float64(positive.sum())
    return (rank[positive].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(p) - n1))


def _weighted_area(positive: NDArray[np.bool_], p: NDArray[np.float64], w: NDArray[np.float64]) -> np.float64:
    """The weight of the pairs that are in order, as a share of that of all; a tie counts half."""
    _, place = np.unique(p, return_inverse=True)
    ours, others = (np.bincount(place, np.where(chosen, w, 0.0)) for chosen in (positive, ~positive))
    return (ours * (np.cumsum(others) - others / 2)).sum() / (ours.sum() * np.float64(others.sum()))


def _precision_area(positive: NDArray[np.bool_], p: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """The sum over the probabilities that occur, from the greatest, of precision times the gain in recall."""
    _, place = np.unique(-p, return_inverse=True)
    ours, all_rows = np.bincount(place, np.where(positive, w, 0.0)), np.bincount(place, w)
    occurs = all_rows > 0
    ours, all_rows = ours[occurs], all_rows[occurs]
    if ours.sum() == 0:
        return float("nan")
    return float((ours / ours.sum()) @ (np.cumsum(ours) / np.cumsum(all_rows)))


def _weighted_median(values: NDArray[np.float64], w: NDArray[np.float64]) -> float:
    """The value in the middle of the weights; the mean of the two at the middle."""
    order = np.argsort(values, kind="stable")
    order = order[w[order] > 0]
    below, half = np.cumsum(w[order]), w.sum() / 2
    low, high = np.searchsorted(below, half, "left"), np.searchsorted(below, half, "right")
    return float((values[order[low]] + values[order[min(high, len(order) - 1)]]) / 2)


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
