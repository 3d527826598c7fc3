"""The function to minimise: C and dC/dv of a flat array, for every form of the function and of its gradient."""

import reprlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.descent.arguments import Arguments
from chainrule.differences import (
    central_gradient,
    central_gradient_in_float32,
    central_gradient_method,
    choose_gradient,
    complex_gradient,
)
from chainrule.errors import SettingError
from chainrule.own_functions import is_of_jax
from chainrule.registry import require

__all__ = ["GRADIENTS", "Problem"]

GRADIENTS = ("complex", "central", "jax")

_WORDS = {
    complex_gradient: "complex step",
    central_gradient: "central differences",
    central_gradient_in_float32: "central differences in float32",
}


class Problem:
    """C(v) of all or some examples, and its gradient; counts the calls of both.

    f(v) returns C. With `examples` = n, C is the mean of C_i, and f(v, rows) returns C_i for these rows (m,), or their
    mean. `gradient` is a function of the same arguments that returns dC/dv in the form of v0; True if f returns cost
    and gradient; "complex", "central" or "jax"; None for JAX where f is written with it, else for one of the first two.
    `how` names the method in words.

    Raises SettingError where f is not a function, where v0 or `gradient` is not as described, and, in a call, where f
    does not return one real number.
    """

    def __init__(self, f: Callable[..., Any], v0: Any, gradient: Any = None, examples: int | None = None) -> None:
        require(callable(f), "f", f, "a function")
        self.arguments, self.examples = Arguments(v0), examples
        self._f, self._gradient = f, gradient
        self.nfev = self.njev = 0
        self.how, self._both = self._choose(gradient)

    def __call__(self, v: Array, rows: Array | None = None) -> tuple[float, Array]:
        """C and dC/dv (n,) at v (n,), for `rows` or all examples; after an overflow C or dC/dv is not finite."""
        with np.errstate(all="ignore"):
            try:
                return self._both(v, self._all() if rows is None and self.examples is not None else rows)
            except (OverflowError, ZeroDivisionError):  # Python numbers raise where arrays become infinite
                return float("inf"), np.full_like(v, np.nan)

    def value(self, v: Array, rows: Array | None = None) -> float:
        """C of `rows` or all examples at v (n,), not counted as a call: for plots and checks."""
        rows = self._all() if rows is None and self.examples is not None else rows
        with np.errstate(all="ignore"):
            try:
                value = self._f(*self._split(v, rows))
            except (OverflowError, ZeroDivisionError):
                return float("inf")
        cost = value[0] if self._gradient is True else value
        return float(np.real(_one_number(cost, None if rows is None else len(rows))))

    def name(self, k: int) -> str:
        """The name of variable k (from 0) of v (n,), as f names it."""
        return self.arguments.name(self._f, k)

    @property
    def is_given(self) -> bool:
        """Whether the gradient comes from a function of the user."""
        return self._gradient is True or callable(self._gradient)

    def cost(self, v: Array, rows: Array | None = None) -> Any:
        """C without its gradient; complex for a complex v."""
        self.nfev += 1
        return _one_number(self._f(*self._split(v, rows)), None if rows is None else len(rows))

    def _all(self) -> Array:
        return np.arange(self.examples or 0)

    def _split(self, v: Array, rows: Array | None) -> tuple[Any, ...]:
        """The arguments of f."""
        arguments = self.arguments.split(v.copy())
        return (*(arguments if self.arguments.several else (arguments,)), *(() if rows is None else (rows,)))

    def _choose(self, gradient: Any) -> tuple[str, Callable[[Array, Array | None], tuple[float, Array]]]:
        if gradient is True:
            return "given, with the cost", self._by_f
        if callable(gradient):
            return "given", self._by_function
        if isinstance(gradient, str) and gradient == "jax":
            return "jax", _Jax(self).both
        is_method = gradient is None or (isinstance(gradient, str) and gradient in GRADIENTS)
        allowed = f"a function, True, None or one of {', '.join(GRADIENTS)}"
        require(is_method, "gradient", gradient, allowed)
        rows = None if self.examples is None else self._all()[: 2**10]
        if gradient is None and self._is_jaxs(rows):
            return "jax", _Jax(self).both
        method = complex_gradient if gradient == "complex" else self._suitable_method(gradient, rows)
        return _WORDS[method], lambda v, rows: self._by_differences(method, v, rows)

    def _is_jaxs(self, rows: Array | None) -> bool:
        """Whether f is written with JAX, so that JAX differentiates it."""
        try:
            with np.errstate(all="ignore"):
                if not is_of_jax(self._f(*self._split(self.arguments.start, rows))):
                    return False
                _Jax(self).both(self.arguments.start, rows)
        except Exception:  # f may raise anything, and JAX many kinds; what is wrong with f is said later
            return False
        return True

    def _suitable_method(self, gradient: str | None, rows: Array | None) -> Callable[..., Array]:
        choose = choose_gradient if gradient is None else central_gradient_method
        with np.errstate(all="ignore"):
            try:
                self._real(self.cost(self.arguments.start, rows))
            except (OverflowError, ZeroDivisionError):  # the descent will report it
                return central_gradient
            return choose(lambda v: self.cost(v, rows), self.arguments.start)

    def _by_function(self, v: Array, rows: Array | None) -> tuple[float, Array]:
        cost = self._real(self.cost(v, rows))
        self.njev += 1
        return cost, self.arguments.join(self._gradient(*self._split(v, rows)), "the gradient")

    def _by_f(self, v: Array, rows: Array | None) -> tuple[float, Array]:
        self.nfev, self.njev = self.nfev + 1, self.njev + 1
        pair = self._f(*self._split(v, rows))
        is_pair = isinstance(pair, tuple) and len(pair) == 2
        require(is_pair, "the return value of f", pair, "the pair (cost, gradient) because gradient is True")
        cost = self._real(_one_number(pair[0], None if rows is None else len(rows)))
        return cost, self.arguments.join(pair[1], "the gradient")

    def _by_differences(self, method: Callable[..., Array], v: Array, rows: Array | None) -> tuple[float, Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            cost = self._real(self.cost(v, rows))
            self.njev += 1
            return cost, method(lambda moved: self.cost(moved, rows), v)

    @staticmethod
    def _real(cost: Any) -> float:
        require(not np.iscomplexobj(cost), "f at a real point", cost, "a real number")
        return float(cost)


class _Jax:
    """Computes C and dC/dv with JAX in float64; compiles once for each shape of rows."""

    def __init__(self, problem: Problem) -> None:
        try:
            import jax
        except ImportError:
            raise SettingError('gradient "jax" needs jax, which is not installed: pip install jax') from None
        self._jax, self._problem = jax, problem
        self._both = jax.jit(jax.value_and_grad(self._cost))

    def _cost(self, v: Any, rows: Any) -> Any:
        return self._jax.numpy.mean(self._problem._f(*self._traced(v, rows)))

    def _traced(self, v: Any, rows: Any) -> tuple[Any, ...]:
        return self._problem._split(v, rows)

    def both(self, v: Array, rows: Array | None) -> tuple[float, Array]:
        problem = self._problem
        problem.nfev, problem.njev = problem.nfev + 1, problem.njev + 1
        with self._jax.enable_x64(True):
            cost, gradient = self._both(v, rows)
        return float(cost), np.array(gradient, dtype=np.float64)


def _one_number(value: Any, rows: int | None) -> Any:
    """The return value of f as one number; with examples, the mean of the costs of `rows` rows."""
    try:
        cost = np.asarray(value)
        numbers = cost.dtype.kind in "fiuc" and (cost.size == 1 or cost.shape == (rows,))
    except ValueError:
        numbers = False
    if not numbers:
        costs = "" if rows is None else f" or a cost for each of the {rows} rows"
        text = f"an array of shape {cost.shape}" if isinstance(value, np.ndarray) else reprlib.repr(value)
        raise SettingError(f"f returned {text}, but must return one number{costs}")
    return cost.mean()
