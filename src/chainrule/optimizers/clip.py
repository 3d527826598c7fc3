"""Bounds for the gradient, which act on g before a rule sees it."""

import dataclasses
import math

import numpy as np

from chainrule.arrays import Array, namespace
from chainrule.registry import require

__all__ = ["Clip"]


@dataclasses.dataclass(frozen=True)
class Clip:
    """Bounds for the gradient: each element to ±`value`, then the whole to a Euclidean length of `norm` at most.

    >>> Clip(norm=1.0).apply(np.array([3.0, 4.0]))
    array([0.6, 0.8])

    Source: Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, ICML 2013.
    """

    norm: float = math.inf
    value: float = math.inf

    def __post_init__(self) -> None:
        for name in ("norm", "value"):
            bound = getattr(self, name)
            number = isinstance(bound, int | float | np.integer | np.floating) and not isinstance(bound, bool)
            require(number and bound > 0, f"{name} of clip", bound, "a number above 0")
            object.__setattr__(self, name, float(bound))

    def apply(self, g: Array) -> Array:
        """The gradient within the bounds."""
        xp = namespace(g)
        if self.value < math.inf:
            g = xp.clip(g, -self.value, self.value)
        if self.norm < math.inf:
            largest = xp.maximum(xp.max(abs(g), initial=0.0), 1e-30)  # so that no square overflows
            length = largest * xp.sqrt(xp.sum((g / largest) ** 2))
            g = g * (self.norm / xp.maximum(length, self.norm))
        return g
