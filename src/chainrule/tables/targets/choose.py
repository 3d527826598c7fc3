"""The kind of a target column, classes or numbers: the one place that chooses it, from the column's profile."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError
from chainrule.tables.column_kinds import CATEGORY, LABELS, NUMBER, ORDERED, ColumnKind
from chainrule.tables.columns import words_of
from chainrule.tables.items import counts_of, separator_of
from chainrule.tables.number_forms import PLAIN, in_words
from chainrule.tables.profile import Cell, Shape, TargetProfile
from chainrule.tables.profile.column import MOST_CLASSES
from chainrule.tables.profile.order import order_of_words
from chainrule.tables.profile.word_counts import MOST_DISTINCT
from chainrule.tables.targets.kinds import (
    Classes,
    LabelTarget,
    LogQuantity,
    OrderedClasses,
    Quantity,
    TableTarget,
)

__all__ = ["TASKS", "TASK_OF", "choose_target"]

TASK_OF = {CATEGORY: "classification", LABELS: "classification", ORDERED: "classification", NUMBER: "regression"}
TASKS = ("auto", "classification", "regression")

_CLASSES = "use task='classification'"
_DECADES = 1e4  # the ratio of the quantiles of 99% and 1% from which on numbers are learned as their logarithms
MOST_LABELS, MOST_ORDERED = 1000, 100
_ROWS_EACH = 10  # rows per class, on average, below which `auto` takes whole numbers for quantities


def choose_target(profile: TargetProfile, task: str, log: bool = True) -> TableTarget:
    """The target for a column with this profile under `task`, by the rule that `Targets.fit` states.

    Without `log` no column is learned as its logarithm. Raises DataError for a column without values, with one value
    only, or with words among numbers.
    """
    name = profile.name
    if profile.present == 0:
        raise DataError(f"target {name!r} has no values, every cell is missing: choose another column")
    if profile.kind is not None:
        if profile.kind.kind not in TASK_OF:
            kinds = "category, number, labels or ordered"
            raise DataError(f"target {name!r} is named {profile.kind.kind} in `kinds` (`--as`), but must be {kinds}")
        task = TASK_OF[profile.kind.kind]
        if profile.kind.kind == LABELS:
            return _labels(profile, profile.kind)
        if profile.kind.kind == ORDERED:
            return _ordered(profile)
    if not profile.numeric:
        return _of_words(profile, task)
    if task != "regression" and profile.boolean and not profile.texts:
        return _classes(name, "boolean", ["true" if value else "false" for value in _distinct(profile)])
    few = task == "auto" and profile.form is None and (_few(profile) or profile.categorical or profile.boolean)
    if task == "classification" or few:
        return _of_numbers(profile)
    mean, scale = profile.moments.standard()
    if scale == 0:
        raise DataError(f"target {name!r} has only one value, {mean:g}: there is nothing to learn from it")
    form = profile.form or PLAIN
    plain = Quantity(name, mean, scale, form)
    return LogQuantity(name, mean, scale, form).scaled_to(profile) if log and _over_decades(profile) else plain


def _labels(profile: TargetProfile, kind: ColumnKind) -> LabelTarget:
    """The labels of a column, in their order as text."""
    cells = [] if profile.counts.too_many else profile.counts.words()
    separator = kind.separator or (separator_of(cells) if cells else ";")
    labels = sorted(label for label, _ in counts_of(cells, separator)) if cells else []
    if not 0 < len(labels) <= MOST_LABELS:
        count = "too many" if profile.counts.too_many else f"{len(labels):,}"
        raise DataError(f"target {profile.name!r} has {count} labels, but 1 to {MOST_LABELS:,} are allowed")
    return LabelTarget(profile.name, separator, tuple(labels))


def _ordered(profile: TargetProfile) -> OrderedClasses:
    """The classes of a column, in the order that a person, its type or its numbers say."""
    if profile.counts.too_many or profile.counts.distinct() > MOST_ORDERED:
        raise DataError(f"target {profile.name!r} has more than {MOST_ORDERED} classes in an order: name it number")
    words = order_of_words(profile, "target")
    if len(words) < 2:
        raise DataError(f"target {profile.name!r} has only one value, {words[0]!r}: there is nothing to learn from it")
    whole = OrderedClasses(profile.name, "integer", words)
    return whole if whole.in_order else OrderedClasses(profile.name, "ordered", words)


def _over_decades(profile: TargetProfile) -> bool:
    """Whether the numbers are above 0 and span four decades or more, but for a percent on either side."""
    shape = Shape(profile.moments, profile.sample)
    return shape.low > 0 and shape.last >= _DECADES * shape.first


def _distinct(profile: TargetProfile) -> NDArray[np.float64]:
    if profile.values is None:
        raise DataError(
            f"target {profile.name!r} has more than {MOST_DISTINCT:,} different numbers, too many for classes: "
            "choose another column, or use task='regression'"
        )
    return profile.values


def _few(profile: TargetProfile) -> bool:
    """Whether `auto` takes these numbers for classes."""
    if profile.values is None or (profile.values != np.trunc(profile.values)).any():
        return False
    k = len(profile.values)
    return k <= 2 or (k <= MOST_CLASSES and k * _ROWS_EACH <= profile.present)


def _of_words(profile: TargetProfile, task: str) -> Classes:
    assert profile.first_word is not None, "a column of words has a first one"
    name, (row, word), form = profile.name, profile.first_word, ""
    best = profile.written.fits.best()
    fit = None if best is None else profile.written.fits.forms[best]
    if best is not None and fit is not None and fit.first_odd is not None and 2 * fit.count > profile.present:
        (row, word), form = fit.first_odd, in_words(best)
    if task == "regression":
        line = "target {name!r} cannot be a number{form}, {word!r} came in row {row}: {advice}"
        advice = f"fix it, or {_CLASSES if profile.kind is None else 'name it category'}"
        raise RowError(row, line, name=name, word=word, form=form, advice=advice)
    if profile.counts.too_many or (task == "auto" and profile.counts.distinct() > MOST_CLASSES):
        _refuse(profile, task, Cell(row, word), form)
    return _of_texts(profile)


def _of_texts(profile: TargetProfile) -> Classes:
    """The words as classes, in the order of the categories if these have one."""
    words = sorted(word for word, _ in profile.counts.words())
    ordered = [word for word in profile.order or () if word in words]
    if len(ordered) == len(words):
        return _classes(profile.name, "ordered", ordered)
    return _classes(profile.name, "text", words)


def _refuse(profile: TargetProfile, task: str, cell: Cell, form: str) -> None:
    """Raise DataError for numbers with a few words among them, and for words that hardly ever repeat."""
    name, counts = profile.name, profile.counts
    if task == "auto" and (form or 2 * counts.numeric > profile.present):
        line = "target {name!r} holds numbers{form}, but {word!r} came in row {row}: {advice}"
        advice = f"fix it, leave the cell empty, or {_CLASSES}"
        raise RowError(cell.row, line, name=name, form=form, word=cell.text, advice=advice)
    if counts.too_many or 2 * counts.distinct() > profile.present:
        many = f"more than {MOST_DISTINCT:,}" if counts.too_many else str(counts.distinct())
        raise DataError(
            f"target {name!r} holds {many} different words in {profile.rows} rows, as names and identifiers do: "
            "choose another column, or use task='classification'"
        )


def _of_numbers(profile: TargetProfile) -> Classes:
    name, distinct = profile.name, _distinct(profile)
    if profile.as_text and (profile.large or profile.texts or _are_codes(profile, distinct)):
        return _of_texts(profile)
    if (distinct == np.trunc(distinct)).all():
        return _classes(name, "integer", [str(int(value)) for value in distinct])
    return _classes(name, "number", [repr(float(value) + 0.0) for value in distinct])


def _are_codes(profile: TargetProfile, distinct: NDArray[np.float64]) -> bool:
    """Whether a number is written with a zero before it, or in two ways."""
    words = [word for word, _ in profile.counts.words()]
    different = len(set(words_of(words).to_pylist()))
    return different > len(distinct) or any(re.match(r"[+-]?0[0-9]", word) for word in words)


def _classes(name: str, type_: str, words: list[str]) -> Classes:
    if len(words) < 2:
        raise DataError(f"target {name!r} has only one value, {words[0]!r}: there is nothing to learn from it")
    return Classes(name, type_, tuple(sorted(words)) if type_ == "boolean" else tuple(words))
