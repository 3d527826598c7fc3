"""What an estimator predicts, as its network sees it: numbers here, labels in `chainrule.estimators.labels`."""

import dataclasses
from typing import Protocol

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.model.heads import Choice, scaled_for
from chainrule.tables.profile import TargetProfile
from chainrule.tables.targets import Targets as TableTargets

__all__ = ["ScaledValues", "Targets", "Values", "scaled_values_of", "weight_by_row"]


class Targets(Protocol):
    """Translates y, as a user has it, to the network's targets T, and its outputs A back."""

    @property
    def widths(self) -> list[int]:
        """The number of neurons of each block of outputs."""

    def encode(self, y: Array) -> Array:
        """The targets T for the network. Raises DataError for a y of another kind."""

    def decode(self, A: Array) -> Array:
        """The predictions from the network's outputs A (n, n_L)."""

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """The estimator's own score of these outputs, greater is better; NaN where an output is not finite."""


@dataclasses.dataclass(frozen=True)
class Values:
    """Numbers as they are.

    - columns: the columns of y; 0 where y is (n,).
    """

    columns: int = 0

    @classmethod
    def of(cls, y: Array) -> "Values":
        """The targets for y (n,) or (n, columns)."""
        return cls(0 if y.ndim == 1 else y.shape[1])

    @property
    def widths(self) -> list[int]:
        """One block with a neuron for each number."""
        return [self.columns or 1]

    def encode(self, y: Array) -> Array:
        """The numbers y as (n, n_L). Raises DataError for another number of columns."""
        if y.ndim > 1 and y.shape[1] != self.columns:
            raise DataError(f"y has {y.shape[1]} columns, but there were {self.columns or 1} before: give as many")
        if y.ndim == 1 and self.columns > 1:
            raise DataError(f"y is (rows,), but there were {self.columns} columns before: give as many")
        return y.reshape(len(y), -1)

    def decode(self, A: Array) -> Array:
        """The outputs themselves, (n,) for one number."""
        return A if self.columns else A[:, 0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """R², the mean over columns."""
        from sklearn.metrics import r2_score

        if not np.isfinite(A).all():
            return float("nan")
        return float(r2_score(y, self.decode(A), sample_weight=weight_by_row(weight)))


@dataclasses.dataclass(frozen=True)
class ScaledValues:
    """Numbers scaled as the targets of a table are.

    - columns: the columns of y; 0 where y is (n,).
    - scaled: the scale of each column.
    """

    columns: int
    scaled: TableTargets

    @property
    def widths(self) -> list[int]:
        """One block with a neuron for each number."""
        return [self.columns or 1]

    def encode(self, y: Array) -> Array:
        """The scaled numbers (n, n_L). Raises DataError for another number of columns."""
        values = Values(self.columns).encode(y).astype(np.float64)
        columns = zip(self.scaled.columns, values.T, strict=True)
        return np.concatenate([column.encode_values(part, "float64") for column, part in columns], axis=1)

    def decode(self, A: Array) -> Array:
        """The numbers in their own units, (n,) for one."""
        y = np.stack(list(self.scaled.decode(A).values()), axis=1)
        return y if self.columns else y[:, 0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """R² in their own units."""
        prediction = self.decode(A)
        return Values(self.columns).score(y, prediction.reshape(len(prediction), -1), weight)


def scaled_values_of(y: Array, choice: Choice, log: bool = True) -> Targets:
    """The targets for numbers y (n,) or (n, columns), scaled so that the outputs can reach them.

    They stay unscaled if one column is constant. With `log`, numbers that span decades are learned as logarithms.
    """
    columns = y.reshape(len(y), -1).astype(np.float64)
    if (columns == columns[0]).all(axis=0).any():
        return Values.of(y)
    profiles = [TargetProfile.of_numbers(f"y{k}", np.ascontiguousarray(part)) for k, part in enumerate(columns.T)]
    targets = TableTargets.of(profiles, "regression", log)
    return ScaledValues(0 if y.ndim == 1 else y.shape[1], scaled_for(targets, {"numbers": choice}))


def weight_by_row(weight: Array | None) -> Array | None:
    """The weights of rows (n,): of several outputs (n, outputs) their mean."""
    return weight if weight is None or weight.ndim == 1 else weight.mean(axis=1)
