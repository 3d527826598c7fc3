"""The points of a descent, thinned evenly to limit memory."""

import numpy as np

from chainrule.arrays import Array

__all__ = ["MAX_POINTS", "Path"]

MAX_POINTS = 10_000
MAX_BYTES = 2**28  # of all points: fewer than MAX_POINTS for points of more than 3,000 numbers


class Path:
    """Every 2^k-th point of a descent and the last one, at most `most` points; 2^k is the smallest possible power.

    >>> path = Path(most=4)
    >>> for step in range(9):
    ...     path.add(step, np.array([float(step)]), 1.0)
    >>> path.steps
    [0, 4, 8]
    """

    def __init__(self, most: int = MAX_POINTS) -> None:
        self._most, self._stride = most, 1
        self._kept: list[tuple[int, Array, float]] = []
        self._last: tuple[int, Array, float] | None = None

    @classmethod
    def of_points(cls, n: int) -> "Path":
        """A path of points (n,) within `MAX_POINTS` and `MAX_BYTES`.

        >>> n = 12_000_000
        >>> path = Path.of_points(n)
        >>> for step in range(5):
        ...     path.add(step, np.empty(n), 1.0)
        >>> path.steps
        [0, 4]
        """
        return cls(min(MAX_POINTS, max(3, MAX_BYTES // (8 * n))))

    def add(self, step: int, v: Array, cost: float) -> None:
        """Add the point v (n,) after `step` updates, and its cost; steps must be ascending."""
        self._last = (step, v, cost)
        if step % self._stride == 0:
            self._kept.append(self._last)
        while len(self._kept) >= self._most:  # so that the last point can be added
            self._stride *= 2
            self._kept = [point for point in self._kept if point[0] % self._stride == 0]

    @property
    def _points(self) -> list[tuple[int, Array, float]]:
        adds_last = self._last is not None and (not self._kept or self._kept[-1][0] != self._last[0])
        return [*self._kept, *([self._last] if adds_last and self._last is not None else [])]

    @property
    def steps(self) -> list[int]:
        """The number of updates before each point."""
        return [step for step, _, _ in self._points]

    @property
    def points(self) -> Array:
        """The points, shape (k, n)."""
        return np.array([v for _, v, _ in self._points])

    @property
    def costs(self) -> Array:
        """The cost at each point, shape (k,)."""
        return np.array([cost for _, _, cost in self._points])
