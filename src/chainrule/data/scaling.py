"""On which scale a column of numbers is seen: decided from its moments and from the quantiles of a sample.

    far out     the farthest value lies more than 5 robust deviations from the median
    skewed      nothing is below 0 and the median lies in the lowest fifth between the quantiles of 1% and 99% (or
                what two values lie beyond)

A column that is skewed, and whose farthest value is more than 4 robust deviations out, is a logarithm: of its distance
from 0, in units of the 5% quantile of what is not 0. One that is far out and has a percent of its rows more than 4
robust deviations out on either side has heavy tails, and is a logarithm of the distance from the median. Where only a
few values are far out they are slips or rarities: the scale is then that of the rest. Any other column is standardised.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.data.gathering import Facts
from chainrule.data.moments import Moments
from chainrule.data.transforms import Log, Scaled

__all__ = ["scaled"]

FAR = 5.0  # robust deviations from the median
TAIL = 4.0
SKEWED = 0.6  # (q99 + q01 - 2 q50) / (q99 - q01)

Values = NDArray[np.float64]


def scaled(facts: Facts) -> Scaled | Log | None:
    """What the numbers of a column become; None where they are all the same."""
    name, missing = facts.name, facts.missing > 0
    mean, scale = facts.moments.standard()
    if scale == 0:
        return None
    low, high = facts.moments.range
    sample = facts.sample.sorted
    end = min(max(0.01, 2 / len(sample)), 0.25)  # two values at least lie beyond, so that no slip is taken for a tail
    q01, q05, q25, median, q75, q95, q99 = np.quantile(sample, (end, 0.05, 0.25, 0.5, 0.75, 0.95, 1 - end)).tolist()
    deviation = (q75 - q25) / 1.349 or (q95 - q05) / 3.29
    reach = max(high - median, median - low) / (deviation or scale)
    if len(np.unique(sample)) > 2 and reach > TAIL:
        if low >= 0 and q99 + q01 - 2 * median > SKEWED * (q99 - q01):
            return _log(name, missing, sample, 0.0, float(np.quantile(sample[sample > 0], 0.05)))
        if reach > FAR and deviation and max(q99 - median, median - q01) > TAIL * deviation:
            return _log(name, missing, sample, median, deviation)
        if reach > FAR and deviation:
            return Scaled(name, missing, median, deviation, True)
    return Scaled(name, missing, mean, scale, False)


def _log(name: str, missing: bool, sample: Values, origin: float, unit: float) -> Log:
    mean, scale = Moments.of(Log.curve(sample, origin, unit)).standard()
    return Log(name, missing, origin, unit, mean, scale)
