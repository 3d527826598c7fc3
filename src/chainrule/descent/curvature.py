"""Finds out by the curvature whether a point where the gradient is 0 is a minimum."""

from collections.abc import Callable

import numpy as np

from chainrule.arrays import Array
from chainrule.random import Purpose, normal, raw_words

__all__ = ["falls_nearby"]

DIRECTIONS = 4  # in which the curvature is known: all of them for up to four variables
STEP = 1e-4  # of max(1, |v|): differences of a gradient are then right to about eight digits
NOTICED = 1e-4  # the share of the greatest curvature below which a negative one may be rounding
AGREE = 0.1  # how well the curvature by a second step must agree


def falls_nearby(gradient: Callable[[Array], Array], v: Array) -> bool:
    """Whether C falls on both sides of v along some direction, so that v is a saddle point or a maximum.

    The matrix of curvatures QᵀHQ in a few random directions Q (n, k) has a negative eigenvalue; H Q comes from central
    differences of the gradient with two steps, which must agree. For more than four variables the random directions may
    miss a saddle.

    - gradient: dC/dv at a point (n,).
    - v: a point (n,) where dC/dv is about 0.

    >>> falls_nearby(lambda v: np.array([2 * v[0], -2 * v[1]]), np.zeros(2))
    True
    """
    n = len(v)
    k = min(n, DIRECTIONS)
    Q, _ = np.linalg.qr(normal(raw_words(0, Purpose.DIRECTIONS, 1, n * k)).reshape(n, k))
    least = _least_curvature(gradient, v, Q, STEP)
    if not least < 0:
        return False
    return bool(abs(_least_curvature(gradient, v, Q, 2 * STEP) - least) <= AGREE * abs(least))


def _least_curvature(gradient: Callable[[Array], Array], v: Array, Q: Array, step: float) -> float:
    """The lowest eigenvalue of QᵀHQ; 0 if it is not noticeably negative, or not known."""
    h = step * max(1.0, float(np.abs(v).max()))
    HQ = np.stack([(gradient(v + h * q) - gradient(v - h * q)) / (2 * h) for q in Q.T], axis=1)
    M = Q.T @ HQ
    if not np.isfinite(M).all():
        return 0.0
    curvatures = np.linalg.eigvalsh((M + M.T) / 2)
    return float(curvatures[0]) if curvatures[0] < -NOTICED * np.abs(curvatures).max() else 0.0
