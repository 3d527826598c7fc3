"""JSON lines: an object in each line, whose fields are the columns; and a file that is one array of objects.

Fields that come later are columns too, and one that an object lacks is missing there. An object inside an object gives
columns such as `address.city`, a list of texts or numbers its items with a semicolon between them. A field that holds
numbers in some lines and texts in others is read as text, as its CSV would be.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from chainrule.errors import DataError
from chainrule.tables.arrow import arrow_json, pa, pc
from chainrule.tables.columns import words_of
from chainrule.tables.memory import available_memory
from chainrule.tables.sources.base import BLOCK_BYTES, LONGEST_ROW, Source
from chainrule.tables.sources.objects import column_of
from chainrule.tables.sources.opening import UNREADABLE, open_bytes, open_first, why_unreadable
from chainrule.tables.sources.plain import plain_table
from chainrule.text import shortened, shown

__all__ = ["JsonLinesSource", "JsonLinesStream", "begins_json"]

MOST_COLUMNS = 100_000
_MARK, _SPACE = b"\xef\xbb\xbf", b" \t\r\n"
_HEAD = 4096  # bytes by which an array is recognised
_BETWEEN = ";"  # of the items of a list
_DEEPEST = 8  # objects in objects


def begins_json(head: bytes) -> bool:
    """Whether text begins with an object of JSON that has a field.

    >>> begins_json(b'{"a": 1}'), begins_json(b"{a},b")
    (True, False)
    """
    text = head.removeprefix(_MARK).lstrip(_SPACE)
    return text.startswith(b"{") and text[1:].lstrip(_SPACE).startswith(b'"')


class _JsonSource(Source):
    """Objects of JSON, read in blocks of lines."""

    _fields: list[str]  # of all objects, also one without a name

    def _parsed(self, block: bytes, line: int) -> pa.Table:
        """The objects of some lines, of which the first has this number."""
        with contextlib.suppress(pa.ArrowException):
            return _plain(_by_arrow(block))
        return _by_python(block, line, self.origin)

    def _with_all_fields(self, table: pa.Table) -> pa.Table:
        """A block with all fields in their order; one that no object of it has is missing."""
        known = set(table.column_names)
        nothing = pa.chunked_array([pa.nulls(table.num_rows)])
        columns = [table.column(name) if name in known else nothing for name in self._fields]
        return pa.table(columns, names=self._fields)


class JsonLinesSource(_JsonSource):
    """A file of JSON lines, or of one array of objects.

    Raises DataError for a file that is absent, empty or not JSON in UTF-8, with the first line that is none.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.origin = path, repr(str(path))
        schema: pa.Schema | None = None
        with self._errors(), open_first(path) as file:
            for line, block in self._blocks_of(file):
                table = self._parsed(block, line)
                schema = table.schema if schema is None else _merged(schema, table.schema)
                if len(schema) > MOST_COLUMNS:
                    raise _too_many(self.origin)
        if schema is None or not len(schema):
            raise DataError(f'{self.origin} has no object: each line is one, such as {{"x": 1}}')
        self._fields = schema.names
        super().__init__(self.origin, schema.names)
        self.schema = schema

    def _read(self) -> Iterator[pa.Table]:
        assert self.schema is not None, "the first pass made it"
        with self._errors(), open_bytes(self._path) as file:
            for line, block in self._blocks_of(file):
                yield _as_types(self._with_all_fields(self._parsed(block, line)), self.schema)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except UNREADABLE as error:
            raise DataError(why_unreadable(self._path, error)) from None

    def _blocks_of(self, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        """The lines in blocks, each with the number of its first line; an array becomes lines."""
        head = file.read(_HEAD)
        if head.removeprefix(_MARK).lstrip(_SPACE).startswith(b"["):
            yield 1, _lines_of_array(head, file, self.origin)
        else:
            yield from line_blocks(head, file, self.origin)


class JsonLinesStream(_JsonSource):
    """JSON lines that come once: the fields of the first lines are the columns. Raises DataError likewise.

    - stream: the bytes.
    - origin: its name in messages.
    """

    def __init__(self, stream: IO[bytes], origin: str) -> None:
        self.origin = origin
        self._lines = line_blocks(b"", stream, origin)
        line, block = next(self._lines, (1, b""))
        self._first: pa.Table | None = self._parsed(block, line) if block else None
        if self._first is None or not self._first.num_columns:
            raise DataError(f'{origin} has no object: each line is one, such as {{"x": 1}}')
        self._fields = self._first.column_names
        super().__init__(origin, self._fields)

    def _read(self) -> Iterator[pa.Table]:
        if self._first is None:
            raise DataError(f"{self.origin} comes once, and was read already: write it to a file first")
        first, self._first = self._first, None
        yield self._with_all_fields(first)
        for line, block in self._lines:
            yield self._with_all_fields(self._parsed(block, line))


def line_blocks(head: bytes, file: IO[bytes], origin: str) -> Iterator[tuple[int, bytes]]:
    """Whole lines in blocks of about `BLOCK_BYTES`, each with the number of its first line."""
    rest, line = head.removeprefix(_MARK), 1
    while True:
        more = file.read(BLOCK_BYTES)
        rest += more
        end = rest.rfind(b"\n") + 1 if more else len(rest)
        if end and rest[:end].strip(_SPACE):
            yield line, rest[:end]
        line += rest[:end].count(b"\n")
        rest = rest[end:]
        if len(rest) > LONGEST_ROW:
            raise DataError(f"line {line} of {origin} has more than {LONGEST_ROW:,} bytes: a line is one row")
        if not more:
            return


def _lines_of_array(head: bytes, file: IO[bytes], origin: str) -> bytes:
    """An array of objects as lines. It is read as a whole, so that it must be far smaller than the memory."""
    most = available_memory() // 32
    content = head + file.read(most)
    if len(content) > most:
        raise DataError(f"{origin} is one array of more than {most:,} bytes: write an object in each line instead")
    try:
        rows = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{origin} is not an array of JSON in UTF-8: {shortened(str(error), 120)}") from None
    wrong = next((k for k, row in enumerate(rows) if not isinstance(row, dict)), None)
    if wrong is not None:
        raise DataError(f"item {wrong + 1} of {origin} is {shown(rows[wrong])}, but must be an object")
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _by_arrow(block: bytes, texts: Sequence[str] = ()) -> pa.Table:
    """The objects of some lines as Arrow reads them, these fields as texts, as are those that Arrow takes for times.

    Raises ArrowException for what it does not take.
    """
    schema = pa.schema([(name, pa.string()) for name in texts]) if texts else None
    table = arrow_json.read_json(
        pa.BufferReader(block),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, newlines_in_values=False),
    )
    times = [field.name for field in table.schema if pa.types.is_temporal(field.type)]
    return _by_arrow(block, times) if times else table


