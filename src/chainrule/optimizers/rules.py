"""The rules that turn a gradient into an update, one entry each, in the notation of `optimizers.base`."""

import dataclasses

from chainrule.arrays import Array, namespace
from chainrule.optimizers.base import OPTIMIZERS, Optimizer, Slots
from chainrule.registry import require

__all__ = ["SGD", "Adam"]


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
