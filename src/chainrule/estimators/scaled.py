"""Targets as the preset for tables has them: numbers scaled, and any targets for several networks that are one."""

import dataclasses
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.estimators.targets import Targets, Values
from chainrule.model.heads import Choice, scaled_for
from chainrule.tables.chunks import chunks_of
from chainrule.tables.profile import profile_columns
from chainrule.tables.sources import as_source
from chainrule.tables.targets import Targets as Columns
from chainrule.tables.targets import target_profiles

__all__ = ["Quantities", "Together", "quantities_of"]


@dataclasses.dataclass(frozen=True)
class Quantities:
    """Numbers scaled as a table's are: `columns` of them, or one (0), where y is (n,)."""

    columns: int
    scaled: Columns

    @property
    def widths(self) -> list[int]:
        """One block, a neuron for each number."""
        return [self.columns or 1]

    def encode(self, y: Array) -> Array:
        """The scaled numbers (n, n_L)."""
        return self.scaled.encode(_table(Values(self.columns).encode(y)), "float64")

    def decode(self, A: Array) -> Array:
        """The numbers in their own units, (n,) for one."""
        found = np.stack(list(self.scaled.decode(A).values()), axis=1)
        return found if self.columns else found[:, 0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """R² in their own units; NaN where a prediction is not finite."""
        found = self.decode(A)
        return Values(self.columns).score(y, found.reshape(len(found), -1), weight)

    def weighted(self, y: Array, weight: Array | None, class_weight: Any) -> Array | None:
        """The weights as they are: numbers have no classes."""
        return weight


@dataclasses.dataclass(frozen=True)
class Together:
    """The targets `one` for each of `count` networks side by side (see `chainrule.model.ensemble`).

    A weight above 0 says for which of them a row counts.
    """

    one: Any
    count: int

    @property
    def widths(self) -> list[int]:
        """Those of every member."""
        return list(self.one.widths) * self.count

    @property
    def yes_or_no(self) -> bool:
        """Whether every neuron answers for itself."""
        return bool(getattr(self.one, "yes_or_no", False))

    def encode(self, y: Array) -> Array:
        """T of one, once for each."""
        T = self.one.encode(y)
        return np.tile(T.reshape(len(T), -1), self.count)

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """The score of each row by the member that it counts for, which has not seen it."""
        assert weight is not None, "the weights say which member a row counts for"
        by_member = weight.reshape(len(A), self.count, -1).any(axis=2)
        found = A.reshape(len(A), self.count, -1)[np.arange(len(A)), by_member.argmax(axis=1)]
        return float(self.one.score(y, found, weight.max(axis=1)))

    def weighted(self, y: Array, weight: Array | None, class_weight: Any) -> Array | None:
        """The weights as they are: those of classes are in them."""
        return weight


def quantities_of(y: Array, choice: Choice, log: bool = True) -> Targets:
    """Numbers y (n,) or (n, columns), scaled as these outputs can reach them; as they are where one is constant.

    Those that span decades are learned as their logarithms, if `log`.
    """
    columns = y.reshape(len(y), -1)
    if (columns == columns[0]).all(axis=0).any():
        return Values.of(y)
    source = as_source(_table(columns))
    profiles = target_profiles(source.names, source.names)
    profile_columns(lambda: chunks_of(source, source.names), profiles)
    fitted = Columns.of(profiles, "regression", log)
    return Quantities(0 if y.ndim == 1 else y.shape[1], scaled_for(fitted, {"numbers": choice}))


def _table(columns: Array) -> Any:
    import pyarrow as pa

    return pa.table({f"y{k}": np.ascontiguousarray(column) for k, column in enumerate(columns.T)})
