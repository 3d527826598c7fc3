"""Schedules that repeat: cycles of a rise and a fall, or falls after each of which the rate starts again."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.registry import require
from chainrule.schedules.base import Schedule, each, half_cosine, updates

__all__ = ["Cyclic", "WarmRestarts"]


def cycles(times: Array, growth: float = 1.0) -> tuple[Array, Array]:
    """How many cycles are over, and the share of the current one, from 0 to 1.

    - times: in units of the first cycle.
    - growth: how many times as long as the one before each cycle is, from 1.

    >>> cycles(np.array([0.0, 0.5, 2.0, 3.5]), growth=2.0)
    (array([0., 0., 1., 2.]), array([0.  , 0.5 , 0.5 , 0.125]))
    """
    if growth - 1 < 1e-12:
        done = np.floor(times + 1e-9)  # against rounding at a border
        return done, np.clip(times - done, 0.0, 1.0)
    done = each(lambda time: math.floor(math.log1p(time * (growth - 1)) / math.log(growth) + 1e-9), times)
    lengths = each(lambda n: math.pow(growth, n), done)
    return done, np.clip((times - (lengths - 1) / (growth - 1)) / lengths, 0.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Cyclic(Schedule):
    """Rises on a straight line from `lowest` to 1 and falls back, again and again: a triangle of `period` epochs.

    The height of the triangles, 1 - lowest, is multiplied by `shrink` after each of them.

    - period: epochs of a triangle, above 0, may be a fraction.
    - lowest: the factor at the feet of a triangle, from 0 to 1.
    - shrink: above 0, at most 1.

    >>> Cyclic(period=2, lowest=0.2).factors(0, 5, per_epoch=2, total=9, watched=[])
    array([0.2, 0.6, 1. , 0.6, 0.2])

    Raises SettingError where an argument is out of its range.

    Source: Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3: "triangular", with
    shrink 0.5 "triangular2". It is PyTorch's CyclicLR; the learning rate is its max_lr. The momentum does not change.
    """

    name = "cyclic"
    period: float = 4.0
    lowest: float = 0.1
    shrink: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.period > 0, "period of cyclic", self.period, "a number of epochs above 0")
        require(0 <= self.lowest <= 1, "lowest of cyclic", self.lowest, "from 0 to 1")
        require(0 < self.shrink <= 1, "shrink of cyclic", self.shrink, "above 0, at most 1")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        done, share = cycles(updates(first, count) / (per_epoch * self.period))
        height = (1 - self.lowest) * each(lambda n: math.pow(self.shrink, n), done)
        return self.lowest + height * (1 - np.abs(2 * share - 1))


@dataclasses.dataclass(frozen=True)
class WarmRestarts(Schedule):
    """Falls from 1 to `final` along half a cosine, then starts again: SGDR.

    The first fall takes `first` epochs, each later one `growth` times as long as the one before.

    - first: epochs of the first fall, above 0, may be a fraction.
    - growth: at least 1.
    - final: the factor at the end of a fall, from 0 to 1.

    >>> WarmRestarts(first=1, growth=2).factors(0, 7, per_epoch=2, total=9, watched=[]).round(3)
    array([1.   , 0.5  , 1.   , 0.854, 0.5  , 0.146, 1.   ])

    Raises SettingError where an argument is out of its range.

    Source: Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, eq. 5. With a whole
    `growth` it is PyTorch's CosineAnnealingWarmRestarts, stepped at every update.
    """

    name = "warm_restarts"
    first: float = 10.0
    growth: float = 1.0
    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.first > 0, "first of warm_restarts", self.first, "a number of epochs above 0")
        require(self.growth >= 1, "growth of warm_restarts", self.growth, "at least 1")
        require(0 <= self.final <= 1, "final of warm_restarts", self.final, "from 0 to 1")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        _, share = cycles(updates(first, count) / (per_epoch * self.first), self.growth)
        return self.final + (1 - self.final) * half_cosine(share)
