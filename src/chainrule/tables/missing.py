"""The cells of a column as one Arrow array, and the words that stand for a missing value.

White space around a cell is dropped. `MISSING` words count as missing in every column. `PLACEHOLDERS` count as missing
only in number, boolean and date columns; in text columns they are ordinary words.
"""

from __future__ import annotations

import functools
from typing import Any

from chainrule.tables.arrow import pa, pc

__all__ = ["MISSING", "PLACEHOLDERS", "among", "one_array", "plain_characters", "stripped", "without"]

_FAULTS = ("#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#N/A N/A", "#NA")  # errors of spreadsheets
_C_NAN = tuple(sign + word for word in ("1.#IND", "1.#QNAN", "1.#SNAN", "nan(ind)", "nan(snan)") for sign in ("", "-"))
_NULLS = tuple(f"{left}{word}{right}" for word in ("null", "NULL") for left, right in ("<>", "()", "[]"))  # of exports
_NOTHING = ("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "-NaN", "-nan", "NaT", "null", "NULL")
MISSING = (*_NOTHING, *_NULLS, "None", "\\N", *_FAULTS, *_C_NAN)
_DASHES = ("-", "\N{EN DASH}", "\N{EM DASH}", "\N{MINUS SIGN}", ".", "*", "?", "_")
_RUNS = tuple(dash * count for dash in _DASHES for count in range(1, 13) if dash * count not in ("?",))
_WORDS = (
    *("na", "n.a", "n.a.", "n/d", "nd", "n.d.", "n/k", "nk", "n/s", "none", "nil", "null", "missing", "empty", "blank"),
    *("unknown", "not available", "not applicable", "not recorded", "not reported", "no data", "nodata", "no value"),
    *("undefined", "unspecified", "tbd", "tba", "tbc", "na_real_", "na_integer_"),
)
_IN_BRACKETS = tuple(f"({word})" for word in ("none", "na", "n/a", "missing", "empty", "blank", "unknown"))
_SPELLINGS = (str, str.capitalize, str.title, str.upper)
_ABSENT = (spelled(word) for word in (*_WORDS, *_IN_BRACKETS) for spelled in _SPELLINGS)
PLACEHOLDERS = tuple(word for word in dict.fromkeys((*_RUNS, *_ABSENT)) if word not in MISSING)
_PLAIN = {
    r"[\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2069}\x{FEFF}\x{00AD}]": "",  # of no width
    r"[\x{2010}-\x{2013}\x{2212}]": "-",
    r"[\x{2018}\x{2019}\x{02BC}\x{00B4}]": "'",
}
_A_DAY = {unit: 86400.0 * 1000**k for k, unit in enumerate(("s", "ms", "us", "ns"))}


def one_array(column: Any) -> pa.Array:
    """The cells as one array without dictionary, text as large_string; a list is converted first."""
    if not isinstance(column, pa.Array | pa.ChunkedArray):
        column = pa.array(column, from_pandas=True)
    if isinstance(column, pa.ChunkedArray):  # each chunk by itself: dictionaries may differ between chunks
        chunks = [one_array(chunk) for chunk in column.chunks]
        return pa.concat_arrays(chunks) if chunks else one_array(pa.array([], column.type))
    if pa.types.is_dictionary(column.type):
        views = pa.types.is_string_view(column.type.value_type)  # Arrow cannot take their cells
        if views or len(column.dictionary) <= len(column):
            return one_array(column.dictionary).take(column.indices)
        return one_array(column.dictionary.take(column.indices))
    if pa.types.is_duration(column.type):  # in days
        units = pc.cast(pc.cast(column, pa.int64()), pa.float64(), safe=False)  # from 2^53 on the nearest float64
        return pc.divide(units, _A_DAY[column.type.unit])
    text = pa.types.is_string(column.type) or pa.types.is_string_view(column.type)
    return pc.cast(column, pa.large_string()) if text else column


def plain_characters(text: pa.Array) -> pa.Array:
    """The text with plain spaces, minus signs, apostrophes and digits, and without characters that are not visible.

    >>> import pyarrow as pa
    >>> plain_characters(pa.array(["\N{MINUS SIGN}1\N{NO-BREAK SPACE}234", "\N{ZERO WIDTH SPACE}5"])).to_pylist()
    ['-1 234', '5']
    """
    if not pc.any(pc.match_substring_regex(text, r"[^\x00-\x7F]")).as_py():
        return text
    text = pc.utf8_normalize(text, form="NFKC")  # wide digits and signs, spaces that do not break
    for pattern, plain in _PLAIN.items():
        text = pc.replace_substring_regex(text, pattern, plain)
    return pc.utf8_trim_whitespace(text)


def stripped(text: pa.Array) -> pa.Array:
    """The text without white space around it, null where it is one of `MISSING`."""
    trimmed = pc.utf8_trim_whitespace(text)
    return without(trimmed, among(trimmed, MISSING))


def without(text: pa.Array, cells: pa.Array) -> pa.Array:
    """The text, null in these cells."""
    return pc.if_else(cells, pa.scalar(None, text.type), text)


def among(text: pa.Array, words: tuple[str, ...]) -> pa.Array:
    """Which cells (n,) hold one of the words."""
    return pc.is_in(text, value_set=_values(words, text.type))


@functools.cache
def _values(words: tuple[str, ...], kind: Any) -> pa.Array:
    return pa.array(words, kind)
