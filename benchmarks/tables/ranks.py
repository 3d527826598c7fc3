"""Comparisons of contenders over many sets: mean ranks with a critical difference, and paired tests.

Source: Demšar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = ["TIE", "Paired", "Ranks", "holm", "paired", "ranks"]

TIE = 0.0005  # scores that are the same in the table
Scores = npt.NDArray[np.float64]


class Ranks(NamedTuple):
    """Mean ranks, 1 the best; the smallest difference that is significant at 5%; Friedman's test that all are alike."""

    mean: list[float]
    difference: float
    p: float


class Paired(NamedTuple):
    """On how many sets the first is ahead, level and behind, and Wilcoxon's test that neither is."""

    wins: int
    level: int
    losses: int
    p: float


def ranks(scores: Scores) -> Ranks:
    """Of scores, a row for each set and a column for each contender, two or more; as the table shows them.

    >>> ranks(np.array([[0.9, 0.8, 0.7]] * 4)).mean
    [1.0, 2.0, 3.0]
    """
    sets, contenders = scores.shape
    placed = stats.rankdata(-scores.round(3), axis=1)
    q = stats.studentized_range.ppf(0.95, contenders, np.inf) / np.sqrt(2)
    difference = float(q * np.sqrt(contenders * (contenders + 1) / (6 * sets)))
    p = float(stats.friedmanchisquare(*placed.T).pvalue) if contenders > 2 else float("nan")
    return Ranks(placed.mean(axis=0).tolist(), difference, p)


def paired(own: Scores, other: Scores) -> Paired:
    """Of scores on the same sets.

    >>> paired(np.array([0.9, 0.8, 0.7]), np.array([0.8, 0.8, 0.8]))[:3]
    (1, 1, 1)
    """
    more = np.where(np.abs(own - other) <= TIE, 0.0, own - other)
    p = float(stats.wilcoxon(more).pvalue) if more.any() else 1.0
    return Paired(int((more > 0).sum()), int((more == 0).sum()), int((more < 0).sum()), p)


def holm(p: Sequence[float]) -> list[float]:
    """The same p-values where so many tests were made (Holm's step-down).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p)
    steps = np.asarray(p)[order] * np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in corrected]
