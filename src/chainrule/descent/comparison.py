"""Compares a gradient that the user gives with differences of the function, at the start of a descent."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.optimizers import Point
from chainrule.random import Purpose, raw_words, uniform

__all__ = ["check_gradient"]

STEPS = (6e-6, 1e-4, 1e-3, 1e-2)  # of max(1, |v_k|), from the best step in float64 to one that serves float32
AGREE = (1e-5, 1e-3, 1e-2)  # how well the slopes of two steps in a row must agree so that one can rely on them
ROUNDING = 1e-15  # of C, in a difference of two values of it
LOCATED = 1000  # variables up to which the wrong one is named

Cost = Callable[[Array], float]


class _Slopes(NamedTuple):
    """The slopes of C along a direction: to the left of v, to the right of it, and their mean."""

    left: float
    right: float

    @property
    def mean(self) -> float:
        return (self.left + self.right) / 2


def check_gradient(cost: Cost, here: Point, name: Callable[[int], str]) -> None:
    """Raise SettingError if the gradient of `here` is not that of C.

    - cost: C at a point (n,).
    - here: v, C and the gradient to compare.
    - name: the name of variable k.

    It is compared along a random direction d with g·d, up to rounding, curvature and kinks: where two steps in a row do
    not give the same slope of C, nothing is said. A wrong one is confirmed along a second direction.
    """
    directions = (_direction(len(here.theta), k) * np.maximum(1.0, np.abs(here.theta)) for k in range(2))
    if not any(_agrees(cost, here, d) for d in directions):
        raise SettingError(
            f"the gradient is wrong at v0: {_evidence(cost, here, name)}: correct it, or leave gradient out"
        )


def _direction(n: int, k: int) -> Array:
    """Random numbers from -1 to 1 (n,), none of them near 0."""
    u = 2 * uniform(raw_words(k, Purpose.DIRECTIONS, 0, n)) - 1
    return np.asarray(np.copysign(0.5 + np.abs(u) / 2, u))


def _agrees(cost: Cost, here: Point, d: Array) -> bool:
    """Whether g·d is the slope of C along d, or nothing can be said of it."""
    terms = here.gradient * d
    expected, scale = float(terms.sum()), float(np.sqrt((terms * terms).sum()))
    before: _Slopes | None = None
    finer = STEPS[0]
    for step, agree in zip(STEPS, (0.0, *AGREE), strict=True):
        now = _slopes(cost, here, step * d, step)
        if before is not None and now is not None:
            size, noise = max(abs(before.mean), abs(now.mean)), ROUNDING * abs(here.cost) / finer
            close = abs(before.mean - now.mean) <= agree * size + noise
            if close and noise <= agree * max(size, scale):
                low, high, slack = min(before), max(before), 10 * agree * max(size, scale)
                return low - slack <= expected <= high + slack
        before, finer = now, step
    return True


def _slopes(cost: Cost, here: Point, move: Array, step: float) -> _Slopes | None:
    """The slopes of C along a direction by a step; None where C is not defined, or too coarse for the step."""
    try:
        below, above = cost(here.theta - move), cost(here.theta + move)
    except (ArithmeticError, ValueError):  # outside its domain
        return None
    if not np.isfinite([below, above]).all() or below == here.cost == above:
        return None
    return _Slopes((here.cost - below) / step, (above - here.cost) / step)


def _evidence(cost: Cost, here: Point, name: Callable[[int], str]) -> str:
    """The variable whose derivative is farthest from the differences, in words."""
    n = len(here.theta)
    if n > LOCATED:
        return "its slope along random directions is not that of f"
    slopes = np.array([_slope(cost, here, k) for k in range(n)])
    off = np.where(np.isfinite(slopes), np.abs(slopes - here.gradient), -1.0)
    k = int(np.argmax(off))
    return f"dC/d{name(k)} is {here.gradient[k]:.6g}, but differences of f give {slopes[k]:.6g}"


def _slope(cost: Cost, here: Point, k: int) -> float:
    """dC/dv_k by the step that suits float64, or a larger one where C is too coarse for it; NaN if there is none."""
    for step in STEPS[1::2]:
        move = np.zeros(len(here.theta))
        move[k] = step * max(1.0, abs(here.theta[k]))
        slopes = _slopes(cost, here, move, float(move[k]))
        if slopes is not None:
            return slopes.mean
    return float("nan")
