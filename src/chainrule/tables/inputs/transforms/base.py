"""What every transform offers, and the transforms of columns that the network does not see, or only as missing."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

from numpy.typing import NDArray

from chainrule.tables.columns import missing_cells

__all__ = ["Dropped", "Presence", "Transform", "flagged"]


@dataclasses.dataclass(frozen=True)
class Transform(abc.ABC):
    """What one column, `name`, becomes: `features` names the columns of the input that `fill` writes."""

    kind: ClassVar[str]
    as_input: ClassVar[str]  # how the network sees the column, in words
    name: str

    @property
    def features(self) -> list[str]:
        """The names of the columns that the network sees."""
        return []

    @property
    @abc.abstractmethod
    def detail(self) -> str:
        """What happens to the column, in words."""

    @abc.abstractmethod
    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """Write the cells of `column` (n,) into `out` (n, len(features)), which holds zeros."""


@dataclasses.dataclass(frozen=True)
class Presence(Transform):
    """A column of which the network sees only whether the cell is missing."""

    kind: ClassVar[str] = "presence"
    as_input: ClassVar[str] = "only as there or missing"
    reason: str

    @property
    def features(self) -> list[str]:
        """The flag."""
        return [f"{self.name} missing"]

    @property
    def detail(self) -> str:
        """Why only the flag is kept."""
        return f"only whether it is missing: {self.reason}"

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """A row is 1 where its cell is missing."""
        out[:, 0] = missing_cells(column, allow_placeholders=True)


@dataclasses.dataclass(frozen=True)
class Dropped(Transform):
    """A column that the network does not see."""

    kind: ClassVar[str] = "dropped"
    as_input: ClassVar[str] = "not at all"
    reason: str

    @property
    def detail(self) -> str:
        """Why it is dropped."""
        return self.reason

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """There is nothing to write."""


def flagged(missing: bool, before: str = ", ") -> str:
    """The end of a detail that says whether missing cells are flagged."""
    return f"{before}missing cells flagged" if missing else ""
