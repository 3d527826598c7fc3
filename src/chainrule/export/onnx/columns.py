"""From the cells of columns, [N, 1] each, to the inputs of the network, [N, n_1].

Number       double, NaN where missing; columns with the same steps go through them side by side
Word         string -> LabelEncoder -> the number of the word, -1 for any other, -2 where missing
Time         string -> days, seconds and places in cycles, as `times` computes them
Items        string -> StringSplit, StringConcat, LabelEncoder, ScatterElements -> the words and pairs that it has
Presence     string -> LabelEncoder -> -2 where missing
"""

from __future__ import annotations

import abc
import dataclasses
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.export.onnx.curves import curve
from chainrule.export.onnx.graph import ML, Graph, number, texts, whole
from chainrule.export.onnx.times import Moment
from chainrule.tables.inputs.operations import (
    CUBE,
    LENGTH,
    SQUARE,
    Bins,
    Curve,
    Cycle,
    Input,
    Items,
    ManyHot,
    Missing,
    Number,
    OneHot,
    Other,
    Powers,
    Presence,
    Steps,
    TextWeights,
    Time,
    TimeBins,
    Values,
    Word,
)
from chainrule.tables.inputs.transforms import Transform

__all__ = ["INPUTS", "READINGS", "encoded"]

_OTHER, _MISSING = -1, -2
_END = 2**31  # of a slice that goes on to the last part


@dataclasses.dataclass(frozen=True)
class Cells(abc.ABC):
    """The cells of one column, or of several of numbers side by side: `source` is the name of [N, columns]."""

    graph: Graph
    source: str
    reading: Any

    @property
    @abc.abstractmethod
    def values(self) -> str:
        """What the inputs are computed from, [N, columns]."""

    @property
    @abc.abstractmethod
    def missing(self) -> str:
        """Which cells are missing, [N, columns] of booleans."""


class Numbers(Cells):
    """Numbers, NaN where missing."""

    @property
    def values(self) -> str:
        return self.source

    @property
    def missing(self) -> str:
        return self.graph.add("IsNaN", self.source)


class Words(Cells):
    """Words, as their numbers."""

    @property
    def values(self) -> str:
        return _encoded_words(self.graph, self.source, self.reading.words, _OTHER)

    @property
    def missing(self) -> str:
        return self.graph.add("Equal", self.values, whole(_MISSING))


class Presences(Cells):
    """Any text."""

    @property
    def values(self) -> str:
        return _encoded_words(self.graph, self.source, (), 0)

    @property
    def missing(self) -> str:
        return self.graph.add("Equal", self.values, whole(_MISSING))


class SeveralWords(Presences):
    """Several words, by the numbers of all of them and of the pairs that are among the words of a text."""

    @property
    def values(self) -> str:
        """The numbers [N + 1, 1, parts]: as in `times` one more row, because parts of no rows have no width."""
        graph, add, words = self.graph, self.graph.add, self.reading.words
        one_more = add("Concat", self.source, texts(["-"]).reshape(1, 1), axis=0)
        parts, _ = graph.several(2, "StringSplit", one_more, delimiter=self.reading.separator or " ")
        numbers = _encoded_words(graph, parts, words, _OTHER)
        if self.reading.separator or not any(" " in word for word in words):
            return numbers
        first, second = (
            add("Slice", parts, whole(start), whole(stop), whole(2)) for start, stop in ((0, -1), (1, _END))
        )
        pairs = add("StringConcat", add("StringConcat", first, texts([" "])), second)
        return add("Concat", numbers, _encoded_words(graph, pairs, words, _MISSING), axis=2)

    @property
    def missing(self) -> str:
        return self.graph.add("Equal", super().values, whole(_MISSING))


class Times(Presences):
    """Times, as seconds since 1970."""

    @property
    def values(self) -> str:
        return self.moment.seconds

    @property
    def moment(self) -> Moment:
        """The time, 1970-01-01 where it is missing."""
        return Moment.of(self.graph, self.source, self.missing, self.reading.form)

    @property
    def missing(self) -> str:
        return self.graph.add("Equal", super().values, whole(_MISSING))


READINGS: dict[type[Any], type[Cells]] = {
    Number: Numbers,
    Word: Words,
    Items: SeveralWords,
    Time: Times,
    Presence: Presences,
}


def _encoded_words(graph: Graph, source: str, words: Sequence[str], otherwise: int) -> str:
    """The numbers (from 0) of words [N, 1]; `otherwise` for any other, and -2 for ""."""
    keys, values = [*words, ""], [*range(len(words)), _MISSING]
    numbers = {"keys_strings": keys, "values_int64s": values, "default_int64": otherwise}
    return graph.add("LabelEncoder", source, domain=ML, **numbers)


# ------------------------------------------------------------------------------- inputs: [N, columns * width]


