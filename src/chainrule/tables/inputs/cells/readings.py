"""The readings, for one cell: its number, the number of its word, or its seconds; None where it is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from chainrule.tables.arrow import pa
from chainrule.tables.columns import words_of
from chainrule.tables.inputs.cells.texts import OddCellError, float_of, word_of
from chainrule.tables.inputs.cells.times import seconds_in
from chainrule.tables.inputs.operations import Items, Number, Presence, Reading, Time, Word
from chainrule.tables.missing import MISSING, PLACEHOLDERS
from chainrule.tables.number_forms import PLAIN

__all__ = ["READERS", "Read"]

Read = Callable[[Any], Any]  # raises OddCellError for a cell that it does not know

_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?")
_WORDS = re.compile("[a-z0-9]+")  # of a text in lower case
_MISSING = frozenset(MISSING)
_ABSENT = frozenset((*MISSING, *PLACEHOLDERS))


def _number(reading: Number) -> Read:
    plain, match = reading.form == PLAIN, _DECIMAL.fullmatch

    def read(cell: Any) -> float | None:
        if type(cell) is str:
            if plain and match(cell):
                return float(cell)
            if cell in _MISSING:
                return None
            raise OddCellError
        if cell is None:
            return None
        value = cell if type(cell) is float else float_of(cell)
        if value - value == 0.0:
            return value
        if value == value:  # noqa: PLR0124 - infinite
            raise OddCellError
        return None

    return read


def _time(reading: Time) -> Read:
    form = reading.form
    return lambda cell: seconds_in(cell, form)


def _word(reading: Word) -> Read:
    canonical = words_of(pa.array(reading.words, pa.large_string())).to_pylist()
    pairs = zip(reading.words, canonical, range(len(canonical)), strict=True)
    codes = {word: code for word, same, code in reversed(list(pairs)) if word == same}  # of equal words the first

    def read(cell: Any) -> int | None:
        if type(cell) is str and cell in codes:
            return codes[cell]
        word = word_of(cell)
        return None if word is None else codes.get(word, -1)

    return read


def _items(reading: Items) -> Read:
    codes, separator = {word: code for code, word in enumerate(reading.words)}, reading.separator

    def read(cell: Any) -> set[int] | None:
        word = word_of(cell)
        if word is None:
            return None
        parts = [part.strip() for part in word.split(separator)] if separator else _WORDS.findall(word.lower())
        pairs = [] if separator else map(" ".join, pairwise(parts))
        return {codes.get(part, -1) for part in parts if part} | {codes[pair] for pair in pairs if pair in codes}

    return read


def _presence(reading: Presence) -> Read:
    def read(cell: Any) -> int | None:
        if type(cell) is str and cell.isascii():
            return None if cell.strip() in _ABSENT else 0
        if cell is None:
            return None
        value = float_of(cell)
        return 0 if value == value else None  # noqa: PLR0124 - NaN

    return read


READERS: dict[type[Reading], Callable[[Any], Read]] = {
    Number: _number,
    Time: _time,
    Word: _word,
    Items: _items,
    Presence: _presence,
}
