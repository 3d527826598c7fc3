"""What every optimizer is: theta, g and the slots in, theta and the slots out.

theta is any array of parameters, g = dC/dtheta, eta the learning rate of this update, step its number from 1. A slot
is an array like theta that the rule remembers. The rules are pure, so one copy serves networks, any other function,
and any array library.
"""

import dataclasses
from typing import ClassVar

from chainrule.arrays import Array
from chainrule.registry import Entry, Registry, require

__all__ = ["OPTIMIZERS", "Optimizer", "Slots"]

Slots = tuple[Array, ...]


@dataclasses.dataclass(frozen=True)
class Optimizer(Entry):
    """An update rule, with the learning rate that training starts from."""

    full_batch: ClassVar[bool] = False  # whether the rule is made for gradients over all rows, not over mini-batches
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
