"""The transform of an input column: the one place that chooses it, from the column's profile."""

from __future__ import annotations

import re

from chainrule.errors import DataError, RowError
from chainrule.tables.column_kinds import DATE, LABELS, NUMBER, ORDERED, TEXT
from chainrule.tables.inputs.choose_items import labels_of, most_words, text_words_of
from chainrule.tables.inputs.choose_scale import choose_scale
from chainrule.tables.inputs.transforms import (
    FEW_WORDS,
    LEAST_SHARE,
    PARTS,
    Categories,
    Dropped,
    Frequent,
    Ordered,
    Presence,
    Times,
    Transform,
)
from chainrule.tables.number_forms import PLAIN, in_words
from chainrule.tables.profile import Cell, ColumnProfile, Shape
from chainrule.tables.profile.column import few
from chainrule.tables.profile.fits import MEANT, Fit, Fits
from chainrule.tables.profile.order import order_of_words
from chainrule.tables.profile.word_counts import MOST_DISTINCT, MOST_TEXT

__all__ = ["choose_transform"]

LEAST_DIFFERENT = 20  # different numbers or times among a few words, above which these are no categories
TOO_MANY = f"it holds more than {MOST_DISTINCT:,} different words, or {MOST_TEXT >> 20} MiB of them"
SPACES, MOST_REPEATED = 5, 0.5  # spaces in a cell on average and share of repeated cells, from which on these are texts
LEAST_REPEATED = 5  # cells that a word of more than MANY rows comes in, at least, to have an input of its own
MANY = 5000  # rows from which on words must come more often
CELLS_EACH = 10  # for each different word of a column of many rows, on average, for more words than FEW_WORDS
HALF_A_YEAR = 183  # days from which on the season says more than the date alone
LEAST_NUMBERED = 20  # different whole numbers that a column of identifiers has at least
_IDENTIFIER = re.compile(  # the whole name, or how it ends
    r"(?i:^(index|idx|row|rowid|rownum|row[_ ]?number|nr|no|#)$)|(?i:(^|[_\W])(id|uid|uuid|guid)$)|[a-z](Id|ID)$"
    r"|^(Unnamed: [0-9.]+|level_[0-9]+|__index_level_[0-9]+__)$"  # as pandas calls an index that became a column
)


def choose_transform(profile: ColumnProfile) -> Transform:
    """The transform of an input column with this profile.

    Raises RowError for a few words among numbers, for an infinite number, and for a cell that is not what a person says
    that the column is.
    """
    if profile.present == 0:
        return Dropped(profile.name, "every cell is missing")
    if profile.kind is not None:
        return _by_kind(profile)
    if not profile.numeric:
        return _of_words(profile)
    if _is_identifier(profile):
        return _flag_or_drop(profile, "its whole numbers are all different, as those of rows and identifiers")
    return choose_scale(profile) or _flag_or_drop(profile, "every value is the same")


def _is_identifier(profile: ColumnProfile) -> bool:
    """Whether a column is named like an identifier and holds whole numbers that are all different."""
    if not _IDENTIFIER.search(profile.name.strip()):
        return False
    values = profile.sample.sorted
    different = bool((values[1:] > values[:-1]).all()) and len(values) >= LEAST_NUMBERED
    return different and bool((values == values.round()).all())


def _of_words(profile: ColumnProfile) -> Transform:
    counts = profile.counts
    _require_no_slips(profile)
    if profile.forms.chosen is not None and not profile.categorical:
        return _times(profile, profile.forms.chosen)
    if counts.too_many:
        return _flag_or_drop(profile, TOO_MANY)
    if counts.distinct() == 1:
        return _flag_or_drop(profile, "every value is the same")
    if profile.order is not None and len(profile.order) <= FEW_WORDS:
        return Ordered(profile.name, profile.order, profile.missing > 0)
    labels = None if profile.categorical else labels_of(profile)
    return _categories(profile) if labels is None else labels


def _by_kind(profile: ColumnProfile) -> Transform:
    """The transform of a column of which a person says what it is."""
    assert profile.kind is not None, "the caller asks for it"
    kind, same = profile.kind, "every value is the same"
    if kind.kind == NUMBER:
        if not profile.numeric:
            raise _not_of_kind(profile, profile.written.fits, "numbers", "name it category to have words")
        return choose_scale(profile) or _flag_or_drop(profile, same)
    if kind.kind == DATE:
        if profile.forms.chosen is None:
            raise _not_of_kind(profile, profile.forms.fits, "dates", "a form of docs/data.md for all cells")
        return _times(profile, profile.forms.chosen)
    if profile.counts.too_many:
        return _flag_or_drop(profile, TOO_MANY)
    if profile.counts.distinct() == 1:
        return _flag_or_drop(profile, same)
    if kind.kind == ORDERED:
        return _ordered(profile)
    if kind.kind == LABELS:
        return labels_of(profile, kind) or _flag_or_drop(profile, "none of its labels comes twice")
    if kind.kind == TEXT:
        return text_words_of(profile) or _flag_or_drop(profile, "no word is in three cells and not in all")
    return _named_categories(profile)


def _named_categories(profile: ColumnProfile) -> Transform:
    """The words as categories, however few of them repeat."""
    repeated = profile.counts.words(least=2)
    if not repeated:
        return _flag_or_drop(profile, "none of its words comes twice")
    words = tuple(word for word, _ in repeated[: _most_words(profile)])
    kind = Categories if len(words) == profile.counts.distinct() else Frequent
    return kind(profile.name, words, profile.missing > 0)


