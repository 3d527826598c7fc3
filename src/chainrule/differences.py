"""Derivatives of functions that come without one: by complex step, else by central differences.

Both treat `f` as acting on each element by itself: `f(x)` has the shape of `x`, and the result is df_i/dx_i.
"""

import warnings
from collections.abc import Callable

import numpy as np

from chainrule.arrays import Array

__all__ = ["Differentiate", "Function", "agrees", "central_difference", "choose_method", "complex_step"]

Function = Callable[[Array], Array]
Differentiate = Callable[[Function, Array], Array]

_TINY = 1e-40  # a complex step has no subtraction, so it may be as small as the numbers allow
_AGREE = 1e-5  # central differences in float64 are right to about 1e-9 for functions of ordinary size


def complex_step(f: Function, x: Array) -> Array:
    """Derivative of an analytic `f` at real `x`, exact to rounding: Im f(x + ih) / h.

    >>> complex_step(np.exp, np.array([0.0, 1.0]))
    array([1.        , 2.71828183])

    Source: Squire & Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40, 1998.
    """
    step = np.asarray(x, dtype=np.complex128) + 1j * _TINY
    return np.asarray(np.asarray(f(step)).imag / _TINY)


def central_difference(f: Function, x: Array) -> Array:
    """Derivative of a real `f` at `x` to about ten digits: (f(x + h) - f(x - h)) / 2h, h = 6e-6 max(1, |x|).

    >>> central_difference(np.abs, np.array([-2.0, 0.0, 2.0])).round(6)
    array([-1.,  0.,  1.])
    """
    x = np.asarray(x, dtype=np.float64)
    h = 6e-6 * np.maximum(1.0, np.abs(x))
    return np.asarray((f(x + h) - f(x - h)) / (2 * h))


def choose_method(f: Function, points: Array) -> Differentiate:
    """The way to differentiate `f`: `complex_step` if it is right at `points`, else `central_difference`.

    A complex step is wrong, or fails, where `f` is not analytic or takes no complex numbers (abs, clip, a look-up).

    >>> choose_method(np.tanh, np.linspace(-3, 3, 10)).__name__
    'complex_step'
    >>> choose_method(np.abs, np.linspace(-3, 3, 10)).__name__
    'central_difference'
    """
    expected = central_difference(f, points)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)  # what is cast to real is found out anyway
            analytic = agrees(lambda x: complex_step(f, x), points, expected)
    except Exception:  # whatever a function of real numbers does when it meets others
        analytic = False
    return complex_step if analytic else central_difference


def agrees(derivative: Function, points: Array, expected: Array) -> bool:
    """Whether `derivative` gives `expected` at `points`, to a relative 1e-5."""
    with np.errstate(all="ignore"):
        found = np.asarray(derivative(points))
    return found.shape == expected.shape and bool(np.allclose(found, expected, rtol=_AGREE, atol=_AGREE))
