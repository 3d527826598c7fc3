"""Kinds of values that only settings of a table take: number types, metrics, shares or tables, weights of classes."""

import dataclasses
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule.arrays import as_dtype
from chainrule.errors import SettingError
from chainrule.fields import Function, Kind, Word
from chainrule.model.threshold import RULES, Rule
from chainrule.registry import is_finite, is_number, require
from chainrule.tables.column_kinds import ColumnKind

__all__ = [
    "FOLDS",
    "ClassWeights",
    "ColumnKinds",
    "Dtype",
    "Levels",
    "MetricChoice",
    "ShareOrTable",
    "ThresholdRule",
    "is_folds",
    "takes_probabilities",
]

FOLDS = "folds"
_METRIC = Function(2, "a function of (y_true, y_pred) or (y_true, y_pred, probabilities)")
_OF_PROBABILITIES = Function(3, _METRIC.noun)


def is_folds(validation: Any) -> bool:
    """Whether each member of an ensemble is validated on the rows that it leaves out."""
    return isinstance(validation, str) and validation == FOLDS


@dataclasses.dataclass(frozen=True)
class Dtype(Word):
    """A floating point type that networks compute in: its name, or a type of NumPy (its name in any case)."""

    def convert(self, name: str, value: Any) -> str:
        return as_dtype(value).name

    @property
    def words(self) -> str:
        return " or ".join(self.choices)


def takes_probabilities(metric: Any) -> bool:
    """Whether a function for a metric must be called with three values, the third of which are probabilities.

    >>> takes_probabilities(lambda y_true, y_pred: 0.0), takes_probabilities(lambda y_true, y_pred, probabilities: 0.0)
    (False, True)
    """
    try:
        _METRIC.clean("metric", metric)
    except SettingError:
        return True
    return False


@dataclasses.dataclass(frozen=True)
class MetricChoice(Word):
    """A metric by its name, or a function of true and predicted values, or a list of these (then a tuple)."""

    def convert(self, name: str, value: Any) -> Any:
        if not isinstance(value, list | tuple):
            return self._one(name, value)
        require(len(value) > 0, name, value, self.allowed)
        several = tuple(self._one(name, each) for each in value)
        names = [each if isinstance(each, str) else getattr(each, "__name__", "metric") for each in several]
        twice = [each for each in names if names.count(each) > 1]
        require(not twice, name, names, f"metrics with names of their own, but {twice[:1]} comes twice")
        return several if len(several) > 1 else several[0]

    def _one(self, name: str, value: Any) -> Any:
        if not callable(value):
            return super().convert(name, value)
        return (_OF_PROBABILITIES if takes_probabilities(value) else _METRIC).clean(name, value)

    @property
    def words(self) -> str:
        return f"{super().words}, {_METRIC.noun}, a list of these"


@dataclasses.dataclass(frozen=True)
class ShareOrTable(Kind):
    """A share of the rows, or anything that can be read as a table of other rows."""

    def convert(self, name: str, value: Any) -> Any:
        if not is_number(value) and not isinstance(value, bool):
            return value
        require(0 <= value < 1 and not isinstance(value, bool), name, value, self.allowed)
        return float(value)

    @property
    def words(self) -> str:
        return "a share from 0 to below 1, a table of other rows"


@dataclasses.dataclass(frozen=True)
class ClassWeights(Kind):
    """The word "balanced", or weights by class; with several targets weights by target and class."""

    def convert(self, name: str, value: Any) -> Any:
        balanced = isinstance(value, str) and value == "balanced"
        require(balanced or isinstance(value, Mapping), name, value, self.allowed)
        return value

    @property
    def words(self) -> str:
        return "'balanced', weights of classes such as {'yes': 5}, weights by target if there are several"


@dataclasses.dataclass(frozen=True)
class ColumnKinds(Kind):
    """What columns are, by their names: a mapping to texts of `chainrule.tables.column_kinds` (then a dictionary)."""

    def convert(self, name: str, value: Any) -> dict[str, str]:
        pairs = dict(value) if isinstance(value, Mapping) or value == () else None
        texts = pairs is not None and all(isinstance(each, str) for pair in pairs.items() for each in pair)
        require(texts, name, value, self.allowed)
        assert pairs is not None, "`require` says so"
        for text in pairs.values():
            ColumnKind.of(text)
        return pairs

    @property
    def words(self) -> str:
        return "a mapping such as {'zip': 'category'}"


@dataclasses.dataclass(frozen=True)
class Levels(Kind):
    """Shares between 0 and 1, each greater than the one before; one number for one of them (a tuple in any case)."""

    def convert(self, name: str, value: Any) -> tuple[float, ...]:
        levels = [value] if is_finite(value) else value
        is_list = isinstance(levels, Sequence | np.ndarray) and not isinstance(levels, str)
        require(is_list and all(is_finite(level) for level in levels), name, value, self.allowed)
        numbers = [0.0, *(float(level) for level in levels), 1.0]
        require(all(a < b for a, b in pairwise(numbers)), name, value, self.allowed)
        return tuple(numbers[1:-1])

    @property
    def words(self) -> str:
        return "rising numbers between 0 and 1"


@dataclasses.dataclass(frozen=True)
class ThresholdRule(Kind):
    """A probability, or a rule that chooses one; see `chainrule.model.threshold`."""

    def convert(self, name: str, value: Any) -> Any:
        Rule.of(value)
        return float(value) if is_number(value) else value

    @property
    def words(self) -> str:
        return RULES
