"""Python's objects and NumPy's arrays as one column of Arrow: each cell is what it would be in a CSV.

Objects of one kind become a column of that kind. Among objects of several kinds each is written as text, a value that
is missing stays missing, so that the column is read as its CSV would be.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from chainrule.errors import DataError
from chainrule.tables.arrow import pa
from chainrule.tables.names import listed

__all__ = ["cannot_be_read", "column_of"]

_UNITS = ("s", "ms", "us", "ns")  # of NumPy's times, which Arrow has
_DAY = datetime.timedelta(days=1)


def column_of(name: str, values: Any) -> pa.Array | pa.ChunkedArray:
    """One column, NaN and None as missing.

    >>> column_of("c", ["K1A", 10001, None]).to_pylist()
    ['K1A', '10001', None]

    Raises DataError for values that a column cannot hold.
    """
    try:
        if _is_of_objects(values):
            return _of_objects(name, list(values))
        dtype = type(getattr(values, "dtype", None)).__name__  # pandas has types of its own
        if dtype == "SparseDtype":
            return column_of(name, np.asarray(values))
        if dtype == "CategoricalDtype" and values.dtype.categories.dtype.kind == "O":
            return _of_categories(name, getattr(values, "cat", values))
        return pa.array(_native(values), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        cannot_be_read(f"column {name!r}", error)


def cannot_be_read(what: str, error: Exception) -> NoReturn:
    """Raise a DataError in one line for what Arrow cannot convert."""
    reason = " ".join("; ".join(str(part) for part in error.args).split())[:160]
    raise DataError(f"{what} cannot be read ({reason}): a column holds numbers, words or booleans") from None


def _is_of_objects(values: Any) -> bool:
    dtype = getattr(values, "dtype", None)
    if dtype is None:
        return isinstance(values, Sequence)
    return isinstance(dtype, np.dtype) and dtype.kind == "O" and not np.ma.isMaskedArray(values)


def _of_categories(name: str, values: Any) -> pa.Array:
    """Categories of pandas that are objects; a code below 0 is a missing cell."""
    codes = np.asarray(values.codes)
    words = column_of(name, values.categories)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), words, ordered=bool(values.ordered))


def _native(values: Any) -> Any:
    """An array in a type that Arrow takes: the machine's byte order, text for bytes, times from seconds on."""
    if not isinstance(values, np.ndarray):
        return values
    kind = values.dtype.kind
    if kind == "S":
        return np.char.decode(values, "utf-8")
    if kind in "mM":
        return values.astype(_in_unit(kind, np.datetime_data(values.dtype)[0]))
    if kind == "f" and values.dtype.itemsize > 8:
        return values.astype(np.float64)
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def _in_unit(kind: str, unit: str) -> str:
    """NumPy's type of times (M) or lengths of time (m) in a unit that Arrow has."""
    if kind == "m" and unit in ("Y", "M", "generic"):
        raise ValueError("years, months and times without a unit have no length of their own")
    return f"{kind}8[{unit if unit in _UNITS else 'ns' if unit in ('ps', 'fs', 'as') else 's'}]"


def _of_objects(name: str, cells: list[Any]) -> pa.Array:
    kinds = {kind: _kind_of(kind) for kind in set(map(type, cells))}
    several = set(kinds.values()) - {"missing"}
    if len(several) > 1 and "number" in several and not any(_is_number(cell, kinds) for cell in cells):
        several -= {"number"}  # NaN alone
    if len(several) < 2 and _zones(cells, several) < 2:
        try:
            return pa.array(cells, from_pandas=True)
        except (pa.ArrowException, TypeError, OverflowError):
            if not several <= _WRITTEN:
                raise
    _require_written(name, cells, kinds, several)
    return pa.array([_text(cell, kinds[type(cell)]) for cell in cells], pa.large_string())


def _kind_of(kind: type) -> str:
    """What the cells of a type are, its name for other types."""
    if kind.__name__ in ("NAType", "NaTType"):
        return "missing"
    if kind.__name__ in ("Period", "Interval") and kind.__module__.partition(".")[0] == "pandas":
        return "word"  # by its text
    return next((name for types, name in _KINDS if issubclass(kind, types)), kind.__name__)


_KINDS: tuple[tuple[Any, str], ...] = (  # the first that fits
    (type(None), "missing"),
    ((bool, np.bool_), "boolean"),
    (str, "word"),
    ((datetime.timedelta, np.timedelta64), "length of time"),
    ((numbers.Integral, float, np.floating, decimal.Decimal), "number"),
    ((datetime.datetime, np.datetime64), "time"),
    (datetime.date, "date"),
    (datetime.time, "clock"),
    (uuid.UUID, "uuid"),
)
_WRITTEN = {"boolean", "word", "number", "time", "date", "clock", "uuid"}  # kinds whose text says what they are


def _is_number(cell: Any, kinds: Mapping[type, str]) -> bool:
    return kinds[type(cell)] == "number" and not _is_nan(cell)


def _is_nan(cell: Any) -> bool:
    """Whether the cell is NaN or NaT, which differ from themselves."""
    return bool(cell != cell)  # noqa: PLR0124


def _zones(cells: list[Any], kinds: set[str]) -> int:
    """The number of time zones; without one counts as one."""
    return len({str(getattr(cell, "tzinfo", None)) for cell in cells if not _is_nan(cell)}) if "time" in kinds else 0


def _require_written(name: str, cells: list[Any], kinds: Mapping[type, str], several: set[str]) -> None:
    """Raise DataError for a cell that cannot be written as text beside cells of other kinds."""
    if several <= _WRITTEN or several == {"word", "length of time"}:
        return
    row = next(k for k, cell in enumerate(cells) if kinds[type(cell)] not in {"missing", *_WRITTEN})
    others = listed(sorted(several - {kinds[type(cells[row])]}))
    raise DataError(
        f"row {row + 1} of column {name!r} is a {kinds[type(cells[row])]}, others are {others}: "
        "a column holds numbers, words or booleans"
    )


def _text(cell: Any, kind: str) -> str | None:
    """A cell as a CSV has it; a length of time by its days."""
    if kind == "missing" or (kind in ("number", "time", "length of time") and _is_nan(cell)):
        return None
    if kind == "length of time":
        return str(cell / (np.timedelta64(1, "D") if isinstance(cell, np.timedelta64) else _DAY))
    return str(cell).replace("T", " ") if kind == "time" else str(cell)
