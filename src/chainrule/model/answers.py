"""The answers of a network for encoded rows, in the words and units of its targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.tables.inputs import Encoder
from chainrule.tables.names import listed
from chainrule.tables.targets import LogQuantity, NormalNumbers, Outputs, Quantity

__all__ = ["Answers", "slices_of"]


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a model, or an estimator, answers for encoded rows.

    - network: it.
    - targets: what its outputs stand for.
    - slices: for each column the inputs that it became.
    - predicted: the predictions (n, n_L) for encoded rows X (n, n_1), numbers scaled as in training, as a function.
    """

    network: Network
    targets: Outputs
    slices: Mapping[str, slice]
    predicted: Callable[[Array], Array]

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the outputs are called: classes as `target=class`, numbers by their target."""
        return tuple(self.targets.neurons)

    @property
    def units(self) -> tuple[Array, Array]:
        """What each output is multiplied by, and what is added then, (n_L,), to be in units of its target."""
        scale, mean = np.ones(self.targets.width), np.zeros(self.targets.width)
        for column, part in self.targets.slices:
            if isinstance(column, Quantity):
                own = slice(part.start, part.start + 1) if isinstance(column, NormalNumbers) else part
                scale[own], mean[own] = column.scale, column.mean  # a log variance has no unit
        return scale, mean

    def values(self, X: Array) -> Array:
        """The probabilities, and the numbers in units of their targets, (n, n_L), for encoded rows."""
        A = self.predicted(X).astype(np.float64)
        scale, mean = self.units
        values = A * scale + mean
        for column, part in self.targets.slices:
            if isinstance(column, LogQuantity):
                values[:, part] = column.decode(A[:, part])[:, None]
        return values

    def part(self, column: str) -> slice:
        """The inputs that a column became. Raises SettingError for a column that is not an input."""
        if column not in self.slices:
            raise SettingError(f"{column!r} is not an input: the inputs are {listed(self.slices)}")
        return self.slices[column]


def slices_of(encoder: Encoder) -> dict[str, slice]:
    """The inputs that each column of a table became."""
    return {transform.name: part for transform, part in encoder.slices}
