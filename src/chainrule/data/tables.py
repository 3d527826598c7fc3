"""Reading a table from whatever holds one: a CSV file, a data frame, an Arrow table, a mapping of columns."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from chainrule.data.delimited import read_csv
from chainrule.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["UNNAMED", "listed", "read_table", "require_columns"]

_READERS: dict[str, Callable[[Path], Any]] = {".csv": read_csv, ".csv.gz": read_csv}  # by the end of the name

UNNAMED = b"chainrule.unnamed"  # where a table's metadata keep the number of a column that had no name

_SHOWN = 12  # names that a message lists at most


def read_table(source: Any) -> pa.Table:
    """The table that `source` holds: at least one row, and columns with names that differ.

    `source` is the path of a .csv or .csv.gz file (whose columns are all read as text), a pandas or Polars
    frame, anything else with `__arrow_c_stream__`, a `pyarrow.Table`, or a mapping of names to 1-D columns.

    >>> read_table({"carat": [0.23, None], "cut": ["Ideal", "Fair"]}).shape
    (2, 2)

    Raises DataError for a file or an object that is no such table.
    """
    import pyarrow as pa

    if isinstance(source, str | os.PathLike):
        return _checked(_from_file(Path(source)), repr(os.fspath(source)))
    if isinstance(source, pa.Table):
        return _checked(source, "the table")
    if isinstance(source, Mapping):
        return _checked(_from_mapping(source), "the mapping")
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return _checked(_from_frame(source), "the frame")
    raise DataError(f"{type(source).__name__} is no table: give a .csv path, a data frame, or names with columns")


def require_columns(table: pa.Table, names: Iterable[str], what: str) -> None:
    """Raise a DataError that lists the `names` that `table` lacks, and those it has.

    >>> require_columns(read_table({"price": [1], "x": [2]}), ["prise"], "target")
    Traceback (most recent call last):
    chainrule.errors.DataError: there is no target column 'prise' (did you mean 'price'?): the columns are 'price', 'x'
    """
    present = table.column_names
    absent = [name for name in names if name not in set(present)]
    if absent:
        close = difflib.get_close_matches(str(absent[0]), present, n=1) if len(absent) == 1 else []
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise DataError(f"there is no {what} column {listed(absent)}{hint}: the columns are {listed(present)}")


def listed(names: Iterable[Any]) -> str:
    """The names as words of a message, the first twelve of them.

    >>> listed(["carat", "cut"])
    "'carat', 'cut'"
    """
    all_names = [repr(name) for name in names]
    more = len(all_names) - _SHOWN
    return ", ".join(all_names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _from_file(path: Path) -> Any:
    if path.exists() and not path.is_dir() and _ending(path) is None:
        raise DataError(f"{str(path)!r} is of no kind that can be read: give a file named {' or '.join(_READERS)}")
    return _READERS[_ending(path) or ".csv"](path)


def _ending(path: Path) -> str | None:
    return next((ending for ending in _READERS if path.name.lower().endswith(ending)), None)


def _from_frame(frame: Any) -> Any:
    """The frame's columns; the index of a pandas frame is none of them."""
    import pyarrow as pa

    try:
        table = pa.table(frame)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        _cannot_become_table("the frame", error)
    kept = (table.schema.pandas_metadata or {}).get("index_columns", [])
    return table.drop_columns([name for name in kept if name in table.column_names])


def _from_mapping(columns: Mapping[Any, Any]) -> Any:
    import pyarrow as pa

    arrays = {name: _column(name, values) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        (first, rows), *others = lengths.items()
        name, other = next(pair for pair in others if pair[1] != rows)
        raise DataError(f"column {first!r} has {rows} rows, but column {name!r} has {other}: make them equal")
    return pa.table(arrays)


def _column(name: Any, values: Any) -> Any:
    import pyarrow as pa

    if not isinstance(name, str):
        raise DataError(f"the column name {name!r} is {type(name).__name__}, but names must be text")
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    if _axes(values) != 1:
        raise DataError(f"column {name!r} is {_shape(values)}, but a column must be a 1-D array or list")
    try:
        return pa.array(_native(values), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        _cannot_become_table(f"column {name!r}", error)


def _axes(values: Any) -> int:
    """The number of axes; a list has one unless all that it holds are lists or arrays."""
    if hasattr(values, "ndim"):
        return int(values.ndim)
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        return 0
    return 2 if len(values) and all(isinstance(v, list | tuple | np.ndarray) for v in values) else 1


def _shape(values: Any) -> str:
    if hasattr(values, "shape"):
        return f"an array of shape {tuple(values.shape)}"
    return "a list of lists" if isinstance(values, list | tuple) else f"a {type(values).__name__}"


def _native(values: Any) -> Any:
    swapped = isinstance(values, np.ndarray) and not values.dtype.isnative
    return values.astype(values.dtype.newbyteorder("=")) if swapped else values


def _cannot_become_table(what: str, error: Exception) -> NoReturn:
    reason = " ".join("; ".join(str(part) for part in error.args).split())
    raise DataError(f"{what} cannot be read ({reason}): a column holds numbers, words or booleans") from None


def _checked(table: Any, origin: str) -> Any:
    """The table, once its names and its length are usable."""
    names = table.column_names
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise DataError(f"{origin} has more than one column {listed(repeated)}: give each column its own name")
    unnamed = [number for number, name in enumerate(names) if not name.strip()]
    if unnamed and len(unnamed) == len(names):
        raise DataError(f"no column of {origin} has a name: the first line must name the columns")
    if unnamed:
        kept = table.select([number for number in range(len(names)) if number not in unnamed])
        return kept.replace_schema_metadata({UNNAMED: str(unnamed[0] + 1)})
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise DataError(f"{origin} has one column, {names[0]!r}: separate its cells by commas")
    if not names or table.num_rows == 0:
        raise DataError(f"{origin} has {len(names)} columns and no rows: at least one of each is needed")
    return table
