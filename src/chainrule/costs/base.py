"""What a cost is: terms to sum, their derivative, and what outputs and targets it allows."""

import dataclasses
from typing import ClassVar

from chainrule.activations.base import REALS, Interval
from chainrule.arrays import Array
from chainrule.registry import Entry

__all__ = ["Cost"]


@dataclasses.dataclass(frozen=True)
class Cost(Entry):
    """The cost C_x of one example as a sum of terms, from outputs A and targets T of shape (m, n_L).

    `outputs` are the values that A may take, `targets` those of T. An elementwise cost has one term c_ij for each
    output, C_xi = sum_j c_ij; any other has one term for each row, and `distribution` says that its targets' rows
    must be probabilities.
    """

    outputs: ClassVar[Interval] = REALS
    targets: ClassVar[Interval] = REALS
    elementwise: ClassVar[bool] = True
    distribution: ClassVar[bool] = False

    def terms(self, A: Array, T: Array) -> Array:
        """The terms of C_x, shape (m, n_L), or (m, 1) unless elementwise."""
        raise TypeError(f"{type(self).__name__} does not define terms")

    def derivative(self, A: Array, T: Array) -> Array:
        """dC_x/dA, shape (m, n_L)."""
        raise TypeError(f"{type(self).__name__} does not define derivative")
