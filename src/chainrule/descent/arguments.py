"""Converts the arguments of a function, one array or several, to one flat array and back."""

import inspect
import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError

__all__ = ["Arguments"]


class Arguments:
    """Splits a flat array (n,) into the arguments of f: an array for f(v), a tuple for f(*v).

    >>> Arguments((1.0, [2.0, 3.0])).split(np.array([4.0, 5.0, 6.0]))
    (np.float64(4.0), array([5., 6.]))

    Raises SettingError where v0 is empty, or contains values that are not finite real numbers.
    """

    def __init__(self, v0: Any) -> None:
        self.several = isinstance(v0, tuple)
        parts = [_numbers(part) for part in v0] if isinstance(v0, tuple) else [_numbers(v0)]
        self.shapes = [part.shape for part in parts]
        self.sizes = [part.size for part in parts]
        self.start = np.concatenate([part.ravel() for part in parts]) if parts else np.empty(0)
        if not self.start.size:
            raise SettingError("v0 is empty: give the starting point, an array or a tuple of arrays and numbers")

    def split(self, flat: Array) -> Any:
        """The arguments in the form of v0: an array or number, or a tuple of arrays and numbers."""
        if not self.several:
            return self._shaped(flat, self.shapes[0])
        ends = np.cumsum(self.sizes)
        cuts = zip(ends - self.sizes, ends, self.shapes, strict=True)
        return tuple(self._shaped(flat[start:end], shape) for start, end, shape in cuts)

    def join(self, parts: Any, what: str) -> Array:
        """The flat array of values in the form of v0, such as a gradient; `what` names them in errors."""
        values = parts if self.several and isinstance(parts, tuple | list) else [parts]
        arrays = [_array(part, what) for part in values]
        if self.several and len(arrays) == 1 and arrays[0].shape == (len(self.sizes),):
            arrays = list(arrays[0])  # one array with a number for each argument
        if [_without_ones(part.shape) for part in arrays] != [_without_ones(shape) for shape in self.shapes]:
            shapes = ", ".join(str(part.shape) for part in arrays)
            expected = ", ".join(str(shape) for shape in self.shapes)
            raise SettingError(f"{what} has shape {shapes}, but v0 has {expected}: they must be equal")
        return np.concatenate([part.ravel() for part in arrays]).astype(np.float64)

    def path(self, points: Array) -> Array:
        """Points (k, n) as (k, ...) with the shape of v0, if v0 is one array."""
        return points if self.several else points.reshape(len(points), *self.shapes[0])

    def name(self, f: Callable[..., Any], k: int) -> str:
        """The name of number k of the flat array, as a person writes it in f: "y" for f(x, y), "v[1]" for f(v).

        >>> Arguments((1.0, [2.0, 3.0])).name(lambda b, w: 0.0, 2), Arguments((1.0, 2.0)).name(max, 1)
        ('w[1]', 'v2')
        """
        part = int(np.searchsorted(np.cumsum(self.sizes), k, side="right"))
        own = _parameters(f)
        name = own[part] if part < len(own) else f"v{part + 1}" if self.several else "v"
        place = np.unravel_index(k - sum(self.sizes[:part]), self.shapes[part])
        return name if not place else f"{name}[{', '.join(map(str, place))}]"

    @staticmethod
    def _shaped(part: Array, shape: tuple[int, ...]) -> Any:
        return part.reshape(shape)[()]


def _parameters(f: Callable[..., Any]) -> list[str]:
    """The names of the positional parameters of f, as far as they are known."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a builtin
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without axes of length 1, so that a column of n numbers matches a row of n."""
    return tuple(length for length in shape if length != 1)


def _array(part: Any, what: str) -> Array:
    try:
        array = np.asarray(part)
        real = array.dtype.kind in "fiu"
    except ValueError:  # rows of different lengths
        real = False
    if not real:
        text = " ".join(reprlib.repr(part).split())
        raise SettingError(f"{what} has {text}, but must be an array of real numbers, or a tuple of arrays and numbers")
    return array


def _numbers(part: Any) -> Array:
    numbers = _array(part, "v0").astype(np.float64)
    if not np.isfinite(numbers).all():
        raise SettingError(f"v0 has {numbers[~np.isfinite(numbers)][0]}: the starting point must be finite")
    return numbers
