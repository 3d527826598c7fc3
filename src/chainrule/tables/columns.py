"""One column as numbers or as words in a canonical text: the whole column at once, never cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError
from chainrule.tables.arrow import pa, pc
from chainrule.tables.missing import PLACEHOLDERS, among, one_array, plain_characters, stripped, without
from chainrule.tables.number_forms import PLAIN, numbers_in

__all__ = [
    "NumberCells",
    "column_as_numbers",
    "first_non_number",
    "is_categorical",
    "missing_cells",
    "not_finite",
    "numbers_at_once",
    "numeric_cells",
    "order_of",
    "read_numbers",
    "shown",
    "text_of",
    "texts_of",
    "values_of",
    "words_of",
]

_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_WHOLE = r"^(-?(?:0|[1-9][0-9]*))\.0+$"  # a whole number written as a decimal; not a code such as 007.0
_FEW_ROWS, _MANY_COLUMNS, _CELLS = 1024, 64, 2**18  # when columns are read together, and how many cells at once
_OUT_OF_RANGE = "<value out of range"  # Arrow's text of a time that its calendar does not have
_EXACT = 2.0**53  # below it every whole float64 is its own integer


def column_as_numbers(column: Any, name: str = "?") -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """The values (n,) float64, NaN where missing, and the missing cells (n,); None unless all present are numbers.

    Numbers are decimal (`-1`, `.5`, `1e-3`), booleans are 1 and 0; `1_000`, `1,5` and `0x10` are words. Wide digits,
    other minus signs and characters that are not visible make no difference.

    >>> column_as_numbers(["1", " 2.5 ", "?"])
    (array([1. , 2.5, nan]), array([False, False,  True]))

    Raises RowError for a number that is infinite or too large for float64.
    """
    numbers = read_numbers(column)
    if numbers is None:
        return None
    return _finite(numbers.values, column, name), np.isnan(numbers.values)


def _finite(values: NDArray[np.float64], column: Any, name: str) -> NDArray[np.float64]:
    """The values of the cells of a column. Raises RowError where one is infinite."""
    infinite = np.isinf(values)
    if infinite.any():
        row = int(infinite.argmax())
        raise not_finite(name, row, shown(column, row))
    return values


def not_finite(name: str, row: int, text: str) -> RowError:
    """The error for a cell whose number is infinite, in this row (from 0)."""
    line = "row {row} of column {name!r} is {text}, which is not a finite number: fix it"
    return RowError(row, line, name=name, text=text)


class NumberCells(NamedTuple):
    """Cells that are all numbers: `values` (n,) float64, NaN where missing; whether all of them are `boolean`.

    `placeholders` (k,) are the cells that are missing because their word is one of `PLACEHOLDERS`.
    """

    values: NDArray[np.float64]
    boolean: bool
    placeholders: NDArray[np.intp] = np.empty(0, np.intp)


def read_numbers(column: Any, allow_placeholders: bool = False, form: str | None = None) -> NumberCells | None:
    """The cells as numbers, infinite ones too; None unless all that are not missing are numbers, or all are booleans.

    With `allow_placeholders` the words of `PLACEHOLDERS` count as missing; with a `form` text is read in it.
    """
    plain = one_array(column)
    if form is not None and pa.types.is_large_string(plain.type):
        return _read_form(stripped(plain), allow_placeholders, form)
    numbers = _numbers(plain)
    if numbers is not None:
        return NumberCells(numbers.to_numpy(zero_copy_only=False), pa.types.is_boolean(plain.type))
    return _read_text(stripped(plain), allow_placeholders) if pa.types.is_large_string(plain.type) else None


def _read_text(text: pa.Array, allow_placeholders: bool) -> NumberCells | None:
    """The same of text that holds words: placeholders among numbers, other characters for digits, or booleans."""
    text, placeholders = _without_placeholders(text, allow_placeholders)
    plain = _plain(text)
    numbers = _parsed(plain) if allow_placeholders or plain is not text else None
    boolean = numbers is None
    numbers = _booleans(text) if boolean else numbers
    return None if numbers is None else NumberCells(numbers.to_numpy(zero_copy_only=False), boolean, placeholders)


def _read_form(text: pa.Array, allow_placeholders: bool, form: str) -> NumberCells | None:
    """The same of text that holds numbers in a form."""
    text, placeholders = _without_placeholders(text, allow_placeholders)
    values = numbers_in(text, form)
    odd = np.isnan(values) & ~np.asarray(pc.is_null(_plain(text)))
    return None if odd.any() else NumberCells(values, False, placeholders)


def _without_placeholders(text: pa.Array, allowed: bool) -> tuple[pa.Array, NDArray[np.intp]]:
    """The text, null in cells that are placeholders if these are allowed, and which cells these are."""
    if not allowed:
        return text, np.empty(0, np.intp)
    mask = among(text, PLACEHOLDERS)
    return without(text, mask), np.flatnonzero(mask.to_numpy(zero_copy_only=False))


def _plain(text: pa.Array) -> pa.Array:
    """The text in plain characters, null where none is left."""
    plain = plain_characters(text)
    return text if plain is text else without(plain, pc.equal(plain, ""))


def values_of(
    column: Any, refuse: Callable[[int, str], DataError], name: str = "?", form: str = PLAIN
) -> NDArray[np.float64]:
    """The cells (n,) float64, NaN where missing, of a column that should hold numbers; booleans are 1 and 0.

    Text is read in the form of the column. Each cell is read by itself: the result does not depend on the other cells.

    Raises `refuse(row, text)` for the first word, and RowError for a number that is not finite.
    """
    plain = one_array(column)
    numbers = _numbers(plain) if form == PLAIN or not pa.types.is_large_string(plain.type) else None
    if numbers is None and pa.types.is_large_string(plain.type):
        text = stripped(plain)
        cells = _plain(without(text, among(text, PLACEHOLDERS)))
        cells = pc.if_else(among(cells, _TRUE), "1", pc.if_else(among(cells, _FALSE), "0", cells))
        numbers = _parsed(cells) if form == PLAIN else None
        if numbers is None:
            return _values_in(form, cells, lambda row: refuse(row, text[row].as_py()), name)
        plain = cells
    if numbers is None:
        raise refuse(*first_non_number(plain, name, allow_placeholders=True))
    return _finite(numbers.to_numpy(zero_copy_only=False), plain, name)


def _values_in(form: str, cells: pa.Array, refused: Callable[[int], DataError], name: str) -> NDArray[np.float64]:
    """The values of text in a form, null where missing. Raises `refused(row)`, or RowError for an infinite number."""
    values = numbers_in(cells, form)
    odd = np.isnan(values) & ~np.asarray(pc.is_null(cells))
    if odd.any():
        raise refused(int(odd.argmax()))
    if np.isinf(values).any():
        row = int(np.isinf(values).argmax())
        raise not_finite(name, row, shown(cells, row))
    return values


def numbers_at_once(table: pa.Table, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The values, NaN where missing, of the text columns that hold only finite decimal numbers, by name.

    They are read together in a few calls. That is faster for many columns of few rows; other tables give {}.
    """
    n = table.num_rows
    if n > _FEW_ROWS or len(names) < _MANY_COLUMNS:
        return {}
    types = dict(zip(table.column_names, table.schema.types, strict=True))
    texts = [name for name in names if pa.types.is_string(types[name]) or pa.types.is_large_string(types[name])]
    numbers: dict[str, NDArray[np.float64]] = {}
    for start in range(0, len(texts), _CELLS // n):
        some = texts[start : start + _CELLS // n]
        cells = stripped(
            one_array(pa.concat_arrays([c for name in some for c in table.column(name).cast("string").chunks]))
        )
        number = pc.match_substring_regex(cells, _NUMBER)
        values = pc.cast(pc.if_else(number, cells, pa.scalar(None, cells.type)), pa.float64())
        rows = values.to_numpy(zero_copy_only=False).reshape(-1, n)
        good = pc.fill_null(number, True).to_numpy(zero_copy_only=False).reshape(-1, n).all(axis=1)
        good &= ~np.isinf(rows).any(axis=1)
        numbers |= {name: rows[k] for k, name in enumerate(some) if good[k]}
    return numbers


def missing_cells(column: Any, allow_placeholders: bool = False) -> NDArray[np.bool_]:
    """Which cells (n,) are missing, with `allow_placeholders` also those whose word is one of `PLACEHOLDERS`.

    >>> missing_cells(["1", "?", None, "-"])
    array([False,  True,  True, False])
    """
    plain = one_array(column)
    if not pa.types.is_large_string(plain.type):
        return np.asarray(pc.is_null(plain, nan_is_null=pa.types.is_floating(plain.type)))
    text = stripped(plain)
    return np.asarray(pc.is_null(without(text, among(text, PLACEHOLDERS)) if allow_placeholders else text))


def words_of(column: Any, name: str = "?") -> pa.Array:
    """The cells as canonical text, one Arrow array, null where missing.

    A value has one text whatever type it had: `1`, `1.0` and a CSV's `1.0` are `1`; booleans are `true`, `false`.

    >>> words_of([1.0, None, 0.5]).to_pylist()
    ['1', None, '0.5']

    Raises DataError for a column of lists, structures, bytes or an unknown extension type, RowError for a time that is
    out of range.
    """
    plain = one_array(column)
    kind = plain.type
    if pa.types.is_floating(kind):
        return _float_words(plain)
    if pa.types.is_decimal(kind):
        return _decimal_words(plain)
    if isinstance(kind, pa.BaseExtensionType):
        raise DataError(f"column {name!r} holds {_type_name(kind)}, which is not known: turn it into numbers or words")
    if _is_bytes(kind) or pa.types.is_nested(kind):
        raise DataError(f"column {name!r} holds {kind}, but a column holds numbers, words or booleans")
    try:
        text = pc.cast(plain, pa.large_string())
    except pa.ArrowException:
        raise DataError(f"column {name!r} holds {kind}, which has no text: turn it into words") from None
    text = stripped(_short_times(kind, _in_range(kind, text, name)))
    text = pc.replace_substring_regex(text, _WHOLE, r"\1")
    text = pc.if_else(among(text, _TRUE), "true", text)
    return pc.if_else(among(text, _FALSE), "false", text)


def texts_of(column: Any, name: str = "?") -> pa.Array:
    """The cells as they are written, null where missing; cells that are not text as `words_of` writes them.

    >>> texts_of(["01", " 1.0 ", "True", ""]).to_pylist()
    ['01', '1.0', 'True', None]

    Raises DataError where `words_of` does.
    """
    text = text_of(column)
    return words_of(column, name) if text is None else text


def _is_bytes(kind: pa.DataType) -> bool:
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _type_name(kind: pa.DataType) -> str:
    """An extension type in words, by the name that its file gives it."""
    return f"the type {kind.type_name if isinstance(kind, pa.OpaqueType) else kind.extension_name!r}"


def _in_range(kind: pa.DataType, text: pa.Array, name: str) -> pa.Array:
    """The text of a column, for one of times if all are in the range that has a calendar."""
    wrong = pc.index(pc.starts_with(text, _OUT_OF_RANGE), True).as_py() if pa.types.is_temporal(kind) else -1
    if wrong >= 0:
        value = text[wrong].as_py()[len(_OUT_OF_RANGE) :].strip(": >")
        line = "row {row} of column {name!r} is {value} as {kind}, which no clock or calendar has: fix it"
        raise RowError(wrong, line, name=name, value=value, kind=str(kind))
    return text


def _short_times(kind: pa.DataType, text: pa.Array) -> pa.Array:
    """Times as in a CSV: without zeros at the end of a second, and without midnight."""
    if not pa.types.is_temporal(kind):
        return text
    text = pc.replace_substring_regex(text, r"(\.\d*?)0+(Z|[+-]\d{4})?$", r"\1\2")
    text = pc.replace_substring_regex(text, r"\.(Z|[+-]\d{4})?$", r"\1")
    return pc.replace_substring_regex(text, r"^(\d+-\d\d-\d\d) 00:00:00$", r"\1")


def is_categorical(column: Any) -> bool:
    """Whether the column holds categories (an Arrow dictionary); they stay categories even if they are numbers."""
    return isinstance(column, pa.Array | pa.ChunkedArray) and bool(pa.types.is_dictionary(column.type))


def order_of(column: Any, name: str = "?") -> tuple[str, ...] | None:
    """The words of ordered categories, lowest first; None for any other column, and if its chunks differ in order.

    >>> import pyarrow as pa
    >>> order_of(pa.DictionaryArray.from_arrays([1, 0], ["low", "high"], ordered=True))
    ('low', 'high')
    """
    if not is_categorical(column) or not column.type.ordered:
        return None
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    orders = {tuple(words_of(chunk.dictionary, name).drop_null().to_pylist()) for chunk in chunks}
    order = orders.pop() if len(orders) == 1 else ()
    return order if 1 < len(order) == len(set(order)) else None


def first_non_number(column: Any, name: str = "?", allow_placeholders: bool = False) -> tuple[int, str]:
    """Row (from 0) and text of the first cell that is neither missing nor a number; (0, "") if there is none.

    >>> first_non_number(["1", "", "about 3"])
    (2, 'about 3')
    """
    words = words_of(column, name)
    words = without(words, among(words, PLACEHOLDERS)) if allow_placeholders else words
    row = pc.index(numeric_cells(words), False).as_py()
    return (row, words[row].as_py()) if row >= 0 else (0, "")


def numeric_cells(words: pa.Array) -> pa.Array:
    """Which of the words are numbers; null where missing."""
    return pc.match_substring_regex(_plain(words), _NUMBER)


def text_of(column: Any) -> pa.Array | None:
    """The cells of a column of text as they are written, null where missing; None for a column of another type."""
    plain = one_array(column)
    return stripped(plain) if pa.types.is_large_string(plain.type) else None


def _numbers(plain: pa.Array) -> pa.Array | None:
    kind = plain.type
    if pa.types.is_large_string(kind):
        return _parsed(stripped(plain))
    numeric = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean, pa.types.is_null)
    return pc.cast(plain, pa.float64(), safe=False) if any(test(kind) for test in numeric) else None


def _parsed(text: pa.Array) -> pa.Array | None:
    try:
        return pc.cast(text, pa.float64())
    except pa.ArrowInvalid:
        return None


def _booleans(text: pa.Array) -> pa.Array | None:
    true = among(text, _TRUE)
    if not pc.all(pc.or_(pc.or_(true, among(text, _FALSE)), pc.is_null(text))).as_py():
        return None
    return pc.if_else(pc.is_null(text), None, pc.cast(true, pa.float64()))


def _float_words(numbers: pa.Array) -> pa.Array:
    """Whole numbers as integers, others by the fewest digits that give the same float."""
    numbers = pc.cast(numbers, pa.float32()) if pa.types.is_float16(numbers.type) else numbers
    present = pc.if_else(pc.is_nan(numbers), pa.scalar(None, numbers.type), numbers)
    whole = pc.and_(pc.equal(pc.trunc(present), present), pc.less(pc.abs(present), _EXACT))
    integers = pc.cast(pc.if_else(whole, present, pa.scalar(None, numbers.type)), pa.int64())
    return pc.coalesce(pc.cast(integers, pa.large_string()), pc.cast(present, pa.large_string()))


def _decimal_words(numbers: pa.Array) -> pa.Array:
    """Decimals without zeros at their end; those that Arrow writes with an exponent as floats."""
    text = pc.cast(numbers, pa.large_string())
    short = pc.replace_substring_regex(pc.replace_substring_regex(text, r"(\.\d*?)0+$", r"\1"), r"\.$", "")
    floats = _float_words(pc.cast(numbers, pa.float64(), safe=False))
    return pc.if_else(pc.match_substring(text, "E"), floats, short)


def shown(column: Any, row: int) -> str:
    """The text of a cell, shortened if it is long."""
    text = words_of(column)[row].as_py()
    return text if len(text) <= 24 else f"{text[:20]}... ({len(text)} characters)"
