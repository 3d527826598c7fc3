"""Lengths of time as databases and programs write them: their number of days.

    3 days 04:05:06     PostgreSQL, pandas, Python's timedelta; hours may exceed 23, years and months are allowed
    P3DT4H5M6S          ISO 8601
    3 d 4 h 5 min 6 s   people; units may be written out

A month has 30 days and a year 365.25, as in PostgreSQL.
"""

from __future__ import annotations

import functools
import re

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc

__all__ = ["LENGTHS", "days_of", "lengths_of"]

_N = r"[0-9]+(?:[.,][0-9]+)?"
_GAP = r"(?:,?\s|,)*"
_CLOCK = r"(?P<sign>[+-]?)(?P<hours>[0-9]+):(?P<minutes>[0-5]?[0-9])(?::(?P<seconds>[0-5]?[0-9](?:[.,][0-9]+)?))?"
_DAYS = r"(?P<days>-?[0-9]+)\s?days?"
_DATE = rf"(?:(?P<years>-?[0-9]+)\syears?\s?)?(?:(?P<months>-?[0-9]+)\smon(?:th)?s?\s?)?(?:{_DAYS},?\s?)?"
_PARTS = {
    "weeks": "w|wk|wks|weeks?",
    "days": "d|days?",
    "hours": "h|hr|hrs|hours?",
    "minutes": "m|min|mins|minutes?",
    "seconds": "s|sec|secs|seconds?",
    "milliseconds": "ms|msecs?|milliseconds?",
}
_UNITS = "".join(rf"(?:(?P<{part}>{_N})\s?(?:{names})\.?{_GAP})?" for part, names in _PARTS.items())
_ISO_DATE = rf"(?:(?P<years>{_N})Y)?(?:(?P<months>{_N})M)?(?:(?P<weeks>{_N})W)?(?:(?P<days>{_N})D)?"
_ISO_TIME = rf"(?:T(?:(?P<hours>{_N})H)?(?:(?P<minutes>{_N})M)?(?:(?P<seconds>{_N})S)?)?"

LENGTHS = {
    "3 days 04:05:06": rf"{_DATE}(?:{_CLOCK})?",
    "P3DT4H5M6S": rf"(?P<minus>-?)P{_ISO_DATE}{_ISO_TIME}",
    "3 d 4 h 5 min 6 s": rf"(?P<minus>-?){_UNITS}",
}
"""The patterns of a whole cell by the names of the forms."""

_DAY = {
    "years": 365.25,
    "months": 30.0,
    "weeks": 7.0,
    "days": 1.0,
    "hours": 1 / 24,
    "minutes": 1 / 1440,
    "seconds": 1 / 86400,
    "milliseconds": 1 / 86400000,
}
_OF_THE_CLOCK = ("hours", "minutes", "seconds")


def days_of(text: pa.Array, form: str) -> NDArray[np.float64]:
    """The days (n,) of lengths in a form of `LENGTHS`, NaN for any other cell.

    >>> import pyarrow as pa
    >>> days_of(pa.array(["2 days 12:00:00", "36:00:00", "-1 days +18:00:00", "x"]), "3 days 04:05:06")
    array([ 2.5 ,  1.5 , -0.25,   nan])
    """
    matches = pc.extract_regex(text, rf"(?i)^{LENGTHS[form]}$")
    part = {field.name: pc.struct_field(matches, field.name) for field in matches.type}
    amounts = {name: _amounts(part[name]) for name in _DAY if name in part}
    empty = np.all([np.isnan(values) for values in amounts.values()], axis=0)
    signs = {name: _sign(part["sign"]) if "sign" in part and name in _OF_THE_CLOCK else 1.0 for name in amounts}
    days = sum(signs[name] * np.nan_to_num(values) * _DAY[name] for name, values in amounts.items())
    result: NDArray[np.float64] = np.where(empty, np.nan, days * (_sign(part["minus"]) if "minus" in part else 1.0))
    return result


def lengths_of(word: str) -> list[str]:
    """The forms in which a word is a length of time.

    >>> lengths_of("P1DT2H"), lengths_of("25:30"), lengths_of("soon")
    (['P3DT4H5M6S'], ['3 days 04:05:06'], [])
    """
    return [form for form, pattern in _compiled().items() if pattern.fullmatch(word)] if _maybe(word) else []


def _maybe(word: str) -> bool:
    return any("0" <= c <= "9" for c in word) and any(c.isalpha() or c == ":" for c in word)


@functools.cache
def _compiled() -> dict[str, re.Pattern[str]]:
    return {form: re.compile(pattern, re.IGNORECASE | re.ASCII) for form, pattern in LENGTHS.items()}


def _amounts(words: pa.Array) -> NDArray[np.float64]:
    """Words of digits as numbers, NaN where there are none."""
    empty = pc.fill_null(pc.equal(words, ""), True)
    points = pc.replace_substring(pc.if_else(empty, pa.scalar(None, words.type), words), ",", ".")
    return np.array(pc.fill_null(pc.cast(points, pa.float64()), np.nan))


def _sign(words: pa.Array) -> NDArray[np.float64]:
    return np.where(np.asarray(pc.fill_null(pc.equal(words, "-"), False)), -1.0, 1.0)
