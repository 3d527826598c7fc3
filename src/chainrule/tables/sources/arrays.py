"""NumPy's files and arrays as rows: an array's first axis counts the rows, its others are columns in row-major order.

Files are checked against their size before anything is allocated, and nothing in them is ever unpickled.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.arrow import pa
from chainrule.tables.sources.base import Source, rows_of
from chainrule.tables.sources.memory import TableSource
from chainrule.tables.sources.objects import column_of
from chainrule.tables.sources.opening import why_unreadable

__all__ = ["MOST_COLUMNS", "ArraySource", "array_source", "columns_in", "npy_source", "npz_source", "table_of_rows"]

MOST_COLUMNS = 1 << 24  # more are a damaged file


class ArraySource(Source):
    """Arrays of equally many rows, side by side; those on disk stay there.

    >>> ArraySource("the arrays", {"x": np.zeros((4, 2)), "y": np.arange(4)}).names
    ['x1', 'x2', 'y']

    Raises DataError for arrays without rows or of different lengths, and for anything but numbers, words and booleans.
    """

    def __init__(self, origin: str, arrays: Mapping[str, NDArray[Any]], named: bool = True) -> None:
        for name, array in arrays.items():
            _require_rows(origin, name, array, next(iter(arrays.items())))
        super().__init__(origin, [column for name, array in arrays.items() for column in columns_in(name, array.shape)])
        self.named, self._arrays = named, arrays

    def _read(self) -> Iterator[pa.Table]:
        n = len(next(iter(self._arrays.values()), ()))
        rows = rows_of(sum(array.nbytes for array in self._arrays.values()) / max(n, 1))
        for start in range(0, n, rows):
            columns: dict[str, Any] = {}
            for name, array in self._arrays.items():
                columns |= table_of_rows(name, array[start : start + rows])
            yield pa.table(columns)


def array_source(origin: str, array: NDArray[Any]) -> Source:
    """An array: columns `x1`, `x2`, ..., or `x` for one axis; the fields of a structured array keep their names.

    Objects are read as a whole, because what a column of them holds is known after its last cell.
    """
    if array.dtype.names:
        return ArraySource(origin, {name: array[name] for name in array.dtype.names})
    if array.dtype.kind != "O":
        return ArraySource(origin, {"x": array}, named=False)
    source = TableSource(pa.table(table_of_rows("x", array)), origin)
    source.named = False
    return source


def columns_in(name: str, shape: tuple[int, ...]) -> list[str]:
    """The names of an array's columns: its own for one axis, else numbered from 1.

    >>> columns_in("label", (7,)), columns_in("pixel", (7, 2, 2))
    (['label'], ['pixel1', 'pixel2', 'pixel3', 'pixel4'])
    """
    return [name] if len(shape) == 1 else [f"{name}{k}" for k in range(1, math.prod(shape[1:]) + 1)]


def table_of_rows(name: str, rows: NDArray[Any]) -> dict[str, Any]:
    """Some rows of an array as columns."""
    names = columns_in(name, rows.shape)
    if rows.dtype.kind == "f" and rows.dtype.itemsize not in (4, 8):
        rows = rows.astype(np.float32 if rows.dtype.itemsize == 2 else np.float64)
    rows = rows.astype(rows.dtype.newbyteorder("="), copy=False)
    columns = rows.reshape(len(rows), -1).T
    columns = columns if np.ma.isMaskedArray(columns) else np.ascontiguousarray(columns)
    return {name: column_of(name, column) for name, column in zip(names, columns, strict=True)}


def npy_source(path: Path) -> Source:
    """A .npy file, mapped into memory: columns `x1`, `x2`, ..., or `x` for one axis; fields keep their names."""
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # NumPy and zipfile raise anything for damaged bytes
        raise DataError(_why(path, error)) from None
    return array_source(repr(str(path)), array)


def npz_source(path: Path) -> Source:
    """A .npz file, read into memory: one column for each array of one axis, `name1`, `name2`, ... for the others."""
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                _require_size(archive, member)
        with np.load(path, allow_pickle=False) as arrays:
            return ArraySource(repr(str(path)), {name: arrays[name] for name in arrays.files})
    except DataError:
        raise
    except Exception as error:  # NumPy and zipfile raise anything for damaged bytes
        raise DataError(_why(path, error)) from None


def _require_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raise ValueError for an array whose header promises other data than there are."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if dtype.hasobject:
            raise ValueError(f"{member.filename} holds Python objects")
        if math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"{member.filename} has shape {shape}, but not that much data")


def _require_rows(origin: str, name: str, array: NDArray[Any], first: tuple[str, NDArray[Any]]) -> None:
    if not array.ndim or array.dtype.kind not in "biufUSM" or array.dtype.names:
        raise DataError(
            f"{origin}: array {name!r} has shape {array.shape} and type {array.dtype}: "
            "give rows of numbers, words or booleans"
        )
    if len(array) != len(first[1]):
        raise DataError(f"{origin}: {first[0]!r} has {len(first[1])} rows, but {name!r} has {len(array)}")
    if math.prod(array.shape[1:]) > MOST_COLUMNS:
        raise DataError(f"{origin}: array {name!r} has shape {array.shape}: {MOST_COLUMNS:,} columns at most")


def _why(path: Path, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return why_unreadable(path, error)
    reason = " ".join(str(error).split())[:160] or type(error).__name__
    return f"{str(path)!r} cannot be read ({reason}): give an array of numbers as numpy.save writes it"
