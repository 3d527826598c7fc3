"""Labels as targets: the classes of one or several outputs, or yes and no for each of several labels."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.estimators.targets import weight_by_row
from chainrule.fields import Whole
from chainrule.model.heads import shares

__all__ = ["Labels", "in_words", "labels_for", "labels_of", "of_one_type", "several_labels"]

Kind = Literal["binary", "multiclass", "multilabel", "multioutput"]


@dataclasses.dataclass(frozen=True)
class Labels:
    """The classes of each output, as targets (see `chainrule.estimators.targets.Targets`).

    - kind: "binary": one output, one neuron (two unless `single`). "multiclass": one output, a neuron for each class.
      "multilabel": outputs of 0 or 1, a neuron for each. "multioutput": several outputs, a block of neurons for each.
    - classes: for each output its classes, sorted.
    - single: whether one neuron, which answers yes or no, is enough for two classes.
    """

    kind: Kind
    classes: tuple[Array, ...]
    single: bool = True

    @property
    def shown(self) -> Any:
        """The attribute `classes_`, as scikit-learn has it."""
        if self.kind == "multilabel":
            return np.arange(len(self.classes))
        return list(self.classes) if self.kind == "multioutput" else self.classes[0]

    @property
    def yes_or_no(self) -> bool:
        """Whether every neuron answers yes or no, independent of the others."""
        return self.kind == "multilabel" or (self.kind == "binary" and self.single)

    @property
    def widths(self) -> list[int]:
        """The number of neurons of each block of outputs."""
        return [len(self.classes) if self.kind == "multilabel" else 1] if self.yes_or_no else self._counts

    @property
    def _counts(self) -> list[int]:
        return [len(classes) for classes in self.classes]

    def codes(self, y: Array) -> Array:
        """The number of each row's class, (n, outputs). Raises DataError for a value that is not among the classes."""
        y = y.reshape(len(y), -1)
        if y.shape[1] != len(self.classes):
            raise DataError(f"y has {y.shape[1]} columns, but there were {len(self.classes)} before: give as many")
        columns = [_codes_of(classes, y[:, k]) for k, classes in enumerate(self.classes)]
        return np.stack(columns, axis=1) if columns else np.empty((len(y), 0), np.int64)

    def encode(self, y: Array) -> Array:
        """0 and 1 for neurons that answer yes or no, else class numbers. Raises DataError as `codes` does."""
        codes = self.codes(y)
        if self.yes_or_no:
            return codes.astype(np.float32)
        if all(count == 1 for count in self._counts):
            return np.ones(codes.shape, np.float32)
        return codes.astype(np.int32)[:, 0] if len(self.classes) == 1 else codes.astype(np.int32)

    def decode(self, A: Array) -> Array:
        """The likeliest class of each output."""
        if self.yes_or_no:
            codes = (A > 0.5).astype(np.int64)
        else:
            codes = np.stack([part.argmax(axis=1) for part in self.by_output(A)], axis=1)
        if self.kind == "multilabel":
            return codes
        mixed = len({classes.dtype.kind for classes in self.classes}) > 1  # words beside numbers
        columns = zip(self.classes, codes.T, strict=True)
        labels = [classes[code].astype(object if mixed else classes.dtype) for classes, code in columns]
        return np.stack(labels, axis=1) if self.kind == "multioutput" else labels[0]

    def by_output(self, A: Array) -> list[Array]:
        """The columns of A (n, n_L) that belong to each output."""
        return np.split(A, np.cumsum(self._counts)[:-1].tolist(), axis=1)

    def probabilities(self, A: Array) -> Any:
        """(n, k) for k classes, whose rows sum to 1, or k labels; a list of those for several outputs."""
        if self.kind == "multilabel":
            return A
        if self.yes_or_no:
            return np.hstack([1 - A, A])
        probabilities = [shares(part) for part in self.by_output(A)]
        return probabilities if self.kind == "multioutput" else probabilities[0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """The share of rows that are right in every output; NaN where an output is not finite."""
        if not np.isfinite(A).all():
            return float("nan")
        right = (self.decode(A).reshape(len(A), -1) == y.reshape(len(A), -1)).all(axis=1)
        return float(np.average(right, weights=weight_by_row(weight)))


def labels_of(y: Array, kind: str, single: bool = True) -> Labels:
    """The labels that occur in y; `kind` is scikit-learn's word for it (`type_of_target`)."""
    if kind == "multilabel-indicator":
        return several_labels(y.shape[1])
    if y.ndim > 1:
        return labels_for(list(y.T), single)
    return labels_for(y, single)


def several_labels(count: int) -> Labels:
    """Yes or no for each of `count` labels. Raises SettingError unless that is a whole number from 1."""
    return Labels("multilabel", (np.array([0, 1]),) * Whole(1).clean("n_labels", count))


def labels_for(classes: Any, single: bool = True) -> Labels:
    """The labels of one output with these classes, or of several for a list of arrays of classes.

    Raises DataError for anything else.
    """
    several = isinstance(classes, list | tuple) and len(classes) > 0 and all(np.ndim(each) == 1 for each in classes)
    if several:
        return Labels("multioutput", tuple(map(_sorted, classes)))
    distinct = _sorted(classes)
    return Labels("binary" if len(distinct) == 2 else "multiclass", (distinct,), single)


def of_one_type(values: Array) -> bool:
    """Whether objects are all words, all whole numbers or all truth values."""
    kinds = {type(value) for value in values.tolist()}
    return len(kinds) == 1 and issubclass(kinds.pop(), str | int | np.integer | np.bool_)


def in_words(values: Sequence[Any] | Array) -> str:
    """The first eight values, for an error.

    >>> print(in_words(["no", "yes"]))
    'no', 'yes'
    """
    words = [repr(value) for value in np.asarray(values)[:8].tolist()]
    return ", ".join(words) + (", ..." if len(values) > 8 else "")


def _sorted(values: Any) -> Array:
    """The distinct values, sorted: numbers that came as objects become numbers."""
    classes = np.asarray(values)
    if classes.ndim != 1 or not classes.size:
        raise DataError(f"the classes are {values!r}, but must be a list of one at least")
    numbers = classes.dtype.kind == "O" and not isinstance(classes[0], str) and of_one_type(classes)
    return np.unique(np.array(classes.tolist()) if numbers else classes)


def _codes_of(classes: Array, values: Array) -> Array:
    """The number of each value's class. Raises DataError for values that are not among the sorted classes."""
    try:
        codes = np.searchsorted(classes, values)
    except TypeError:
        raise DataError(f"y has values of type {values.dtype}, but the classes are {in_words(classes)}") from None
    codes = np.minimum(codes, len(classes) - 1)
    strange = classes[codes] != values
    if np.any(strange):
        new = in_words(np.unique(values[strange]))
        raise DataError(f"y has classes not seen before, {new}: the classes are {in_words(classes)}")
    return np.asarray(codes)
