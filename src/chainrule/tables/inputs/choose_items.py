"""Columns whose cells have several words: which labels, or words of a text, become inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.inputs.transforms import (
    FEW_WORDS,
    MOST_TEXT_WORDS,
    MOST_WORDS,
    LabelSet,
    TextWords,
    Transform,
    WeightedText,
)
from chainrule.tables.items import counts_of, pair_counts, separator_of
from chainrule.tables.profile import ColumnProfile

__all__ = ["labels_of", "most_text_words", "most_words", "narrowed", "text_words_of"]

CERTAIN = (";", "|")  # separators by which labels are recognised: a comma is part of too many other things
MOST_CELLS = 2**16  # different cells, beyond which nothing is recognised
SHARE = 0.1  # of the cells have several labels at least
TEXT_CELLS = 3  # in which a word or a pair of words of a text is at least
PAIRS_OF, ALL_OF = 3, 8  # the share of pairs, if there are more words than inputs
MOST_NUMBERS = 30_000_000  # rows times words of a column
MOST_TEXT_NUMBERS = 80_000_000  # the same of a text


def most_words(profile: ColumnProfile) -> int:
    """How many words of a column may be inputs: a thousand, of many rows fewer, but a hundred in any case."""
    return min(MOST_WORDS, max(FEW_WORDS, MOST_NUMBERS // max(profile.rows, 1)))


def labels_of(profile: ColumnProfile, kind: ColumnKind | None = None) -> LabelSet | None:
    """The labels of a column, those in two cells or more; None if there are none.

    - kind: what a person says. Without it only columns are taken in which the labels come again in other sets: a tenth
      of the cells or more have several, and there are fewer different labels than different cells.
    """
    cells = [] if profile.counts.too_many or (kind is None and not _may_have(profile)) else profile.counts.words()
    if not cells:
        return None
    separator = separator_of(cells) if kind is None or not kind.separator else kind.separator
    if kind is None and separator not in CERTAIN:
        return None
    several = sum(count for cell, count in cells if separator in cell.strip(f" {separator}"))
    if kind is None and several < SHARE * profile.present:
        return None
    labels = counts_of(cells, separator)
    words = tuple(label for label, count in labels if count > 1)[: most_words(profile)]
    if not words or (kind is None and (len(labels) >= len(cells) or len(words) < len(labels) / 2)):
        return None
    return LabelSet(profile.name, words, profile.missing > 0, separator, len(words) < len(labels))


def _may_have(profile: ColumnProfile) -> bool:
    """Whether the column may have labels: words that repeat enough, and no numbers or times."""
    return 2 < profile.counts.distinct() <= MOST_CELLS


def most_text_words(rows: int) -> int:
    """How many words of the texts of a table may be inputs: 8,000, of many rows fewer, but a hundred in any case."""
    return min(MOST_TEXT_WORDS, max(FEW_WORDS, MOST_TEXT_NUMBERS // max(rows, 1)))


def narrowed(transforms: Sequence[Transform], rows: int) -> list[Transform]:
    """The transforms, in which several columns of texts share the words that a table may have, the most frequent first.

    - rows: the rows of the table.
    """
    most = most_text_words(rows)
    total = max(most, sum(len(t.words) for t in transforms if isinstance(t, WeightedText)))
    return [t.narrowed(max(2, len(t.words) * most // total)) if isinstance(t, WeightedText) else t for t in transforms]


def text_words_of(profile: ColumnProfile) -> TextWords | None:
    """The most frequent words of the texts of a column and pairs of these, in three cells or more; None without any.

    A pair is in fewer cells than each of its words, or it says the same as one of them. Of n texts a word that is in c
    has the weight `1 + log((1 + n) / (1 + c))`, its inverse document frequency.
    """
    cells = profile.counts.words()
    words = {word: count for word, count in counts_of(cells, "") if count >= TEXT_CELLS}
    pairs = [
        (pair, count)
        for pair, count in pair_counts(cells, list(words), TEXT_CELLS)
        if count < min(words[word] for word in pair.split(" "))
    ]
    n, most = profile.present, most_text_words(profile.rows)
    own = [(word, count) for word, count in words.items() if count < n]
    few = min(len(pairs), most * PAIRS_OF // ALL_OF)
    items = sorted([*own[: most - few], *pairs[: max(few, most - len(own))]], key=lambda item: -item[1])
    if len(items) < 2:
        return TextWords(profile.name, (items[0][0],), profile.missing > 0) if items else None
    names, counts = zip(*items, strict=True)
    weights = tuple((1 + np.log((1 + n) / (1 + np.array(counts)))).tolist())
    return WeightedText(profile.name, names, profile.missing > 0, weights)
