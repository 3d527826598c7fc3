"""The idx format of the MNIST files: a magic number, the size of each axis, the numbers, all big-endian.

Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits, "File formats".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from chainrule.errors import DataError
from chainrule.tables.arrow import pa
from chainrule.tables.sources.arrays import MOST_COLUMNS, columns_in, table_of_rows
from chainrule.tables.sources.base import Source, rows_of
from chainrule.tables.sources.opening import PACKED, UNREADABLE, open_bytes, open_first, why_unreadable

__all__ = ["IdxSource", "is_idx"]

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def is_idx(head: bytes) -> bool:
    """Whether an idx file begins with these bytes."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in _TYPES and head[3] > 0


class IdxSource(Source):
    """An idx file: columns `pixel1`, `pixel2`, ... in row-major order, or `label` for a file of one axis.

    Raises DataError for a file that is not idx, is compressed otherwise than its name says, or breaks off.
    """

    named = False

    def __init__(self, path: Path) -> None:
        self._path = path
        with open_first(path) as file:
            self._dtype, self._shape = _header(path, file)
        self._name = "label" if len(self._shape) == 1 else "pixel"
        super().__init__(repr(str(path)), columns_in(self._name, self._shape))

    def _read(self) -> Iterator[pa.Table]:
        n, *axes = self._shape
        width = math.prod(axes) * self._dtype.itemsize
        rows = rows_of(width)
        try:
            with open_bytes(self._path) as file:
                _header(self._path, file)
                for start in range(0, n, rows):
                    data = _exactly(file, min(rows, n - start) * width)
                    block = np.frombuffer(data, self._dtype).reshape(-1, *axes)
                    yield pa.table(table_of_rows(self._name, block))
                if file.read(1):
                    raise DataError(f"{self.origin} goes on after its {n} rows: get a new copy")
        except UNREADABLE as error:
            raise DataError(why_unreadable(self._path, error)) from None


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _header(path: Path, file: IO[bytes]) -> tuple[np.dtype, tuple[int, ...]]:
    """The type and the shape, checked against the size of the file."""
    head = file.read(4)
    if not is_idx(head):
        raise DataError(f"{str(path)!r} is not an idx file: it begins with {head!r}")
    dtype, rank = np.dtype(_TYPES[head[2]]), head[3]
    shape = tuple(int(size) for size in np.frombuffer(_exactly(file, 4 * rank), ">u4"))
    if not 0 < math.prod(shape[1:]) <= MOST_COLUMNS:
        raise DataError(f"{str(path)!r} says that it has shape {shape}: from 1 to {MOST_COLUMNS:,} columns can be read")
    if path.suffix.lower() not in PACKED:
        expected, size = 4 + 4 * rank + math.prod(shape) * dtype.itemsize, path.stat().st_size
        if size != expected:
            raise DataError(f"{str(path)!r} has {size} bytes, but shape {shape} takes {expected}: get a new copy")
    return dtype, shape
