"""The base class of activations, and the interval of their values."""

import dataclasses
import math
from typing import ClassVar, Literal, NamedTuple

from chainrule.arrays import Array
from chainrule.registry import Entry

__all__ = ["REALS", "Activation", "Interval"]


class Interval(NamedTuple):
    """The values that an activation can have; in exact arithmetic an open end is approached, but not reached."""

    low: float
    high: float
    open_low: bool = True
    open_high: bool = True

    def inside(self, other: "Interval") -> bool:
        """Whether every value of this interval is in `other`."""
        low = self.low > other.low or (self.low == other.low and (self.open_low or not other.open_low))
        high = self.high < other.high or (self.high == other.high and (self.open_high or not other.open_high))
        return low and high

    def __str__(self) -> str:
        return f"{'(' if self.open_low else '['}{self.low:g}, {self.high:g}{')' if self.open_high else ']'}"


REALS = Interval(-math.inf, math.inf)


@dataclasses.dataclass(frozen=True)
class Activation(Entry):
    """An activation function sigma, applied to an array Z of shape (m, n_l) whose rows are examples.

    - range: the exact set of values of sigma; a property if it depends on parameters.
    - needs: the array, "Z" or "A", from which `derivative` is computed.
    - elementwise: whether a_j depends only on z_j.
    - initializer: the name of the initializer for hidden layers with this activation.
    """

    range: ClassVar[Interval] = REALS
    needs: ClassVar[Literal["Z", "A"]] = "A"
    elementwise: ClassVar[bool] = True
    initializer: ClassVar[str] = "glorot_uniform"

    def value(self, Z: Array) -> Array:
        """A = sigma(Z), shape (m, n_l)."""
        raise TypeError(f"{type(self).__name__} does not define value")

    def derivative(self, Z: Array, A: Array) -> Array:
        """sigma'(Z), shape (m, n_l); uses only the array that `needs` names."""
        raise TypeError(f"{self.name} is not elementwise: it has a pullback, but no elementwise derivative")

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        """The vector-Jacobian product: from G = dC/dA to dC/dZ, shape (m, n_l)."""
        return G * self.derivative(Z, A)
