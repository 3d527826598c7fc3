"""Conformal prediction: intervals and sets of answers that have the true value as often as promised.

Rows that no network was trained on say how far answers are off: the score s_i of row i. A new answer is taken to be off
like them. With one network and n such rows (split conformal) an interval is

    [low(x) - w(x) q, high(x) + w(x) q],    q the ceil(coverage (n + 1))-th smallest s_i,

and has the true value in at least that share of new rows, whatever the data are. With K members every row has a score,
by the member k(i) that was not trained on it, and the ends are order statistics over all rows (CV+):

    high end   the ceil(coverage (n + 1))-th smallest of  high_k(i)(x) + w_k(i)(x) s_i
    low end    the same counted from above, of            low_k(i)(x) - w_k(i)(x) s_i

A class belongs to the set if fewer than coverage (n + 1) rows have a lower score than it has by the row's own member.

Sources: Barber, Candès, Ramdas & Tibshirani, Predictive inference with the jackknife+, Annals of Statistics 49, 2021;
Romano, Sesia & Candès, Classification with valid and adaptive coverage, NeurIPS 2020 (APS, and CV+ for sets); Sadinle,
Lei & Wasserman, Least ambiguous set-valued classifiers, JASA 114, 2019 (LAC); Angelopoulos, Bates, Malik & Jordan,
Uncertainty sets for image classifiers using conformal prediction, ICLR 2021 (RAPS).
"""

import dataclasses
import math

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError

__all__ = ["SCORES", "Band", "Calibration", "class_scores"]

SCORES = ("lac", "aps", "raps")
PENALTY, FREE = 0.01, 5  # of raps: what each class beyond the first five adds to the score
_CELLS = 2**21  # numbers that are sorted together


@dataclasses.dataclass(frozen=True, eq=False)
class Band:
    """What K networks say of n rows: the ends of a band, equal for a plain number, and the unit of distances from it.

    - low, high, width: (n, K).
    """

    low: Array
    high: Array
    width: Array

    def scores(self, y: Array) -> Array:
        """How far the true values y (n,) lie outside of the band, below 0 inside, in units of `width`: (n, K)."""
        y = y[:, np.newaxis]
        return np.maximum(self.low - y, y - self.high) / self.width

    def by(self, member: Array) -> "Band":
        """The band (n, 1) of one network for each row, by its number (n,)."""
        rows = np.arange(len(member))
        return Band(*(part[rows, member][:, np.newaxis] for part in (self.low, self.high, self.width)))


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """The scores (n,) of rows by networks that were not trained on them.

    - scores: the greater, the farther off.
    - fold: the number (n,) of the network of each row.
    - weight: the weights (n,) of the rows, or None.
    """

    scores: Array
    fold: Array
    weight: Array | None = None

    def interval(self, band: Band, coverage: float) -> Array:
        """The ends (m, 2) of intervals for new rows, of which the networks say `band`.

        >>> calibration = Calibration(np.array([1.0, 2.0, 3.0]), np.zeros(3, np.int64))
        >>> calibration.interval(Band(*np.array([[[10.0]], [[10.0]], [[1.0]]])), 0.5)
        array([[ 8., 12.]])

        Raises SettingError where there are too few rows for this coverage.
        """
        ends = [-self._end(-band.low, band.width, coverage), self._end(band.high, band.width, coverage)]
        return np.stack(ends, axis=1)

    def contains(self, scores: Array, coverage: float) -> Array:
        """Which classes belong to the sets of new rows, (m, k), by their scores (m, K, k) by each network.

        Raises SettingError where there are too few rows for this coverage.
        """
        needed, weight = self._needed(coverage), self._weight
        below = np.zeros((len(scores), scores.shape[2]))
        for member in np.unique(self.fold):
            own = self.fold == member
            order = np.argsort(self.scores[own], kind="stable")
            total = np.concatenate([[0.0], np.cumsum(weight[own][order])])
            below += total[np.searchsorted(self.scores[own][order], scores[:, member], side="left")]
        return below < needed - 1e-9 * len(self.scores)

    def _end(self, base: Array, width: Array, coverage: float) -> Array:
        """The smallest number (m,) below which enough of `base + width s` lie, over all rows, each by its network."""
        needed, n = self._needed(coverage), len(self.scores)
        if base.shape[1] == 1 and self.weight is None:
            return base[:, 0] + width[:, 0] * np.sort(self.scores)[int(needed) - 1]
        ends, at_once = np.empty(len(base)), max(_CELLS // n, 1)
        for start in range(0, len(base), at_once):
            rows = slice(start, start + at_once)
            values = base[rows][:, self.fold] + width[rows][:, self.fold] * self.scores
            ends[rows] = self._quantile(values, needed)
        return ends

    def _quantile(self, values: Array, needed: int | float) -> Array:
        """The smallest of each row's values (m, n) up to which values of the weight `needed` lie."""
        if self.weight is None:
            return np.partition(values, int(needed) - 1, axis=1)[:, int(needed) - 1]
        order = np.argsort(values, axis=1)
        total = np.cumsum(self._weight[order], axis=1)
        place = np.argmax(total >= needed - 1e-9 * len(self.scores), axis=1)
        return np.take_along_axis(values, order, axis=1)[np.arange(len(values)), place]

    @property
    def _weight(self) -> Array:
        """The weights (n,), whose mean is 1."""
        return np.ones(len(self.scores)) if self.weight is None else self.weight / self.weight.mean()

    def _needed(self, coverage: float) -> int | float:
        """The weight of the rows up to the score that counts, that of the new row, 1, included."""
        n = len(self.scores)
        needed = coverage * (n + 1)
        if needed > n * (1 + 1e-12):
            rows = math.ceil(coverage / (1 - coverage) - 1e-9)
            raise SettingError(
                f"coverage is {coverage:g}, which needs {rows:,} rows that no network was trained on, and this model "
                f"has {n:,}: take a smaller coverage, or train with more rows"
            )
        return math.ceil(needed - 1e-9) if self.weight is None else needed


def class_scores(p: Array, method: str) -> Array:
    """How little each class fits a row, from the probabilities p (..., k): the scores of prediction sets.

    lac    1 - p
    aps    the sum of the probabilities from the greatest down to the class itself
    raps   the same, and 0.01 for each class beyond the first five

    >>> class_scores(np.array([0.5, 0.125, 0.375]), "aps")
    array([0.5  , 1.   , 0.875])
    """
    if method == "lac":
        return np.asarray(1 - p)
    order = np.argsort(-p, axis=-1, kind="stable")
    sums = np.cumsum(np.take_along_axis(p, order, axis=-1), axis=-1)
    if method == "raps":
        sums = sums + PENALTY * np.maximum(np.arange(1, p.shape[-1] + 1) - FREE, 0)
    scores = np.empty_like(sums)
    np.put_along_axis(scores, order, sums, axis=-1)
    return scores
