"""The body of a request as a table of the columns that the model takes: JSON or CSV, bounded before it is read.

JSON has rows as objects, `[{"age": 22, "sex": "male"}, ...]`, one object for one row, or rows as lists of cells in the
order of the columns, `[[22, "male"], ...]`; with `{"columns": [...], "rows": [...]}` in the order of these names. A
body that has none of these forms is refused with the status 400, one with too many rows or columns with 413; a table
that the model cannot take is a DataError.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple, NoReturn

import numpy as np
from starlette.exceptions import HTTPException

from chainrule.errors import DataError
from chainrule.serve.served import Served
from chainrule.tables.arrow import pa
from chainrule.tables.names import listed, require_columns
from chainrule.tables.sources import Source, as_source
from chainrule.tables.sources.delimited import DelimitedText
from chainrule.text import counted, short, shown

__all__ = ["ORIGIN", "Body", "Limits", "Rows", "rows_of", "stacked"]

ORIGIN = "the body"
_MORE_COLUMNS = 1000  # that a table may have beyond four times those of the model
_MORE_BRACKETS = 10  # that JSON may have beside those of its rows
_FIRST_LINE = re.compile(rb"[\r\n]*([^\r\n]*)")
_SEPARATORS = (b",", b";", b"\t", b"|")
_NUMBERS, _TEXTS = {int, float, type(None)}, {str, type(None)}
_CELLS = {*_NUMBERS, *_TEXTS, bool}
_EXACT = 2**53  # up to here a whole number is its own float64


class Body(NamedTuple):
    """The bytes of a request, and whether they are CSV or else JSON."""

    content: bytes
    is_csv: bool


class Rows(NamedTuple):
    """The rows of a body.

    - columns: a table; or the cells of each column as they are in JSON, where they are of the plain kinds.
    - size: how many rows.
    - types: those of the table's columns; () for cells. Rows of the same types can be stacked without changing any.
    """

    columns: Any
    size: int
    types: tuple[Any, ...]


class Limits(NamedTuple):
    """What a server takes: bytes and rows of a body, requests at a time, and seconds that a client may take."""

    body: int = 1 << 24
    rows: int = 10_000
    concurrency: int = 64
    seconds: float = 30.0


def rows_of(served: Served, body: Body, limits: Limits) -> Rows:
    """The rows of a body, in the columns of the model with their names; raises as the module says."""
    if body.is_csv:
        source = _of_csv(served, body.content)
    else:
        columns = _of_json(served, body.content, limits)
        if _is_plain(served, columns):
            return Rows(columns, len(next(iter(columns.values()))), ())
        source = as_source(columns)
    table = source.table().select(served.inputs(source))
    _require_rows(table.num_rows, limits)
    table = table.rename_columns([column.name for column in served.columns])
    return Rows(table, table.num_rows, tuple(table.schema.types))


def stacked(parts: Sequence[Rows]) -> pa.Table:
    """The rows of bodies of the same types, one below the other."""
    if parts[0].types:
        return pa.concat_tables([part.columns for part in parts])
    names = parts[0].columns
    return as_source({name: list(chain.from_iterable(part.columns[name] for part in parts)) for name in names}).table()


def _is_plain(served: Served, columns: dict[str, list[Any]]) -> bool:
    """Whether JSON has numbers or null in columns of numbers, and text or null in all others."""
    if list(columns) != [column.name for column in served.columns]:
        return False
    return all(_fits(column.kind, cells) for column, cells in zip(served.columns, columns.values(), strict=True))


def _fits(kind: str, cells: list[Any]) -> bool:
    types = set(map(type, cells))
    if kind != "number":
        return types <= _TEXTS
    return types <= _NUMBERS and (int not in types or all(type(x) is not int or abs(x) <= _EXACT for x in cells))


# ------------------------------------------------------------------------------------------------------------- CSV


def _of_csv(served: Served, content: bytes) -> Source:
    first = _FIRST_LINE.match(content)
    assert first is not None, "the pattern fits any text"
    _require_columns_bounded(served, 1 + sum(map(first[1].count, _SEPARATORS)))
    source = DelimitedText(content, ORIGIN)
    _require_columns_bounded(served, len(source.names))
    return source


# ------------------------------------------------------------------------------------------------------------ JSON


def _of_json(served: Served, content: bytes, limits: Limits) -> dict[str, list[Any]]:
    """The cells of each column."""
    document = _parsed(served, content, limits)
    names = None
    if isinstance(document, dict) and isinstance(document.get("rows"), list) and document.keys() <= {"columns", "rows"}:
        names, document = document.get("columns"), document["rows"]
    rows = [document] if isinstance(document, dict) else document
    if not isinstance(rows, list):
        _refuse(400, f"the body is {shown(document)}, but must be a list of rows, or an object for one row")
    _require_rows(len(rows), limits)
    if not rows:
        raise DataError(f"{ORIGIN} has no rows: at least one is needed")
    if all(isinstance(row, dict) for row in rows) and names is None:
        return _checked(_from_objects(rows, [column.name for column in served.columns]))
    if not all(isinstance(row, list) for row in rows):
        _refuse(400, "rows must all be objects, or all be lists of cells: with columns they are lists")
    return _checked(_from_lists(served, rows, names))


def _checked(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    for name, cells in columns.items():
        if not _CELLS.issuperset(map(type, cells)):
            row = next(k for k, cell in enumerate(cells, 1) if type(cell) not in _CELLS)
            _refuse(400, f"row {row} of column {short(name)!r} is a list or an object: a cell is a number or text")
    return columns


def _from_objects(rows: list[dict[str, Any]], names: list[str]) -> dict[str, list[Any]]:
    """The columns of rows by name; what a row has beside them is ignored. Raises DataError where a row lacks one."""
    try:
        return {name: [row[name] for row in rows] for name in names}
    except KeyError:
        number, row = next((k, row) for k, row in enumerate(rows, 1) if not row.keys() >= set(names))
        try:
            require_columns(list(row), names, "input")
        except DataError as error:
            raise DataError(f"row {number}: {error} (null is a missing cell)") from None
        raise


def _from_lists(served: Served, rows: list[list[Any]], names: Any) -> dict[str, list[Any]]:
    """The columns of rows whose cells are in the order of `names`, or else in that of the model's columns."""
    if names is None:
        names = [column.name for column in served.columns]
    elif not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        _refuse(400, f"columns is {shown(names)}, but must be a list of names")
    _require_columns_bounded(served, len(names))
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        _refuse(400, f"columns has {listed(repeated)} more than once: give each column its own name")
    for number, row in enumerate(rows, 1):
        if len(row) != len(names):
            raise DataError(f"row {number} has {counted(len(row), 'cell')}, but there are {len(names)} columns")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _parsed(served: Served, content: bytes, limits: Limits) -> Any:
    """The JSON document, whose brackets and commas are counted first: each makes an object many times its size."""
    _require_marks_bounded(served, content, limits)
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_no_number, object_pairs_hook=_object)
    except UnicodeDecodeError as error:
        _refuse(400, f"{ORIGIN} is not UTF-8 at byte {error.start + 1}: send JSON in UTF-8")
    except RecursionError:
        _refuse(400, f"{ORIGIN} is nested too deeply: a row holds cells, and no lists or objects in them")
    except json.JSONDecodeError as error:
        _refuse(400, f"{ORIGIN} is not JSON: {error.msg[:1].lower()}{error.msg[1:]} (at character {error.pos + 1})")
    except ValueError:
        _refuse(400, f"{ORIGIN} has a whole number of thousands of digits: send it as text, or rounded")