def _curve(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    graph = cells.graph
    y = curve(graph, cells.values, [part.steps for part in parts])
    return _as_type(graph, graph.add("Where", cells.missing, number(0), y), dtype)


def _powers(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    add, z = cells.graph.add, curve(cells.graph, cells.values, [part.steps for part in parts])
    square = add("Mul", z, z)
    second = add("Mul", number(SQUARE), add("Sub", square, number(1)))
    third = add("Mul", number(CUBE), add("Mul", z, add("Sub", square, number(3))))
    both = add("Concat", *(add("Unsqueeze", each, whole(2)) for each in (second, third)), axis=2)
    return _beside(cells, both, dtype)


def _bins(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    low, width = (np.stack(arrays)[np.newaxis] for arrays in zip(*(part.bounds for part in parts), strict=True))
    add, x = cells.graph.add, cells.graph.add("Unsqueeze", cells.values, whole(2))
    share = add("Div", add("Sub", x, low), width)
    return _beside(cells, add("Clip", share, number(0), number(1)), dtype)


def _values(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    values, rounded = (np.stack(rows)[np.newaxis] for rows in zip(*((p.sorted, p.rounded) for p in parts), strict=True))
    add, x = cells.graph.add, cells.graph.add("Unsqueeze", cells.values, whole(2))
    is_value = add("Or", add("Equal", x, values), add("Equal", x, rounded))
    return _as_type(cells.graph, add("Flatten", is_value, axis=1), dtype)


def _beside(cells: Cells, values: str, dtype: Any) -> str:
    """Several numbers for each cell, [N, columns, width], as [N, columns * width], 0 where it is missing."""
    graph = cells.graph
    present = graph.add("Where", graph.add("Unsqueeze", cells.missing, whole(2)), number(0), values)
    return _as_type(graph, graph.add("Flatten", present, axis=1), dtype)


def _cycle(cells: Any, parts: Sequence[Any], dtype: Any) -> str:
    graph, (part,) = cells.graph, parts
    place = graph.add("Squeeze", cells.moment.place(part.cycle), whole(1))
    waves = graph.add("Gather", part.waves.astype(dtype), place, axis=0)
    return graph.add("Where", cells.missing, number(0, dtype), waves)


def _one_hot(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    row = whole(*range(len(parts[0].words)))
    return _as_type(cells.graph, cells.graph.add("Equal", cells.values, row), dtype)


def _many_hot(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    (part,) = parts
    return _has(cells, len(part.words), part.other, dtype)


def _has(cells: Cells, words: int, other: bool, dtype: Any) -> str:
    """A one in the place of each number: of the last two, for -2 and -1, that for any other word may be kept."""
    add, numbers = cells.graph.add, cells.graph.add("Squeeze", cells.values, whole(1))
    shape = add("Concat", add("Shape", numbers, end=1), whole(words + 2), axis=0)
    zeros, ones = add("Expand", number(0, dtype), shape), add("Expand", number(1, dtype), add("Shape", numbers))
    has = add("ScatterElements", zeros, numbers, ones, axis=1, reduction="max")
    rows = add("Slice", has, whole(0), whole(-1), whole(0))
    return add("Gather", rows, whole(*range(words), *[words + 1] * other), axis=1)


def _text_weights(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    add, (part,) = cells.graph.add, parts
    weights = add("Mul", _has(cells, len(part.words), False, np.float64), np.array(part.weights))
    squares = add("ReduceSum", add("Mul", weights, weights), whole(1), keepdims=1)
    length = add("Where", add("Equal", squares, number(0)), number(1), add("Sqrt", squares))
    return _as_type(cells.graph, add("Div", add("Mul", number(LENGTH), weights), length), dtype)


def _steps(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    row = whole(*range(len(parts[0].words) - 1))
    return _as_type(cells.graph, cells.graph.add("Greater", cells.values, row), dtype)


def _other(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    return _as_type(cells.graph, cells.graph.add("Equal", cells.values, whole(_OTHER)), dtype)


def _missing(cells: Cells, parts: Sequence[Any], dtype: Any) -> str:
    return _as_type(cells.graph, cells.missing, dtype)


INPUTS: dict[type[Input], Callable[[Any, Sequence[Any], Any], str]] = {
    Curve: _curve,
    Powers: _powers,
    Bins: _bins,
    TimeBins: _bins,
    Values: _values,
    Cycle: _cycle,
    OneHot: _one_hot,
    ManyHot: _many_hot,
    TextWeights: _text_weights,
    Steps: _steps,
    Other: _other,
    Missing: _missing,
}


def _as_type(graph: Graph, value: str, dtype: Any) -> str:
    from onnx import helper

    return graph.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def encoded(graph: Graph, columns: Sequence[Transform], sources: Sequence[str], dtype: Any) -> str:
    """The inputs of the network [N, n_1], from the names of its cells."""
    groups: dict[Any, list[int]] = defaultdict(list)
    for k, column in enumerate(columns):
        groups[_shape(column) if isinstance(column.reading, Number) else k].append(k)
    starts = np.cumsum([0, *(len(column.features) for column in columns)])
    pieces: list[str] = []
    places: list[int] = []
    for members in groups.values():
        source = (
            graph.add("Concat", *(sources[k] for k in members), axis=1) if len(members) > 1 else sources[members[0]]
        )
        reading, offset = columns[members[0]].reading, 0
        cells = READINGS[type(reading)](graph, source, reading)
        for parts in zip(*(columns[k].inputs for k in members), strict=True):
            pieces.append(INPUTS[type(parts[0])](cells, parts, dtype))
            width = len(parts[0].suffixes)
            places += [int(starts[k]) + offset + place for k in members for place in range(width)]
            offset += width
    return _in_order(graph, pieces, places)


def _shape(column: Transform) -> Any:
    """What columns of numbers that go side by side have in common."""
    return tuple((type(part), part.width, tuple(map(type, getattr(part, "steps", ())))) for part in column.inputs)


def _in_order(graph: Graph, pieces: list[str], places: list[int]) -> str:
    """The pieces side by side, so that what belongs at place k is there."""
    joined = graph.add("Concat", *pieces, axis=1) if len(pieces) > 1 else pieces[0]
    if places == sorted(places):
        return joined
    return graph.add("Gather", joined, np.argsort(places), axis=1)
