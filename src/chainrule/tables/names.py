"""The names of a table's columns: required, listed in messages, and checked to differ."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from chainrule.errors import DataError
from chainrule.tables.arrow import pa

__all__ = ["UNNAMED", "listed", "named_columns", "require_columns"]

UNNAMED = b"chainrule.unnamed"  # the key in a table's metadata for the numbers of columns without a name

_SHOWN = 12  # names that a message lists at most
_COMPARED, _LONGEST = 10_000, 200  # names, and their characters, that are compared with one that is not there
_LENGTH = 40  # characters of a name that a message shows at most


def require_columns(table: pa.Table | Sequence[str], names: Iterable[str], what: str, hint: str = "") -> None:
    """Raise a DataError that lists the `names` that a table (or the names of its columns) lacks, and those it has.

    `what` is the use of the columns, or "". `hint` says what may be wrong with the table.

    >>> require_columns(["price", "x"], ["prise"], "target")
    Traceback (most recent call last):
    chainrule.errors.DataError: there is no target column 'prise' (did you mean 'price'?): the columns are 'price', 'x'
    """
    present = list(table) if isinstance(table, Sequence) else table.column_names
    known = set(present)
    absent = [name for name in names if name not in known]
    if absent:
        short = [name for name in present[:_COMPARED] if len(name) <= _LONGEST]
        close = difflib.get_close_matches(str(absent[0])[:_LONGEST], short, n=1) if len(absent) == 1 else []
        meant = f" (did you mean {close[0]!r}?)" if close else ""
        raise DataError(
            f"{_none(len(absent), what)} {listed(absent)}{meant}: the columns are {listed(present)}"
            + (f" ({hint})" if hint else "")
        )


def _none(count: int, what: str) -> str:
    """The beginning of a message about one absent column, or about several."""
    column = f"{what} column" if what else "column"
    return f"there is no {column}" if count == 1 else f"there are no {column}s"


def listed(names: Iterable[Any]) -> str:
    """The names as words of a message, the first twelve of them.

    >>> listed(["carat", "cut"])
    "'carat', 'cut'"
    """
    all_names = [_short(name) for name in names]
    more = len(all_names) - _SHOWN
    return ", ".join(all_names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _short(name: Any) -> str:
    text = repr(name)
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 4]}...{text[-1]}"


def named_columns(names: Sequence[str], origin: str) -> list[int]:
    """The numbers, from 0, of the columns that have a name.

    Raises DataError if a name comes twice, and if no column has a name.
    """
    repeated = [name for name, times in Counter(names).items() if times > 1 and name.strip()]
    if repeated:
        raise DataError(f"{origin} has more than one column {listed(repeated)}: give each column its own name")
    kept = [number for number, name in enumerate(names) if name.strip()]
    if names and not kept:
        raise DataError(f"no column of {origin} has a name: the first line must name the columns")
    return kept
