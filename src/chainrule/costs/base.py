"""The base class of costs: terms to sum, their derivative, and the allowed outputs and targets."""

import dataclasses
from typing import ClassVar

from chainrule.activations.base import REALS, Interval
from chainrule.arrays import Array
from chainrule.registry import Entry

__all__ = ["Cost"]


@dataclasses.dataclass(frozen=True)
class Cost(Entry):
    """The cost C_x of one example as a sum of terms, from outputs A and targets T of shape (m, n_L).

    `outputs` is the interval of values of A, `targets` that of T. An elementwise cost has one term c_ij for each
    output, C_xi = sum_j c_ij; any other cost has one term for each row. `distribution` says that each row of T must
    be a probability distribution.
    """

    outputs: ClassVar[Interval] = REALS
    targets: ClassVar[Interval] = REALS
    elementwise: ClassVar[bool] = True
    distribution: ClassVar[bool] = False

    def terms(self, A: Array, T: Array) -> Array:
        """The terms of C_x, shape (m, n_L); (m, 1) if the cost is not elementwise."""
        raise TypeError(f"{type(self).__name__} does not define terms")

    def derivative(self, A: Array, T: Array) -> Array:
        """dC_x/dA, shape (m, n_L)."""
        raise TypeError(f"{type(self).__name__} does not define derivative")
