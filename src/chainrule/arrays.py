"""Helpers for arrays: their namespace (NumPy or JAX), their dtype, and a few functions that NumPy lacks."""

import importlib
import math
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.errors import DataError, SettingError
from chainrule.text import shown

__all__ = ["DTYPES", "Array", "ArrayLike", "as_dtype", "exact_sum", "magnitude", "namespace", "plain", "special"]

Array = NDArray[Any]  # JAX arrays behave in the same way, so one copy of the equations serves both

DTYPES = ("float32", "float64")

_SPECIAL = {"numpy": "scipy.special", "jax.numpy": "jax.scipy.special"}


def namespace(array: Array) -> Any:
    """The module that computes with `array`.

    >>> namespace(np.zeros(3)).__name__
    'numpy'
    """
    return array.__array_namespace__()


def special(array: Array) -> ModuleType:
    """The special functions (erf, ndtri) for `array`, imported at their first use, because importing SciPy is slow."""
    return importlib.import_module(_SPECIAL[namespace(array).__name__])


def magnitude(array: Array) -> Array:
    """|x| of every element, continued analytically on both sides of 0, so that a complex step differentiates it.

    >>> magnitude(np.array([-2.0, 3.0])), magnitude(np.array([-1 + 2e-20j])).imag
    (array([2., 3.]), array([-2.e-20]))
    """
    return namespace(array).where(array.real > 0, array, -array)


def exact_sum(values: Array) -> float:
    """The sum of all values in float64, rounded once; infinite or NaN after an overflow.

    >>> exact_sum(np.array([1e100, 1.0, -1e100]))
    1.0
    """
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # 1e308 + 1e308, inf - inf
        with np.errstate(all="ignore"):
            return float(np.sum(values))


def plain(values: Any, what: str) -> Any:
    """np.matrix, a masked array, and other kinds of ndarray as a plain array; a memory map and all else as they are.

    >>> plain(np.ma.masked_array([1.0, 2.0]), "X")
    array([1., 2.])

    Raises DataError for a masked array of which a value is masked.
    """
    if type(values) is np.ndarray or not isinstance(values, np.ndarray) or isinstance(values, np.memmap):
        return values
    if isinstance(values, np.ma.MaskedArray) and values.dtype.names is None and np.ma.is_masked(values):
        row = int(np.argmax(np.ma.getmaskarray(values).reshape(len(values), -1).any(axis=1))) if values.ndim else 0
        raise DataError(f"{what} has a masked value in row {row}: give every value, or leave the row out")
    return np.asarray(values)


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """The floating-point type of a network.

    >>> as_dtype("float32")
    dtype('float32')

    Raises SettingError for every type except float32 and float64.
    """
    try:
        numpy_dtype = None if dtype is None else np.dtype(dtype).newbyteorder("=")
    except (TypeError, ValueError):
        numpy_dtype = None
    if numpy_dtype is None or numpy_dtype.name not in DTYPES:
        raise SettingError(f"dtype is {shown(dtype)}, but networks compute in one of {', '.join(DTYPES)}")
    return numpy_dtype
