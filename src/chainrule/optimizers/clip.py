"""Bounds for the gradient, applied to g before a rule gets it."""

import dataclasses
import math

from chainrule.arrays import Array, namespace
from chainrule.registry import is_finite, is_number, require

__all__ = ["Clip"]


@dataclasses.dataclass(frozen=True)
class Clip:
    """Bounds for the gradient: first each element to ±`value`, then the Euclidean length to at most `norm`.

    - norm: the maximum Euclidean length of the gradient, above 0.
    - value: the maximum size of an element, above 0.
    - example: the maximum length of the gradient of each example, dC_x/dtheta, above 0. It acts first, before weights,
      mean and penalty, so that no single example moves the weights far. Only networks have examples, so `apply` does
      not use it.
    - noise: the standard deviation of the normal noise in each element of the sum of a batch's clipped gradients, in
      units of `example`, at least 0. It is drawn from the seed of the training. Clipping and noise together are
      DP-SGD: see `chainrule.privacy`.

    >>> Clip(norm=1.0).apply(np.array([3.0, 4.0]))
    array([0.6, 0.8])

    Raises SettingError where a bound is not a number above 0, and for noise below 0 or without `example`.

    Source: Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, ICML 2013; for
    `example` Abadi et al., Deep learning with differential privacy, CCS 2016, algorithm 1.
    """

    norm: float = math.inf
    value: float = math.inf
    example: float = math.inf
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name in ("norm", "value", "example"):
            bound = getattr(self, name)
            number = is_finite(bound) or (is_number(bound) and bound == math.inf)
            require(number and bound > 0, f"{name} of clip", bound, "a number above 0")
            object.__setattr__(self, name, float(bound))
        require(is_finite(self.noise) and self.noise >= 0, "noise of clip", self.noise, "a number of at least 0")
        alone = bool(self.noise) and self.example == math.inf
        require(not alone, "noise of clip", self.noise, "0 without a bound for each example: give example too")
        object.__setattr__(self, "noise", float(self.noise))

    def apply(self, g: Array) -> Array:
        """The gradient within the bounds `value` and `norm`."""
        xp = namespace(g)
        if self.value < math.inf:
            g = xp.clip(g, -self.value, self.value)
        if self.norm < math.inf:
            largest = xp.maximum(xp.max(abs(g), initial=0.0), 1e-30)  # so that no square overflows
            length = largest * xp.sqrt(xp.sum((g / largest) ** 2))
            g = g * (self.norm / xp.maximum(length, self.norm))
        return g
