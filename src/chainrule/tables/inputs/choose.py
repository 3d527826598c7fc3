"""What an input column becomes, decided from the facts that were found of it."""

from __future__ import annotations

import re

from chainrule.errors import RowError
from chainrule.tables.inputs.choose_scale import Shape, scaled
from chainrule.tables.inputs.transforms import (
    LEAST_SHARE,
    MOST_WORDS,
    PARTS,
    Categories,
    Dropped,
    Frequent,
    Ordered,
    Presence,
    Times,
    Transform,
)
from chainrule.tables.profile.column import ColumnProfile
from chainrule.tables.profile.word_counts import MOST_DISTINCT

__all__ = ["transform_of"]

MEANT_AS_NUMBERS = 0.9  # the share of numbers among its cells from which on a column's words are taken for slips
SPACES = 5  # in a cell on average, from which on words that hardly ever come twice are called prose
HALF_A_YEAR = 183  # days from which on a season says what the date alone does not
LEAST_NUMBERED = 20  # different whole numbers that a column of identifiers has at least
_IDENTIFIER = re.compile(  # the whole name, or how it ends
    r"(?i:^(index|idx|row|rowid|rownum|row[_ ]?number|nr|no|#)$)|(?i:(^|[_\W])(id|uid|uuid|guid)$)|[a-z](Id|ID)$"
)


def transform_of(facts: ColumnProfile) -> Transform:
    """The kind of transform that the cells of a column call for."""
    if facts.present == 0:
        return Dropped(facts.name, "every cell is missing")
    if not facts.numeric:
        return _of_words(facts)
    if _numbers_rows(facts):
        return _flag_or_drop(facts, "its whole numbers are all different, as those of rows and identifiers")
    return scaled(facts) or _flag_or_drop(facts, "every value is the same")


def _numbers_rows(facts: ColumnProfile) -> bool:
    """Whether a column is named like an identifier and holds whole numbers that are all different."""
    if not _IDENTIFIER.search(facts.name.strip()):
        return False
    values = facts.sample.sorted
    different = bool((values[1:] > values[:-1]).all()) and len(values) >= LEAST_NUMBERED
    return different and bool((values == values.round()).all())


def _of_words(facts: ColumnProfile) -> Transform:
    counts, present = facts.counts, facts.present
    if facts.word is not None and not facts.categorical and counts.numeric > MEANT_AS_NUMBERS * present:
        row, word = facts.word
        line = "column {name!r} holds numbers, but {word!r} came in row {row}: fix it, or drop the column"
        raise RowError(row, line, name=facts.name, word=word)
    if facts.forms.chosen is not None and not facts.categorical:
        return _times(facts, facts.forms.chosen)
    if counts.too_many:
        return _flag_or_drop(facts, f"it holds more than {MOST_DISTINCT:,} different words")
    if counts.distinct() == 1:
        return _flag_or_drop(facts, "every value is the same")
    if facts.order is not None and len(facts.order) <= MOST_WORDS:
        return Ordered(facts.name, facts.order, facts.missing > 0)
    repeated = counts.words(least=2)
    if sum(count for _, count in repeated) < LEAST_SHARE * present or not repeated:
        prose = "hardly any text comes twice, as in prose"
        names = "hardly any word comes twice, as in names and identifiers"
        return _flag_or_drop(facts, prose if counts.spaces() >= SPACES else names)
    kept = tuple(word for word, _ in repeated[:MOST_WORDS])
    kind = Categories if len(kept) == counts.distinct() else Frequent
    return kind(facts.name, kept, facts.missing > 0)


def _times(facts: ColumnProfile, form: str) -> Transform:
    spread, missing = facts.forms.open[form], facts.missing + facts.forms.unsaid > 0
    shape = Shape(spread.days, spread.sample)
    if shape.scale == 0:
        return _flag_or_drop(facts, "every value is the same")
    span = shape.high - shape.low
    told = {"days": True, "season": span >= HALF_A_YEAR, "weekday": span >= 7 and spread.weekdays > 1}
    told["clock"] = spread.minutes > 1
    middle, scale, robust = shape.straight
    return Times(facts.name, form, tuple(part for part in PARTS if told[part]), missing, middle, scale, robust)


def _flag_or_drop(facts: ColumnProfile, reason: str) -> Transform:
    return Presence(facts.name, reason) if facts.missing else Dropped(facts.name, reason)
