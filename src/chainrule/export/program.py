"""A program: all that happens between a row and its answer, as plain data that every export format writes.

    a row  →  columns: the operations of each     →  layers: A = sigma(A W + b)  →  outputs: what they stand for
           or numbers, as a network takes them

Cells of columns come in one form for each reading, so that no format parses what people write:

    Number     float64, NaN where missing
    Word       text as `words_of` has it, None where missing
    Items      "a;b": labels with the separator alone between them; words of a text in lower case with spaces
    Time       "2024-02-29 13:30:00" or "2024-02-29"; "13:30:00" for a time of day; None where missing
    Presence   any text, None where missing
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.architecture import Architecture
from chainrule.arrays import as_dtype
from chainrule.errors import SettingError
from chainrule.files import digest_of
from chainrule.tables.columns import words_of
from chainrule.tables.inputs.operations import Items, Number, Presence, Time, Word
from chainrule.tables.inputs.transforms import Transform
from chainrule.tables.items import split
from chainrule.tables.profile.dates import CLOCK, clock_text, time_text
from chainrule.tables.targets import shares

__all__ = ["Answer", "ClassOutput", "LabelsOutput", "Layer", "NumberOutput", "Output", "Program"]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a program answers for a target.

    - values: the class or the number (n,) of each row.
    - probabilities: (n, k), one for each class; None for numbers, and for outputs that are not probabilities.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.floating[Any]] | None = None

    @classmethod
    def of_rows(cls, output: Output, rows: Sequence[tuple[Any, Sequence[float]]]) -> Answer:
        """The answers for a target, from those of single rows: values with the probabilities, if there are any."""
        dtype: Any = np.float64 if isinstance(output, NumberOutput) else object
        chances = [each for _, each in rows if each]
        return cls(np.array([value for value, _ in rows], dtype), np.array(chances, np.float64) if chances else None)


@dataclasses.dataclass(frozen=True)
class Output(abc.ABC):
    """A target, and the outputs `start` to `stop - 1` of the network that stand for it."""

    name: str
    start: int
    stop: int

    def of(self, A: NDArray[Any]) -> NDArray[Any]:
        """Its outputs (n, width), of all outputs (n, n_L)."""
        return A[:, self.start : self.stop]

    @abc.abstractmethod
    def answer(self, A: NDArray[Any]) -> Answer:
        """What all outputs (n, n_L) say for the target."""


@dataclasses.dataclass(frozen=True)
class ClassOutput(Output):
    """A target of classes.

    - classes: the classes, in order: all texts, or all whole numbers, or all numbers, or all booleans.
    - yes_or_no: whether one output is the probability of the second of two classes; the second is the answer above 0.5.
    - divided: whether the outputs are divided by their sum to become probabilities (equal shares where all are 0).
    - probable: whether they are probabilities at all.
    - texts: the classes as text.
    - ordered: whether the outputs are P(y >= class) for each class but the lowest; the answer is the last class that no
      output up to it puts at 1/2 or less.
    - threshold: the least probability, a number of float32, at which the second of two classes is the answer; or None.
    - of_first: whether the threshold is for the first of the two classes.

    Otherwise the answer is the class of the greatest output, the first of equal ones.
    """

    classes: tuple[Any, ...]
    yes_or_no: bool = False
    divided: bool = False
    probable: bool = True
    texts: tuple[str, ...] = ()
    ordered: bool = False
    threshold: float | None = None
    of_first: bool = False

    @property
    def decided(self) -> int:
        """The number of the class that the threshold is for."""
        return 0 if self.of_first else 1

    def probabilities(self, A: NDArray[Any]) -> NDArray[Any]:
        """The probabilities (n, k) of the classes, in the type of A."""
        own = self.of(A)
        if self.yes_or_no:
            return np.hstack([1 - own, own])
        if self.ordered:
            return _between(np.minimum.accumulate(own, axis=1))
        return shares(own) if self.divided else own

    def answer(self, A: NDArray[Any]) -> Answer:
        own = self.of(A)
        if self.ordered:
            codes = np.cumprod(own > 0.5, axis=1).sum(axis=1)
        else:
            codes = (own[:, 0] > 0.5).astype(np.intp) if self.yes_or_no else np.argmax(own, axis=1)
        if self.threshold is not None:
            over = self.probabilities(A)[:, self.decided] >= A.dtype.type(self.threshold)
            codes = np.where(over, self.decided, 1 - self.decided)
        classes = np.array(self.classes, dtype=object if isinstance(self.classes[0], str) else None)
        return Answer(classes[codes], self.probabilities(A) if self.probable else None)


def _between(above: NDArray[Any]) -> NDArray[Any]:
    """P(y = class), (n, k), from P(y >= class) for each class but the lowest."""
    one, none = np.ones((len(above), 1), above.dtype), np.zeros((len(above), 1), above.dtype)
    return np.hstack([one, above]) - np.hstack([above, none])


@dataclasses.dataclass(frozen=True)
class LabelsOutput(Output):
    """A target of labels: those whose outputs, their probabilities, are above 1/2, with the separator between them.

    - texts: the labels, one for each output.
    - separator: what is between them.
    """

    texts: tuple[str, ...]
    separator: str

    def answer(self, A: NDArray[Any]) -> Answer:
        own = self.of(A)
        texts = [self.joined(row) for row in (own > 0.5).tolist()]
        return Answer(np.array([*texts, None], object)[:-1], own)

    def joined(self, there: Sequence[Any]) -> str:
        """The answer where these labels are there."""
        return self.separator.join(text for text, own in zip(self.texts, there, strict=True) if own)


@dataclasses.dataclass(frozen=True)
class NumberOutput(Output):
    """A target of numbers: `mean + scale a`, or `exp(min(mean + scale a, greatest))` if it is a logarithm.

    - scaled: whether the answer is float64 in units of the target; otherwise it is the output itself, in its own type.
    """

    greatest: ClassVar[float] = float(np.log(np.finfo(np.float64).max))
    mean: float = 0.0
    scale: float = 1.0
    logarithm: bool = False
    scaled: bool = True

    def answer(self, A: NDArray[Any]) -> Answer:
        a = self.of(A)[:, 0]
        if not self.scaled:
            return Answer(a)
        y = self.mean + self.scale * a.astype(np.float64)
        return Answer(np.exp(np.minimum(y, self.greatest)) if self.logarithm else y)


@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer: `sigma(A W + b)`, where each part of the neurons has its own sigma.

    - W, b: (n_{l-1}, n_l) and (n_l,), in the type of the network.
    - parts: activations, each with the neurons `start` to `stop - 1` that it is for.
    """

    W: NDArray[Any]
    b: NDArray[Any]
    parts: tuple[tuple[Activation, int, int], ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """What a network, a model or an estimator computes for a row.

    - architecture, theta: the network.
    - outputs: the targets.
    - columns: the columns of a table that are used, with the operations of each; None where a row is n_1 numbers.
    - names: the names of these numbers, where they are known; `x1`, `x2`, ... otherwise.
    - digest: SHA-256 of the model's file, in hexadecimal digits; "" where there is none.
    - numbered: whether the names are made up, so that the numbers come by their order.

    Raises SettingError for a network with an activation of one's own.
    """

    architecture: Architecture
    theta: NDArray[Any]
    outputs: tuple[Output, ...]
    columns: tuple[Transform, ...] | None = None
    names: tuple[str, ...] | None = None
    digest: str = ""
    numbered: bool = False

    def __post_init__(self) -> None:
        used = [*self.architecture.hidden, *(block.activation for block in self.architecture.blocks)]
        own = [str(sigma) for sigma in used if not ACTIVATIONS.holds(sigma)]
        if own:
            raise SettingError(
                f"activation {own[0]!r} is a function of your own, which only Python can compute: train with one of "
                f"{', '.join(ACTIVATIONS.names())} to export the network"
            )

    def with_digest_of(self, stored: Any) -> Program:
        """The same with the digest of the file that `cr.save` writes for an object, if it can write one.

        No file stores a cost of one's own, on which no answer depends.
        """
        try:
            return dataclasses.replace(self, digest=digest_of(stored))
        except SettingError:
            return self

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that the network computes in."""
        return self.theta.dtype

    @property
    def width(self) -> int:
        """The number of the network's inputs, n_1."""
        return self.architecture.sizes[0]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of what a row consists of: the columns, or the numbers."""
        if self.columns is not None:
            return tuple(column.name for column in self.columns)
        return self.names or tuple(f"x{k + 1}" for k in range(self.width))

    @property
    def layers(self) -> list[Layer]:
        """The layers from 2 to L."""
        W, b = self.architecture.views(self.theta)
        sizes = self.architecture.sizes[1:-1]
        hidden = [((sigma, 0, n),) for sigma, n in zip(self.architecture.hidden, sizes, strict=True)]
        last = tuple((block.activation, block.start, block.stop) for block in self.architecture.blocks)
        return [Layer(*parts) for parts in zip(W, b, [*hidden, last], strict=True)]

    def answers(self, A: NDArray[Any]) -> dict[str, Answer]:
        """What the outputs A^L (n, n_L) say for each target, by its name."""
        return {output.name: output.answer(A) for output in self.outputs}

    def astype(self, dtype: Any) -> Program:
        """The same program in float32 or float64. Raises SettingError for another type."""
        return dataclasses.replace(self, theta=self.theta.astype(as_dtype(dtype)))

    def cells(self, table: Any) -> dict[str, Any]:
        """The columns of an Arrow table as the exported program takes them: arrays (n,), by name.

        Raises DataError as the encoder of a model does.
        """
        assert self.columns is not None, "a row of numbers has no columns"
        return {column.name: _CELLS[type(column.reading)](column, table.column(column.name)) for column in self.columns}


def _numbers(column: Transform, cells: Any) -> NDArray[np.float64]:
    values: NDArray[np.float64] = column.reading.read(cells, column.name).values
    return values


def _words(column: Transform, cells: Any) -> NDArray[Any]:
    return np.asarray(words_of(cells, column.name).to_numpy(zero_copy_only=False), dtype=object)


def _items(column: Transform, cells: Any) -> NDArray[Any]:
    assert isinstance(column.reading, Items)
    lists = split(words_of(cells, column.name), column.reading.separator).to_pylist()
    mark = column.reading.separator or " "
    return np.array([*(None if own is None else mark.join(own) or mark for own in lists), None], dtype=object)[:-1]


def _times(column: Transform, cells: Any) -> NDArray[Any]:
    read = column.reading.read(cells, column.name)
    assert isinstance(column.reading, Time)
    write = clock_text if column.reading.form == CLOCK else time_text
    texts = [None if absent else write(value) for value, absent in zip(read.values, read.missing, strict=True)]
    return np.array([*texts, None], dtype=object)[:-1]


def _presence(column: Transform, cells: Any) -> NDArray[Any]:
    missing = column.reading.read(cells, column.name).missing
    return np.array(["present", None], dtype=object)[missing.astype(np.intp)]


_CELLS: dict[Any, Callable[[Transform, Any], NDArray[Any]]] = {
    Number: _numbers,
    Word: _words,
    Items: _items,
    Time: _times,
    Presence: _presence,
}
