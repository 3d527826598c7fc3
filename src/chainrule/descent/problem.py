"""The function to minimise: C and dC/dv of a flat array, whatever form the function and its gradient have."""

import reprlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.descent.arguments import Form
from chainrule.differences import central_gradient, choose_gradient, complex_gradient
from chainrule.errors import SettingError
from chainrule.registry import require

__all__ = ["GRADIENTS", "Problem"]

GRADIENTS = ("complex", "central", "jax")

_WORDS = {complex_gradient: "complex step", central_gradient: "central differences"}


class Problem:
    """C(v) of all examples or of some, with its gradient; counts the calls of either.

    f(v) gives C. With `examples` = n, C is the mean of C_i, and f(v, rows) gives C_i for those rows (m,), or their
    mean. `gradient` is a function of the same arguments for dC/dv in the form of v0; True where f returns both, cost
    and gradient; "complex", "central" or "jax"; None chooses between the first two. `how` says in words which it was.

    Raises SettingError where f is not a function, where v0 or `gradient` is not as described, and, when it is called,
    where f does not return one real number.
    """

    def __init__(self, f: Callable[..., Any], v0: Any, gradient: Any = None, examples: int | None = None) -> None:
        require(callable(f), "f", f, "a function")
        self.form, self.examples = Form(v0), examples
        self._f, self._gradient = f, gradient
        self.nfev = self.njev = 0
        self.how, self._both = self._choose(gradient)

    def __call__(self, v: Array, rows: Array | None = None) -> tuple[float, Array]:
        """C and dC/dv (n,) at v (n,), of `rows` or of all; where floating point overflows, C or dC/dv is not finite."""
        with np.errstate(all="ignore"):
            try:
                return self._both(v, self._all() if rows is None and self.examples is not None else rows)
            except (OverflowError, ZeroDivisionError):  # Python's own numbers raise where arrays become infinite
                return float("inf"), np.full_like(v, np.nan)

    def value(self, v: Array) -> float:
        """C of all examples at v (n,), not counted: for pictures."""
        with np.errstate(all="ignore"):
            try:
                found = self._f(*self._arguments(v, None if self.examples is None else self._all()))
            except (OverflowError, ZeroDivisionError):
                return float("inf")
        cost = found[0] if self._gradient is True else found
        return float(np.real(_one_number(cost, self.examples)))

    def cost(self, v: Array, rows: Array | None = None) -> Any:
        """C alone, real or complex as v is."""
        self.nfev += 1
        return _one_number(self._f(*self._arguments(v, rows)), None if rows is None else len(rows))

    def _all(self) -> Array:
        return np.arange(self.examples or 0)

    def _arguments(self, v: Array, rows: Array | None) -> tuple[Any, ...]:
        found = self.form.split(v.copy())
        return (*(found if self.form.several else (found,)), *(() if rows is None else (rows,)))

    def _choose(self, gradient: Any) -> tuple[str, Callable[[Array, Array | None], tuple[float, Array]]]:
        if gradient is True:
            return "given, with the cost", self._returned
        if callable(gradient):
            return "given", self._given
        if isinstance(gradient, str) and gradient == "jax":
            return "jax", _Jax(self).both
        known = gradient is None or (isinstance(gradient, str) and gradient in GRADIENTS)
        allowed = f"a function, True, None or one of {', '.join(GRADIENTS)}"
        require(known, "gradient", gradient, allowed)
        rows = None if self.examples is None else self._all()[: 2**10]
        chosen = {"complex": complex_gradient, "central": central_gradient}.get(gradient or "")
        method = chosen or self._analytic(rows)
        return _WORDS[method], lambda v, rows: self._found(method, v, rows)

    def _analytic(self, rows: Array | None) -> Callable[..., Array]:
        with np.errstate(all="ignore"):
            try:
                self._real(self.cost(self.form.start, rows))
            except (OverflowError, ZeroDivisionError):  # the descent will say so
                return central_gradient
            return choose_gradient(lambda v: self.cost(v, rows), self.form.start)

    def _given(self, v: Array, rows: Array | None) -> tuple[float, Array]:
        cost = self._real(self.cost(v, rows))
        self.njev += 1
        return cost, self.form.join(self._gradient(*self._arguments(v, rows)), "the gradient")

    def _returned(self, v: Array, rows: Array | None) -> tuple[float, Array]:
        self.nfev, self.njev = self.nfev + 1, self.njev + 1
        found = self._f(*self._arguments(v, rows))
        pair = isinstance(found, tuple) and len(found) == 2
        require(pair, "what f returned", found, "the pair (cost, gradient) where gradient is True")
        cost = self._real(_one_number(found[0], None if rows is None else len(rows)))
        return cost, self.form.join(found[1], "the gradient")

    def _found(self, method: Callable[..., Array], v: Array, rows: Array | None) -> tuple[float, Array]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
            cost = self._real(self.cost(v, rows))
            self.njev += 1
            return cost, method(lambda moved: self.cost(moved, rows), v)

    @staticmethod
    def _real(cost: Any) -> float:
        require(not np.iscomplexobj(cost), "f of real numbers", cost, "a real number")
        return float(cost)


class _Jax:
    """C and dC/dv by JAX, in float64, compiled once for each shape of rows."""

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
        return self._problem._arguments(v, rows)

    def both(self, v: Array, rows: Array | None) -> tuple[float, Array]:
        problem = self._problem
        problem.nfev, problem.njev = problem.nfev + 1, problem.njev + 1
        with self._jax.enable_x64(True):
            cost, gradient = self._both(v, rows)
        return float(cost), np.array(gradient, dtype=np.float64)


def _one_number(found: Any, rows: int | None) -> Any:
    """What f returned as one number: the mean of the costs of so many rows where there are examples."""
    try:
        cost = np.asarray(found)
        numbers = cost.dtype.kind in "fiuc" and (cost.size == 1 or cost.shape == (rows,))
    except ValueError:
        numbers = False
    if not numbers:
        costs = "" if rows is None else f" or a cost for each of the {rows} rows"
        came = f"an array of shape {cost.shape}" if isinstance(found, np.ndarray) else reprlib.repr(found)
        raise SettingError(f"f returned {came}, but must return one number{costs}")
    return cost.mean()
