"""What an estimator is asked to predict: labels of one or several outputs, yes or no for several labels, or numbers."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.registry import require

__all__ = ["Labels", "Targets", "Values", "labels_for", "labels_of", "of_one_type", "several_labels"]

Kind = Literal["binary", "multiclass", "multilabel", "multioutput"]


class Targets(Protocol):
    """Between what a user calls y and what the network's outputs A and targets T are."""

    @property
    def widths(self) -> list[int]:
        """How many neurons each block of outputs has."""

    def encode(self, y: Array) -> Array:
        """T for the network. Raises DataError for a y of another kind."""

    def decode(self, A: Array) -> Array:
        """What is predicted where the network's outputs are A (n, n_L)."""

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """The estimator's own score of these predictions, greater is better."""

    def weighted(self, y: Array, weight: Array | None, class_weight: Any) -> Array | None:
        """The weights of examples times those of their classes."""


@dataclasses.dataclass(frozen=True)
class Values:
    """Numbers: `columns` of them, or one (0), where y is (n,)."""

    columns: int = 0

    @classmethod
    def of(cls, y: Array) -> "Values":
        """The targets that y (n,) or (n, columns) has."""
        return cls(0 if y.ndim == 1 else y.shape[1])

    @property
    def widths(self) -> list[int]:
        """One block, a neuron for each number."""
        return [self.columns or 1]

    def encode(self, y: Array) -> Array:
        """Y as (n, n_L)."""
        if y.ndim > 1 and y.shape[1] != self.columns:
            raise DataError(f"y has {y.shape[1]} columns, but there were {self.columns or 1} before: give as many")
        if y.ndim == 1 and self.columns > 1:
            raise DataError(f"y is (rows,), but there were {self.columns} columns before: give as many")
        return y.reshape(len(y), -1)

    def decode(self, A: Array) -> Array:
        """A itself, (n,) for one number."""
        return A if self.columns else A[:, 0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """R², the mean over columns; NaN where a prediction is not finite."""
        from sklearn.metrics import r2_score

        if not np.isfinite(A).all():
            return float("nan")
        return float(r2_score(y, self.decode(A), sample_weight=_by_row(weight)))

    def weighted(self, y: Array, weight: Array | None, class_weight: Any) -> Array | None:
        """The weights as they are: numbers have no classes."""
        return weight


@dataclasses.dataclass(frozen=True)
class Labels:
    """The sorted `classes` of each output; `single` neurons answer yes or no where an output has two classes.

    binary: one output, one neuron (two unless `single`). multiclass: one output, a neuron for each class. multilabel:
    outputs of 0 or 1, a neuron for each. multioutput: several outputs, a block of neurons for each.
    """

    kind: Kind
    classes: tuple[Array, ...]
    single: bool = True

    @property
    def shown(self) -> Any:
        """What scikit-learn calls `classes_`."""
        if self.kind == "multilabel":
            return np.arange(len(self.classes))
        return list(self.classes) if self.kind == "multioutput" else self.classes[0]

    @property
    def yes_or_no(self) -> bool:
        """Whether every neuron answers for itself."""
        return self.kind == "multilabel" or (self.kind == "binary" and self.single)

    @property
    def widths(self) -> list[int]:
        """The neurons of each block."""
        return [len(self.classes) if self.kind == "multilabel" else 1] if self.yes_or_no else self._counts

    @property
    def _counts(self) -> list[int]:
        return [len(classes) for classes in self.classes]

    def codes(self, y: Array) -> Array:
        """The number of each row's class, (n, outputs). Raises DataError for one that is not known."""
        y = y.reshape(len(y), -1)
        if y.shape[1] != len(self.classes):
            raise DataError(f"y has {y.shape[1]} columns, but there were {len(self.classes)} before: give as many")
        columns = [_places(known, y[:, k]) for k, known in enumerate(self.classes)]
        return np.stack(columns, axis=1) if columns else np.empty((len(y), 0), np.int64)

    def encode(self, y: Array) -> Array:
        """0 and 1 for neurons that answer for themselves, else class numbers."""
        codes = self.codes(y)
        if self.yes_or_no:
            return codes.astype(np.float32)
        if all(count == 1 for count in self._counts):
            return np.ones(codes.shape, np.float32)
        return codes.astype(np.int32)[:, 0] if len(self.classes) == 1 else codes.astype(np.int32)

    def decode(self, A: Array) -> Array:
        """The likeliest class of each output."""
        if self.yes_or_no:
            found = (A > 0.5).astype(np.int64)
        else:
            found = np.stack([part.argmax(axis=1) for part in self.parts(A)], axis=1)
        if self.kind == "multilabel":
            return found
        mixed = len({known.dtype.kind for known in self.classes}) > 1  # words beside numbers
        labels = [known[found[:, k]].astype(object if mixed else known.dtype) for k, known in enumerate(self.classes)]
        return np.stack(labels, axis=1) if self.kind == "multioutput" else labels[0]

    def parts(self, A: Array) -> list[Array]:
        """The columns of each output."""
        return np.split(A, np.cumsum(self._counts)[:-1].tolist(), axis=1)

    def probabilities(self, A: Array) -> Any:
        """(n, k) for k classes, whose rows sum to 1, or k labels; a list of those for several outputs."""
        if self.kind == "multilabel":
            return A
        if self.yes_or_no:
            return np.hstack([1 - A, A])
        found = [_normalised(part) for part in self.parts(A)]
        return found if self.kind == "multioutput" else found[0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """The share of rows that are right in every output."""
        if not np.isfinite(A).all():
            return float("nan")
        right = (self.decode(A).reshape(len(A), -1) == y.reshape(len(A), -1)).all(axis=1)
        return float(np.average(right, weights=_by_row(weight)))

    def weighted(self, y: Array, weight: Array | None, class_weight: Any) -> Array | None:
        """Times the weights of classes: (n,) for one output, (n, outputs) for several.

        "balanced" gives the k classes of an output that are there S / (k S_c), S_c being the weight of class c, S of
        all. Else a mapping from class to weight, 1 for those that it does not name, or a list of one for each output,
        None for 1.
        """
        if class_weight is None:
            return weight
        codes = self.codes(y)
        given = class_weight if isinstance(class_weight, list | tuple) else [class_weight] * codes.shape[1]
        if len(given) != codes.shape[1]:
            raise SettingError(f"{len(given)} class weights came for {codes.shape[1]} outputs: give one for each")
        columns = []
        for which, known, code in zip(given, self.classes, codes.T, strict=True):
            balanced = isinstance(which, str) and which == "balanced"
            by_class = _balanced(code, len(known), _by_row(weight)) if balanced else _given(which, known)
            columns.append(by_class[code])
        found = np.stack(columns, axis=1)
        if weight is not None:
            _check_columns(weight, len(columns))
            found = found * weight.reshape(len(y), -1)
        return found[:, 0] if len(columns) == 1 else found


def labels_of(y: Array, kind: str, single: bool = True) -> Labels:
    """The labels that y has; `kind` is scikit-learn's word for it (`type_of_target`)."""
    if kind == "multilabel-indicator":
        return several_labels(y.shape[1])
    if y.ndim > 1:
        return labels_for(list(y.T), single)
    return labels_for(y, single)


def several_labels(count: int) -> Labels:
    """Yes or no for each of `count` labels."""
    whole = isinstance(count, int | np.integer) and not isinstance(count, bool) and count > 0
    require(whole, "n_labels", count, "a whole number from 1")
    return Labels("multilabel", (np.array([0, 1]),) * count)


def labels_for(classes: Any, single: bool = True) -> Labels:
    """The labels of one output with these classes, or of several for a list of arrays of classes."""
    several = isinstance(classes, list | tuple) and len(classes) > 0 and all(np.ndim(known) == 1 for known in classes)
    if several:
        return Labels("multioutput", tuple(map(_known, classes)))
    known = _known(classes)
    return Labels("binary" if len(known) == 2 else "multiclass", (known,), single)


def _known(values: Any) -> Array:
    """The classes among these values, in order."""
    found = np.asarray(values)
    if found.ndim != 1 or not found.size:
        raise DataError(f"the classes are {values!r}, but must be a list of one at least")
    numbers = found.dtype.kind == "O" and not isinstance(found[0], str) and of_one_type(found)
    return np.unique(np.array(found.tolist()) if numbers else found)


def of_one_type(values: Array) -> bool:
    """Whether objects are all words, all whole numbers or all truth values."""
    kinds = {type(value) for value in values.tolist()}
    return len(kinds) == 1 and issubclass(kinds.pop(), str | int | np.integer | np.bool_)


def _places(known: Array, values: Array) -> Array:
    """Where each value stands among the sorted known ones."""
    try:
        places = np.searchsorted(known, values)
    except TypeError:
        raise DataError(f"y has values of type {values.dtype}, but the classes are {_listed(known)}") from None
    places = np.minimum(places, len(known) - 1)
    strange = known[places] != values
    if np.any(strange):
        raise DataError(
            f"y has classes not seen before, {_listed(np.unique(values[strange]))}: known are {_listed(known)}"
        )
    return np.asarray(places)


def _listed(values: Sequence[Any] | Array) -> str:
    words = [repr(value) for value in np.asarray(values)[:8].tolist()]
    return ", ".join(words) + (", ..." if len(values) > 8 else "")


def _normalised(A: Array) -> Array:
    """Rows that sum to 1; even ones where all outputs are 0."""
    totals = A.sum(axis=1, keepdims=True)
    return np.divide(A, totals, out=np.full_like(A, 1 / A.shape[1]), where=totals > 0)


def _by_row(weight: Array | None) -> Array | None:
    return weight if weight is None or weight.ndim == 1 else weight.mean(axis=1)


def _check_columns(weight: Array, outputs: int) -> None:
    if weight.ndim == 2 and weight.shape[1] != outputs:
        raise DataError(
            f"sample_weight has {weight.shape[1]} columns, but there are {outputs} outputs: give one for each"
        )


def _balanced(codes: Array, count: int, weight: Array | None) -> Array:
    totals = np.bincount(codes, weight, count).astype(np.float64)
    seen = totals > 0
    return np.divide(totals.sum() / max(int(seen.sum()), 1), totals, out=np.ones(count), where=seen)


def _given(weights: Any, known: Array) -> Array:
    weights = {} if weights is None else weights
    if not isinstance(weights, Mapping):
        raise SettingError(
            f"class_weight is {weights!r}, but must be 'balanced', a mapping from class to weight, or a list of those"
        )
    found, unknown = np.ones(len(known)), dict(weights)
    for k, name in enumerate(known.tolist()):
        value = unknown.pop(name, 1.0)
        if not (isinstance(value, int | float | np.number) and 0 <= float(value) < np.inf):
            raise SettingError(f"class_weight of {name!r} is {value!r}, but must be a number from 0")
        found[k] = value
    if unknown and len(weights) - len(unknown) < len(known):
        raise SettingError(f"class_weight names {_listed(list(unknown))}, but the classes are {_listed(known)}")
    return found
