"""The kinds of target columns: one frozen class for each.

classes       one output per class, 1 under the row's own; decoded by the greatest output, in the column's own type
ordered       classes in an order: one output for each but the lowest, 1 where the row's class is that one or a higher
              one, so that it stands for P(y >= class); decoded by the last one up to which all are above 1/2
labels        one output per label, 1 where the row has it; decoded by the outputs above 1/2
numbers       (y - mean) / scale with training's mean and population standard deviation; decoded in their own units
log numbers   the same of log y, for numbers over many decades
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError
from chainrule.tables.arrow import pa, pc
from chainrule.tables.columns import read_numbers, texts_of, values_of, words_of
from chainrule.tables.items import has_items
from chainrule.tables.names import listed
from chainrule.tables.number_forms import PLAIN, in_words
from chainrule.tables.profile import ColumnProfile, Moments, TargetCells, standardised
from chainrule.tables.targets.target import ClassTarget, TableTarget, Target

__all__ = [
    "KINDS",
    "ClassTarget",
    "Classes",
    "LabelTarget",
    "LogQuantity",
    "OrderedClasses",
    "Quantity",
    "TableTarget",
    "Target",
]


@dataclasses.dataclass(frozen=True)
class Classes(ClassTarget, TableTarget):
    """A column of classes; `words` are their texts in order.

    The type is `integer`, `number`, `boolean`, `text`, or `ordered` for texts in an order of their own. Of two classes
    the second is the answer where its probability is at least the `threshold`, a number of float32 above 0; or the
    first, if it is `of_first`.
    """

    type: str
    words: tuple[str, ...]
    threshold: float | None = None
    of_first: bool = False

    @property
    def count(self) -> int:
        """The number of classes, k."""
        return len(self.words)

    def codes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        if self.threshold is None:
            return super().codes(outputs)
        code = 0 if self.of_first else 1
        return np.where(outputs[:, code] >= outputs.dtype.type(self.threshold), code, 1 - code)

    @property
    def width(self) -> int:
        return self.count

    @property
    def absent(self) -> float:
        """An equal share for each class, which no row has that belongs to one."""
        return 1 / self.count

    @property
    def values(self) -> NDArray[Any]:
        """The classes (k,) in the column's own type.

        >>> Classes("digit", "integer", ("2", "10")).values
        array([ 2, 10])
        """
        return _AS_VALUES[self.type](self.words)

    @property
    def texts(self) -> tuple[str, ...]:
        return self.words

    @property
    def in_order(self) -> bool:
        """Whether there are two classes or more, each a text of the type, without repetition and sorted."""
        pattern = _PATTERNS.get(self.type)
        if pattern is None or self.count < 2 or not all(re.fullmatch(pattern, word, re.S) for word in self.words):
            return False
        if self.type == "ordered":
            return len(set(self.words)) == self.count
        values = self.values.tolist()
        finite = self.type != "number" or bool(np.isfinite(self.values).all())
        return finite and all(a < b for a, b in pairwise(values))

    def encode(self, column: Any, dtype: Any) -> NDArray[Any]:
        """One-hot (n, k).

        Raises RowError for a class that training did not have.
        """
        if self._numeric:
            codes = self._codes_of_numbers(values_of(column, self._unknown, self.name))
        else:
            codes = self._codes_of_words(texts_of(column, self.name))
        return self._one_hot(codes, dtype, lambda row: str(texts_of(column)[row].as_py()))

    def learnable(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(truth.any(axis=1))

    @property
    def as_truth(self) -> TableTarget:
        return _TrueClasses(self.name, self.type, self.words)

    def fits(self, cells: TargetCells) -> bool:
        if self.type in ("text", "ordered"):
            return cells.codes is not None
        return cells.numbers is not None and cells.form is None and (self._numeric or cells.boolean)

    def encode_cells(self, cells: TargetCells, rows: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
        if cells.codes is not None:
            codes = self._codes_of_words(pa.array(cells.words, pa.large_string()))[cells.codes[rows]]
        else:
            assert cells.numbers is not None, "`fits` says so"
            numbers = cells.numbers[rows]
            codes = self._codes_of_numbers(numbers) if self._numeric else numbers.astype(np.intp)  # false, true
        return self._one_hot(codes, dtype, lambda row: cells.text(rows[row]))

    def code_of(self, value: Any) -> int | None:
        try:
            return int(self.codes(self.encode([value], "float64"))[0])
        except DataError:
            return None

    @property
    def _numeric(self) -> bool:
        return self.type in ("integer", "number")

    def _one_hot(self, codes: NDArray[np.intp], dtype: Any, text: Callable[[int], str]) -> NDArray[Any]:
        """One-hot (n, k) of the codes (n,); `text` gives the word of a row whose code is -1, for the error."""
        if (codes < 0).any():
            row = int((codes < 0).argmax())
            raise self._unknown(row, text(row))
        T = np.zeros((len(codes), self.width), dtype)
        T[np.arange(len(codes)), codes] = 1
        return T

    def _codes_of_words(self, words: pa.Array) -> NDArray[np.intp]:
        """The number (from 0) of each word's class, -1 for an unknown one.

        A word that is not a class as it is written is one in its canonical text, if that is a class.
        """
        classes = pa.array(self.words, words.type)
        codes, canonical = pc.index_in(words, value_set=classes), words_of(classes)
        if len(canonical.unique()) == len(canonical):
            codes = pc.coalesce(codes, pc.index_in(words_of(words), value_set=canonical))
        return np.asarray(codes.fill_null(-1), dtype=np.intp)

    def _codes_of_numbers(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """The number (from 0) of each value's class, -1 for an unknown one."""
        classes = self.values.astype(np.float64)
        codes = np.searchsorted(classes, values).clip(0, self.count - 1)
        return np.where(classes[codes] == values, codes, -1)

    def _unknown(self, row: int, word: str) -> RowError:
        line = "target {name!r} has an unknown class {word!r} in row {row}: the classes are {known}"
        return RowError(row, line, name=self.name, word=word, known=listed(self.values.tolist()))


