"""Mean and standard deviation of a column, and values standardised by them.

They are computed in float64 over fixed blocks of rows that are merged in order, so that the result depends on the rows
alone, not on the chunks in which they come. Values are stored as multiples of a power of two, which is exact, so that
neither 1e300 nor 1e-300 leaves the range when squared.

Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance" (1983), equations 2.1.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RowError

__all__ = ["BLOCK", "Moments", "Running", "standardised"]

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
    """The moments of rows that come in chunks of any length: the same bits as those of all rows at once.

    >>> running = Running()
    >>> for values in ([1.0], [np.nan, 3.0]):
    ...     running.add(np.array(values))
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
        """Mean and population standard deviation of the values so far, of which at least one is not missing."""
        return self._all().standard()

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest value so far."""
        total = self._all()
        return total.low, total.high

    def _all(self) -> Moments:
        return self._total.merged(_moments_of(np.concatenate([*self._waiting, _NONE])))

    def _wait(self, values: Values) -> None:
        self._waiting.append(values.copy())
        self._rows += len(values)
        if self._rows == BLOCK:
            self._total = self._total.merged(_moments_of(np.concatenate(self._waiting)))
            self._waiting, self._rows = [], 0


def standardised(values: NDArray[Any], mean: float, scale: float, dtype: Any, name: str) -> NDArray[Any]:
    """`(values - mean) / scale` in float64, then as `dtype`; NaN stays.

    >>> standardised(np.array([1.0, 3.0]), 2.0, 0.5, "float32", "age")
    array([-2.,  2.], dtype=float32)

    Raises DataError for a value so far from the mean that the result is infinite.
    """
    with np.errstate(over="ignore"):
        result = ((values - mean) / scale).astype(dtype)
    far = np.isinf(result)
    if far.any():
        row = int(far.argmax())
        line = (
            "row {row} of column {name!r} is {value:g}, too far from the training data "
            "(mean {mean:g}, standard deviation {scale:g}): fix it, or leave the cell empty"
        )
        raise RowError(row, line, name=name, value=values[row], mean=mean, scale=scale)
    return result


_NONE = np.empty(0)


def _moments_of(block: Values) -> Moments:
    return Moments.of(block[~np.isnan(block)])
