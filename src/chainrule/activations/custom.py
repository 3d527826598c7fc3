"""Makes an activation from the user's own function of an array: checks it, and differentiates it if needed."""

import dataclasses
import math

import numpy as np

from chainrule.activations.base import REALS, Activation, Interval
from chainrule.arrays import Array
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


@dataclasses.dataclass(frozen=True)
class Custom(Activation):
    """Your own activation, made by `Custom.of`. A file stores only data, so it cannot be stored in a file."""

    name = "custom"
    needs = "Z"
    function: Function
    user_derivative: Function | None = None
    method: Differentiate = central_difference
    is_elementwise: bool = True
    values: Interval = REALS

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
        """Check `function`, which must return an array of the shape of its argument, and choose its derivative.

        - function: sigma, of an array Z. One that is written with JAX is computed in the type of Z.
        - derivative: sigma' of an array Z, compared with central differences over `domain`. Without it, the derivative
          is JAX's for a function of JAX, a complex step if that is right over the domain, else central differences at
          the precision of the function; `derivative_by` says which.
        - elementwise: False if a row of A depends on the whole row of Z. The Jacobian is then computed column by
          column, and `derivative` must be left out.
        - domain: the interval of z in which the function is checked.
        - values: the open interval that contains all results; a cost with a logarithm needs it.

        >>> Custom.of(lambda z: z / (1 + z * z)).derivative_by
        'complex step'
        >>> Custom.of(lambda z: z / (1 + abs(z))).derivative_by
        'central difference'

        Raises SettingError for a function that does not take an array, for a wrong shape, for values that change from
        call to call, for an element of A that depends on the z of another, and for a wrong derivative.
        """
        Z = _sample(*domain)
        function = own_function(function, _label(function), Z=Z)
        _check_locality(function, Z, elementwise)
        if not elementwise:
            if derivative is not None:
                raise SettingError("with elementwise=False the Jacobian is computed: leave the derivative out")
            return cls(function, None, _method_of_rows(function, Z), False, Interval(*values))
        points = np.linspace(*domain, 201) + 1e-3 * np.pi
        if derivative is None:
            return cls(function, None, _method(function, points), values=Interval(*values))
        require_call(derivative, "the derivative of " + _label(function), "Z")
        _check_derivative(function, derivative, points)
        return cls(function, derivative, values=Interval(*values))

    @property
    def derivative_by(self) -> str:
        """The source of the derivative: "given", "JAX", "complex step", or "central difference", also "in float32"."""
        return "given" if self.user_derivative else name_of_method(self.method)

    @property
    def range(self) -> Interval:  # type: ignore[override]
        """The values of the function, as declared."""
        return self.values

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether a_i depends only on z_i."""
        return self.is_elementwise

    def value(self, Z: Array) -> Array:
        A = np.asarray(self.function(Z))
        return A if np.iscomplexobj(A) else A.astype(Z.dtype)

    def derivative(self, Z: Array, A: Array) -> Array:
        if not self.is_elementwise:
            return super().derivative(Z, A)
        slopes = self.user_derivative(Z) if self.user_derivative else self.method(self.function, Z)
        return np.asarray(slopes).astype(Z.dtype)

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        if self.is_elementwise:
            return G * self.derivative(Z, A)
        if isinstance(self.function, JaxFunction) and self.method is jax_derivative:
            return self.function.pullback(G, Z).astype(Z.dtype)
        width = Z.shape[1]
        jacobian = (
            self.method(_along(self.function, Z, j), np.repeat(Z[:, j : j + 1], width, axis=1)) for j in range(width)
        )
        return np.stack([np.sum(G * dA_dz_j, axis=1) for dA_dz_j in jacobian], axis=1).astype(Z.dtype)

    def document(self) -> dict[str, object]:
        label = getattr(self.function, "__name__", "custom")
        raise SettingError(
            f"activation {label!r} is your own function, but a file stores only data: "
            "save net.theta with numpy.save and build the network again in code"
        )

    def __str__(self) -> str:
        return f"{getattr(self.function, '__name__', 'custom')} (your own, derivative by {self.derivative_by})"


def _along(function: Function, Z: Array, j: int) -> Function:
    """`function` as a function of column j of Z; the other columns stay constant."""

    def of_column(z_j: Array) -> Array:
        moved = Z.astype(z_j.dtype)
        moved[:, j] = z_j[:, 0]
        return np.asarray(function(moved))

    return of_column


def _sample(low: float, high: float) -> Array:
    """A few points in the domain."""
    return low + (high - low) * np.array([[0.515, 0.465, 0.555], [0.525, 0.51, 0.48]])


def _label(function: Function) -> str:
    return f"your activation {getattr(function, '__name__', '')}".rstrip()


def _method(function: Function, points: Array) -> Differentiate:
    return jax_derivative if _is_jaxs(function, points) else choose_method(function, points)


def _is_jaxs(function: Function, Z: Array) -> bool:
    return isinstance(function, JaxFunction) and function.is_differentiable(Z)


def _method_of_rows(function: Function, Z: Array) -> Differentiate:
    """The method that is right for every column."""
    if _is_jaxs(function, Z):
        return jax_derivative
    columns = range(Z.shape[1])
    return safest([choose_method(_along(function, Z, j), np.repeat(Z[:, j : j + 1], 3, axis=1)) for j in columns])


def _check_locality(function: Function, Z: Array, elementwise: bool) -> None:
    """Check, for each z, that changing it changes only its own a (elementwise), or only its own row."""
    original = Z.copy()
    with np.errstate(all="ignore"):
        before = np.asarray(function(Z))
    if not np.array_equal(Z, original):
        raise SettingError("an activation must not change its argument, but yours does: return a new array")
    if before.shape != Z.shape:
        raise SettingError(f"an activation must keep the shape {Z.shape}, but yours returns {before.shape}")
    if not np.isfinite(before).all():
        raise SettingError("your activation returns values that are not finite: give its domain=(low, high)")
    for i, j in np.ndindex(Z.shape):
        moved = Z.copy()
        moved[i, j] += 0.05 * (Z.max() - Z.min())
        with np.errstate(all="ignore"):
            changed = np.asarray(function(moved)) != before
        changed[(i, j) if elementwise else i] = False
        if changed.any():
            advice = "give elementwise=False" if elementwise else "rows are examples and must not mix"
            raise SettingError(f"changing one z_i also changed other activations: {advice}")


def _check_derivative(function: Function, derivative: Function, points: Array) -> None:
    central = central_method(function, points)
    if not agrees(derivative, points, central(function, points), central):
        raise SettingError(
            f"the derivative differs from central differences between {points[0]:.4g} and {points[-1]:.4g}: "
            "correct it, or leave it out to have it computed"
        )
