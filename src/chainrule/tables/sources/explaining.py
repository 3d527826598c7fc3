"""The reason why the rows of a delimited file cannot be read: they are read once more, slowly, to name the line."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.arrow import pa, pc
from chainrule.tables.sources.dialects import SEPARATORS, long_cells, numbered_rows
from chainrule.tables.sources.row_blocks import RowBlock
from chainrule.text import counted

__all__ = ["explain", "missing_column_hint", "require_lengths", "separator_words", "swallowed_rows", "text_of"]

_TRIED = 1000  # cells of a column that may be rows
_COMMENTS = ("#", "%", "//", "--", "!")

Row = tuple[int, list[str]]  # the line where it begins, and its cells


def explain(block: RowBlock, separator: str, names: Sequence[str], origin: str, message: str) -> NoReturn:
    """Raise the DataError that names the line; `message` when the slow reading finds nothing wrong."""
    text = io.StringIO(text_of(block, origin), newline="")
    with long_cells():
        rows = csv.reader(text, delimiter=separator, strict=True)
        for row in numbered_rows(rows, block.line):
            if len(row[1]) != len(names):
                raise _wrong_length(row, names, origin, _how_to_quote(separator))
    raise DataError(f"{origin} cannot be read: {' '.join(message.split())}")


def text_of(block: RowBlock, origin: str) -> str:
    """The text of a block. Raises DataError at the first line that is not UTF-8."""
    try:
        return block.text.decode()
    except UnicodeDecodeError as error:
        line = block.line + len(block.text[: error.start + 1].splitlines()) - 1
        raise DataError(
            f"line {line} of {origin} is not UTF-8, though what is before it is: save the file in UTF-8"
        ) from None


def require_lengths(rows: Sequence[Row], separator: str, names: Sequence[str], origin: str) -> None:
    """Raise DataError unless the first rows of a file have as many cells as its first line has names."""
    wrong = next((row for row in rows if len(row[1]) != len(names)), None)
    if wrong is None:
        return
    usual, times = Counter(len(cells) for _, cells in rows).most_common(1)[0]
    if usual == len(names) or usual == 1 or 2 * times <= len(rows):
        raise _wrong_length(wrong, names, origin, _how_to_quote(separator))
    first = next(row for row in rows if len(row[1]) == usual)
    if times < len(rows) or usual != len(names) + 1 or len(names) == 1 or _is_comment(names):
        quote = f", or {_quote(separator)}" if len(names) == 1 else ""
        raise _wrong_length(first, names, origin, f"remove the lines above the names of the columns{quote}")
    if not any(cells[-1].strip() for _, cells in rows):
        hint = f"the rows end with a {separator_words(separator)}: put one after the last name too"
    else:
        names_of_rows = f'put ""{separator} first if the rows begin with names of their own, as R writes them'
        hint = f"{names_of_rows}, or {_quote(separator)}"
    raise _wrong_length(first, names, origin, hint)


def _wrong_length(row: Row, names: Sequence[str], origin: str, hint: str) -> DataError:
    line, cells = row
    return DataError(
        f"line {line} of {origin} has {counted(len(cells), 'column')}, but the first line names {len(names)}: {hint}"
    )


def _how_to_quote(separator: str) -> str:
    return f"every row needs one cell per column ({_quote(separator)})"


def _quote(separator: str) -> str:
    return f"quote a cell that holds a {separator_words(separator)}"


def separator_words(separator: str) -> str:
    """The separator in words.

    >>> separator_words(";"), separator_words(":")
    ('semicolon', "':'")
    """
    return SEPARATORS.get(separator, repr(separator))


def _is_comment(names: Sequence[str]) -> bool:
    return names[0].lstrip().startswith(_COMMENTS)


def missing_column_hint(names: Sequence[str], separators: Iterable[str]) -> str:
    """What may be wrong with a first line that lacks a column; "" if nothing about it is unusual."""
    if len(names) == 1:
        return (
            f"the first line is one name, without {' or '.join(map(separator_words, separators))}: "
            "remove lines above the names, or name another separator in a line of its own above them, such as sep=:"
        )
    if _is_comment(names) or sum(bool(name.strip()) for name in names) == 1:
        return "remove lines above the names of the columns"
    return ""


def swallowed_rows(table: pa.Table, separator: str, line_break: str) -> str | None:
    """A note on a quoted cell whose lines are exactly what rows would be: a mark may be open there. None if none is."""
    others = table.num_columns - 1
    for place, cells in enumerate(table.columns if others else ()):
        breaks = _count(cells, line_break)
        alike = (breaks > 0) & (_count(cells, separator) == breaks * others) if breaks.any() else breaks
        for row in np.flatnonzero(alike)[:_TRIED].tolist():
            cell = cells[row].as_py()
            first, *inner, last = [line.count(separator) for line in cell.splitlines()]
            if (first, last) == (others - place, place) and set(inner) <= {others}:
                return (
                    f"column {table.column_names[place]!r} has a cell of {2 + len(inner):,} lines, {cell[:40]!r}..., "
                    "which would be rows: if rows are missing, remove or double the quotation mark there"
                )
    return None


def _count(cells: pa.ChunkedArray, character: str) -> NDArray[np.int32]:
    return pc.count_substring(cells, character).to_numpy()
