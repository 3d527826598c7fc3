"""The scale of an input column of numbers: the one place that chooses it.

A skewed column becomes a logarithm of the distance from 0, in units of the 5% quantile of what is not 0. A column with
heavy tails becomes a logarithm of the distance from the median. If only a few values lie far out, they are slips or
rarities: the scale is then that of the rest. Any other column is standardised. `profile.shape` defines these words.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.inputs.transforms import Log, Scaled
from chainrule.tables.number_forms import PLAIN
from chainrule.tables.profile import ColumnProfile, Moments, Shape

__all__ = ["choose_scale"]


def choose_scale(profile: ColumnProfile) -> Scaled | Log | None:
    """The transform of a column of numbers; None if all of them are the same."""
    shape = Shape(profile.moments, profile.sample)
    if shape.scale == 0:
        return None
    if shape.skewed:
        return _log(profile, shape.sample, 0.0, shape.unit)
    if shape.heavy:
        return _log(profile, shape.sample, shape.median, shape.deviation)
    return Scaled(profile.name, profile.missing > 0, *shape.linear, form=profile.form or PLAIN)


def _log(profile: ColumnProfile, sample: NDArray[np.float64], origin: float, unit: float) -> Log:
    mean, scale = Moments.of(Log.curve(sample, origin, unit)).standard()
    return Log(profile.name, profile.missing > 0, origin, unit, mean, scale, form=profile.form or PLAIN)
