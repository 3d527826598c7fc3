"""What an estimator is asked to predict: labels of one or several outputs, yes or no for several labels, or numbers."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.model.class_weight import balanced, factor_of
from chainrule.model.heads import Choice, scaled_for, shares
from chainrule.registry import require
from chainrule.tables.profile import TargetProfile
from chainrule.tables.targets import Targets as TableTargets

__all__ = [
    "Labels",
    "ScaledValues",
    "Targets",
    "Values",
    "labels_for",
    "labels_of",
    "of_one_type",
    "scaled_values_of",
    "several_labels",
]

Factors = list[Array] | None
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

    def factors(self, y: Array, weight: Array | None, class_weight: Any) -> Factors:
        """The factor of each class of each output, balanced by these rows; None where the targets have no classes."""

    def weighted(self, y: Array, weight: Array | None, factors: Factors) -> Array | None:
        """The weights of examples times the factors of their classes."""


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

    def factors(self, y: Array, weight: Array | None, class_weight: Any) -> Factors:
        """None: numbers have no classes."""
        return None

    def weighted(self, y: Array, weight: Array | None, factors: Factors) -> Array | None:
        """The weights as they are."""
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
        found = [shares(part) for part in self.parts(A)]
        return found if self.kind == "multioutput" else found[0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """The share of rows that are right in every output."""
        if not np.isfinite(A).all():
            return float("nan")
        right = (self.decode(A).reshape(len(A), -1) == y.reshape(len(A), -1)).all(axis=1)
        return float(np.average(right, weights=_by_row(weight)))

    def factors(self, y: Array, weight: Array | None, class_weight: Any) -> Factors:
        """The factors (k,) of the k classes of each output; None where all are 1.

        "balanced" gives the classes of an output that occur S / (k S_c), S_c being the weight of class c, S of all.
        Else a mapping from class to weight, 1 for those that it does not name, or a list of one for each output,
        None for 1.
        """
        if class_weight is None:
            return None
        codes = self.codes(y)
        several = class_weight if isinstance(class_weight, list | tuple) else [class_weight] * codes.shape[1]
        if len(several) != codes.shape[1]:
            raise SettingError(f"{len(several)} class weights came for {codes.shape[1]} outputs: give one for each")
        factors = []
        for each, classes, code in zip(several, self.classes, codes.T, strict=True):
            if isinstance(each, str) and each == "balanced":
                factors.append(balanced(np.bincount(code, _by_row(weight), len(classes)).astype(np.float64)))
            else:
                factors.append(_factors(each, classes))
        return factors

    def weighted(self, y: Array, weight: Array | None, factors: Factors) -> Array | None:
        """The weights times the factors: (n,) for one output, (n, outputs) for several."""
        if factors is None:
            return weight
        codes = self.codes(y)
        weights = np.stack([factor[code] for factor, code in zip(factors, codes.T, strict=True)], axis=1)
        if weight is not None:
            _check_columns(weight, len(factors))
            weights = weights * weight.reshape(len(y), -1)
        return weights[:, 0] if len(factors) == 1 else weights


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


def _by_row(weight: Array | None) -> Array | None:
    return weight if weight is None or weight.ndim == 1 else weight.mean(axis=1)


def _check_columns(weight: Array, outputs: int) -> None:
    if weight.ndim == 2 and weight.shape[1] != outputs:
        raise DataError(
            f"sample_weight has {weight.shape[1]} columns, but there are {outputs} outputs: give one for each"
        )


def _factors(weights: Any, classes: Array) -> Array:
    weights = {} if weights is None else weights
    if not isinstance(weights, Mapping):
        raise SettingError(
            f"class_weight is {weights!r}, but must be 'balanced', a mapping from class to weight, or a list of those"
        )
    factors, unknown = np.ones(len(classes)), dict(weights)
    for k, name in enumerate(classes.tolist()):
        factors[k] = factor_of(name, unknown.pop(name, 1.0))
    if unknown and len(weights) - len(unknown) < len(classes):
        raise SettingError(f"class_weight names {_listed(list(unknown))}, but the classes are {_listed(classes)}")
    return factors


@dataclasses.dataclass(frozen=True)
class ScaledValues:
    """Numbers scaled as a table's targets are: `columns` of them, or one (0), where y is (n,)."""

    columns: int
    scaled: TableTargets

    @property
    def widths(self) -> list[int]:
        """One block, a neuron for each number."""
        return [self.columns or 1]

    def encode(self, y: Array) -> Array:
        """The scaled numbers (n, n_L). Raises DataError for a y of another kind."""
        values = Values(self.columns).encode(y).astype(np.float64)
        columns = zip(self.scaled.columns, values.T, strict=True)
        return np.concatenate([column.encode_values(part, "float64") for column, part in columns], axis=1)

    def decode(self, A: Array) -> Array:
        """The numbers in their own units, (n,) for one."""
        y = np.stack(list(self.scaled.decode(A).values()), axis=1)
        return y if self.columns else y[:, 0]

    def score(self, y: Array, A: Array, weight: Array | None) -> float:
        """R² in their own units; NaN where a prediction is not finite."""
        prediction = self.decode(A)
        return Values(self.columns).score(y, prediction.reshape(len(prediction), -1), weight)

    def factors(self, y: Array, weight: Array | None, class_weight: Any) -> Factors:
        """None: numbers have no classes."""
        return None

    def weighted(self, y: Array, weight: Array | None, factors: Factors) -> Array | None:
        """The weights as they are."""
        return weight


def scaled_values_of(y: Array, choice: Choice, log: bool = True) -> Targets:
    """Numbers y (n,) or (n, columns), scaled so that these outputs can reach them; unscaled if one column is constant.

    Those that span decades are learned as their logarithms, if `log`.
    """
    columns = y.reshape(len(y), -1).astype(np.float64)
    if (columns == columns[0]).all(axis=0).any():
        return Values.of(y)
    profiles = [TargetProfile.of_numbers(f"y{k}", np.ascontiguousarray(part)) for k, part in enumerate(columns.T)]
    fitted = TableTargets.of(profiles, "regression", log)
    return ScaledValues(0 if y.ndim == 1 else y.shape[1], scaled_for(fitted, {"numbers": choice}))
