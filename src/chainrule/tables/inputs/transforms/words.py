"""Columns of words: one input for each word, or one for each step of an order."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc
from chainrule.tables.columns import words_of
from chainrule.tables.inputs.transforms.base import Transform, flagged

__all__ = ["LEAST_SHARE", "MOST_WORDS", "Categories", "Frequent", "Ordered"]

MOST_WORDS = 100  # categories that one column becomes at most
LEAST_SHARE = 0.05  # of the cells hold a repeated word, or the column holds names or identifiers


@dataclasses.dataclass(frozen=True)
class WordColumn(Transform):
    """A column of words, of which those in `words` have inputs."""

    as_input: ClassVar[str] = "as words"
    words: tuple[str, ...]
    missing: bool

    @property
    def features(self) -> list[str]:
        """`column=word` for each word, and the flag."""
        return [f"{self.name}={word}" for word in self.words] + [f"{self.name} missing"] * self.missing

    @property
    def detail(self) -> str:
        """The first words, and the number of others."""
        shown, more = " | ".join(self.words[:5]), len(self.words) - 5
        rest = f" | {more} more" if more > 0 else ""
        return f"{len(self.words)} word{'s' * (len(self.words) != 1)}: {shown}{rest}{flagged(self.missing, '; ')}"

    def fill(self, column: Any, out: NDArray[Any]) -> None:
        """A row is 1 under its word, 0 under the others."""
        cells = words_of(column, self.name)
        self.write(self._codes(cells), cells, out)
        if self.missing:
            out[:, -1] = _missing(cells)

    def write(self, codes: NDArray[np.intp], cells: pa.Array, out: NDArray[Any]) -> None:
        """Write cells (n,) whose words have these codes, -1 for any other, without the flag."""
        rows = np.flatnonzero(codes >= 0)
        out[rows, codes[rows]] = 1

    def _codes(self, cells: pa.Array) -> NDArray[np.intp]:
        codes = pc.index_in(cells, value_set=pa.array(self.words, cells.type)).fill_null(-1)
        return np.asarray(codes, dtype=np.intp)


@dataclasses.dataclass(frozen=True)
class Categories(WordColumn):
    """Words that occur twice or more in training, the most frequent first; any other is all zeros."""

    kind: ClassVar[str] = "categories"


@dataclasses.dataclass(frozen=True)
class Frequent(WordColumn):
    """The most frequent words; a further input is 1 for any other, which is rare in training or new."""

    kind: ClassVar[str] = "frequent"

    @property
    def features(self) -> list[str]:
        """`column=word` for each word, `column other`, and the flag."""
        features = super().features
        return [*features[: len(self.words)], f"{self.name} other", *features[len(self.words) :]]

    @property
    def detail(self) -> str:
        """The first words, the number of others, and the input for all others."""
        return f"{super().detail}; one input for all other words"

    def write(self, codes: NDArray[np.intp], cells: pa.Array, out: NDArray[Any]) -> None:
        super().write(codes, cells, out)
        out[:, len(self.words)] = (codes < 0) & ~_missing(cells)


@dataclasses.dataclass(frozen=True)
class Ordered(WordColumn):
    """Words in an order: an input for each but the lowest is 1 where the cell's word is that one or a higher one."""

    kind: ClassVar[str] = "ordered"
    as_input: ClassVar[str] = "as words in an order"

    @property
    def features(self) -> list[str]:
        """`column>=word` for each word but the first, and the flag."""
        return [f"{self.name}>={word}" for word in self.words[1:]] + [f"{self.name} missing"] * self.missing

    @property
    def detail(self) -> str:
        """The first words, lowest first, and the number of others."""
        return super().detail.replace(" | ", " < ")

    def write(self, codes: NDArray[np.intp], cells: pa.Array, out: NDArray[Any]) -> None:
        steps = len(self.words) - 1
        out[:, :steps] = codes[:, np.newaxis] > np.arange(steps)


def _missing(cells: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(cells.is_null().to_numpy(zero_copy_only=False))
