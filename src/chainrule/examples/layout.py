"""Inputs as an engine reads them fastest: converted once for a training, where the copy is small enough."""

import mmap
from typing import Any

import numpy as np

from chainrule.arrays import Array

__all__ = ["converted"]

MOST = 2**30  # bytes of a copy
_ROWS = 256  # rows that are copied together: where columns lie one after the other, they stay in the cache


def converted(X: Any, dtype: np.dtype[Any]) -> Any:
    """An array X (n, n_1) with each row in one piece and not wider than dtype; X itself where it is so already.

    A memory map, an array whose copy would exceed 1 GiB, and what is not an array are returned as they are: the engine
    then converts the rows of each batch, to the same bits.

    >>> X = np.asfortranarray(np.ones((3, 2)))
    >>> converted(X, np.dtype("float32")).strides
    (8, 4)
    """
    if not isinstance(X, np.ndarray):
        return X
    narrow = dtype if X.dtype.itemsize > dtype.itemsize else X.dtype
    in_rows = X.shape[1] == 1 or X.strides[1] == X.itemsize
    if (in_rows and narrow == X.dtype) or X.size * narrow.itemsize > MOST or _is_mapped(X):
        return X
    copy = np.empty(X.shape, narrow)
    for start in range(0, len(X), _ROWS):
        copy[start : start + _ROWS] = X[start : start + _ROWS]
    return copy


def _is_mapped(array: Array) -> bool:
    """Whether the numbers lie in a file."""
    base: Any = array
    while base is not None:
        if isinstance(base, np.memmap | mmap.mmap):
            return True
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return False
