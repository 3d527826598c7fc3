"""Recognises a descent whose cost falls without bound, by steps that lead far away and still lower the cost."""

import numpy as np

from chainrule.arrays import Array
from chainrule.optimizers import Point

__all__ = ["Unbounded"]

FAR = 1e8  # the least length of a far step
SHARE = 0.1  # of |C| by which a far step lowers the cost, if it counts in full
LOWEST = 1e200  # no cost of a problem is -LOWEST times that at the start
STRAIGHT = 1e-3  # the share of the slope that a curvature may take away over a straight step
STRAIGHT_STEPS, SLOW_STEPS = 3, 100  # straight far steps in a row: that lower C by its share, that lower it at all
GROWTH, GROWING_STEPS = 1.5, 20  # the factor of |v| over a step, whatever the curvature; the steps in a row


class Unbounded:
    """Counts the updates in a row that show no sign of a minimum; call it with the points of a descent in order.

    The cost falls without bound after a few far steps along which the slope stays as steep and a negative cost falls
    by a share of itself; after many of them where it falls by less; and where |v| grows by a factor each time. The
    minimum of a problem in other units is also far away, but the gradient becomes smaller on the way there.

    >>> falls = Unbounded(Point(np.zeros(1), 0.0, np.ones(1)))
    >>> [falls(Point(np.array([-k * 1e9]), -k * 1e9, np.ones(1))) for k in (1, 2, 3)]
    [False, False, True]
    """

    def __init__(self, start: Point) -> None:
        self._last, self._far = start, max(FAR, _size(start.theta))
        self._lowest = -LOWEST * max(1.0, abs(start.cost))
        self.step = 0.0  # max|v| of the last one
        self._straight = self._slow = self._growing = 0

    def __call__(self, point: Point) -> bool:
        """Whether the cost falls without bound, as far as the points up to this one show."""
        last, self._last = self._last, point
        with np.errstate(all="ignore"):
            s = point.theta - last.theta
            is_straight = (point.gradient - last.gradient) @ s <= STRAIGHT * (-last.gradient @ s)
            gain = last.cost - point.cost
        self.step = _size(s)
        counts = self.step >= self._far and point.cost < 0 and gain >= SHARE * abs(point.cost)
        grows = counts and _size(point.theta) >= GROWTH * _size(last.theta)
        self._straight = self._straight + 1 if counts and is_straight else 0
        self._slow = self._slow + 1 if self.step >= FAR and gain > 0 and is_straight else 0
        self._growing = self._growing + 1 if grows else 0
        if self._straight >= STRAIGHT_STEPS or self._slow >= SLOW_STEPS or self._growing >= GROWING_STEPS:
            return True
        return point.cost < self._lowest


def _size(v: Array) -> float:
    return float(np.abs(v).max())
