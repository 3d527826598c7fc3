"""The base class of optimizers: from theta, g and the slots to the new theta and slots.

theta is any array of parameters, g = dC/dtheta, eta the learning rate of this update, step its number from 1. A slot
is an array with the shape of theta that the rule keeps between updates. The rules are pure, so one copy serves
networks, any other function, and any array library. A rule with a line search takes the function C instead of g, eta.
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
    """A point, with the cost and the gradient at it."""

    theta: Array
    cost: float
    gradient: Array


class Ending(NamedTuple):
    """Why a rule with a line search makes no further update: `reason` for programs, `message` for people.

    `at_border` says that the cost is not finite at any of the points that the search tried next, `is_precise` that the
    next step would change the cost or theta by less than their rounding.
    """

    reason: Literal["converged", "evaluations"]
    message: str
    at_border: bool = False
    is_precise: bool = False


@dataclasses.dataclass(frozen=True)
class Optimizer(Entry):
    """An update rule, with the learning rate of the first update.

    `full_batch` says that the rule is for gradients over all rows, not over mini-batches. `line_search` says that
    `search` makes the updates, not `update`: each computes the cost and gradient of all rows several times, so it takes
    no schedule, clip or dropout, and it can come to an end. `by_matrix` says that `update` gets the matrix W of each
    hidden layer as an array (n_in, n_out), and all other parameters as arrays of one dimension.

    The base of all rules, also of your own: a frozen dataclass with a `name`, and `update`.

    >>> @dataclasses.dataclass(frozen=True)
    ... class SignDescent(cr.Optimizer):
    ...     name = "sign_descent"
    ...
    ...     def update(self, theta, g, slots, eta, step):
    ...         return theta - eta * np.sign(g), slots
    >>> net = cr.Network([1, 1], output="identity", initializer="zeros", dtype="float64")
    >>> history = cr.fit(net, [[1.0]], [[1.0]], optimizer=SignDescent(0.25), epochs=2)
    >>> net.theta
    array([0.5, 0.5])

    Raises SettingError where the learning rate is not a finite number above 0.
    """

    full_batch: ClassVar[bool] = False
    line_search: ClassVar[bool] = False
    by_matrix: ClassVar[bool] = False
    learning_rate: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.learning_rate > 0, f"learning_rate of {self.name}", self.learning_rate, "above 0")

    @property
    def slots(self) -> int:
        """The number of arrays like theta that the rule keeps; all are 0 at the start."""
        return 0

    def gradient_at(self, theta: Array, slots: Slots) -> Array:
        """The parameters at which `update` wants the gradient g: theta itself for most rules."""
        return theta

    def update(self, theta: Array, g: Array, slots: Slots, eta: float, step: int) -> tuple[Array, Slots]:
        """The parameters and slots after one update; g is dC/dtheta at `gradient_at(theta, slots)`."""
        raise TypeError(f"{type(self).__name__} does not define update")

    def search(
        self, objective: Objective, here: Point, slots: Slots, evaluations: int = 0, tolerance: float | None = None
    ) -> tuple[Point, Slots] | Ending:
        """The point and slots after one update from `here`, or why there is no update; a pure function.

        - objective: C and dC/dtheta at theta.
        - here: the current point.
        - slots: the slots before the update.
        - evaluations: how often the objective has been computed so far.
        - tolerance: replaces the tolerance of the rule.
        """
        raise TypeError(f"{type(self).__name__} does not define search")


OPTIMIZERS: Registry[Optimizer] = Registry("optimizer", Optimizer)
