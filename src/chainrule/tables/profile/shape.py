"""The shape of a column of numbers: its middle, its spread, and whether it is skewed or has heavy tails.

Distances are in robust deviations from the median, `(q75 - q25) / 1.349`.

    far out        more than 5
    skewed         the farthest value lies more than 4 out, nothing is below 0, the median lies in the lowest fifth
                   between the quantiles of 1% and 99% (two values at least lie beyond these), and of what is not 0 the
                   quantile of 95% is ten times that of 5%, or more
    heavy tails    the farthest value lies far out, and the quantile of 1% or of 99% more than 4 out
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.profile.moments import Running
from chainrule.tables.profile.sample import Sample

__all__ = ["Shape"]

FAR = 5.0  # robust deviations from the median
TAIL = 4.0
DECADE = 10.0
SKEWED = 0.6  # (q99 + q01 - 2 q50) / (q99 - q01)

Values = NDArray[np.float64]


class Shape:
    """The shape of a column of numbers; `first` and `last` are its quantiles of 1% and 99%."""

    def __init__(self, moments: Running, sample: Sample) -> None:
        self.mean, self.scale = moments.standard()
        self.low, self.high = moments.range
        self.sample = sample.sorted
        end = min(max(0.01, 2 / len(self.sample)), 0.25)  # two lie beyond at least, so that no slip is taken for a tail
        shares = (end, 0.05, 0.25, 0.5, 0.75, 0.95, 1 - end)
        self.first, q05, q25, self.median, q75, q95, self.last = np.quantile(self.sample, shares).tolist()
        self.deviation = (q75 - q25) / 1.349 or (q95 - q05) / 3.29
        self._several = len(np.unique(self.sample)) > 2

    @property
    def linear(self) -> tuple[float, float, bool]:
        """Middle and scale for the numbers as they are, and whether these are median and robust deviation."""
        robust = self._several and self.deviation > 0 and self._reach(self.low, self.high) > FAR
        return (self.median, self.deviation, True) if robust else (self.mean, self.scale, False)

    @property
    def skewed(self) -> bool:
        """Whether the numbers belong on a logarithmic scale that begins at 0."""
        first, last = self.first, self.last
        to_the_left = first + last - 2 * self.median > SKEWED * (last - first)
        apart = self._several and self.low >= 0 and self._reach(self.low, self.high) > TAIL
        return apart and to_the_left and float(np.quantile(self._above, 0.95)) >= DECADE * self.unit

    @property
    def unit(self) -> float:
        """The 5% quantile of the numbers above 0."""
        return float(np.quantile(self._above, 0.05))

    @property
    def _above(self) -> Values:
        return self.sample[self.sample > 0]

    @property
    def heavy(self) -> bool:
        """Whether the numbers have heavy tails."""
        return self.linear[2] and self._reach(self.first, self.last) > TAIL

    def _reach(self, low: float, high: float) -> float:
        """How far the farther of the two is from the median, in robust deviations."""
        return max(high - self.median, self.median - low) / (self.deviation or self.scale)