def _ordered(profile: ColumnProfile) -> Ordered:
    """The words in the order that a person names, or that of ordered categories, or that of numbers."""
    assert profile.kind is not None, "the caller asks for it"
    words = order_of_words(profile)
    if len(words) > FEW_WORDS:
        raise DataError(f"column {profile.name!r} has {len(words)} words in an order, but {FEW_WORDS} are allowed")
    return Ordered(profile.name, words, profile.missing > 0)


def _not_of_kind(profile: ColumnProfile, fits: Fits, what: str, advice: str) -> RowError:
    """The error for the first cell of a column that is not what a person says."""
    best = fits.best()
    odd = None if best is None else fits.forms[best].first_odd
    cell = odd or profile.first_word or Cell(0, "")
    line = "column {name!r} is to be {what}, but {word!r} came in row {row}: fix it, leave the cell empty, or {advice}"
    return RowError(cell.row, line, name=profile.name, what=what, word=cell.text, advice=advice)


def _require_no_slips(profile: ColumnProfile) -> None:
    """Raise a RowError if the column holds numbers or times but for a few words, so that these are most likely slips.

    They are if almost all cells are numbers or times, or if most are, many different ones, and only a few different
    words are not: these may stand for a missing value. Numbers that are not plain are words beside others if they are
    `few`: `4WD`, `2WD` and `AWD` are three names.
    """
    if profile.first_word is None or profile.categorical or profile.forms.chosen is not None:
        return
    numbers, times = profile.written.fits, profile.forms.fits
    if profile.counts.numeric > MEANT * profile.present:
        raise _slip(profile, profile.first_word, "")
    for fits, what in ((numbers, lambda form: f"numbers{in_words(form)}"), (times, "times ({})".format)):
        form = fits.best()
        fit = None if form is None else fits.forms[form]
        if form is None or fit is None or fit.first_odd is None:
            continue
        names = fits is numbers and form != PLAIN and _are_few(profile, fit)
        mostly = fit.count > MEANT * fits.count and not names
        if mostly or (2 * fit.count > fits.count and _may_be_missing(profile, fit, fits is times)):
            raise _slip(profile, fit.first_odd, what(form))


def _are_few(profile: ColumnProfile, fit: Fit) -> bool:
    """Whether the words that fit a form are `few`."""
    return not profile.counts.too_many and few(profile.counts.distinct() - len(fit.odd), fit.count)


def _may_be_missing(profile: ColumnProfile, fit: Fit, times: bool) -> bool:
    """Whether the odd words may stand for a missing value among many different numbers or times."""
    if not fit.few_odd or (times and any(c.isdigit() for word in fit.odd for c in word)):
        return False
    return profile.counts.too_many or profile.counts.distinct() > LEAST_DIFFERENT + len(fit.odd)


def _slip(profile: ColumnProfile, cell: Cell, what: str) -> RowError:
    line = "column {name!r} holds {what}, but {word!r} came in row {row}: {advice}"
    advice = "fix it, leave the cell empty, drop the column, or name it category in `kinds` (`--as`)"
    return RowError(cell.row, line, name=profile.name, what=what or "numbers", word=cell.text, advice=advice)


def _categories(profile: ColumnProfile) -> Transform:
    """The repeated words as categories, unless most cells are different texts, or hardly any word repeats."""
    counts = profile.counts
    repeated = counts.words(least=2)
    share = sum(count for _, count in repeated) / profile.present
    is_prose = share < MOST_REPEATED and counts.spaces() >= SPACES and not profile.categorical
    text = text_words_of(profile) if is_prose else None
    if text is not None and 2 * sum(any(map(str.isalpha, word)) for word in text.words) > len(text.words):
        return text
    if share < LEAST_SHARE or not repeated:
        names = "hardly any word comes twice, as in names and identifiers"
        if profile.written.alike:
            shown = " and ".join(repr(word) for word in profile.written.alike)
            names = f"its cells look like numbers, but not in one form: {shown}, write them alike"
        return _flag_or_drop(profile, names)
    least = 2 if profile.rows <= MANY else LEAST_REPEATED
    often = [word for word, count in repeated if count >= least] or [word for word, _ in repeated]
    words = tuple(often[: _most_words(profile)])
    kind = Categories if len(words) == counts.distinct() else Frequent
    return kind(profile.name, words, profile.missing > 0)


def _most_words(profile: ColumnProfile) -> int:
    """How many words may be inputs: of many rows a hundred, unless the words come often."""
    often = profile.rows <= MANY or profile.present >= CELLS_EACH * profile.counts.distinct()
    return most_words(profile) if often else FEW_WORDS


def _times(profile: ColumnProfile, form: str) -> Transform:
    spread, missing = profile.forms.possible[form], profile.missing + profile.forms.placeholders > 0
    shape = Shape(spread.days, spread.sample)
    if shape.scale == 0:
        return _flag_or_drop(profile, "every value is the same")
    span = shape.high - shape.low
    varies = {"days": True, "season": span >= HALF_A_YEAR and spread.days_of_year > 1}
    varies |= {"weekday": span >= 7 and spread.weekdays > 1 and spread.days_of_month > 1, "clock": spread.minutes > 1}
    middle, scale, robust = shape.linear
    return Times(profile.name, form, tuple(part for part in PARTS if varies[part]), missing, middle, scale, robust)


def _flag_or_drop(profile: ColumnProfile, reason: str) -> Transform:
    return Presence(profile.name, reason) if profile.missing else Dropped(profile.name, reason)
