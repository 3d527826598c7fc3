"""Metrics of the probabilities of classes, (n, k), and of labels, of which a row has any number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError
from chainrule.model.metrics.rows import alike, floats, mean_of, sums_of, weights_of

__all__ = [
    "auc",
    "average_precision",
    "brier",
    "ece",
    "exact_match",
    "label_auc",
    "label_f1",
    "label_log_loss",
    "log_loss",
]

_BINS = 15  # of probabilities, for the calibration error


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
    w = weights_of(weight, t)
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
    w = weights_of(weight, t)
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
    return 0.0 - mean_of(np.sum(t * terms, axis=1), weights_of(weight, t))


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
    return mean_of(scores, weights_of(weight, t))


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
    w, place = weights_of(weight, t), np.argmax(p, axis=1)
    w = np.ones(len(p)) if w is None else w
    rows = np.arange(len(p))
    sure, right = p[rows, place], t[rows, place] > 0
    bins = np.clip(np.ceil(sure * _BINS) - 1, 0, _BINS - 1).astype(np.intp)
    return float(np.abs(np.bincount(bins, w * (right - sure), _BINS)).sum() / w.sum())


def exact_match(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The share of rows with exactly the right labels, of T (n, k) in 0 and 1 and probabilities P (n, k).

    A label is predicted where its probability is above 1/2.

    >>> exact_match([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.4]])
    0.5

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "exact match")
    return mean_of(((p > 0.5) == (t > 0.5)).all(axis=1), weights_of(weight, t))


def label_f1(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """`2 h / (n + p)` over all labels together (micro): h hits among n labels that are there and p that are predicted.

    A label is predicted where its probability is above 1/2. NaN where none is there and none predicted.

    >>> label_f1([[1, 0], [1, 1]], [[0.9, 0.2], [0.8, 0.4]])
    0.8

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "label f1")
    there, said, w = t > 0.5, p > 0.5, weights_of(weight, t)
    hits, count = float(sums_of(floats(2 * (there & said)), w).sum()), float(sums_of(floats(1 * there + said), w).sum())
    return hits / count if count else float("nan")


def label_auc(T: ArrayLike, P: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The mean of the `auc` of each label over those that some rows have and some have not; NaN without such a label.

    >>> label_auc([[1, 1], [0, 1]], [[0.9, 0.8], [0.2, 0.6]])
    1.0

    Raises DataError for shapes that differ, hold no row or are not 2-D.
    """
    t, p = _per_class(T, P, "label auc")
    w = weights_of(weight, t)
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
        return 0.0 - mean_of(np.log(np.where(t > 0.5, p, 1 - p)), weights_of(weight, t))


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


def _per_class(T: ArrayLike, P: ArrayLike, what: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both as (n, k) floats. Raises DataError for another shape, naming the metric."""
    t, p = alike(floats(T), floats(P))
    if t.ndim != 2:
        raise DataError(f"{what} needs one column per class, (n, k), not the shape {t.shape}: encode the classes")
    return t, p
