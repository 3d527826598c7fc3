"""The rules that turn a gradient into an update, one entry each: theta, g and the slots in, theta and the slots out.

theta is any array of parameters, g = dC/dtheta, eta the learning rate of this update, step its number from 1. A slot
is an array like theta that the rule remembers. The rules are pure, so one copy serves networks, any other function,
and any array library. Clipping acts on g before the rule sees it.
"""

import dataclasses
import math

import numpy as np

from chainrule.arrays import Array, namespace
from chainrule.registry import Entry, Registry, require

__all__ = ["OPTIMIZERS", "SGD", "Adam", "Clip", "Optimizer"]

Slots = tuple[Array, ...]


@dataclasses.dataclass(frozen=True)
class Optimizer(Entry):
    """An update rule, with the learning rate that training starts from."""

    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.learning_rate > 0, f"learning_rate of {self.name}", self.learning_rate, "above 0")

    @property
    def slots(self) -> int:
        """How many arrays like theta the rule remembers, all 0 at the start."""
        return 0

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        """The parameters and slots after one update."""
        raise TypeError(f"{type(self).__name__} does not define update")


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", Optimizer)


@OPTIMIZERS.register
@dataclasses.dataclass(frozen=True)
class SGD(Optimizer):
    """Gradient descent: theta ← theta - eta g; with momentum v ← mu v - eta g, theta ← theta + v.

    Nesterov's form looks ahead along the new v: theta ← theta + mu v - eta g (as scikit-learn has it).
    Momentum is from 0 to below 1.

    >>> SGD(0.1).update(np.array([1.0]), np.array([2.0]), (), 0.1, 1)[0]
    array([0.8])

    Source: Rumelhart, Hinton & Williams, Learning representations by back-propagating errors, Nature 323, 1986, eq. 9;
    Sutskever, Martens, Dahl & Hinton, On the importance of initialization and momentum, ICML 2013.
    """

    name = "sgd"
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.momentum < 1, "momentum of sgd", self.momentum, "from 0 to below 1")
        require(not self.nesterov or self.momentum > 0, "nesterov of sgd", True, "used with a momentum above 0")

    @property
    def slots(self) -> int:
        return 1 if self.momentum else 0

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        if self.momentum == 0:
            return theta - eta * g, slots
        v = self.momentum * slots[0] - eta * g
        ahead = self.momentum * v - eta * g if self.nesterov else v
        return theta + ahead, (v,)


@OPTIMIZERS.register
@dataclasses.dataclass(frozen=True)
class Adam(Optimizer):
    """theta ← theta - eta m̂ / (sqrt(v̂) + eps), with running means m of g and v of g^2, corrected for their start at 0.

    m ← beta1 m + (1 - beta1) g; v ← beta2 v + (1 - beta2) g^2; m̂ = m / (1 - beta1^t); v̂ = v / (1 - beta2^t).

    >>> Adam().update(np.array([1.0]), np.array([5.0]), (np.zeros(1), np.zeros(1)), 0.001, 1)[0]
    array([0.999])

    Source: Kingma & Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1 (eps is added to sqrt(v̂)).
    """

    name = "adam"
    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.beta1 < 1, "beta1 of adam", self.beta1, "from 0 to below 1")
        require(0 <= self.beta2 < 1, "beta2 of adam", self.beta2, "from 0 to below 1")
        require(self.eps > 0, "eps of adam", self.eps, "above 0")

    @property
    def slots(self) -> int:
        return 2

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        m = self.beta1 * slots[0] + (1 - self.beta1) * g
        v = self.beta2 * slots[1] + (1 - self.beta2) * (g * g)
        m_hat = m / (1 - self.beta1**step)
        v_hat = v / (1 - self.beta2**step)
        return theta - eta * m_hat / (namespace(v_hat).sqrt(v_hat) + self.eps), (m, v)


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
