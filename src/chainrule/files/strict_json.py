"""JSON from strangers: bounded in depth and in numbers, no key twice, no text that cannot be printed."""

import itertools
import json
import math
import re
import reprlib
from typing import Any

from chainrule.errors import ModelFileError

MAX_DEPTH = 64  # brackets within brackets
MAX_BRACKETS = 2**20  # in all: each pair becomes an object many times its size
_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # the last may be open: one pass whatever comes
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def parse(text: str) -> dict[str, Any]:
    """Return the JSON object that the text is.

    Raises ModelFileError for anything else: NaN, infinities and integers beyond 64 bits, a key that an object
    has twice, half a surrogate pair, more than `MAX_DEPTH` brackets within each other or `MAX_BRACKETS` in all.

    >>> parse('{"schema": 1}')
    {'schema': 1}
    """
    _check_brackets(text)
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_real, parse_constant=_real, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ModelFileError(f"its JSON breaks at character {error.pos} ({error.msg}): it was damaged") from None
    if not isinstance(value, dict):
        raise ModelFileError(f"its JSON is {reprlib.repr(value)}, where an object is needed: it was damaged")
    if r"\ud" in text or r"\uD" in text:
        check_text(json.dumps(value, ensure_ascii=False))
    return value


def check_text(text: str) -> None:
    """Raise ModelFileError for text with half a surrogate pair, which no other program can read or print."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ModelFileError("its text holds half of a surrogate pair: use whole Unicode characters")


def _check_brackets(text: str) -> None:
    """Count the brackets outside strings, before anything is built of them."""
    brackets = _STRINGS.sub("", text).encode("utf-8", "replace").translate(None, _NO_BRACKETS)
    if len(brackets) > MAX_BRACKETS:
        raise ModelFileError(f"its JSON has {len(brackets)} brackets: at most {MAX_BRACKETS} are allowed")
    if max(itertools.accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ModelFileError(f"its JSON is nested deeper than {MAX_DEPTH} brackets: no model needs that")


def _integer(digits: str) -> int:
    """Read an integer of 64 bits, signed or not; the length is looked at before the digits."""
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**64:
        raise ModelFileError(f"its JSON holds the integer {reprlib.repr(digits)}: at most 64 bits are allowed")
    return int(digits)


def _real(digits: str) -> float:
    """Read a finite number."""
    number = float(digits)
    if not math.isfinite(number):
        raise ModelFileError(f"its JSON holds the number {reprlib.repr(digits)}: only finite ones are allowed")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object whose keys differ."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ModelFileError("its JSON has an object with one key twice: it was damaged or made by hand")
    return found
