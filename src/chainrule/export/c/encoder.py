"""The columns of a table as C: a struct of cells, and the function that computes the network's inputs from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.export.c.text import Identifiers, comment, indented, number, numbers_of, quoted, table
from chainrule.tables.inputs.operations import (
    CUBE,
    SQUARE,
    Affine,
    Asinh,
    Bend,
    Bins,
    Curve,
    Cycle,
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
    Values,
    Word,
)
from chainrule.tables.inputs.transforms import Transform
from chainrule.tables.profile.dates import CLOCK, UNMARKED

__all__ = ["encode_function", "members", "row_struct"]

_SHOWN = 5  # words in a comment


def members(columns: tuple[Transform, ...]) -> list[str]:
    """The members of the struct of a row, one for each column."""
    names = Identifiers()
    return [names.of(column.name) for column in columns]


def row_struct(name: str, columns: tuple[Transform, ...]) -> str:
    """The struct of a row."""
    lines = [
        f"  {'double ' if isinstance(column.reading, Number) else 'const char *'}{member}; /* {_said(column)} */"
        for member, column in zip(members(columns), columns, strict=True)
    ]
    return "\n".join([f"struct {name}_row {{", *lines, "};"])


def _said(column: Transform) -> str:
    """What a cell is, for people."""
    reading, name = column.reading, comment(column.name)
    if isinstance(reading, Number):
        return f"{name}, NAN if it is missing"
    if isinstance(reading, Word | Items):
        words = [comment(word, 30) for word in reading.words[:_SHOWN]]
        more = f", {len(reading.words) - _SHOWN} more" if len(reading.words) > _SHOWN else ""
        several = f", several with {_mark(reading)!r} between them" if isinstance(reading, Items) else ""
        return f"{name}: {', '.join(words)}{more}{several}" if words else name
    return f"{name}: {_time_said(reading) if isinstance(reading, Time) else 'any text'}"


def _time_said(reading: Time) -> str:
    """What a cell of times is, for people."""
    forms = {CLOCK: "a time of day, such as 13:30", UNMARKED: "a time, such as 20240229 or 2024-02-29 13:30"}
    return forms.get(reading.form, "a time, such as 2024-02-29 13:30")


def _mark(reading: Items) -> str:
    """What is between the words of a cell."""
    return reading.separator or " "


def encode_function(name: str, columns: tuple[Transform, ...]) -> str:
    """Tables, and `encode(row, a)`: 0, or the number of the column that could not be read. `a` has zeros before."""
    tables, blocks, at = _cycles(columns), [], 0
    for k, (member, column) in enumerate(zip(members(columns), columns, strict=True), start=1):
        tables += _words(member, column)
        blocks.append(f"  /* {comment(column.name)} */\n{indented(_READ[type(column.reading)](member, column, at, k))}")
        at += len(column.features)
    head = f"static int encode(const struct {name}_row *row, real *a) {{"
    return "\n\n".join([*tables, "\n".join([head, *blocks, "  return 0;", "}"])])


def _cycles(columns: tuple[Transform, ...]) -> list[str]:
    """The tables of sines and cosines, one for each cycle and number of waves in it."""
    cycles = dict.fromkeys(part for column in columns for part in column.inputs if isinstance(part, Cycle))
    return [table(f"double {_waves(part)}[{part.waves.size}]", numbers_of(part.waves)) for part in cycles]


def _waves(part: Cycle) -> str:
    """The name of the table of a cycle."""
    return f"{part.cycle}_waves" if part.order == 1 else f"{part.cycle}_waves_{part.order}"


def _words(member: str, column: Transform) -> list[str]:
    """The table of the words of a column, if it has any."""
    reading: Any = column.reading
    places: list[str] = []
    words = reading.words if isinstance(reading, Word | Items) else ()
    if isinstance(reading, Items):
        order = sorted(range(len(words)), key=lambda place: words[place].encode())
        words = tuple(words[place] for place in order)
        places = [table(f"int {member}_places[{len(order)}]", map(str, order))]
    weights = [part.weights for part in column.inputs if isinstance(part, TextWeights)]
    numbers = [table(f"double {member}_weights[{len(own)}]", numbers_of(np.array(own))) for own in weights]
    return [table(f"char *const {member}_words[{len(words)}]", map(quoted, words)), *places, *numbers] if words else []


# ------------------------------------------------------------------------ statements for each kind of reading


def _number_block(member: str, column: Transform, at: int, k: int) -> str:
    read = f"const double value = row->{member};"
    wrong = f"if (!is_finite(value)) return {k};"
    return _block(read, "value != value", column, at, [wrong, *_computed(column, at, k)])


def _time_block(member: str, column: Transform, at: int, k: int) -> str:
    assert isinstance(column.reading, Time)
    date = {CLOCK: 0, UNMARKED: 2}.get(column.reading.form, 1)
    read = f"double value = 0;\nconst int state = read_time(row->{member}, {date}, &value);"
    return _block(read, "state < 0", column, at, [f"if (!state) return {k};", *_computed(column, at, k)])


def _block(read: str, missing: str, column: Transform, at: int, there: list[str]) -> str:
    """Statements that read a cell, write the flag where it is missing, and the numbers where it is there."""
    flags = [f"a[{at + place}] = 1;" for place, part in _places(column) if isinstance(part, Missing)]
    lines = [read, f"if ({missing}) {{", *(f"  {flag}" for flag in flags), "} else {"]
    lines = lines if flags else [read, f"if (!({missing})) {{"]
    return "{\n" + indented("\n".join([*lines, indented("\n".join(there)), "}"])) + "\n}"


def _computed(column: Transform, at: int, k: int) -> list[str]:
    """Statements for the inputs that are computed from a number."""
    lines = []
    for place, part in _places(column):
        if isinstance(part, Curve):
            lines += _curve(part, at + place, k)
        elif isinstance(part, Powers):
            lines += _powers(part, at + place)
        elif isinstance(part, Bins):
            lines += _bins(part, at + place)
        elif isinstance(part, Values):
            lines += _values(part, at + place)
        elif isinstance(part, Cycle):
            wave = f"{_waves(part)} + 2 * {part.cycle}_place(value)"
            lines += [f"a[{at + place}] = (real)({wave})[0];", f"a[{at + place + 1}] = (real)({wave})[1];"]
    return lines


def _after(steps: tuple[Any, ...]) -> str:
    """The value after some steps."""
    text = "value"
    for step in steps:
        text = _STEPS[type(step)](text, step)
    return text


def _powers(part: Powers, at: int) -> list[str]:
    lines = [
        f"const double z = {_after(part.steps)};",
        f"a[{at}] = (real)({number(SQUARE)} * (z * z - 1));",
        f"a[{at + 1}] = (real)({number(CUBE)} * (z * (z * z - 3)));",
    ]
    return ["{", *(f"  {line}" for line in lines), "}"]


def _bins(part: Bins, at: int) -> list[str]:
    edges = ", ".join(map(number, part.edges))
    lines = [f"static const double edges[{len(part.edges)}] = {{{edges}}};"]
    lines += [f"for (int k = 0; k < {part.width}; k++) a[{at} + k] = (real)share_below(value, edges + k);"]
    return ["{", *(f"  {line}" for line in lines), "}"]


def _values(part: Values, at: int) -> list[str]:
    values, rounded = (", ".join(map(number, numbers)) for numbers in (part.values, part.rounded.tolist()))
    lines = [f"static const double values[{part.width}] = {{{values}}};"]
    lines += [f"static const double rounded[{part.width}] = {{{rounded}}};"]
    lines += [f"for (int k = 0; k < {part.width}; k++) a[{at} + k] = value == values[k] || value == rounded[k];"]
    return ["{", *(f"  {line}" for line in lines), "}"]


def _curve(part: Curve, at: int, k: int) -> list[str]:
    text = _after(part.steps)
    bounded = isinstance(part.steps[-1], Bend)
    return [f"a[{at}] = (real){text};", *([] if bounded else [f"if (!is_finite((double)a[{at}])) return {k};"])]


_STEPS: dict[type[Any], Callable[[str, Any], str]] = {
    Affine: lambda x, step: f"(({x} - {_signed(step.mean)}) / {_signed(step.scale)})",
    Asinh: lambda x, _: f"asinh({x})",
    Bend: lambda x, step: f"bent({x}, {number(step.bound)})",
}


def _signed(value: float) -> str:
    """A number that may be behind a minus sign."""
    text = number(value)
    return f"({text})" if text.startswith("-") else text


def _word_block(member: str, column: Transform, at: int, _: int) -> str:
    assert isinstance(column.reading, Word)
    count = len(column.reading.words)
    words = f"{member}_words" if count else "NULL"
    lines = [f"const int place = word_number(row->{member}, {words}, {count});"]
    lines += [_WORD_INPUTS[type(part)](at + place, part) for place, part in _places(column)]
    return "{\n" + indented("\n".join(line for line in lines if line)) + "\n}"


_WORD_INPUTS: dict[type[Any], Callable[[int, Any], str]] = {
    OneHot: lambda at, part: f"if (place >= 0) a[{at} + place] = 1;" if part.words else "",
    Steps: lambda at, part: f"for (int k = 0; k < place; k++) a[{at} + k] = 1;",
    Other: lambda at, _: f"if (place == -1) a[{at}] = 1;",
    Missing: lambda at, _: f"if (place == -2) a[{at}] = 1;",
}


def _items_block(member: str, column: Transform, at: int, _: int) -> str:
    assert isinstance(column.reading, Items)
    (first, part), *others = _places(column)
    text, count, mark = f"row->{member}", len(part.words), quoted(_mark(column.reading))
    tables = f"{member}_words, {member}_places, {count}"
    other = isinstance(part, ManyHot) and part.other
    lines = [f"write_items({text}, {tables}, {mark}, {int(other)}, a + {at + first});"]
    lines += [f"weigh(a + {at + first}, {member}_weights, {count});"] * isinstance(part, TextWeights)
    lines += [f"if (is_missing({text})) a[{at + place}] = 1;" for place, _ in others]
    return "\n".join(lines)


def _presence(member: str, _: Transform, at: int, __: int) -> str:
    return f"if (is_missing(row->{member})) a[{at}] = 1;"


def _places(column: Transform) -> list[tuple[int, Any]]:
    """The inputs of a column, each with the number of numbers before it."""
    places, at = [], 0
    for part in column.inputs:
        places.append((at, part))
        at += len(part.suffixes)
    return places


_READ: dict[type[Any], Callable[[str, Transform, int, int], str]] = {
    Number: _number_block,
    Time: _time_block,
    Word: _word_block,
    Items: _items_block,
    Presence: _presence,
}
