"""What every target offers, be it a column of a table or of an array."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.profile import ColumnProfile, TargetCells

__all__ = ["ClassTarget", "TableTarget", "Target"]


@dataclasses.dataclass(frozen=True)
class Target(abc.ABC):
    """A target, by its `name`."""

    kind: ClassVar[str]
    name: str

    @property
    def width(self) -> int:
        """The number of the network's outputs that belong to it."""
        return 1

    @property
    def parts(self) -> tuple[int, ...]:
        """The widths of the blocks of its outputs; empty where they make one, or one with those of its neighbours."""
        return ()

    @property
    def texts(self) -> tuple[str, ...]:
        """What its probabilities are of: classes or labels as text; () for numbers."""
        return ()

    @property
    def neurons(self) -> list[str]:
        """What each of its outputs is called: `target=class`; the name of a target of numbers."""
        return [f"{self.name}={text}" for text in self.texts[-self.width :]] or [self.name]

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The probabilities (n, len(texts)) that the outputs (n, width) stand for."""
        return outputs[:, : len(self.texts)]

    def present(self, T: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows (n,) of T (n, width) have a value: all of an array, which has no missing one."""
        return np.ones(len(T), np.bool_)

    @abc.abstractmethod
    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The target's values (n,) that the outputs (n, width) stand for."""


class ClassTarget(Target):
    """A target of classes."""

    kind: ClassVar[str] = "classes"

    @property
    @abc.abstractmethod
    def values(self) -> NDArray[Any]:
        """The classes (k,), in order."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The classes as text."""
        return tuple(map(str, self.values.tolist()))

    def codes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """The number (n,) of the class that the outputs (n, width) stand for: the greatest, the first of equal ones."""
        return np.argmax(outputs, axis=1)

    def one_hot(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The targets or true values (n, width) with a column for each class (n, k)."""
        return outputs

    def chances(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The probability (n,) of that class."""
        chances: NDArray[Any] = outputs[np.arange(len(outputs)), self.codes(outputs)]
        return chances

    @abc.abstractmethod
    def code_of(self, value: Any) -> int | None:
        """The number (from 0) of the class `value`, or None if there is no such class."""

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The class (n,) that the outputs of each row stand for."""
        classes: NDArray[Any] = self.values[self.codes(outputs)]
        return classes


class TableTarget(Target):
    """A target that is a column of a table."""

    def scaled_to(self, profile: ColumnProfile) -> TableTarget:
        """The same target with the statistics of these cells, if it has any."""
        return self

    @abc.abstractmethod
    def encode(self, column: Any, dtype: Any) -> NDArray[Any]:
        """The outputs (n, width) that the network should give."""

    @property
    @abc.abstractmethod
    def absent(self) -> float:
        """What stands in T, in every output, for a value that a row lacks: no value that is there has it."""

    def present(self, T: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows (n,) of T (n, width) have a value, also of true values encoded by `as_truth`."""
        there: NDArray[np.bool_] = ~(np.isnan(T[:, 0]) | np.all(T.dtype.type(self.absent) == T, axis=1))
        return there

    def learnable(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows (n,) of true values (n, width), encoded by `as_truth`, the network can learn."""
        return np.ones(len(truth), np.bool_)

    @property
    @abc.abstractmethod
    def as_truth(self) -> TableTarget:
        """The target for true values that predictions are compared with, which training may not have had.

        Numbers are in their own units. A class that training did not have is a row of zeros (of an ordered target, of
        -1), and its number is -1.
        """

    def encode_values(self, values: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
        """The same for numbers (n,) that are parsed already, of a target of numbers."""
        raise TypeError(f"{type(self).__name__} has no numbers")

    @abc.abstractmethod
    def fits(self, cells: TargetCells) -> bool:
        """Whether `encode_cells` can take these cells."""

    @abc.abstractmethod
    def encode_cells(self, cells: TargetCells, rows: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
        """The outputs (k, width) of some rows of a column that is parsed."""
