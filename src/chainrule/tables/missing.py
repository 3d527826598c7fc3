"""The cells of a column as one Arrow array, and the words that stand for a missing value.

White space around a cell is dropped. `MISSING` words count as missing in every column. `PLACEHOLDERS` count as missing
only in number, boolean and date columns; in text columns they are ordinary words.
"""

from __future__ import annotations

from typing import Any

from chainrule.tables.arrow import pa, pc

__all__ = ["MISSING", "PLACEHOLDERS", "among", "one_array", "stripped", "without"]

_FAULTS = ("#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!")  # errors of spreadsheets
_NOTHING = ("", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT", "null", "NULL", "<null>", "None", "\\N")
MISSING = (*_NOTHING, *_FAULTS)
_DASHES = ("-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", ".", "..", "*")
_ABSENT = ("na", "n.a", "none", "nil", "null", "missing", "unknown", "not available", "undefined")
_SPELLINGS = (str, str.capitalize, str.upper)
PLACEHOLDERS = (*_DASHES, *(spelled(word) for word in _ABSENT for spelled in _SPELLINGS), "n.a.", "N.A.")
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


def stripped(text: pa.Array) -> pa.Array:
    """The text without white space around it, null where it is one of `MISSING`."""
    trimmed = pc.utf8_trim_whitespace(text)
    return without(trimmed, among(trimmed, MISSING))


def without(text: pa.Array, cells: pa.Array) -> pa.Array:
    """The text, null in these cells."""
    return pc.if_else(cells, pa.scalar(None, text.type), text)


def among(text: pa.Array, words: tuple[str, ...]) -> pa.Array:
    """Which cells (n,) hold one of the words."""
    return pc.is_in(text, value_set=pa.array(words, text.type))
