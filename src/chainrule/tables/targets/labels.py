"""Labels: a target of classes of any type, as an array has them; two classes may share one output, yes or no."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.targets.target import ClassTarget
from chainrule.text import shown

__all__ = ["Labels", "in_words", "of_one_type"]


@dataclasses.dataclass(frozen=True, eq=False)
class Labels(ClassTarget):
    """A column of classes.

    - classes: the classes (k,), sorted, of any type that can be sorted.
    - yes_or_no: whether one output says which of two classes it is: 0 the first, 1 the second.
    """

    classes: NDArray[Any]
    yes_or_no: bool = False

    @classmethod
    def of(cls, name: str, values: Any, single: bool = False) -> Labels:
        """The labels for these values, in any order; with `single`, two classes share one output.

        Raises DataError unless they are a list of one value at least.
        """
        classes = _sorted(values)
        return cls(name, classes, single and len(classes) == 2)

    @property
    def width(self) -> int:
        return 1 if self.yes_or_no else len(self.classes)

    @property
    def values(self) -> NDArray[Any]:
        return self.classes

    def codes_of(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The number (from 0) of each value's class, (n,). Raises DataError for values that are not among them."""
        try:
            codes = np.searchsorted(self.classes, values)
        except TypeError:
            line = f"y has values of type {values.dtype}, but the classes are {in_words(self.classes)}"
            raise DataError(line) from None
        codes = np.minimum(codes, len(self.classes) - 1)
        strange = self.classes[codes] != values
        if np.any(strange):
            new = in_words(np.unique(values[strange]))
            raise DataError(f"y has classes not seen before, {new}: the classes are {in_words(self.classes)}")
        return np.asarray(codes)

    def code_of(self, value: Any) -> int | None:
        classes = self.classes.tolist()
        return classes.index(value) if value in classes else None

    def codes(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        if self.yes_or_no:
            return (outputs[:, 0] > 0.5).astype(np.int64)
        return super().codes(outputs)

    def chances(self, outputs: NDArray[Any]) -> NDArray[Any]:
        return np.maximum(outputs[:, 0], 1 - outputs[:, 0]) if self.yes_or_no else super().chances(outputs)


def of_one_type(values: NDArray[Any]) -> bool:
    """Whether objects are all words, all whole numbers or all truth values."""
    kinds = {type(value) for value in values.tolist()}
    return len(kinds) == 1 and issubclass(kinds.pop(), str | int | np.integer | np.bool_)


def in_words(values: Sequence[Any] | NDArray[Any]) -> str:
    """The first eight values, for an error.

    >>> print(in_words(["no", "yes"]))
    'no', 'yes'
    """
    words = [repr(value) for value in np.asarray(values)[:8].tolist()]
    return ", ".join(words) + (", ..." if len(values) > 8 else "")


def _sorted(values: Any) -> NDArray[Any]:
    """The distinct values, sorted: numbers that came as objects become numbers."""
    classes = np.asarray(values)
    if classes.ndim != 1 or not classes.size:
        raise DataError(f"the classes are {shown(values)}, but must be a list of one at least")
    numbers = classes.dtype.kind == "O" and not isinstance(classes[0], str) and of_one_type(classes)
    return np.unique(np.array(classes.tolist()) if numbers else classes)
