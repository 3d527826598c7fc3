"""NumPy's files and arrays as rows: an array's first axis counts the rows, its others are columns in row-major order.

Files are checked against their size before anything is allocated, and nothing in them is ever unpickled.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.paths import open_regular
from chainrule.tables.arrow import pa
from chainrule.tables.memory import available_memory
from chainrule.tables.sources.base import Source, rows_of
from chainrule.tables.sources.memory import TableSource
from chainrule.tables.sources.objects import column_of
from chainrule.tables.sources.opening import why_unreadable

__all__ = ["MOST_COLUMNS", "ArraySource", "NpySource", "array_source", "columns_in", "npz_source", "table_of_rows"]

MOST_COLUMNS = 1 << 24  # more are a damaged file
_LONGEST_HEADER = 1 << 16  # bytes of a .npy file, in which NumPy itself reads 10,000


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
            for name, array in self._rows(start, min(start + rows, n)).items():
                columns |= table_of_rows(name, array)
            yield pa.table(columns)

    def _rows(self, start: int, stop: int) -> Mapping[str, NDArray[Any]]:
        return {name: array[start:stop] for name, array in self._arrays.items()}


class NpySource(ArraySource):
    """An array in a .npy file: columns `x1`, `x2`, ..., or `x` for one axis; fields keep their names.

    Rows are read by plain reads and never through a memory map: a file that shrinks meanwhile is then a DataError and
    not a signal.
    """

    def __init__(self, path: Path) -> None:
        try:
            array: np.memmap[Any, Any] = np.lib.format.open_memmap(path, mode="r")  # its header, nothing more
        except Exception as error:  # NumPy raises anything for damaged bytes
            raise DataError(_why(path, error)) from None
        self._path, self._shape, self._dtype, self._begin = path, array.shape, array.dtype, int(array.offset)
        self._by_columns = not array.flags.c_contiguous
        super().__init__(repr(str(path)), _fields(array), named=bool(array.dtype.names))

    def _rows(self, start: int, stop: int) -> Mapping[str, NDArray[Any]]:
        try:
            with open_regular(self._path) as file:
                read = self._columns if self._by_columns else self._records
                return _fields(read(file, start, stop))
        except (EOFError, OSError) as error:
            raise DataError(why_unreadable(self._path, error)) from None

    def _records(self, file: BinaryIO, start: int, stop: int) -> NDArray[Any]:
        rows = np.empty((stop - start, *self._shape[1:]), self._dtype)
        _read_into(rows, file, self._begin + start * math.prod(rows.shape[1:]) * rows.itemsize)
        return rows

    def _columns(self, file: BinaryIO, start: int, stop: int) -> NDArray[Any]:
        """The same for an array in Fortran order: its first axis is the one that lies together."""
        n, *axes = self._shape
        columns = np.empty((math.prod(axes), stop - start), self._dtype)
        for k, column in enumerate(columns):
            _read_into(column, file, self._begin + (k * n + start) * self._dtype.itemsize)
        return columns.T.reshape((stop - start, *axes), order="F")


def _read_into(array: NDArray[Any], file: BinaryIO, position: int) -> None:
    """Fill an array that lies together with the file's bytes from a position on."""
    if not array.nbytes:
        return
    file.seek(position)
    if file.readinto(array.reshape(-1).view(np.uint8)) < array.nbytes:  # type: ignore[attr-defined]
        raise EOFError


def _fields(array: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    return {name: array[name] for name in array.dtype.names} if array.dtype.names else {"x": array}


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


def npz_source(path: Path) -> Source:
    """A .npz file, read into memory: one column for each array of one axis, `name1`, `name2`, ... for the others."""
    try:
        with zipfile.ZipFile(path) as archive:
            _require_memory(path, sum(member.file_size for member in archive.infolist()))
            for member in archive.infolist():
                _require_size(archive, member)
        with np.load(path, allow_pickle=False) as arrays:
            return ArraySource(repr(str(path)), {name: arrays[name] for name in arrays.files})
    except DataError:
        raise
    except Exception as error:  # NumPy and zipfile raise anything for damaged bytes
        raise DataError(_why(path, error)) from None


def _require_memory(path: Path, size: int) -> None:
    """Raise DataError for arrays that do not fit in memory, before anything is unpacked."""
    free = available_memory()
    if size > free:
        raise DataError(
            f"{str(path)!r} unpacks to {size:,} bytes, but {free:,} bytes of memory are free: "
            "save its arrays as .npy files, which are read block by block"
        )


def _require_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Raise ValueError for an array whose header promises other data than there are."""
    with archive.open(member) as packed:
        file = io.BytesIO(packed.read(_LONGEST_HEADER))
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
