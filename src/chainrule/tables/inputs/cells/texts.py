"""A cell as a word in its canonical text, as `columns.words_of` has it; and the cells that are too odd for that."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from chainrule.tables.missing import MISSING

__all__ = ["INTEGERS", "OddCellError", "Word", "float_of", "word_of"]

Word = str | None  # None where the cell is missing

INTEGERS = (int, np.int64, np.int32, np.int16, np.int8, np.uint8, np.uint16, np.uint32)
_FLOATS = {bool, np.bool_, float, np.float64, np.float32, np.float16, *INTEGERS}
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0+")
_TRUTH = {text: text.lower() for word in ("true", "false") for text in (word, word.title(), word.upper())}
_SPECIAL: dict[str, Word] = {**_TRUTH, **dict.fromkeys(MISSING)}
_MOST = 2**63  # the whole numbers that Arrow takes are below it
_EXACT = 2.0**53


class OddCellError(Exception):
    """A cell of a type, or a text, that only the operations of whole columns read."""


def float_of(cell: Any) -> float:
    """The number that a cell of a numeric type is. Raises OddCellError for any other type and for huge integers.

    >>> float_of(True), float_of(np.float32(0.5))
    (1.0, 0.5)
    """
    if type(cell) not in _FLOATS or (type(cell) is int and not -_MOST <= cell < _MOST):
        raise OddCellError
    return float(cell)


def word_of(cell: Any) -> Word:
    """The canonical text of a cell, None where it is missing.

    >>> word_of(" 1.0 "), word_of(True), word_of(2.0), word_of("?")
    ('1', 'true', '2', None)

    Raises OddCellError for text beyond ASCII, for fractions, and for other types.
    """
    if type(cell) is str:
        return _of_text(cell)
    if cell is None:
        return None
    value = float_of(cell)
    if type(cell) in (bool, np.bool_):
        return "true" if cell else "false"
    if type(cell) in INTEGERS:
        return str(int(cell))
    if value != value:  # noqa: PLR0124 - NaN
        return None
    if abs(value) < _EXACT and value.is_integer():
        return str(int(value))
    raise OddCellError


def _of_text(text: str) -> Word:
    if not text.isascii():
        raise OddCellError
    text = text.strip()
    word = _SPECIAL.get(text, text)
    if word is text and text[-1:] == "0":
        whole = _WHOLE.fullmatch(text)
        return whole[1] if whole else text
    return word
