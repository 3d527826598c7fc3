"""What an activation is, and the registry of all activations."""

import dataclasses
import math
from typing import ClassVar, Literal, NamedTuple

from chainrule.arrays import Array
from chainrule.registry import Entry

__all__ = ["REALS", "Activation", "Interval"]


class Interval(NamedTuple):
    """The values that an activation can take; an open end is approached but not reached (in exact arithmetic)."""

    low: float
    high: float
    open_low: bool = True
    open_high: bool = True

    def inside(self, other: "Interval") -> bool:
        """Whether every value of this interval is one of `other`."""
        low = self.low > other.low or (self.low == other.low and (self.open_low or not other.open_low))
        high = self.high < other.high or (self.high == other.high and (self.open_high or not other.open_high))
        return low and high

    def __str__(self) -> str:
        return f"{'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"


REALS = Interval(-math.inf, math.inf)


@dataclasses.dataclass(frozen=True)
class Activation(Entry):
    """An activation function sigma, applied to an array Z of shape (m, n_l), rows being examples.

    - range: all values of sigma, exactly; with parameters it may be a property.
    - needs: the one array, "Z" or "A", from which `derivative` is computed.
    - elementwise: whether a_j depends on z_j alone.
    - initializer: the name of the initializer that suits hidden layers of it.
    """

    range: ClassVar[Interval] = REALS
    needs: ClassVar[Literal["Z", "A"]] = "A"
    elementwise: ClassVar[bool] = True
    initializer: ClassVar[str] = "glorot_uniform"

    def value(self, Z: Array) -> Array:
        """A = sigma(Z), shape (m, n_l)."""
        raise TypeError(f"{type(self).__name__} does not define value")

    def derivative(self, Z: Array, A: Array) -> Array:
        """sigma'(Z), shape (m, n_l); reads only the array that `needs` names."""
        raise TypeError(f"{self.name} is not elementwise: it has a pullback, but no derivative of one number")

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        """The vector-Jacobian product: from G = dC/dA to dC/dZ, shape (m, n_l)."""
        return G * self.derivative(Z, A)
