"""Metrics of predicted classes; the last two are for classes in an order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.model.metrics.rows import alike, floats, mean_of, weights_of

__all__ = [
    "accuracy",
    "balanced_accuracy",
    "f1",
    "kappa",
    "mcc",
    "precision",
    "quadratic_kappa",
    "rank_error",
    "recall",
]


def accuracy(true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The share of rows whose class is right: `mean(true == predicted)`.

    >>> accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.75

    Raises DataError for shapes that differ or hold no row.
    """
    y, a = alike(np.asarray(true), np.asarray(predicted))
    return mean_of(y == a, weights_of(weight, y))


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


def _known(
    true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Both as floats and the weights, without the rows whose true class is none."""
    y, a = alike(floats(true), floats(predicted))
    w = weights_of(weight, y)
    return y[y >= 0], a[y >= 0], (np.ones(len(y)) if w is None else w)[y >= 0]


def _counts(
    true: ArrayLike, predicted: ArrayLike, weight: ArrayLike | None
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """For each class that occurs: the hits (rows predicted rightly), its rows, and the predictions of it, by weight."""
    y, a = alike(np.asarray(true), np.asarray(predicted))
    w = weights_of(weight, y)
    classes, codes = np.unique(np.concatenate([y.ravel(), a.ravel()]), return_inverse=True)
    y, a = np.split(codes, 2)
    parts = ((y[y == a], None if w is None else w[y == a]), (y, w), (a, w))
    hits, rows, predictions = (np.bincount(part, own, minlength=len(classes)) for part, own in parts)
    return hits, rows, predictions
