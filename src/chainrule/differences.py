"""Computes derivatives of functions that have none: by complex step, else by central differences.

`complex_step` and `central_difference` are for elementwise functions: `f(x)` has the shape of `x`, and the result is
df_i/dx_i. `complex_gradient` and `central_gradient` are for a function of n arguments that returns one number: the
result is all n of dC/dv_i, with 1 or 2 calls of `f` for each.

The best step of central differences is about the cube root of the rounding of `f`. A function that computes in float32,
whatever it is given, needs a longer one: with the step for float64 its derivative is wrong in the third digit.
"""

import warnings
from collections.abc import Callable, Iterable

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError

__all__ = [
    "Differentiate",
    "Function",
    "agrees",
    "central_difference",
    "central_difference_in_float32",
    "central_gradient",
    "central_gradient_in_float32",
    "central_gradient_method",
    "central_method",
    "choose_gradient",
    "choose_method",
    "complex_gradient",
    "complex_step",
    "safest",
]

Function = Callable[[Array], Array]
Differentiate = Callable[[Function, Array], Array]
Scalar = Callable[[Array], complex]  # real for real arguments

_TINY = 1e-40  # a complex step subtracts nothing, so it can be arbitrarily small
_AGREE = 1e-5  # central differences in float64 are accurate to about 1e-9 for functions of ordinary size
_AGREE_IN_FLOAT32 = 1e-3  # and in float32 to about 1e-5
_NUDGE = 3e-7  # a few units in the last place of float32
_ROUNDED = 1e-9  # fourth differences over such nudges, as a share of f: about 1e-15 in float64, 1e-7 in float32


def complex_step(f: Function, x: Array) -> Array:
    """The derivative of an analytic `f` at real `x`, exact up to rounding: Im f(x + ih) / h.

    >>> complex_step(np.exp, np.array([0.0, 1.0]))
    array([1.        , 2.71828183])

    Source: Squire & Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40, 1998.
    """
    step = np.asarray(x, dtype=np.complex128) + 1j * _TINY
    return np.asarray(np.asarray(f(step)).imag / _TINY)


def central_difference(f: Function, x: Array) -> Array:
    """The derivative of a real `f` at `x` to about ten digits: (f(x + h) - f(x - h)) / 2h, h = 6e-6 max(1, |x|).

    >>> central_difference(np.abs, np.array([-2.0, 0.0, 2.0])).round(6)
    array([-1.,  0.,  1.])
    """
    x = np.asarray(x, dtype=np.float64)
    h = 6e-6 * np.maximum(1.0, np.abs(x))
    return np.asarray((f(x + h) - f(x - h)) / (2 * h))


def central_difference_in_float32(f: Function, x: Array) -> Array:
    """The derivative of an `f` that computes in float32, to about five digits: central, h = 5e-3 max(1, |x|).

    The points are numbers of float32, so that the step is the one that `f` sees.

    >>> central_difference_in_float32(lambda x: np.sin(x.astype("float32")), np.array([0.0])).round(4)
    array([1.])
    """
    x = np.asarray(x, dtype=np.float64)
    h = 5e-3 * np.maximum(1.0, np.abs(x))
    up, down = ((x + step).astype(np.float32).astype(np.float64) for step in (h, -h))
    return np.asarray((np.asarray(f(up), np.float64) - np.asarray(f(down), np.float64)) / (up - down))


def central_method(f: Function, points: Array) -> Differentiate:
    """Central differences with the step that suits the rounding of `f` near `points`.

    >>> central_method(np.tanh, np.linspace(-3, 3, 10)).__name__
    'central_difference'
    >>> central_method(lambda x: np.tanh(x.astype("float32")).astype("float64"), np.linspace(-3, 3, 10)).__name__
    'central_difference_in_float32'

    Raises SettingError where `f` computes with fewer digits than float32.
    """
    return central_difference_in_float32 if _in_float32(f, points) else central_difference


def _in_float32(f: Function, x: Array) -> bool:
    """Whether f(x) is rounded as float32 is: by its type, or as its fourth differences show at more than 1% of x."""
    nudge = _NUDGE * np.maximum(1.0, np.abs(x))
    with np.errstate(all="ignore"):
        values = [np.asarray(f(x + k * nudge)) for k in (-2, -1, 0, 1, 2)]
        if values[0].dtype == np.float32:
            return True
        if values[0].dtype.kind == "f" and values[0].dtype.itemsize < 4:
            raise SettingError(f"your function returns {values[0].dtype}, which has too few digits for a derivative")
        fourth = sum(weight * value for weight, value in zip((1.0, -4.0, 6.0, -4.0, 1.0), values, strict=True))
        return bool(np.mean(np.abs(fourth) > _ROUNDED * np.max(np.abs(values))) > 0.01)


def choose_method(f: Function, points: Array) -> Differentiate:
    """The method for `f`: `complex_step` if it is right at `points`, else `central_method`.

    A complex step is wrong or fails where `f` is not analytic or takes no complex numbers (abs, clip, a table).

    >>> choose_method(np.tanh, np.linspace(-3, 3, 10)).__name__
    'complex_step'
    >>> choose_method(np.abs, np.linspace(-3, 3, 10)).__name__
    'central_difference'
    """
    central = central_method(f, points)
    if central is not central_difference:
        return central
    expected = central(f, points)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)  # `agrees` notices a cast to real
            analytic = agrees(lambda x: complex_step(f, x), points, expected)
    except Exception:  # a function of real numbers may raise anything for complex ones
        analytic = False
    return complex_step if analytic else central_difference


