"""A cost of the user's own: any function of outputs and targets, checked, its derivative given or found."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from chainrule.activations.base import REALS, Interval
from chainrule.arrays import Array
from chainrule.costs.base import Cost
from chainrule.differences import Differentiate, Function, agrees, central_difference, choose_method
from chainrule.errors import SettingError

__all__ = ["Custom"]

CostFunction = Callable[[Array, Array], Array]


@dataclasses.dataclass(frozen=True)
class Custom(Cost):
    """A cost of your own: make it with `Custom.of`. A file holds data only, so it cannot be stored in one."""

    name = "custom"
    function: CostFunction
    given: CostFunction | None = None
    method: Differentiate = central_difference
    by_element: bool = True
    takes_outputs: Interval = REALS
    takes_targets: Interval = REALS

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
        """Check `function(A, T)` and find its derivative dC_x/dA; A and T have shape (m, n_L).

        It gives either a term for each output, shape (m, n_L), each depending on its own output alone, or the cost
        of each example, shape (m,). The derivative is the given one, compared with central differences for outputs
        within `domain`; else the complex step where that is right, else central differences. `outputs` and `targets`
        are the open intervals in which A and T must lie: other activations and targets are then refused.

        >>> Custom.of(lambda A, T: (A - T) ** 4).derivative_by
        'complex step'
        >>> Custom.of(lambda A, T: abs(A - T).max(axis=1)).derivative_by
        'central difference'

        Raises SettingError for a wrong shape, for terms or rows that mix, for a wrong derivative.
        """
        A, T = _sample(*domain)
        by_element = _check_locality(function, A, T)
        trial = cls(function, None, central_difference, by_element, Interval(*outputs), Interval(*targets))
        if derivative is None:
            methods = [choose_method(f, x) for f, x in trial._columns(A, T)]
            return dataclasses.replace(trial, method=next((m for m in methods if m is central_difference), methods[0]))
        if not agrees(lambda x: derivative(x, T), A, trial.derivative(A, T)):
            raise SettingError(
                f"the derivative given for the cost differs from central differences for outputs in {domain}: "
                "correct it, or leave it out and it will be found"
            )
        return dataclasses.replace(trial, given=derivative)

    @property
    def derivative_by(self) -> str:
        """How the derivative is had: "given", "complex step" or "central difference"."""
        return "given" if self.given else self.method.__name__.replace("_", " ")

    @property
    def outputs(self) -> Interval:  # type: ignore[override]
        """The values that A may take, as they were given."""
        return self.takes_outputs

    @property
    def targets(self) -> Interval:  # type: ignore[override]
        """The values that T may take, as they were given."""
        return self.takes_targets

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether there is a term for each output."""
        return self.by_element

    def terms(self, A: Array, T: Array) -> Array:
        found = np.asarray(self.function(A, T))
        return found if self.by_element else found[:, None]

    def derivative(self, A: Array, T: Array) -> Array:
        if self.given:
            return np.asarray(self.given(A, T)).astype(A.dtype)
        columns = [self.method(f, x) for f, x in self._columns(A, T)]
        return (columns[0] if self.by_element else np.stack(columns, axis=1)).astype(A.dtype)

    def _columns(self, A: Array, T: Array) -> list[tuple[Function, Array]]:
        """The functions of one variable to differentiate: all outputs at once, or one column of A after another."""
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
            f"cost {label!r} is your own function, and a file holds data only: "
            "save net.theta with numpy.save and build the network again in code"
        )

    def __str__(self) -> str:
        return f"{getattr(self.function, '__name__', 'custom')} (your own, derivative by {self.derivative_by})"


def _sample(low: float, high: float) -> tuple[Array, Array]:
    """Outputs and targets spread over the domain, never equal to each other."""
    A = np.linspace(low, high, 21).reshape(7, 3)
    T = A[::-1, ::-1] + (high - low) / 87
    return A, T


def _check_locality(function: CostFunction, A: Array, T: Array) -> bool:
    """Move one output after another: only its own term, or its own row, may move. True if each output has a term."""
    kept = A.copy(), T.copy()
    with np.errstate(all="ignore"):
        before = np.asarray(function(A, T))
    if not (np.array_equal(A, kept[0]) and np.array_equal(T, kept[1])):
        raise SettingError("a cost must leave its arguments as they are: yours wrote into them")
    if before.shape not in (A.shape, A.shape[:1]):
        raise SettingError(
            f"a cost of outputs {A.shape} must be of shape {A.shape} or {A.shape[:1]}, not {before.shape}"
        )
    if not np.isfinite(before).all():
        raise SettingError("your cost gives values that are not finite: give the domain=(low, high) of its outputs")
    by_element = before.shape == A.shape
    for i, j in np.ndindex(A.shape):
        moved = A.copy()
        moved[i, j] += math.copysign(0.01 * (A.max() - A.min()), A.mean() - A[i, j])  # inwards, to stay in the domain
        with np.errstate(all="ignore"):
            changed = np.asarray(function(moved, T)) != before
        changed[(i, j) if by_element else i] = False
        if changed.any():
            raise SettingError(
                "moving one output moved the cost of others too: give one cost for each example, shape (m,)"
            )
    return by_element
