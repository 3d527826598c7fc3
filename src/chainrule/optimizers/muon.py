"""Muon: momentum whose matrix is made orthogonal before it moves the weights of a hidden layer."""

import dataclasses
from typing import ClassVar

from chainrule.arrays import Array, namespace
from chainrule.fields import Whole
from chainrule.optimizers.base import Optimizer, Slots
from chainrule.optimizers.rules import AdamW
from chainrule.registry import require

__all__ = ["Muon", "orthogonalized"]

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic that brings singular values to about 1


@dataclasses.dataclass(frozen=True)
class Muon(Optimizer):
    """W ← W - eta (sqrt(max(1, n_out / n_in)) O(momentum v + g) + weight_decay W), with v ← momentum v + g.

    O(M) is M with all its singular values brought to about 1 by Newton-Schulz iterations. It is for the matrices W of
    hidden layers; the matrix of the output layer, and all biases, are trained by AdamW with its defaults and the same
    weight_decay. Networks that masks keep apart side by side are each made orthogonal by themselves.

    - learning_rate: eta of the first update, above 0; a schedule multiplies it, and adam_rate alike. The same rate
      suits layers of every shape, because the step follows from the shape.
    - momentum: the share of v that stays, from 0 to below 1.
    - nesterov: whether O takes momentum v + g; otherwise it takes v.
    - iterations: Newton-Schulz iterations, a whole number from 1.
    - weight_decay: the share of W that an update with eta = 1 would remove, from 0.
    - adam_rate: the learning rate of what AdamW trains, above 0.

    >>> W, g = np.zeros((2, 2)), np.array([[3.0, 0.0], [0.0, 0.01]])
    >>> -Muon().update(W, g, (W, W), 1.0, 1)[0].diagonal().round(1)
    array([0.7, 1.2])

    Raises SettingError where an argument is out of its range.

    Source: Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024, with the coefficients and the
    defaults given there. It iterates in bfloat16; we keep the type of W, and round the operands of the iterations'
    products under `precision="bf16"` alone.
    """

    name = "muon"
    by_matrix: ClassVar[bool] = True
    learning_rate: float = 0.02
    momentum: float = 0.95
    nesterov: bool = True
    iterations: int = 5
    weight_decay: float = 0.0
    adam_rate: float = 0.001

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.momentum < 1, "momentum of muon", self.momentum, "from 0 to below 1")
        require(self.weight_decay >= 0, "weight_decay of muon", self.weight_decay, "at least 0")
        require(self.adam_rate > 0, "adam_rate of muon", self.adam_rate, "above 0")
        object.__setattr__(self, "iterations", Whole(1).clean("iterations of muon", self.iterations))

    @property
    def slots(self) -> int:
        return 2

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        if theta.ndim != 2:
            rate = self.adam_rate * (eta / self.learning_rate)
            return AdamW(self.adam_rate, weight_decay=self.weight_decay).update(theta, g, slots, rate, step)
        v = self.momentum * slots[0] + g
        n_in, n_out = theta.shape
        direction = orthogonalized(self.momentum * v + g if self.nesterov else v, self.iterations)
        moved = theta - eta * max(1.0, n_out / n_in) ** 0.5 * direction
        return moved - eta * self.weight_decay * theta, (v, slots[1])


def orthogonalized(M: Array, iterations: int = 5) -> Array:
    """A matrix with the singular vectors of M, and singular values of about 1 (0.7 to 1.2 after 5 iterations).

    X ← a X + (b X Xᵀ + c (X Xᵀ)²) X, from X = M / |M|.

    >>> np.linalg.svd(orthogonalized(np.array([[2.0, 1.0], [0.5, 3.0]])))[1].round(1)
    array([1.1, 0.7])
    """
    a, b, c = COEFFICIENTS
    xp, wide = namespace(M), M.shape[0] <= M.shape[1]
    X = M if wide else M.T
    largest = xp.maximum(xp.max(abs(X)), 1e-30)  # so that no square overflows or is lost
    X = X / largest
    X = X / (xp.sqrt(xp.sum(X * X)) + 1e-7)
    for _ in range(iterations):
        S = X @ X.T
        X = a * X + (b * S + c * (S @ S)) @ X
    return X if wide else X.T
