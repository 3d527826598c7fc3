"""What one column of a table becomes in the network's input: one frozen class for each kind.

    numbers      (x - mean) / scale, 0 where missing; a second column flags missing cells if training had any
    categories   one column per word (1 where the cell is that word); a further one flags missing cells likewise
    presence     a flag for missing cells alone, where the values themselves say nothing
    dropped      nothing, for a stated reason

A new kind is one class here: its name goes into the model file, and older versions refuse it by that name.
"""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.data.columns import missing_cells, values_of, words_of
from chainrule.errors import RowError

__all__ = [
    "KINDS",
    "LEAST_SHARE",
    "MOST_WORDS",
    "Categories",
    "Dropped",
    "Numbers",
    "Presence",
    "Transform",
    "standardised",
]

MOST_WORDS = 100  # categories that one column becomes at most
LEAST_SHARE = 0.05  # of the cells must hold a word seen twice, or the column holds names or identifiers


@dataclasses.dataclass(frozen=True)
class Transform(abc.ABC):
    """What one column, found by `name`, becomes: `features` names the columns of the input that `fill` writes."""

    kind: ClassVar[str]
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
class Numbers(Transform):
    """A column of numbers, standardised by training's mean and population standard deviation."""

    kind: ClassVar[str] = "numbers"
    mean: float
    scale: float
    missing: bool

    @property
    def features(self) -> list[str]:
        """The column, and its flag."""
        return [self.name] + [f"{self.name} missing"] * self.missing

    @property
    def detail(self) -> str:
        """Mean, standard deviation and flag."""
        flagged = ", missing cells flagged" if self.missing else ""
        return f"mean {self.mean:.6g}, standard deviation {self.scale:.6g}{flagged}"

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """Raises DataError for a cell that is a word, infinite, or too far away for the type of `out`."""
        self.write(values_of(column, self._refused, self.name), out)

    def write(self, values: NDArray[np.float64], out: NDArray[Any]) -> None:
        """Write values (n,), NaN where missing, as `fill` does."""
        missing = np.isnan(values)
        out[:, 0] = standardised(values, self.mean, self.scale, out.dtype, self.name)
        out[missing, 0] = 0
        if self.missing:
            out[:, 1] = missing

    def _refused(self, row: int, word: str) -> RowError:
        return RowError(
            row,
            lambda number: (
                f"column {self.name!r} holds numbers, but {word!r} came in row {number}: "
                "write a number there, or leave the cell empty"
            ),
        )


@dataclasses.dataclass(frozen=True)
class Categories(Transform):
    """A column of words: those seen twice or more in training, the most frequent first; any other is all zeros."""

    kind: ClassVar[str] = "categories"
    words: tuple[str, ...]
    missing: bool

    @property
    def features(self) -> list[str]:
        """`column=word` for each word, and the flag."""
        return [f"{self.name}={word}" for word in self.words] + [f"{self.name} missing"] * self.missing

    @property
    def detail(self) -> str:
        """The first words, and how many more there are."""
        shown, more = " | ".join(self.words[:5]), len(self.words) - 5
        rest = f" | {more} more" if more > 0 else ""
        flagged = "; missing cells flagged" if self.missing else ""
        return f"{len(self.words)} word{'s' * (len(self.words) != 1)}: {shown}{rest}{flagged}"

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """A row is 1 under its word, 0 under the others."""
        import pyarrow as pa
        import pyarrow.compute as pc

        cells = words_of(column, self.name)
        codes = pc.index_in(cells, value_set=pa.array(self.words, cells.type)).fill_null(-1).to_numpy()
        known = np.flatnonzero(codes >= 0)
        out[known, codes[known]] = 1
        if self.missing:
            out[:, -1] = cells.is_null().to_numpy(zero_copy_only=False)


@dataclasses.dataclass(frozen=True)
class Presence(Transform):
    """A column of which only this is told: whether the cell is missing."""

    kind: ClassVar[str] = "presence"
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
        out[:, 0] = missing_cells(column)


@dataclasses.dataclass(frozen=True)
class Dropped(Transform):
    """A column that the network does not see."""

    kind: ClassVar[str] = "dropped"
    reason: str

    @property
    def detail(self) -> str:
        """Why it is not seen."""
        return self.reason

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """There is nothing to write."""


KINDS: dict[str, type[Transform]] = {c.kind: c for c in (Numbers, Categories, Presence, Dropped)}


def standardised(values: NDArray[Any], mean: float, scale: float, dtype: Any, name: str) -> NDArray[Any]:
    """`(values - mean) / scale` in float64, then as `dtype`; NaN stays.

    >>> standardised(np.array([1.0, 3.0]), 2.0, 0.5, "float32", "age")
    array([-2.,  2.], dtype=float32)

    Raises DataError for a value so far from the mean that the result is infinite.
    """
    with np.errstate(over="ignore"):
        result = ((values - mean) / scale).astype(dtype)
    far = np.isinf(result)
    if far.any():
        row = int(far.argmax())
        raise RowError(
            row,
            lambda number: (
                f"row {number} of column {name!r} is {values[row]:g}, too far from the training data "
                f"(mean {mean:g}, standard deviation {scale:g}): mend it, or leave the cell empty"
            ),
        )
    return result
