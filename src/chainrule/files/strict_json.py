"""Parses untrusted JSON: limited depth and numbers, unique keys, printable text."""

import itertools
import json
import math
import re
import reprlib
from typing import Any

from chainrule.errors import ModelFileError

MAX_DEPTH = 64  # nested brackets
MAX_BRACKETS = 2**20  # in total: each pair becomes an object many times its size
_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # the last string may be open: one pass for any text
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def parse(text: str) -> dict[str, Any]:
    """The JSON object in a text.

    Raises ModelFileError for any other text, NaN, infinities, integers beyond 64 bits, a repeated key in an object,
    half a surrogate pair, more than `MAX_DEPTH` nested brackets or `MAX_BRACKETS` in total.

    >>> parse('{"schema": 1}')
    {'schema': 1}
    """
    _check_brackets(text)
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_real, parse_constant=_real, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ModelFileError(f"its JSON breaks at character {error.pos} ({error.msg}): it was damaged") from None
    if not isinstance(value, dict):
        raise ModelFileError(f"its JSON is {reprlib.repr(value)}, but must be an object: it was damaged")
    if r"\ud" in text or r"\uD" in text:
        check_text(json.dumps(value, ensure_ascii=False))
    return value


def check_text(text: str) -> None:
    """Raise ModelFileError for text with half a surrogate pair, which other programs can neither read nor print."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ModelFileError("its text has half of a surrogate pair: use whole Unicode characters")


def _check_brackets(text: str) -> None:
    """Count the brackets outside strings before parsing."""
    brackets = _STRINGS.sub("", text).encode("utf-8", "replace").translate(None, _NO_BRACKETS)
    if len(brackets) > MAX_BRACKETS:
        raise ModelFileError(f"its JSON has {len(brackets)} brackets: at most {MAX_BRACKETS} are allowed")
    if max(itertools.accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ModelFileError(f"its JSON is nested deeper than {MAX_DEPTH} brackets: no model needs that")


def _integer(digits: str) -> int:
    """Read an integer of 64 bits, signed or unsigned; its length is checked before its digits are parsed."""
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise ModelFileError(f"its JSON has the integer {reprlib.repr(digits)}: at most 64 bits are allowed")
    return int(digits)


def _real(digits: str) -> float:
    """Read a finite number."""
    number = float(digits)
    if not math.isfinite(number):
        raise ModelFileError(f"its JSON has the number {reprlib.repr(digits)}: only finite numbers are allowed")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object with unique keys."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ModelFileError("its JSON has an object with a repeated key: it was damaged or made by hand")
    return value