def _require_marks_bounded(served: Served, content: bytes, limits: Limits) -> None:
    brackets, commas = content.count(b"{") + content.count(b"["), content.count(b",")
    most = limits.rows + _MORE_BRACKETS
    if brackets > most or commas > _most(served):
        brackets, commas = _outside_texts(content)
    if brackets > most:
        _refuse(413, f"{ORIGIN} has more than {limits.rows:,} objects or lists: send at most {limits.rows:,} rows")
    if commas > (brackets + 1) * _most(served):
        _refuse(413, f"{ORIGIN} has {commas:,} commas between cells: at most {_most(served):,} in a row")


def _outside_texts(content: bytes) -> tuple[int, int]:
    """The number of opening brackets and of commas that are not in texts."""
    marks = np.frombuffer(content.replace(rb"\\", b"").replace(rb"\"", b""), np.uint8)
    outside = np.cumsum(marks == ord('"'), dtype=np.uint8) % 2 == 0
    brackets = outside & ((marks == ord("{")) | (marks == ord("[")))
    return int(brackets.sum()), int((outside & (marks == ord(","))).sum())


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with unique keys."""
    value = dict(pairs)
    if len(value) < len(pairs):
        name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        _refuse(400, f"an object has {short(name)!r} more than once: give each name one value")
    return value


def _no_number(word: str) -> NoReturn:
    _refuse(400, f"{ORIGIN} has {word}, which JSON does not have: send null for a missing cell")


# ---------------------------------------------------------------------------------------------------------- bounds


def _require_rows(count: int, limits: Limits) -> None:
    if count > limits.rows:
        _refuse(413, f"{ORIGIN} has {count:,} rows: send at most {limits.rows:,} at a time")


def _require_columns_bounded(served: Served, count: int) -> None:
    if count > _most(served):
        takes = f"of which the model takes {len(served.columns)}"
        _refuse(413, f"{ORIGIN} has {count:,} columns: at most {_most(served):,}, {takes}")


def _most(served: Served) -> int:
    """The columns that a table may have."""
    return _MORE_COLUMNS + 4 * len(served.columns)


def _refuse(status: int, line: str) -> NoReturn:
    raise HTTPException(status, line)
