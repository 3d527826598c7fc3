"""The cache of encoded rows: arrays in memory, or in one file if they are large.

    file:   [ array 0, rows in order ][ array 1 ] ...       each beginning at a multiple of 64 bytes

The file has no name on POSIX systems from the moment it is opened, so that nothing is left of it however the program
ends. It is written with plain writes, never through a memory map: a full disk is then an OSError and not a signal.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.memory import available_memory

__all__ = ["RowCache"]

SHARE = 0.25  # of the available memory, above which the arrays go into a file

_ALIGNED = 64  # bytes


class RowCache:
    """Arrays of known shapes, written row after row (`put`) and then read (`array`): the same bits in memory or a file.

    `folder` is the folder of the file. Without it the arrays stay in memory if they take at most a quarter of what is
    available; else the file goes into the system's folder for large temporary files.

    >>> cache = RowCache([(3, 2), (3, 1)], "float32")
    >>> cache.put(0, [[1, 2], [3, 4]]); cache.put(0, [[5, 6]])
    >>> cache.array(0)[-1]
    array([5., 6.], dtype=float32)

    Raises OSError, naming the folder, when the disk is full or the folder cannot be written.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], dtype: Any, folder: str | None = None) -> None:
        self._shapes, self._dtype = [tuple(shape) for shape in shapes], np.dtype(dtype)
        self._written = [0] * len(shapes)
        self._starts, self.bytes = _layout(self._shapes, self._dtype.itemsize)
        self.folder = _folder_for(self.bytes, folder)
        self._arrays = [np.empty(shape, self._dtype) for shape in self._shapes] if self.folder is None else []
        self._file = None if self.folder is None else self._opened(self.folder)
        if self._file is not None:
            weakref.finalize(self, self._file.close)  # memory maps live on

    def put(self, k: int, rows: Any) -> None:
        """Write the next rows of array k."""
        start = self._written[k]
        self._written[k] = stop = start + len(rows)
        if self._file is None:
            self._arrays[k][start:stop] = rows
            return
        values = np.ascontiguousarray(rows, self._dtype)
        with _with_folder_name(str(self.folder)):
            self._file.seek(self._starts[k] + start * _row_bytes(self._shapes[k], self._dtype.itemsize))
            self._file.write(values.data.cast("B") if values.size else b"")

    def array(self, k: int) -> NDArray[Any]:
        """Array k, once all its rows have been written; one that lies in the file can only be read."""
        if self._file is None:
            return self._arrays[k]
        if not math.prod(self._shapes[k]):
            return np.empty(self._shapes[k], self._dtype)
        with _with_folder_name(str(self.folder)):
            self._file.flush()
            mapped = np.memmap(self._file, self._dtype, "r", self._starts[k], self._shapes[k])
        return np.asarray(mapped)  # rows taken from a plain array are cheaper than from a `memmap`

    def _opened(self, folder: str) -> Any:
        with _with_folder_name(folder):
            file = tempfile.TemporaryFile(prefix="chainrule-", dir=folder)  # noqa: SIM115 - it lives as long as the maps
            free = shutil.disk_usage(folder).free
            if free < self.bytes:
                file.close()
                raise OSError(errno.ENOSPC, f"the encoded rows need {self.bytes:,} bytes and {free:,} are free")
        return file


def _folder_for(size: int, folder: str | None) -> str | None:
    """The folder of the file, None for memory."""
    if folder is not None:
        return os.fspath(folder)
    if size <= SHARE * available_memory():
        return None
    large = Path("/var/tmp")  # on a disk, where /tmp may be memory
    chosen = "TMPDIR" not in os.environ and large.is_dir() and os.access(large, os.W_OK)
    return str(large) if chosen else tempfile.gettempdir()


def _layout(shapes: Sequence[tuple[int, ...]], itemsize: int) -> tuple[list[int], int]:
    """The place at which each array begins, and the bytes of all together."""
    starts, at = [], 0
    for shape in shapes:
        starts.append(at)
        at += -(-math.prod(shape) * itemsize // _ALIGNED) * _ALIGNED
    return starts, at


def _row_bytes(shape: tuple[int, ...], itemsize: int) -> int:
    return math.prod(shape[1:]) * itemsize


@contextlib.contextmanager
def _with_folder_name(folder: str) -> Iterator[None]:
    """Let an OSError name the folder."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"the cache of encoded rows cannot be kept here: {error.strerror}", folder) from None
