"""The forms in which people write numbers, and what a cell is in the form of its column.

A form is named by the way in which it writes 1234.5, or 3 days and some hours:

    1234.5                                                             plain
    1,234.5   1.234,5   1 234.5   1 234,5   1'234.5   1'234,5          with thousands, which a cell may leave out
    1234,5                                                             with a decimal comma
    $1,234.5   EUR 1234.5   1234.5%   1 234,5 kg                       with a currency or a unit, the same in every cell
    3 days 04:05:06   P3DT4H5M6S   3 d 4 h 5 min 6 s                   lengths of time (`chainrule.tables.lengths`)

In each of them `-5`, `$-5`, `(5)` and `500-` are negative, and `1e3` is 1000. A unit is not converted: `5%` is 5.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc
from chainrule.tables.lengths import LENGTHS, days_of, lengths_of
from chainrule.tables.missing import plain_characters

__all__ = [
    "PLAIN",
    "affixes",
    "cells_in",
    "forms_of",
    "has_unit",
    "in_words",
    "is_form",
    "minus_first",
    "numbers_in",
    "otherwise",
    "rank",
]

PLAIN = "1234.5"
_SEPARATORS = (("", "."), (",", "."), ("", ","), (".", ","), (" ", "."), (" ", ","), ("'", "."), ("'", ","))
_SYMBOLS = "$€£¥₹₽₩₪₺₫₴₦฿¢₱₵"
_CODES = (
    "AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|MAD|MXN|MYR|NGN|"
    "NOK|NZD|PEN|PHP|PKR|PLN|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)
_PREFIX = rf"[A-Z]{{0,3}}[{_SYMBOLS}]|(?:{_CODES})|Rs\.?|kr\.?|Fr\.?"
_SUFFIX = r"\+|[^\s0-9.,'()+:/\-][^\s0-9()]{0,11}[23]?(?: [^\s0-9()]{1,8})?"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_ANY = rf"(?:[0-9]|[.,][0-9])(?:[ .,']?[0-9])*[.,]?{_EXPONENT}"
_SIGNS = r"(?:(?P<before>[+-]) ?{prefix}|{prefix} ?(?P<after>[+-])|{prefix}) ?(?P<body>{body}) ?{suffix}"
_CELL = re.compile(
    rf"(?!\D*[+-]\D*[+-])[+-]? ?(?P<prefix>{_PREFIX})? ?[+-]?(?P<body>{_ANY}) ?(?P<suffix>{_SUFFIX})?", re.ASCII
)
_NAME = re.compile(rf"(?P<prefix>{_PREFIX})? ?1(?P<thousands>[,. ']?)234(?P<decimal>[.,])5 ?(?P<suffix>{_SUFFIX})?")
_MINUS_FIRST = {  # what is a minus sign before a number; `5-` may be a grade
    rf"^((?:{_PREFIX})?) ?\(([^()]*[0-9][^()]*)\)$": r"-\1\2",
    r"^([^+-]*[0-9.,]{3,})- ?([^0-9+-]*)$": r"-\1\2",
}


class _Form(NamedTuple):
    """How a number is written: what is before and behind it, between thousands, and before the decimals."""

    prefix: str
    thousands: str
    decimal: str
    suffix: str

    @property
    def name(self) -> str:
        """The way in which it writes 1234.5."""
        before = f"{self.prefix} " if self.prefix[-1:].isalpha() else self.prefix
        behind = f" {self.suffix}" if self.suffix[:1].isalpha() else self.suffix
        return f"{before}1{self.thousands}234{self.decimal}5{behind}"


def numbers_in(text: pa.Array, form: str) -> NDArray[np.float64]:
    """The values (n,) of cells in a form, NaN for any other cell.

    >>> import pyarrow as pa
    >>> numbers_in(pa.array(["$1,234.50", "-$5", "($7)", "7 EUR", None]), "$1,234.5")
    array([1234.5,   -5. ,   -7. ,    nan,    nan])
    """
    text = minus_first(text)
    if form in LENGTHS:
        return days_of(text, form)
    matches = pc.extract_regex(text, _pattern(form))
    values = np.array(pc.fill_null(pc.cast(_canonical(pc.struct_field(matches, "body"), form), pa.float64()), np.nan))
    signs = [pc.struct_field(matches, name) for name in ("before", "after")]
    negative = np.logical_or.reduce([np.asarray(pc.fill_null(pc.equal(sign, "-"), False)) for sign in signs])
    return np.where(negative, -values, values)


def cells_in(text: pa.Array, form: str) -> NDArray[np.bool_]:
    """Which cells (n,) of a text that is `minus_first` are in a form."""
    if form in LENGTHS:
        return ~np.isnan(days_of(text, form))
    return np.asarray(pc.fill_null(pc.match_substring_regex(text, _pattern(form)), False))


def minus_first(text: pa.Array) -> pa.Array:
    """The text in plain characters, where `(5)` and `500-` are `-5` and `-500`."""
    text = plain_characters(text)
    for pattern, plain in _MINUS_FIRST.items():
        text = pc.replace_substring_regex(text, pattern, plain)
    return text


def forms_of(word: str) -> list[str]:
    """The forms that a word may be in; none if it is not like a number.

    >>> forms_of("1.234,5 kg"), forms_of("$0.5"), forms_of("A1"), forms_of("P2D")
    (['1.234,5 kg'], ['$1234.5', '$1,234.5', '$1 234.5', "$1'234.5"], [], ['P3DT4H5M6S'])
    """
    if not any("0" <= c <= "9" for c in word) or len(word) > 64:
        return []
    for pattern, plain in _MINUS_FIRST.items():
        word = re.sub(pattern, plain, word)
    cell = _CELL.fullmatch(word)
    if cell is None:
        return lengths_of(word)
    prefix, suffix = cell["prefix"] or "", cell["suffix"] or ""
    forms = [_Form(prefix, *marks, suffix) for marks in _SEPARATORS if _body(*marks).fullmatch(cell["body"])]
    return [form.name for form in forms] + lengths_of(word)


def is_form(name: str) -> bool:
    """Whether this is the name of a form.

    >>> is_form("1.234,5 kg"), is_form("1.234.5"), is_form("P3DT4H5M6S")
    (True, False, True)
    """
    form = _parsed(name) if name not in LENGTHS else None
    return name in LENGTHS or (form is not None and form.name == name)


def affixes(form: str) -> tuple[str, str]:
    """What a form writes before and behind each number; the form itself for a length of time.

    >>> affixes("$1,234.5"), affixes("1234.5 kg"), affixes("P3DT4H5M6S")
    (('$', ''), ('', 'kg'), ('P3DT4H5M6S', ''))
    """
    parsed = None if form in LENGTHS else _parsed(form)
    return (form, "") if parsed is None else (parsed.prefix, parsed.suffix)


def has_unit(form: str) -> bool:
    """Whether letters that are not a currency are behind each number: a unit, or part of a name, as in 4WD and 9th.

    >>> has_unit("1234.5 kg"), has_unit("1234.5 EUR"), has_unit("1234.5%"), has_unit("P3DT4H5M6S")
    (True, False, False, False)
    """
    suffix = affixes(form)[1]
    return suffix[:1].isalpha() and re.fullmatch(_PREFIX, suffix) is None


def in_words(form: str) -> str:
    """The end of "numbers" in a message: how they are written, if not plainly.

    >>> in_words("1.234,5")
    ' written as 1.234,5'
    """
    return "" if form == PLAIN else f" written as {form}"


def otherwise(form: str) -> str | None:
    """The form in which a mark before three digits means the other thing; None if this form has no such mark.

    >>> otherwise("$1234.5"), otherwise("1,234.5 kg"), otherwise("1 234.5")
    ('$1.234,5', '1234,5 kg', None)
    """
    parsed = None if form in LENGTHS else _parsed(form)
    marks = None if parsed is None else {("", "."): (".", ","), (",", "."): ("", ",")}.get(parsed[1:3])
    return None if parsed is None or marks is None else parsed._replace(thousands=marks[0], decimal=marks[1]).name


def rank(form: str) -> int:
    """The place of a form among those that fit the same cells: the first is taken."""
    parsed = None if form in LENGTHS else _parsed(form)
    if parsed is None:
        return len(_SEPARATORS) + list(LENGTHS).index(form)
    return _SEPARATORS.index((parsed.thousands, parsed.decimal))


@functools.lru_cache(1024)
def _parsed(name: str) -> _Form | None:
    match = _NAME.fullmatch(name)
    if match is None or match["thousands"] == match["decimal"]:
        return None
    return _Form(match["prefix"] or "", match["thousands"], match["decimal"], match["suffix"] or "")


@functools.lru_cache(1024)
def _pattern(name: str) -> str:
    """The pattern of a whole cell."""
    form = _parsed(name)
    assert form is not None, f"{name} is not a form"
    body = _body(form.thousands, form.decimal).pattern
    return f"^{_SIGNS.format(prefix=re.escape(form.prefix), body=body, suffix=re.escape(form.suffix))}$"


@functools.cache
def _body(thousands: str, decimal: str) -> re.Pattern[str]:
    """The pattern of the digits and marks of a number."""
    mark = re.escape(decimal)
    whole = "[0-9]+"
    if thousands:
        whole += f"|[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+"
    if thousands == ",":  # as in India
        whole += "|[1-9][0-9]?(?:,[0-9]{2})*,[0-9]{3}"
    return re.compile(rf"(?:(?:{whole})(?:{mark}[0-9]*)?|{mark}[0-9]+){_EXPONENT}")


def _canonical(body: pa.Array, name: str) -> pa.Array:
    """The digits with a decimal point, null where there are none."""
    form = _parsed(name)
    assert form is not None, f"{name} is not a form"
    body = pc.if_else(pc.equal(body, ""), pa.scalar(None, body.type), body)
    if form.thousands:
        body = pc.replace_substring(body, form.thousands, "")
    return pc.replace_substring(body, ",", ".") if form.decimal == "," else body
