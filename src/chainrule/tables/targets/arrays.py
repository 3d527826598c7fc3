"""y, an array (n,) or (n, k), as targets: one for each of its columns."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.fields import Whole
from chainrule.tables.profile import TargetProfile
from chainrule.tables.targets.kinds import Quantity
from chainrule.tables.targets.labels import Labels
from chainrule.tables.targets.outputs import Outputs
from chainrule.tables.targets.targets import Targets
from chainrule.text import counted

__all__ = ["ArrayLabels", "ArrayNumbers", "ArrayTargets", "shares"]

Kind = Literal["binary", "multiclass", "multilabel", "multioutput"]


@dataclasses.dataclass(frozen=True)
class ArrayTargets(abc.ABC):
    """Translates y, as a user has it, to the network's targets T, and its outputs A back.

    - outputs: a target for each column of y.
    - flat: whether y is (n,), one column.
    """

    outputs: Outputs
    flat: bool

    @property
    def widths(self) -> list[int]:
        """The number of neurons of each block of outputs."""
        return [block.width for block in self.outputs.blocks]

    @abc.abstractmethod
    def encode(self, y: NDArray[Any]) -> NDArray[Any]:
        """The targets T for the network. Raises DataError for a y of another kind."""

    @abc.abstractmethod
    def decode(self, A: NDArray[Any]) -> NDArray[Any]:
        """The predictions, (n,) or (n, k) as y was, from the network's outputs A (n, n_L)."""

    def _by_column(self, y: NDArray[Any]) -> NDArray[Any]:
        """y as (n, columns). Raises DataError for another number of columns."""
        came, known = 1 if y.ndim == 1 else y.shape[1], len(self.outputs.columns)
        if came != known:
            shape = "is (rows,)" if y.ndim == 1 else f"has {came} columns"
            raise DataError(f"y {shape}, but there were {counted(known, 'column')} before: give as many")
        return y.reshape(len(y), -1)


@dataclasses.dataclass(frozen=True)
class ArrayLabels(ArrayTargets):
    """The classes of one or several outputs, or yes and no for each of several labels.

    >>> labels = ArrayLabels.of(np.array(["no", "yes", "no"]))
    >>> labels.encode(np.array(["yes", "no"])).tolist(), labels.decode(np.array([[0.2], [0.7]])).tolist()
    ([[1.0], [0.0]], ['no', 'yes'])
    """

    @classmethod
    def of(cls, classes: Any, single: bool = True) -> ArrayLabels:
        """The labels of one output with these classes, or of several for a list of arrays of classes.

        With `single`, one neuron is enough for two classes of one output. Raises DataError for anything else.
        """
        several = isinstance(classes, list | tuple) and len(classes) > 0 and all(np.ndim(each) == 1 for each in classes)
        columns = [Labels.of(f"y{k}", each) for k, each in enumerate(classes)] if several else []
        return cls(Outputs(tuple(columns or [Labels.of("y", classes, single)])), not several)

    @classmethod
    def several_labels(cls, count: int) -> ArrayLabels:
        """Yes or no for each of `count` labels. Raises SettingError unless that is a whole number from 1."""
        names = [f"y{k}" for k in range(Whole(1).clean("n_labels", count))]
        return cls(Outputs(tuple(Labels(name, np.array([0, 1]), True) for name in names)), False)

    @property
    def yes_or_no(self) -> bool:
        """Whether every neuron answers yes or no, independent of the others."""
        return all(column.yes_or_no for column in self.columns)

    @property
    def kind(self) -> Kind:
        """What y is, by scikit-learn's words.

        "binary": one output, one neuron or two. "multiclass": one output, a neuron for each class. "multilabel":
        outputs of 0 or 1, a neuron for each. "multioutput": several outputs, a block of neurons for each.
        """
        if not self.flat:
            return "multilabel" if self.yes_or_no else "multioutput"
        return "binary" if len(self.classes[0]) == 2 else "multiclass"

    @property
    def columns(self) -> list[Labels]:
        """The labels of each column of y."""
        return [column for column in self.outputs.columns if isinstance(column, Labels)]

    @property
    def classes(self) -> list[NDArray[Any]]:
        """The classes of each column of y, sorted."""
        return [column.classes for column in self.columns]

    @property
    def widths(self) -> list[int]:
        """One block of neurons that answer yes or no, else a block for each output."""
        widths = super().widths
        return [sum(widths)] if self.yes_or_no else widths

    def encode(self, y: NDArray[Any]) -> NDArray[Any]:
        """0 and 1 for neurons that answer yes or no, else class numbers.

        Raises DataError for a value that is not among the classes.
        """
        parts = zip(self.columns, self._by_column(y).T, strict=True)
        codes = np.stack([column.codes_of(values) for column, values in parts], axis=1)
        if self.yes_or_no:
            return codes.astype(np.float32)
        if all(column.width == 1 for column in self.columns):
            return np.ones(codes.shape, np.float32)
        return codes.astype(np.int32)[:, 0] if codes.shape[1] == 1 else codes.astype(np.int32)

    def decode(self, A: NDArray[Any]) -> NDArray[Any]:
        """The likeliest class of each output."""
        mixed = len({classes.dtype.kind for classes in self.classes}) > 1  # words beside numbers
        decoded = list(self.outputs.decode(A).values())
        labels = [values.astype(object) for values in decoded] if mixed else decoded
        return labels[0] if self.flat else np.stack(labels, axis=1)

    def probabilities(self, A: NDArray[Any]) -> Any:
        """(n, k) for k classes, whose rows sum to 1, or k labels; a list of those for several outputs."""
        if self.kind == "multilabel":
            return A
        if self.yes_or_no:
            return np.hstack([1 - A, A])
        probabilities = [shares(part) for _, part in self.outputs.by_column(A)]
        return probabilities[0] if self.flat else probabilities


