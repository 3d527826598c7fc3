"""Columns of words: one input for each word, or one for each step of an order."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

from chainrule.tables.inputs.operations import (
    Input,
    Items,
    ManyHot,
    Missing,
    OneHot,
    Other,
    Reading,
    Steps,
    TextWeights,
    Word,
)
from chainrule.tables.inputs.transforms.base import Transform, flagged

__all__ = [
    "FEW_WORDS",
    "LEAST_SHARE",
    "MOST_TEXT_WORDS",
    "MOST_WORDS",
    "Categories",
    "Frequent",
    "LabelSet",
    "Ordered",
    "TextWords",
    "WeightedText",
    "WordColumn",
]

FEW_WORDS = 100  # steps of an order at most, and words of a column of many rows if they are rare
MOST_WORDS = 1000  # words, labels or categories of a column at most
MOST_TEXT_WORDS = 8000  # words and pairs of words of a text at most
LEAST_SHARE = 0.05  # of the cells hold a repeated word, or the column holds names or identifiers


@dataclasses.dataclass(frozen=True)
class WordColumn(Transform):
    """A column of words, of which those in `words` have inputs."""

    as_input: ClassVar[str] = "as words"
    words: tuple[str, ...]
    missing: bool

    @property
    def detail(self) -> str:
        """The first words, and the number of others."""
        shown, more = " | ".join(self.words[:5]), len(self.words) - 5
        rest = f" | {more} more" if more > 0 else ""
        return f"{len(self.words)} word{'s' * (len(self.words) != 1)}: {shown}{rest}{flagged(self.missing, '; ')}"

    @property
    def reading(self) -> Reading:
        return Word(self.words)

    @property
    @abc.abstractmethod
    def places(self) -> tuple[Input, ...]:
        """The inputs of a word."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        return (*self.places, Missing()) if self.missing else self.places


@dataclasses.dataclass(frozen=True)
class Categories(WordColumn):
    """Words that repeat in training, the most frequent first; any other is all zeros."""

    kind: ClassVar[str] = "categories"

    @property
    def places(self) -> tuple[Input, ...]:
        return (OneHot(self.words),)


@dataclasses.dataclass(frozen=True)
class Frequent(WordColumn):
    """The most frequent words; a further input is 1 for any other, which is rare in training or new."""

    kind: ClassVar[str] = "frequent"

    @property
    def places(self) -> tuple[Input, ...]:
        return (OneHot(self.words), Other())

    @property
    def detail(self) -> str:
        """The first words, the number of others, and the input for all others."""
        return f"{super().detail}; one input for all other words"


@dataclasses.dataclass(frozen=True)
class Ordered(WordColumn):
    """Words in an order: an input for each but the lowest is 1 where the cell's word is that one or a higher one."""

    kind: ClassVar[str] = "ordered"
    as_input: ClassVar[str] = "as words in an order"

    @property
    def places(self) -> tuple[Input, ...]:
        return (Steps(self.words),)

    @property
    def detail(self) -> str:
        """The first words, lowest first, and the number of others."""
        return super().detail.replace(" | ", " < ")


@dataclasses.dataclass(frozen=True)
class LabelSet(WordColumn):
    """Cells with several labels: an input is 1 where the cell has the label, with `other` one more for all others."""

    kind: ClassVar[str] = "labels"
    as_input: ClassVar[str] = "as labels"
    separator: str
    other: bool

    @property
    def reading(self) -> Reading:
        return Items(self.separator, self.words)

    @property
    def places(self) -> tuple[Input, ...]:
        return (ManyHot(self.words, self.other),)

    @property
    def detail(self) -> str:
        """The first labels, the number of others, what is between them."""
        other = "; one input for all other labels" if self.other else ""
        return f"{super().detail.replace('word', 'label', 1)}; {self.separator!r} between labels{other}"


@dataclasses.dataclass(frozen=True)
class TextWords(WordColumn):
    """Texts: an input is 1 where the text has the word, or the two words one after the other, in lower case."""

    kind: ClassVar[str] = "text"
    as_input: ClassVar[str] = "as text"

    @property
    def reading(self) -> Reading:
        return Items("", self.words)

    @property
    def places(self) -> tuple[Input, ...]:
        return (ManyHot(self.words, False),)

    @property
    def detail(self) -> str:
        """The first words, and the number of others, and how many of them are pairs."""
        pairs = sum(" " in word for word in self.words)
        kinds = f", {pairs} of them pairs" if pairs else ""
        return f"text with {super().detail.replace(':', f'{kinds}:', 1)}"


@dataclasses.dataclass(frozen=True)
class WeightedText(TextWords):
    """Texts: an input is the weight of a word or pair that the text has, and a text with many has less of each."""

    kind: ClassVar[str] = "weighted text"
    weights: tuple[float, ...]

    def narrowed(self, count: int) -> WeightedText:
        """The same with the first words alone."""
        return dataclasses.replace(self, words=self.words[:count], weights=self.weights[:count])

    @property
    def places(self) -> tuple[Input, ...]:
        return (TextWeights(self.words, self.weights),)
