"""The arguments of a function, as its caller has them: one array, or several; inside they are one flat array."""

import reprlib
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError

__all__ = ["Form"]


class Form:
    """How a flat (n,) array of all arguments is cut into those of f: an array for f(v), a tuple for f(*v).

    >>> Form((1.0, [2.0, 3.0])).split(np.array([4.0, 5.0, 6.0]))
    (np.float64(4.0), array([5., 6.]))

    Raises SettingError where v0 is empty, or has anything but finite real numbers.
    """

    def __init__(self, v0: Any) -> None:
        self.several = isinstance(v0, tuple)
        parts = [_numbers(part) for part in v0] if isinstance(v0, tuple) else [_numbers(v0)]
        self.shapes = [part.shape for part in parts]
        self.sizes = [part.size for part in parts]
        self.start = np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0)
        if not self.start.size:
            raise SettingError("v0 is empty: give the point to start from, an array or a tuple of arrays and numbers")

    def split(self, flat: Array) -> Any:
        """The arguments as the caller has them: an array or number, or a tuple of such."""
        if not self.several:
            return self._shaped(flat, self.shapes[0])
        ends = np.cumsum(self.sizes)
        cuts = zip(ends - self.sizes, ends, self.shapes, strict=True)
        return tuple(self._shaped(flat[start:end], shape) for start, end, shape in cuts)

    def join(self, parts: Any, what: str) -> Array:
        """The flat array of what was given in the caller's form, such as a gradient; `what` is for messages."""
        given = parts if self.several and isinstance(parts, tuple | list) else [parts]
        found = [_array(part, what) for part in given]
        if self.several and len(found) == 1 and found[0].shape == (len(self.sizes),):
            found = list(found[0])  # numbers side by side in one array
        if [_long(part.shape) for part in found] != [_long(shape) for shape in self.shapes]:
            shapes = ", ".join(str(part.shape) for part in found)
            wanted = ", ".join(str(shape) for shape in self.shapes)
            raise SettingError(f"{what} has shape {shapes}, but v0 has {wanted}: they must be alike")
        return np.concatenate([part.ravel() for part in found]).astype(np.float64)

    def path(self, points: Array) -> Array:
        """Points (k, n) as (k, ...) with the shape of v0 where it is one array."""
        return points if self.several else points.reshape(len(points), *self.shapes[0])

    @staticmethod
    def _shaped(part: Array, shape: tuple[int, ...]) -> Any:
        return part.reshape(shape)[()]


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that order anything: a column of n numbers is as good as a row of n."""
    return tuple(length for length in shape if length != 1)


def _array(part: Any, what: str) -> Array:
    try:
        found = np.asarray(part)
        real = found.dtype.kind in "fiu"
    except ValueError:  # rows of different lengths
        real = False
    if not real:
        came = " ".join(reprlib.repr(part).split())
        raise SettingError(f"{what} has {came}, but must be an array of real numbers, or a tuple of arrays and numbers")
    return found


def _numbers(part: Any) -> Array:
    found = _array(part, "v0").astype(np.float64)
    if not np.isfinite(found).all():
        raise SettingError(f"v0 has {found[~np.isfinite(found)][0]}: the point to start from must be finite")
    return found
