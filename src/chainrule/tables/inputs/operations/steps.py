"""The steps of a curve: functions of one number, NaN where it is NaN.

Affine   (x - mean) / scale
Asinh    asinh(x), a logarithm far from 0
Bend     x up to |x| = bound, sign(x) (2 bound - bound^2 / |x|) beyond: smooth, rising, within -2 and 2 bounds
"""

from __future__ import annotations

import abc
import dataclasses

import numpy as np
from numpy.typing import NDArray

__all__ = ["STEPS", "Affine", "Asinh", "Bend", "Step", "bent"]

Values = NDArray[np.float64]


class Step(abc.ABC):
    """A function of one number."""

    @abc.abstractmethod
    def of(self, x: Values) -> Values:
        """Its values (n,)."""


@dataclasses.dataclass(frozen=True)
class Affine(Step):
    """`(x - mean) / scale`."""

    mean: float
    scale: float

    def of(self, x: Values) -> Values:
        return (x - self.mean) / self.scale


@dataclasses.dataclass(frozen=True)
class Asinh(Step):
    """`asinh(x)`."""

    def of(self, x: Values) -> Values:
        return np.arcsinh(x)


@dataclasses.dataclass(frozen=True)
class Bend(Step):
    """`bent(x, bound)`."""

    bound: float

    def of(self, x: Values) -> Values:
        return bent(x, self.bound)


STEPS: tuple[type[Step], ...] = (Affine, Asinh, Bend)


def bent(z: Values, c: float) -> Values:
    """`z` where |z| <= c, else `sign(z) (2 c - c^2 / |z|)`, which is smooth and lies between -2 c and 2 c; NaN stays.

    >>> bent(np.array([-1.0, 4.0, 8.0, np.inf]), 4.0)
    array([-1.,  4.,  6.,  8.])
    """
    far = np.abs(z) > c
    if not far.any():
        return z
    beyond = np.where(far, z, c)
    return np.where(far, np.copysign(2 * c - c * c / np.abs(beyond), beyond), z)
