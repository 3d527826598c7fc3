"""What every optimizer is: theta, g and the slots in, theta and the slots out.

theta is any array of parameters, g = dC/dtheta, eta the learning rate of this update, step its number from 1. A slot
is an array like theta that the rule remembers. The rules are pure, so one copy serves networks, any other function,
and any array library. A rule with a line search takes C itself in place of g and eta.
"""

import dataclasses
from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple

from chainrule.arrays import Array
from chainrule.registry import Entry, Registry, require

__all__ = ["OPTIMIZERS", "Ending", "Objective", "Optimizer", "Point", "Slots"]

Slots = tuple[Array, ...]
Objective = Callable[[Array], tuple[float, Array]]  # C and dC/dtheta at theta


class Point(NamedTuple):
    """A place, with the cost and the gradient there."""

    theta: Array
    cost: float
    gradient: Array


class Ending(NamedTuple):
    """Why a rule with a line search makes no further update: the reason for programs, the message for people."""

    reason: Literal["converged", "evaluations"]
    message: str


@dataclasses.dataclass(frozen=True)
class Optimizer(Entry):
    """An update rule, with the learning rate that training starts from.

    `full_batch` says that the rule is made for gradients over all rows, not over mini-batches. `line_search` says that
    its updates are those of `search`, not of `update`: each computes the cost and gradient of all rows as often as it
    needs to, so it takes no schedule, clip or dropout, and there may be no further update.
    """

    full_batch: ClassVar[bool] = False
    line_search: ClassVar[bool] = False
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

    def search(
        self, objective: Objective, here: Point, slots: Slots, evaluations: int = 0, tolerance: float | None = None
    ) -> tuple[Point, Slots] | Ending:
        """The point and slots after one update from `here`, or why there is none; a pure function of its arguments.

        `evaluations` counts how often the objective has been computed so far. `tolerance` replaces that of the rule.
        """
        raise TypeError(f"{type(self).__name__} does not define search")


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", Optimizer)
