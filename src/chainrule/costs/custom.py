"""Makes a cost from the user's own function of outputs and targets: checks it, and differentiates it if needed."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from chainrule.activations.base import REALS, Interval
from chainrule.arrays import Array
from chainrule.costs.base import Cost
from chainrule.differences import (
    Differentiate,
    Function,
    agrees,
    central_difference,
    central_method,
    choose_method,
    safest,
)
from chainrule.errors import SettingError
from chainrule.own_functions import JaxFunction, jax_derivative, name_of_method, own_function, require_call

__all__ = ["Custom"]

CostFunction = Callable[[Array, Array], Array]


@dataclasses.dataclass(frozen=True)
class Custom(Cost):
    """Your own cost, made by `Custom.of`. A file stores only data, so it cannot be stored in a file."""

    name = "custom"
    function: CostFunction
    user_derivative: CostFunction | None = None
    method: Differentiate = central_difference
    by_element: bool = True
    allowed_outputs: Interval = REALS
    allowed_targets: Interval = REALS

    @classmethod
    def of(
        cls,
        function: CostFunction,
        derivative: CostFunction | None = None,
        *,
        domain: tuple[float, float] = (0.05, 0.95),
        outputs: tuple[float, float] = (-math.inf, math.inf),
        targets: tuple[float, float] = (-math.inf, math.inf),
    ) -> "Custom":
        """Check `function(A, T)` and choose its derivative dC_x/dA; A and T have shape (m, n_L).

        - function: returns a term for each output, shape (m, n_L), that depends only on this output; or the cost of
          each example, shape (m,). One that is written with JAX is computed in the type of A.
        - derivative: dC_x/dA of A and T, compared with central differences for outputs in `domain`. Without it, the
          derivative is JAX's for a function of JAX, a complex step if that is right, else central differences at the
          precision of the function; `derivative_by` says which.
        - domain: the interval of outputs in which the function is checked.
        - outputs, targets: the open intervals of A and T; other activations and targets are refused.

        >>> Custom.of(lambda A, T: (A - T) ** 4).derivative_by
        'complex step'
        >>> Custom.of(lambda A, T: abs(A - T).max(axis=1)).derivative_by
        'central difference'

        Raises SettingError for a function that does not take two arrays, for a wrong shape, for values that change from
        call to call, for terms or rows that depend on others, and for a wrong derivative.
        """
        A, T = _sample(*domain)
        function = own_function(function, _label(function), A=A, T=T)
        by_element = _check_locality(function, A, T)
        trial = cls(function, None, central_difference, by_element, Interval(*outputs), Interval(*targets))
        if derivative is None:
            return dataclasses.replace(trial, method=trial._suitable(choose_method, A, T))
        require_call(derivative, "the derivative of " + _label(function), "A", "T")
        trial = dataclasses.replace(trial, method=trial._suitable(central_method, A, T))
        if not agrees(lambda x: derivative(x, T), A, trial.derivative(A, T), trial.method):
            raise SettingError(
                f"the derivative of the cost differs from central differences for outputs in {domain}: "
                "correct it, or leave it out to have it computed"
            )
        return dataclasses.replace(trial, user_derivative=derivative)

    @property
    def derivative_by(self) -> str:
        """The source of the derivative: "given", "JAX", "complex step", or "central difference", also "in float32"."""
        return "given" if self.user_derivative else name_of_method(self.method)

    @property
    def outputs(self) -> Interval:  # type: ignore[override]
        """The allowed values of A, as declared."""
        return self.allowed_outputs

    @property
    def targets(self) -> Interval:  # type: ignore[override]
        """The allowed values of T, as declared."""
        return self.allowed_targets

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether the cost has a term for each output."""
        return self.by_element

    def terms(self, A: Array, T: Array) -> Array:
        terms = np.asarray(self.function(A, T))
        return terms if self.by_element else terms[:, None]

    def derivative(self, A: Array, T: Array) -> Array:
        if self.user_derivative:
            return np.asarray(self.user_derivative(A, T)).astype(A.dtype)
        if self.method is jax_derivative:
            return jax_derivative(self.function, A, T).astype(A.dtype)
        columns = [self.method(f, x) for f, x in self._columns(A, T)]
        return (columns[0] if self.by_element else np.stack(columns, axis=1)).astype(A.dtype)

    def _suitable(self, choose: Callable[[Function, Array], Differentiate], A: Array, T: Array) -> Differentiate:
        """The method that is right for every column."""
        if isinstance(self.function, JaxFunction) and self.function.is_differentiable(A, T):
            return jax_derivative
        return safest(choose(f, x) for f, x in self._columns(A, T))

    def _columns(self, A: Array, T: Array) -> list[tuple[Function, Array]]:
        """The functions to differentiate, with their points: one of all outputs, or one for each column of A."""
        if self.by_element:
            return [(lambda x: np.asarray(self.function(x, T)), A)]
        return [(self._of_column(A, T, j), A[:, j]) for j in range(A.shape[1])]

    def _of_column(self, A: Array, T: Array, j: int) -> Function:
        def of_column(a_j: Array) -> Array:
            moved = A.astype(a_j.dtype)
            moved[:, j] = a_j
            return np.asarray(self.function(moved, T))

        return of_column

    def document(self) -> dict[str, object]:
        label = getattr(self.function, "__name__", "custom")
        raise SettingError(
            f"cost {label!r} is your own function, but a file stores only data: "
            "save net.theta with numpy.save and build the network again in code"
        )

    def __str__(self) -> str:
        return f"{getattr(self.function, '__name__', 'custom')} (your own, derivative by {self.derivative_by})"


def _label(function: CostFunction) -> str:
    return f"your cost {getattr(function, '__name__', '')}".rstrip()


def _sample(low: float, high: float) -> tuple[Array, Array]:
    """Outputs and targets over the domain, never equal to each other."""
    A = np.linspace(low, high, 21).reshape(7, 3)
    T = A[::-1, ::-1] + (high - low) / 87
    return A, T


def _check_locality(function: CostFunction, A: Array, T: Array) -> bool:
    """Check, for each output, that changing it changes only its own term, or only its own row.

    True if the cost has a term for each output.
    """
    original = A.copy(), T.copy()
    with np.errstate(all="ignore"):
        before = np.asarray(function(A, T))
    if not (np.array_equal(A, original[0]) and np.array_equal(T, original[1])):
        raise SettingError("a cost must not change its arguments, but yours does: return a new array")
    if before.shape not in (A.shape, A.shape[:1]):
        raise SettingError(
            f"a cost of outputs {A.shape} must have shape {A.shape} or {A.shape[:1]}, not {before.shape}"
        )
    if not np.isfinite(before).all():
        raise SettingError("your cost returns values that are not finite: give the domain=(low, high) of its outputs")
    by_element = before.shape == A.shape
    for i, j in np.ndindex(A.shape):
        moved = A.copy()
        moved[i, j] += math.copysign(0.01 * (A.max() - A.min()), A.mean() - A[i, j])  # inwards, to stay in the domain
        with np.errstate(all="ignore"):
            changed = np.asarray(function(moved, T)) != before
        changed[(i, j) if by_element else i] = False
        if changed.any():
            raise SettingError(
                "changing one output also changed the cost of others: return one cost for each example, shape (m,)"
            )
    return by_element
