"""Columns whose cells have several words: which labels, or words of a text, become inputs."""

from __future__ import annotations

from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.inputs.transforms import FEW_WORDS, MOST_WORDS, LabelSet, TextWords
from chainrule.tables.items import counts_of, separator_of
from chainrule.tables.profile import ColumnProfile

__all__ = ["labels_of", "most_words", "text_words_of"]

CERTAIN = (";", "|")  # separators by which labels are recognised: a comma is part of too many other things
MOST_CELLS = 2**16  # different cells, beyond which nothing is recognised
SHARE = 0.1  # of the cells have several labels at least
TEXT_CELLS = 3  # in which a word of a text is at least
MOST_NUMBERS = 30_000_000  # rows times words of a column


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


def text_words_of(profile: ColumnProfile) -> TextWords | None:
    """The most frequent words of the texts of a column, those in three cells or more; None if there are none."""
    cells = profile.counts.words()
    words = tuple(word for word, count in counts_of(cells, "") if TEXT_CELLS <= count < profile.present)
    return TextWords(profile.name, words[: most_words(profile)], profile.missing > 0) if words else None
