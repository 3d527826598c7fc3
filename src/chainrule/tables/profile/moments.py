"""Mean and standard deviation of a column, in float64 over fixed blocks of rows that are merged in order.

Blocks make the result a function of the rows alone, however they arrive in chunks. Values are held as
multiples of a power of two, which is exact, so that neither 1e300 nor 1e-300 leaves the range when squared.

Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance" (1983), equations 2.1.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCK", "Moments", "Running", "standard"]

BLOCK = 4096  # rows

Values = NDArray[np.float64]

_LOWEST = -1100  # an exponent below every float64's
_EPS = 2.0**-52


@dataclasses.dataclass(frozen=True)
class Moments:
    """Count, mean (in units of 2^exponent), sum of squared deviations (of 4^exponent), least and greatest value."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    exponent: int = _LOWEST
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of(cls, block: Values) -> Moments:
        """The moments of one block, by two passes."""
        if block.size == 0:
            return cls()
        low, high = float(block.min()), float(block.max())
        largest = max(-low, high)
        exponent = math.frexp(largest)[1] if largest else _LOWEST
        scaled = np.ldexp(block, -exponent)
        mean = float(scaled.mean())
        return cls(block.size, mean, float(np.square(scaled - mean).sum()), exponent, low, high)

    def merged(self, other: Moments) -> Moments:
        """The moments of this block's rows followed by the other's.

        `d = mean_b - mean_a; mean = mean_a + d n_b/n; squares = squares_a + squares_b + d^2 n_a n_b/n`.
        """
        if self.count == 0 or other.count == 0:
            return other if self.count == 0 else self
        count, exponent = self.count + other.count, max(self.exponent, other.exponent)
        (mean_a, squares_a), (mean_b, squares_b) = self._at(exponent), other._at(exponent)
        d = mean_b - mean_a
        mean = mean_a + d * (other.count / count)
        squares = squares_a + squares_b + d * d * (self.count * (other.count / count))
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Moments(count, mean, squares, exponent, low, high)

    def standard(self) -> tuple[float, float]:
        """Mean and population standard deviation; the latter 0 where the values differ in their last bit at most."""
        deviation = math.sqrt(self.squares / self.count)
        alike = self.low == self.high or deviation <= 2 * _EPS * abs(self.mean)
        mean = self.low if self.low == self.high else math.ldexp(self.mean, self.exponent)
        return mean, 0.0 if alike else math.ldexp(deviation, self.exponent)

    def _at(self, exponent: int) -> tuple[float, float]:
        shift = self.exponent - exponent
        return math.ldexp(self.mean, shift), math.ldexp(self.squares, 2 * shift)


class Running:
    """The moments of rows that arrive in parts of any length: the same bits as those of all rows at once.

    >>> running = Running()
    >>> for part in ([1.0], [np.nan, 3.0]):
    ...     running.add(np.array(part))
    >>> running.standard()
    (2.0, 1.0)
    """

    def __init__(self) -> None:
        self._total = Moments()
        self._waiting: list[Values] = []  # fewer rows than a block
        self._rows = 0

    def add(self, values: Values) -> None:
        """Take the next rows (k,), NaN where a value is missing."""
        start = 0
        if self._rows:
            start = min(BLOCK - self._rows, len(values))
            self._wait(values[:start])
        while len(values) - start >= BLOCK:
            self._total = self._total.merged(_moments_of(values[start : start + BLOCK]))
            start += BLOCK
        if start < len(values):
            self._wait(values[start:])

    def standard(self) -> tuple[float, float]:
        """Mean and population standard deviation of what has come, of which at least one value is not missing."""
        return self._all().standard()

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value that came."""
        total = self._all()
        return total.low, total.high

    def _all(self) -> Moments:
        return self._total.merged(_moments_of(np.concatenate([*self._waiting, _NONE])))

    def _wait(self, part: Values) -> None:
        self._waiting.append(part.copy())
        self._rows += len(part)
        if self._rows == BLOCK:
            self._total = self._total.merged(_moments_of(np.concatenate(self._waiting)))
            self._waiting, self._rows = [], 0


def standard(values: Values, missing: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean and population standard deviation of the values (n,) that are not missing; at least one is not.

    >>> standard(np.array([1.0, 3.0, np.nan]), np.array([False, False, True]))
    (2.0, 1.0)
    """
    running = Running()
    running.add(np.where(missing, np.nan, values))
    return running.standard()


_NONE = np.empty(0)


def _moments_of(block: Values) -> Moments:
    return Moments.of(block[~np.isnan(block)])