@dataclasses.dataclass(frozen=True)
class ArrayNumbers(ArrayTargets):
    """Numbers, as they are or scaled.

    - scaled: whether they are scaled, as the targets of a table are.

    >>> ArrayNumbers.plain(0).decode(np.array([[1.5], [2.5]]))
    array([1.5, 2.5])
    """

    outputs: Targets
    scaled: bool = False

    @classmethod
    def plain(cls, columns: int) -> ArrayNumbers:
        """Numbers as they are, in so many columns of y, 0 for a y (n,)."""
        return cls(Targets(tuple(Quantity(f"y{k}", 0.0, 1.0) for k in range(columns or 1))), columns == 0)

    @classmethod
    def of(cls, y: NDArray[Any]) -> ArrayNumbers:
        """Numbers as they are, for y (n,) or (n, columns)."""
        return cls.plain(0 if y.ndim == 1 else y.shape[1])

    def standardised(self, y: NDArray[Any], log: bool = True) -> ArrayNumbers:
        """The numbers scaled by their mean and deviation in y; as they are if a column of y is constant.

        With `log`, numbers that span decades are learned as logarithms.
        """
        columns = y.reshape(len(y), -1).astype(np.float64)
        if (columns == columns[0]).all(axis=0).any():
            return self
        names, parts = self.outputs.names, map(np.ascontiguousarray, columns.T)
        profiles = [TargetProfile.of_numbers(name, part) for name, part in zip(names, parts, strict=True)]
        return ArrayNumbers(Targets.of(profiles, "regression", log), self.flat, True)

    def encode(self, y: NDArray[Any]) -> NDArray[Any]:
        """The numbers (n, n_L). Raises DataError for another number of columns."""
        y = self._by_column(y)
        if not self.scaled:
            return y
        parts = zip(self.outputs.columns, y.astype(np.float64).T, strict=True)
        return np.concatenate([column.encode_values(part, "float64") for column, part in parts], axis=1)

    def decode(self, A: NDArray[Any]) -> NDArray[Any]:
        """The numbers in their own units."""
        y = np.stack(list(self.outputs.decode(A).values()), axis=1) if self.scaled else A
        return y[:, 0] if self.flat else y


def shares(A: NDArray[Any]) -> NDArray[Any]:
    """The rows of A (n, k) divided by their sum; a row of zeros becomes equal shares."""
    total = A.sum(axis=1, keepdims=True)
    return np.where(total > 0, A / np.where(total > 0, total, 1), A.dtype.type(1 / A.shape[1]))
