"""Tables as they come from outside in the few plain types that columns are read from, in blocks of bounded size.

string views        text                    run-end encoded    each cell by itself
binary views        bytes                   extension types    what they mean (`extension_types`)

Dictionaries stay dictionaries, of plain words: they are categories. How much a row takes is counted with its words
written out, because that is what becomes of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.arrow import pa, pc
from chainrule.tables.sources.base import BLOCK_BYTES, rows_of
from chainrule.tables.sources.extension_types import extension_of, meaning_of, unknown

__all__ = ["plain_blocks", "plain_schema", "plain_table", "require_valid", "written_out"]

_LEAST = 8  # bytes that a cell takes when it is encoded


def require_valid(table: pa.Table, origin: str) -> pa.Table:
    """The table. Raises DataError where its buffers do not hold what its types say, which could end the process."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            column.validate(full=not pa.types.is_temporal(column.type))  # 24:00:00 is wrong, but harmless
        except (pa.ArrowException, OSError) as error:
            reason = " ".join(str(error).split())[:160]
            raise DataError(f"column {name!r} of {origin} is damaged ({reason}): write it again") from None
    return table


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The plain types of the columns.

    >>> import pyarrow as pa
    >>> plain_schema(pa.schema({"w": pa.string_view(), "r": pa.run_end_encoded(pa.int32(), pa.bool_())})).types
    [DataType(large_string), DataType(bool)]
    """
    return plain_table(pa.schema([_without_runs(field) for field in schema]).empty_table()).schema


def _without_runs(field: pa.Field) -> pa.Field:
    """The column as its values are: Arrow has no empty column of some runs."""
    return _without_runs(field.with_type(field.type.value_type)) if pa.types.is_run_end_encoded(field.type) else field


def plain_table(table: pa.Table) -> pa.Table:
    """The table in plain types; columns that have them already are not copied."""
    for number, field in enumerate(table.schema):
        if _has_form(field):
            column = table.column(number)
            chunks = [_of_field(field, chunk) for chunk in column.chunks]
            table = table.set_column(number, field.name, pa.chunked_array(chunks))
    return table


def plain_blocks(table: pa.Table) -> Iterator[pa.Table]:
    """The table in plain types, in blocks of about `BLOCK_BYTES` with the words of dictionaries written out."""
    table = _with_plain_dictionaries(table)
    rows = rows_of(sum(_bytes(column) for column in table.columns) / max(table.num_rows, 1))
    for start in range(0, table.num_rows, rows):
        for block in _cut(table.slice(start, rows)):
            yield plain_table(block)


def written_out(table: pa.Table, names: Iterable[str]) -> pa.Table:
    """The table with the words of these columns in their cells, where they are in a dictionary."""
    for name in names:
        number = table.column_names.index(name)
        kind = table.schema.field(number).type
        if pa.types.is_dictionary(kind):
            table = table.set_column(number, name, table.column(number).cast(kind.value_type))
    return table


def _has_form(field: pa.Field) -> bool:
    """Whether the type of a column is not plain."""
    kind = field.type
    if pa.types.is_dictionary(kind):
        return _has_form(pa.field("", kind.value_type))
    forms = (pa.types.is_run_end_encoded, pa.types.is_string_view, pa.types.is_binary_view, _is_nest_of_forms)
    return any(test(kind) for test in forms) or extension_of(field) is not None


def _is_nest_of_forms(kind: pa.DataType) -> bool:
    """Whether the type is one of lists or structures of which Arrow cannot take rows."""
    nest = pa.types.is_nested(kind) and not pa.types.is_run_end_encoded(kind)
    return nest and any(form in str(kind) for form in ("_view", "run_end_encoded"))


def _of_field(field: pa.Field, array: pa.Array) -> pa.Array:
    """A column whose metadata may name an extension type that is not registered."""
    named = extension_of(field)
    if named is None or isinstance(field.type, pa.BaseExtensionType):
        return _plain(array)
    if pa.types.is_dictionary(field.type):
        return _with_dictionary(array, meaning_of(_plain(array.dictionary), *named))
    return meaning_of(_plain(array), *named)


def _plain(array: pa.Array) -> pa.Array:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        named = extension_of(pa.field("", kind))
        assert named is not None, "an extension type has a name"
        return meaning_of(_plain(array.storage), *named)
    if pa.types.is_string_view(kind):
        return pc.cast(array, pa.large_string())
    if pa.types.is_binary_view(kind):
        return pc.cast(array, pa.large_binary())
    if _is_nest_of_forms(kind):
        return unknown(pc.if_else(array.is_valid(), True, None), str(kind))
    if pa.types.is_run_end_encoded(kind):
        return _plain(array.values).take(pa.array(_runs(array)))
    if pa.types.is_dictionary(kind):
        return _with_dictionary(array, _plain(array.dictionary))
    return array


def _with_dictionary(array: pa.Array, dictionary: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(dictionary.type):  # categories of categories
        return dictionary.take(array.indices)
    if dictionary is array.dictionary:
        return array
    return pa.DictionaryArray.from_arrays(array.indices, dictionary, ordered=array.type.ordered)


def _runs(array: pa.Array) -> NDArray[np.int64]:
    """The place (n,) in the values of a run-end encoded array that each cell has."""
    ends = array.run_ends.to_numpy(zero_copy_only=False)
    return np.searchsorted(ends, np.arange(array.offset, array.offset + len(array)), side="right")


def _with_plain_dictionaries(table: pa.Table) -> pa.Table:
    """The dictionaries are converted once, not in every block again."""
    dictionaries = [k for k, kind in enumerate(table.schema.types) if pa.types.is_dictionary(kind)]
    converted = plain_table(table.select(dictionaries))
    for k, column, field in zip(dictionaries, converted.columns, converted.schema, strict=True):
        table = table if column is table.column(k) else table.set_column(k, field, column)
    return table


def _bytes(column: pa.ChunkedArray) -> int:
    """The bytes of a column, dictionaries and runs counted as short cells."""
    kind = column.type
    coded = pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind)
    return max(0 if coded else column.nbytes, _LEAST * len(column))


def _cut(table: pa.Table) -> Iterator[pa.Table]:
    """The table in blocks that are so small with the words of dictionaries and of runs written out."""
    lengths = [_lengths(column) for column in table.columns if _has_long_words(column.type)]
    if not lengths:
        yield table
        return
    ends = np.cumsum(np.sum(lengths, axis=0) + _LEAST * table.num_columns)
    cuts = [0, *(np.flatnonzero(np.diff(ends // BLOCK_BYTES)) + 1).tolist(), table.num_rows]
    for start, stop in itertools.pairwise(cuts):
        if start < stop:
            yield table.slice(start, stop - start)


def _has_long_words(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _is_text(kind.value_type)
    return False


def _is_text(kind: pa.DataType) -> bool:
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(test(kind) for test in tests)


def _lengths(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """The bytes (n,) of the words that the cells of dictionaries or runs stand for."""
    return np.concatenate([_lengths_in(chunk) for chunk in column.chunks])


def _lengths_in(chunk: pa.Array) -> NDArray[np.int64]:
    encoded = pa.types.is_run_end_encoded(chunk.type)
    words, places = (chunk.values, pa.array(_runs(chunk))) if encoded else (chunk.dictionary, chunk.indices)
    words = pc.cast(words, pa.large_string()) if pa.types.is_string_view(words.type) else words
    return np.asarray(pc.binary_length(words).take(places).fill_null(0).cast(pa.int64()))
