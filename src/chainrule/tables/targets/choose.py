"""What a target column is: classes or numbers, and which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError
from chainrule.tables.inputs.choose_scale import Shape
from chainrule.tables.profile.column import TargetProfile
from chainrule.tables.profile.word_counts import MOST_DISTINCT
from chainrule.tables.targets.kinds import Classes, LogQuantity, Quantity, Target

__all__ = ["TASKS", "target_of"]

TASKS = ("auto", "classification", "regression")

_MOST_CLASSES = 20  # whole numbers that `auto` takes for classes
_DECADES = 1e4  # the ratio of the quantiles of 99% and 1% from which on numbers are learned as their logarithms
_ROWS_EACH = 10  # rows per class, on average, below which `auto` takes whole numbers for quantities


def target_of(facts: TargetProfile, task: str, log: bool = True) -> Target:
    """The target that a column with these facts is under `task`, by the rule that `Targets.fit` states.

    Raises DataError for a column without values, with one value only, or with words among numbers.
    """
    name = facts.name
    if facts.present == 0:
        raise DataError(f"target {name!r} has no values, every cell is missing: choose another column")
    if not facts.numeric:
        return _of_words(facts, task)
    if task != "regression" and facts.boolean:
        return _classes(name, "boolean", ["true" if value else "false" for value in _distinct(facts)])
    few = task == "auto" and (_few(facts) or facts.categorical)
    if task == "classification" or few:
        return _of_numbers(facts)
    mean, scale = facts.moments.standard()
    if scale == 0:
        raise DataError(f"target {name!r} has only one value, {mean:g}: there is nothing to learn from it")
    plain = Quantity(name, mean, scale)
    return LogQuantity(name, mean, scale).scaled_to(facts) if log and _over_decades(facts) else plain


def _over_decades(facts: TargetProfile) -> bool:
    """Whether the numbers are above 0 and span four decades or more, but for a percent on either side."""
    shape = Shape(facts.moments, facts.sample)
    return shape.low > 0 and shape.last >= _DECADES * shape.first


def _distinct(facts: TargetProfile) -> NDArray[np.float64]:
    if facts.values is None:
        raise DataError(
            f"target {facts.name!r} has more than {MOST_DISTINCT:,} different numbers, too many for classes: "
            "choose another column, or use task='regression'"
        )
    return facts.values


def _few(facts: TargetProfile) -> bool:
    """Whether `auto` takes these numbers for classes."""
    if facts.values is None or (facts.values != np.trunc(facts.values)).any():
        return False
    k = len(facts.values)
    return k <= 2 or (k <= _MOST_CLASSES and k * _ROWS_EACH <= facts.present)


def _of_words(facts: TargetProfile, task: str) -> Classes:
    assert facts.word is not None, "a column of words has a first one"
    name, (row, word) = facts.name, facts.word
    if task == "regression":
        line = "target {name!r} cannot be a number, {word!r} came in row {row}: fix it, or use task='classification'"
        raise RowError(row, line, name=name, word=word)
    if facts.counts.too_many or (task == "auto" and facts.counts.distinct() > _MOST_CLASSES):
        _refuse(facts, task, row, word)
    return _classes(name, "text", sorted(word for word, _ in facts.counts.words()))


def _refuse(facts: TargetProfile, task: str, row: int, word: str) -> None:
    """Raise DataError for numbers with a few words among them, and for words that hardly ever repeat."""
    name, counts = facts.name, facts.counts
    if task == "auto" and 2 * counts.numeric > facts.present:
        line = (
            "target {name!r} holds numbers, but {word!r} came in row {row}: "
            "fix it, leave the cell empty, or use task='classification'"
        )
        raise RowError(row, line, name=name, word=word)
    if counts.too_many or 2 * counts.distinct() > facts.present:
        found = f"more than {MOST_DISTINCT:,}" if counts.too_many else str(counts.distinct())
        raise DataError(
            f"target {name!r} holds {found} different words in {facts.rows} rows, as names and identifiers do: "
            "choose another column, or use task='classification'"
        )


def _of_numbers(facts: TargetProfile) -> Classes:
    name, distinct = facts.name, _distinct(facts)
    if facts.as_text:
        return _classes(name, "text", sorted(word for word, _ in facts.counts.words()))
    if (distinct == np.trunc(distinct)).all():
        return _classes(name, "integer", [str(int(value)) for value in distinct])
    return _classes(name, "number", [repr(float(value) + 0.0) for value in distinct])


def _classes(name: str, type_: str, words: list[str]) -> Classes:
    if len(words) < 2:
        raise DataError(f"target {name!r} has only one value, {words[0]!r}: there is nothing to learn from it")
    return Classes(name, type_, tuple(sorted(words)) if type_ == "boolean" else tuple(words))