def safest(methods: Iterable[Differentiate]) -> Differentiate:
    """The method for several functions: the one that asks least of them.

    >>> safest([complex_step, central_difference]).__name__
    'central_difference'
    """
    order: list[Differentiate] = [complex_step, central_difference, central_difference_in_float32]
    return order[max(order.index(method) for method in methods)]


def agrees(derivative: Function, points: Array, expected: Array, method: Differentiate = central_difference) -> bool:
    """Whether `derivative` gives `expected` at `points`: to a relative 1e-5, or 1e-3 if `method` is that of float32."""
    bound = _AGREE_IN_FLOAT32 if method is central_difference_in_float32 else _AGREE
    with np.errstate(all="ignore"):
        values = np.asarray(derivative(points))
    return values.shape == expected.shape and bool(np.allclose(values, expected, rtol=bound, atol=bound))


def complex_gradient(f: Scalar, v: Array) -> Array:
    """dC/dv of an analytic `f` of n arguments at real v (n,), exact up to rounding: Im f(v + ih e_i) / h for each i.

    >>> complex_gradient(lambda v: v[0] ** 2 * v[1], np.array([3.0, 5.0]))
    array([30.,  9.])
    """
    gradient = np.empty(len(v))
    for i in range(len(v)):
        moved = v.astype(np.complex128)
        moved[i] += 1j * _TINY
        gradient[i] = f(moved).imag / _TINY
    return gradient


def central_gradient(f: Scalar, v: Array) -> Array:
    """dC/dv of a real `f` of n arguments at v (n,), to about ten digits, with the steps of `central_difference`.

    >>> central_gradient(lambda v: abs(v[0]) * v[1], np.array([-3.0, 5.0])).round(6)
    array([-5.,  3.])
    """
    gradient = np.empty(len(v))
    for i in range(len(v)):
        up, down = v.copy(), v.copy()
        h = 6e-6 * max(1.0, abs(v[i]))
        up[i], down[i] = v[i] + h, v[i] - h
        gradient[i] = (f(up) - f(down)).real / (up[i] - down[i])
    return gradient


def central_gradient_in_float32(f: Scalar, v: Array) -> Array:
    """dC/dv of an `f` that computes in float32, to about five digits; see `central_difference_in_float32`.

    >>> central_gradient_in_float32(lambda v: np.sum(v.astype("float32") ** 2), np.array([1.0, 2.0])).round(3)
    array([2., 4.])
    """
    gradient = np.empty(len(v))
    for i in range(len(v)):
        up, down = v.copy(), v.copy()
        h = 5e-3 * max(1.0, abs(v[i]))
        up[i], down[i] = np.float32(v[i] + h), np.float32(v[i] - h)
        gradient[i] = (float(f(up).real) - float(f(down).real)) / (up[i] - down[i])
    return gradient


def central_gradient_method(f: Scalar, v: Array) -> Callable[[Scalar, Array], Array]:
    """Central differences with the step that suits the rounding of `f` near v.

    >>> central_gradient_method(lambda v: np.sum(v.astype("float32") ** 2), np.array([1.0, 2.0])).__name__
    'central_gradient_in_float32'
    """
    along = np.where(np.arange(len(v)) % 2, -1.0, 1.0) * np.maximum(1.0, np.abs(v))

    def on_line(t: Array) -> Array:
        return np.array([f(v + each * along) for each in t])

    try:
        coarse = _in_float32(on_line, np.array([-0.1, 0.1]))
    except (ArithmeticError, ValueError):  # outside its domain
        coarse = False
    return central_gradient_in_float32 if coarse else central_gradient


def choose_gradient(f: Scalar, v: Array) -> Callable[[Scalar, Array], Array]:
    """The method for the gradient of `f`: `complex_gradient` if it is right at and near v, else central differences.

    >>> choose_gradient(lambda v: np.sum(np.exp(v)), np.zeros(2)).__name__
    'complex_gradient'
    >>> choose_gradient(lambda v: np.sum(np.abs(v)), np.zeros(2)).__name__
    'central_gradient'
    """
    central = central_gradient_method(f, v)
    if central is not central_gradient:
        return central
    away = 0.1 * np.maximum(1.0, np.abs(v)) * np.where(np.arange(len(v)) % 2, -1.0, 1.0)
    return complex_gradient if all(_is_analytic(f, point) for point in (v, v + away, v - away)) else central_gradient


def _is_analytic(f: Scalar, v: Array) -> bool:
    """Whether a complex step is right at `v`, to 1e-5 of the gradient; True where `f` is undefined."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        try:
            expected, size = central_gradient(f, v), abs(f(v))
        except (ArithmeticError, ValueError):  # outside its domain
            return True
        if not np.isfinite(expected).all():
            return True
        try:
            gradient = complex_gradient(f, v)
        except Exception:  # a function of real numbers may raise anything for complex ones
            return False
    bound = _AGREE * max(1.0, np.abs(expected).max(initial=0.0)) + 1e-10 * size  # differences lose digits of f
    return bool(np.allclose(gradient, expected, rtol=0.0, atol=bound))
