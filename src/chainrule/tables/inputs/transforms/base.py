"""What every transform offers, and the transforms of columns that the network does not see, or only as missing."""

from __future__ import annotations

import abc
import dataclasses
import functools
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.inputs import operations
from chainrule.tables.inputs.operations import Cells, Input, Missing, Reading

__all__ = ["Dropped", "Presence", "Transform", "flagged"]


@dataclasses.dataclass(frozen=True)
class Transform(abc.ABC):
    """What one column, `name`, becomes: how a cell is read, and which inputs the network gets from it."""

    kind: ClassVar[str]
    as_input: ClassVar[str]  # how the network sees the column, in words
    name: str

    @property
    @abc.abstractmethod
    def reading(self) -> Reading:
        """What a cell is."""

    @property
    @abc.abstractmethod
    def inputs(self) -> tuple[Input, ...]:
        """What the network sees of a cell."""

    @property
    @abc.abstractmethod
    def detail(self) -> str:
        """What happens to the column, in words."""

    @functools.cached_property
    def features(self) -> list[str]:
        """The names of the numbers that the network sees."""
        return [self.name + suffix for part in self.inputs for suffix in part.suffixes]

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """Write the cells of `column` (n,) into `out` (n, len(features)), which holds zeros.

        Raises DataError where the column or a cell is not what `reading` says.
        """
        self.write(self.read(column), out)

    def read(self, column: Any) -> Cells:
        """The cells of `column`. Raises DataError where the column or a cell is not what `reading` says."""
        return self.reading.read(column, self.name)

    def write(self, cells: Cells, out: NDArray[Any]) -> None:
        """Write cells that are read already, as `fill` does."""
        start = 0
        for part in self.inputs:
            stop = start + part.width
            part.write(cells, out[:, start:stop])
            start = stop

    @functools.cached_property
    def entries(self) -> NDArray[np.int32]:
        """The first places of the numbers of one cell that can be other than 0, (entries,)."""
        first = np.cumsum([0, *(part.width for part in self.inputs)]).tolist()
        places = [np.arange(part.entries) + start for part, start in zip(self.inputs, first, strict=False)]
        return np.concatenate(places).astype(np.int32)

    def write_entries(self, cells: Cells, values: NDArray[Any], places: NDArray[np.int32]) -> None:
        """Write these numbers into `values` (n, entries), which holds zeros, and move their `places`."""
        start = 0
        for part in self.inputs:
            stop = start + part.entries
            part.write_entries(cells, values[:, start:stop], places[:, start:stop])
            start = stop


@dataclasses.dataclass(frozen=True)
class Presence(Transform):
    """A column of which the network sees only whether the cell is missing."""

    kind: ClassVar[str] = "presence"
    as_input: ClassVar[str] = "only as there or missing"
    reason: str

    @property
    def reading(self) -> Reading:
        return operations.Presence()

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (Missing(),)

    @property
    def detail(self) -> str:
        """Why only the flag is kept."""
        return f"only whether it is missing: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Dropped(Transform):
    """A column that the network does not see."""

    kind: ClassVar[str] = "dropped"
    as_input: ClassVar[str] = "not at all"
    reason: str

    @property
    def reading(self) -> Reading:
        return operations.Presence()

    @property
    def inputs(self) -> tuple[Input, ...]:
        return ()

    @property
    def detail(self) -> str:
        """Why it is dropped."""
        return self.reason


def flagged(missing: bool, before: str = ", ") -> str:
    """The end of a detail that says whether missing cells are flagged."""
    return f"{before}missing cells flagged" if missing else ""