class _TrueClasses(Classes):
    """Classes that true values may have, or not."""

    def encode(self, column: Any, dtype: Any) -> NDArray[Any]:
        numbers = read_numbers(column) if self._numeric else None
        if numbers is not None:
            return self._one_hot(self._codes_of_numbers(numbers.values), dtype, str)
        return self._one_hot(self._codes_of_words(texts_of(column, self.name)), dtype, str)

    def codes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        return np.where(outputs.any(axis=1), super().codes(outputs), -1)

    def _one_hot(self, codes: NDArray[np.intp], dtype: Any, text: Callable[[int], str]) -> NDArray[Any]:
        T = np.zeros((len(codes), self.width), dtype)
        known = np.flatnonzero(codes >= 0)
        T[known, codes[known]] = 1
        return T


@dataclasses.dataclass(frozen=True)
class OrderedClasses(Classes):
    """A column of classes in an order, `words` from the lowest to the highest: output j says P(y >= words[j + 1]).

    Sources: Frank & Hall, A simple approach to ordinal classification, ECML 2001; Cheng, Wang & Pollastri, A neural
    network approach to ordinal regression, IJCNN 2008, whose rule for the class is ours. Where outputs do not fall, the
    least so far counts in the probabilities, so that none is negative.

    >>> size = OrderedClasses("size", "ordered", ("S", "M", "L"))
    >>> size.decode(np.array([[0.9, 0.2], [0.3, 0.6]])).tolist(), size.probabilities(np.array([[0.75, 0.25]])).tolist()
    (['M', 'S'], [[0.25, 0.5, 0.25]])
    """

    kind: ClassVar[str] = "ordered"

    @property
    def width(self) -> int:
        return self.count - 1

    @property
    def absent(self) -> float:
        """Neither below nor above."""
        return 0.5

    @property
    def neurons(self) -> list[str]:
        return [f"{self.name}>={word}" for word in self.words[1:]]

    def learnable(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(truth[:, 0] >= 0)

    @property
    def as_truth(self) -> TableTarget:
        return _TrueOrdered(self.name, self.type, self.words)

    def codes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """The number (n,) of the class: how many outputs from the first on are above 1/2."""
        return np.cumprod(outputs > 0.5, axis=1).sum(axis=1)

    def one_hot(self, outputs: NDArray[Any]) -> NDArray[Any]:
        return np.vstack([np.eye(self.count), np.zeros(self.count)])[self.codes(outputs)]

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """P(y >= class) less P(y >= the next class), (n, k)."""
        least = np.minimum.accumulate(outputs, axis=1)
        ends = np.ones((len(outputs), 1), outputs.dtype), np.zeros((len(outputs), 1), outputs.dtype)
        return np.hstack([ends[0], least]) - np.hstack([least, ends[1]])

    def chances(self, outputs: NDArray[Any]) -> NDArray[Any]:
        return self.probabilities(outputs)[np.arange(len(outputs)), self.codes(outputs)]

    def _one_hot(self, codes: NDArray[np.intp], dtype: Any, text: Callable[[int], str]) -> NDArray[Any]:
        """The steps (n, k - 1) of the codes (n,)."""
        if (codes < 0).any():
            row = int((codes < 0).argmax())
            raise self._unknown(row, text(row))
        return _steps(codes, self.count, dtype)


class _TrueOrdered(OrderedClasses):
    """Classes in an order that true values may have, or not: then all outputs are -1."""

    encode = _TrueClasses.encode

    def codes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        return np.where(outputs[:, 0] >= 0, super().codes(outputs), -1)

    def _one_hot(self, codes: NDArray[np.intp], dtype: Any, text: Callable[[int], str]) -> NDArray[Any]:
        return np.where(codes[:, np.newaxis] >= 0, _steps(codes, self.count, dtype), -1).astype(dtype)


def _steps(codes: NDArray[np.intp], count: int, dtype: Any) -> NDArray[Any]:
    """1 for each class from the second to a row's own, 0 for those above, (n, count - 1)."""
    return (codes[:, np.newaxis] > np.arange(count - 1)).astype(dtype)


@dataclasses.dataclass(frozen=True)
class LabelTarget(TableTarget):
    """A column of several labels in a cell, with a separator between them.

    >>> tags = LabelTarget("tags", ";", ("new", "old"))
    >>> tags.encode(["new;old", "old"], "float64").tolist(), tags.decode(np.array([[0.9, 0.7], [0.1, 0.2]])).tolist()
    ([[1.0, 1.0], [0.0, 1.0]], ['new;old', ''])
    """

    kind: ClassVar[str] = "labels"
    separator: str
    words: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.words)

    @property
    def texts(self) -> tuple[str, ...]:
        return self.words

    @property
    def absent(self) -> float:
        return 0.5

    @property
    def as_truth(self) -> TableTarget:
        return _TrueLabels(self.name, self.separator, self.words)

    def encode(self, column: Any, dtype: Any) -> NDArray[Any]:
        """0 and 1 (n, k). Raises RowError for a label that training did not have."""
        return self._of_words(texts_of(column, self.name)).astype(dtype)

    def fits(self, cells: TargetCells) -> bool:
        return cells.codes is not None

    def encode_cells(self, cells: TargetCells, rows: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
        assert cells.codes is not None, "`fits` says so"
        used, codes = np.unique(cells.codes[rows], return_inverse=True)
        return self._of_words(pa.array([cells.words[code] for code in used], pa.large_string())).astype(dtype)[codes]

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The labels (n,) whose outputs are above 1/2, with the separator between them."""
        rows, places = np.unique(outputs > 0.5, axis=0, return_inverse=True)
        joined = [self.separator.join(np.array(self.words, object)[row]) for row in rows]
        return np.array([*joined, None], object)[places.reshape(-1)]

    def _of_words(self, words: pa.Array) -> NDArray[np.bool_]:
        has: NDArray[np.bool_] = has_items(words, self.words, self.separator).toarray()
        if has[:, -1].any():
            row = int(has[:, -1].argmax())
            line = "target {name!r} has an unknown label in row {row}, {word!r}: the labels are {known}"
            raise RowError(row, line, name=self.name, word=words[row].as_py(), known=listed(self.words))
        return has[:, :-1]


class _TrueLabels(LabelTarget):
    """Labels that true values may have; others do not count."""

    def _of_words(self, words: pa.Array) -> NDArray[np.bool_]:
        has: NDArray[np.bool_] = has_items(words, self.words, self.separator).toarray()
        return has[:, :-1]


@dataclasses.dataclass(frozen=True)
class Quantity(TableTarget):
    """A column of numbers, written in a form of `number_forms`, standardised."""

    kind: ClassVar[str] = "numbers"
    mean: float
    scale: float
    form: str = PLAIN

    def scaled_to(self, profile: ColumnProfile) -> TableTarget:
        """The same target standardised by these cells, unless they are all equal."""
        mean, scale = profile.moments.standard() if profile.present else (self.mean, 0.0)
        return dataclasses.replace(self, mean=mean, scale=scale) if scale > 0 else self

    @property
    def absent(self) -> float:
        """A number so near the mean that no other one is, but which is not the mean."""
        return _ABSENT

    @property
    def as_truth(self) -> TableTarget:
        return Quantity(**{**dataclasses.asdict(self), "mean": 0.0, "scale": 1.0})

    def encode(self, column: Any, dtype: Any) -> NDArray[Any]:
        """`(y - mean) / scale`, (n, 1).

        Raises RowError for a word, and for a value too far from the mean.
        """
        return self.encode_values(values_of(column, self._refused, self.name, self.form), dtype)

    def fits(self, cells: TargetCells) -> bool:
        return cells.numbers is not None and (cells.form or PLAIN) == self.form

    def encode_cells(self, cells: TargetCells, rows: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
        assert cells.numbers is not None, "`fits` says so"
        return self.encode_values(cells.numbers[rows], dtype)

    def encode_values(self, values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
        """The same for numbers (n,) that are parsed already. Raises RowError for a value too far from the mean."""
        return standardised(values, self.mean, self.scale, dtype, self.name)[:, np.newaxis]

    def _refused(self, row: int, word: str) -> RowError:
        line = "target {name!r} holds numbers{form}, but {word!r} came in row {row}: fix it"
        return RowError(row, line, name=self.name, form=in_words(self.form), word=word)

    def decode(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """`mean + scale * a` (n,), float64 in the column's own units."""
        return self.in_units(outputs[:, 0])

    def in_units(self, a: NDArray[Any]) -> NDArray[np.float64]:
        """The same for scaled numbers a of any shape."""
        y: NDArray[np.float64] = self.mean + self.scale * a.astype(np.float64)
        return y

    def band(self, outputs: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The lower and the upper end (n,) of what outputs (n, width) say, and the unit (n,) of distances, all scaled.

        Both ends are the answer itself, unless the outputs say how sure they are.
        """
        return outputs[:, 0], outputs[:, 0], np.ones(len(outputs))


@dataclasses.dataclass(frozen=True)
class LogQuantity(Quantity):
    """A column of numbers above 0, whose logarithm is standardised: `mean` and `scale` are those of `log y`."""

    def scaled_to(self, profile: ColumnProfile) -> TableTarget:
        """The same target standardised by a sample of these cells, unless they are all equal."""
        mean, scale = Moments.of(np.log(profile.sample.sorted)).standard() if profile.present else (self.mean, 0.0)
        return dataclasses.replace(self, mean=mean, scale=scale) if scale > 0 else self

    def learnable(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        known: NDArray[np.bool_] = truth[:, 0] > 0
        return known

    def encode_values(self, values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
        """`(log y - mean) / scale`, (n, 1). Raises RowError for a value that is not above 0."""
        if (values <= 0).any():
            raise self._not_positive(int((values <= 0).argmax()), float(values[values <= 0][0]))
        return standardised(np.log(values), self.mean, self.scale, dtype, self.name)[:, np.newaxis]

    def in_units(self, a: NDArray[Any]) -> NDArray[np.float64]:
        """`exp(mean + scale * a)`, float64, the greatest one at most."""
        return np.exp(np.minimum(super().in_units(a), _GREATEST))

    def _not_positive(self, row: int, value: float) -> RowError:
        line = (
            "target {name!r} is learned as its logarithm, but row {row} has {value:g}: "
            "leave the row out, or name a cost, such as quadratic, when you train"
        )
        return RowError(row, line, name=self.name, value=value)


KINDS: dict[str, type[TableTarget]] = {  # names in files
    "classes": Classes,
    "ordered": OrderedClasses,
    "labels": LabelTarget,
    "numbers": Quantity,
    "log numbers": LogQuantity,
}

_GREATEST = math.log(np.finfo(np.float64).max)
_ABSENT = 2.0**-120


_PATTERNS = {  # how the classes of each type are written
    "integer": r"-?(0|[1-9][0-9]{0,15})",
    "number": r"-?[0-9]{1,17}(\.[0-9]{1,24})?(e[+-]?[0-9]{1,3})?",
    "boolean": "true|false",
    "text": ".+",
    "ordered": ".+",
}


def _texts(words: tuple[str, ...]) -> NDArray[Any]:
    return np.array(words, dtype=object)


_AS_VALUES = {
    "integer": lambda words: np.array([int(word) for word in words], np.int64),
    "number": lambda words: np.array([float(word) for word in words], np.float64),
    "boolean": lambda words: np.array([word == "true" for word in words], np.bool_),
    "text": _texts,
    "ordered": _texts,
}
