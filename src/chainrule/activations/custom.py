"""An activation of the user's own: any function of an array, checked, its derivative given or found."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from chainrule.activations.base import REALS, Activation, Interval
from chainrule.arrays import Array
from chainrule.differences import Differentiate, Function, agrees, central_difference, choose_method, complex_step
from chainrule.errors import SettingError

__all__ = ["Custom"]


@dataclasses.dataclass(frozen=True)
class Custom(Activation):
    """An activation of your own: make it with `Custom.of`. A file holds data only, so it cannot be stored in one."""

    name = "custom"
    needs = "Z"
    function: Function
    given: Function | None = None
    method: Differentiate = central_difference
    acts_elementwise: bool = True
    lies_in: Interval = REALS

    @classmethod
    def of(
        cls,
        function: Function,
        derivative: Function | None = None,
        *,
        elementwise: bool = True,
        domain: tuple[float, float] = (-10.0, 10.0),
        values: tuple[float, float] = (-math.inf, math.inf),
    ) -> "Custom":
        """Check `function` (an array in, an array of the same shape out) and find its derivative.

        The derivative is the given one, compared with central differences over `domain`; else the complex step
        where that is right over the domain, else central differences; `derivative_by` says which. With
        elementwise=False a row of A may depend on the whole row of Z, and its Jacobian is found column by column:
        no derivative is given then. `values` is the open interval in which all results lie: a cost with a logarithm
        asks for it.

        >>> Custom.of(lambda z: z / (1 + z * z)).derivative_by
        'complex step'
        >>> Custom.of(lambda z: z / (1 + abs(z))).derivative_by
        'central difference'

        Raises SettingError for a wrong shape, for a result that moves where it should not, for a wrong derivative.
        """
        Z = _sample(*domain)
        _check_locality(function, Z, elementwise)
        if not elementwise:
            if derivative is not None:
                raise SettingError("with elementwise=False the Jacobian is found, so leave the derivative out")
            columns = range(Z.shape[1])
            methods = [choose_method(_along(function, Z, j), np.repeat(Z[:, j : j + 1], 3, axis=1)) for j in columns]
            return cls(function, None, _safest(methods), False, Interval(*values))
        points = np.linspace(*domain, 201) + 1e-3 * np.pi
        if derivative is None:
            return cls(function, None, choose_method(function, points), lies_in=Interval(*values))
        _check_derivative(function, derivative, points)
        return cls(function, derivative, lies_in=Interval(*values))

    @property
    def derivative_by(self) -> str:
        """How the derivative is had: "given", "complex step" or "central difference"."""
        return "given" if self.given else self.method.__name__.replace("_", " ")

    @property
    def range(self) -> Interval:  # type: ignore[override]
        """The values that it can take, as they were given."""
        return self.lies_in

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether a_i depends on z_i alone."""
        return self.acts_elementwise

    def value(self, Z: Array) -> Array:
        A = np.asarray(self.function(Z))
        return A if np.iscomplexobj(A) else A.astype(Z.dtype)

    def derivative(self, Z: Array, A: Array) -> Array:
        if not self.acts_elementwise:
            return super().derivative(Z, A)
        found = self.given(Z) if self.given else self.method(self.function, Z)
        return np.asarray(found).astype(Z.dtype)

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        if self.acts_elementwise:
            return G * self.derivative(Z, A)
        width = Z.shape[1]
        jacobian = (
            self.method(_along(self.function, Z, j), np.repeat(Z[:, j : j + 1], width, axis=1)) for j in range(width)
        )
        return np.stack([np.sum(G * dA_dz_j, axis=1) for dA_dz_j in jacobian], axis=1).astype(Z.dtype)

    def document(self) -> dict[str, object]:
        label = getattr(self.function, "__name__", "custom")
        raise SettingError(
            f"activation {label!r} is your own function, and a file holds data only: "
            "save net.theta with numpy.save and build the network again in code"
        )

    def __str__(self) -> str:
        return f"{getattr(self.function, '__name__', 'custom')} (your own, derivative by {self.derivative_by})"


def _along(function: Function, Z: Array, j: int) -> Function:
    """`function` of Z seen as a function of its column j alone, every other column held still."""

    def of_column(z_j: Array) -> Array:
        moved = Z.astype(z_j.dtype)
        moved[:, j] = z_j[:, 0]
        return np.asarray(function(moved))

    return of_column


def _sample(low: float, high: float) -> Array:
    """A few places in the domain."""
    return low + (high - low) * np.array([[0.515, 0.465, 0.555], [0.525, 0.51, 0.48]])


def _safest(methods: Sequence[Differentiate]) -> Differentiate:
    """Central differences wherever the complex step is wrong for one of them."""
    return central_difference if central_difference in methods else complex_step


def _check_locality(function: Function, Z: Array, elementwise: bool) -> None:
    """Move one z after another and see what moves: only its own a where elementwise, only its own row otherwise."""
    kept = Z.copy()
    with np.errstate(all="ignore"):
        before = np.asarray(function(Z))
    if not np.array_equal(Z, kept):
        raise SettingError("an activation must leave its argument as it is: yours wrote into it")
    if before.shape != Z.shape:
        raise SettingError(f"an activation must keep the shape: from {Z.shape} yours made {before.shape}")
    if not np.isfinite(before).all():
        raise SettingError("your activation gives values that are not finite: give the domain=(low, high) that it has")
    for i, j in np.ndindex(Z.shape):
        moved = Z.copy()
        moved[i, j] += 0.05 * (Z.max() - Z.min())
        with np.errstate(all="ignore"):
            changed = np.asarray(function(moved)) != before
        changed[(i, j) if elementwise else i] = False
        if changed.any():
            cure = "give elementwise=False" if elementwise else "rows are examples and must not mix"
            raise SettingError(f"moving one z_i moved other activations too: {cure}")


def _check_derivative(function: Function, derivative: Function, points: Array) -> None:
    if not agrees(derivative, points, central_difference(function, points)):
        raise SettingError(
            f"the derivative given differs from central differences between {points[0]:.4g} and {points[-1]:.4g}: "
            "correct it, or leave it out and it will be found"
        )
