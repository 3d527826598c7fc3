"""A user's own function: how it may be called, what it returns, and what is written with JAX.

A function written with JAX gets 64 bits, so that it computes in the type of its arguments, and JAX differentiates it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.differences import Differentiate
from chainrule.errors import SettingError
from chainrule.fields import Function
from chainrule.registry import require
from chainrule.text import shown

__all__ = [
    "JaxFunction",
    "in_no_file",
    "is_of_jax",
    "jax_derivative",
    "label_of",
    "name_of_method",
    "own_function",
    "require_call",
    "result_of",
]


@dataclasses.dataclass(frozen=True)
class JaxFunction:
    """A function of arrays that is written with JAX, as a function of NumPy's arrays."""

    function: Callable[..., Any]

    @property
    def __name__(self) -> str:
        return getattr(self.function, "__name__", "custom")

    def __call__(self, *arrays: Array) -> Array:
        import jax

        with jax.enable_x64(True):
            return np.asarray(self.function(*arrays))

    def pullback(self, G: Array, x: Array, *others: Array) -> Array:
        """From G = dC/df to dC/dx; the function's further arguments stay constant."""
        import jax

        with jax.enable_x64(True):
            value, back = jax.vjp(lambda moved: self.function(moved, *others), jax.numpy.asarray(x))
            return np.asarray(back(jax.numpy.asarray(G, dtype=value.dtype))[0])

    def is_differentiable(self, *arrays: Array) -> bool:
        """Whether JAX can differentiate it; not where NumPy or Python computes a part of it."""
        try:
            self.pullback(np.ones_like(self(*arrays)), *arrays)
        except Exception:  # JAX raises many kinds
            return False
        return True


def jax_derivative(f: Callable[..., Array], x: Array, *others: Array) -> Array:
    """The derivative of a `JaxFunction` by JAX: the sum of df_i/dx_j over i; df_j/dx_j where it is elementwise."""
    assert isinstance(f, JaxFunction)
    return f.pullback(np.ones_like(f(x, *others)), x, *others)


def name_of_method(method: Differentiate) -> str:
    """How a derivative is computed, in words.

    >>> name_of_method(jax_derivative), name_of_method(np.gradient)
    ('JAX', 'gradient')
    """
    return "JAX" if method is jax_derivative else method.__name__.replace("_", " ")


def is_of_jax(value: object) -> bool:
    """Whether a value is an array of JAX."""
    return type(value).__module__.partition(".")[0] in ("jax", "jaxlib")


def own_function(function: Callable[..., Any], what: str, **samples: Array) -> Callable[..., Array]:
    """A function that takes these arrays by position and returns numbers, the same each time, or a JaxFunction of it.

    >>> own_function(np.tanh, "your activation", Z=np.zeros((1, 2))) is np.tanh
    True

    Raises SettingError where it takes other arguments, fails, or returns something else or by chance.
    """
    require_call(function, what, *samples)
    value = _value(function, what, samples)
    again = _value(function, what, samples)
    if not np.array_equal(np.asarray(value), np.asarray(again), equal_nan=True):
        raise SettingError(
            f"{what} returns other values for the same arguments, but must not: draw no random numbers in it"
        )
    return JaxFunction(function) if is_of_jax(value) else function


def _value(function: Callable[..., Any], what: str, samples: dict[str, Array]) -> Any:
    try:
        with np.errstate(all="ignore"):
            value = function(*(sample.copy() for sample in samples.values()))
            kind = np.asarray(value).dtype.kind
    except Exception as error:  # a user's function may raise anything
        shapes = " and ".join(f"{name} of shape {sample.shape}" for name, sample in samples.items())
        raise SettingError(
            f"{what} fails for {shapes} ({type(error).__name__}: {shown_text(error)}): it must take arrays of NumPy"
        ) from error
    require(kind in "biufc", f"the return value of {what}", value, "an array of numbers")
    return value


def label_of(function: Callable[..., Any]) -> str:
    """The name of a function for people.

    >>> label_of(np.tanh)
    "'tanh'"
    """
    return shown(getattr(function, "__name__", type(function).__name__))


def in_no_file(kind: str, function: Callable[..., Any]) -> SettingError:
    """The error for an entry of this kind that should be stored in a file, but is the user's own function."""
    return SettingError(
        f"{kind} {label_of(function)} is your own function, but a file stores only data: save without it, and give it "
        "again in code"
    )


def result_of(call: Callable[[], Any], what: str, given: str) -> Any:
    """The result of a first call of a user's function. Raises SettingError in one line where it fails."""
    try:
        with np.errstate(all="ignore"):
            return call()
    except SettingError:
        raise
    except Exception as error:  # a user's function may raise anything
        raise SettingError(f"{what} fails for {given} ({type(error).__name__}: {shown_text(error)})") from error


def shown_text(error: Exception) -> str:
    """The message of an error in one line of bounded length."""
    return shown(str(error))[1:-1]


def require_call(function: Callable[..., Any], what: str, *arguments: str) -> None:
    """Raise SettingError unless a function takes these arguments, which are named.

    >>> require_call(lambda Z, slope: Z * slope, "your activation", "Z")
    Traceback (most recent call last):
    chainrule.errors.SettingError: your activation takes (Z, slope), but must be a function of Z
    """
    Function(len(arguments), f"a function of {' and '.join(arguments)}").clean(what, function)