def _plain(table: pa.Table) -> pa.Table:
    """The table without objects in objects, with lists as texts. Raises ArrowException for other lists, and times."""
    for _ in range(_DEEPEST):
        if not any(pa.types.is_struct(kind) for kind in table.schema.types):
            break
        table = table.flatten()
    for number, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            items = pc.cast(table.column(number), pa.list_(pa.string()))
            table = table.set_column(number, field.name, pc.binary_join(items, _BETWEEN))
        elif pa.types.is_temporal(field.type) or pa.types.is_nested(field.type):
            raise pa.ArrowInvalid(f"{field.name} holds {field.type}")
    return plain_table(table)


def _by_python(block: bytes, line: int, origin: str) -> pa.Table:
    """The same by Python's parser, which takes fields of several types. Raises DataError with the first wrong line."""
    rows = []
    for number, text in enumerate(block.split(b"\n"), line):
        if not text.strip(_SPACE):
            continue
        try:
            row = json.loads(text.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            why = "nested too deeply" if isinstance(error, RecursionError) else shortened(str(error), 100)
            raise DataError(f"line {number} of {origin} is not JSON in UTF-8 ({why}): each line is an object") from None
        if not isinstance(row, dict):
            raise DataError(f'line {number} of {origin} is {shown(row)}, but must be an object such as {{"x": 1}}')
        rows.append(dict(_flat(row, "", number, origin)))
    names = list(dict.fromkeys(itertools.chain.from_iterable(rows)))
    if len(names) > MOST_COLUMNS:
        raise _too_many(origin)
    return plain_table(pa.table([column_of(name, [row.get(name) for row in rows]) for name in names], names=names))


def _too_many(origin: str) -> DataError:
    return DataError(f"{origin} has more than {MOST_COLUMNS:,} fields: all objects have the same few fields")


def _flat(row: dict[str, Any], before: str, line: int, origin: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The fields of an object, those of objects in it too."""
    for name, value in row.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _flat(value, f"{before}{name}.", line, origin, depth + 1)
        elif isinstance(value, dict):
            raise DataError(
                f"line {line} of {origin} has objects in objects, more than {_DEEPEST} deep: write them flat"
            )
        elif isinstance(value, list):
            if any(isinstance(item, dict | list) for item in value):
                field = f"{before}{name}"
                raise DataError(f"line {line} of {origin} has {shown(field)}, a list of more than texts and numbers")
            yield before + name, _BETWEEN.join("" if item is None else str(item) for item in value)
        else:
            yield before + name, value


def _merged(a: pa.Schema, b: pa.Schema) -> pa.Schema:
    """The types that hold the cells of both, text for those of different kinds."""
    types = dict(zip(a.names, a.types, strict=True))
    for field in b:
        types[field.name] = _common(types[field.name], field.type) if field.name in types else field.type
    return pa.schema(list(types.items()))


def _common(a: pa.DataType, b: pa.DataType) -> pa.DataType:
    if a == b or pa.types.is_null(b):
        return a
    if pa.types.is_null(a):
        return b
    numbers = all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in (a, b))
    return pa.float64() if numbers else pa.large_string()


def _as_types(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the types of the whole file."""
    columns = [
        column if column.type == field.type else _cast(column, field)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.table(columns, schema=schema)


def _cast(column: pa.ChunkedArray, field: pa.Field) -> Any:
    if pa.types.is_large_string(field.type) and not pa.types.is_null(column.type):
        return column.cast(field.type) if pa.types.is_string(column.type) else words_of(column, field.name)
    return column.cast(field.type)
