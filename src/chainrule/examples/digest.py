"""The SHA-256 of examples as training uses them, in little memory: equal examples have equal digests."""

import hashlib
import math
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.examples.examples import Examples
from chainrule.examples.rows import LocalRows

__all__ = ["digest_of", "digests"]

_BLOCK = 2**22  # bytes hashed together, so that a memory map stays on disk


def digests(examples: Examples, dtype: np.dtype[Any]) -> dict[str, str]:
    """The SHA-256 of the inputs, targets and weights that count, each in hexadecimal, as they are computed with.

    Rows of weight 0 are left out and numbers are converted to the network's dtype: examples that give the same bits in
    training have the same digests, be they an array or a memory map, in C or Fortran order. Inputs that are spread over
    hosts have none.

    >>> list(digests(Examples(np.ones((2, 1)), np.ones((2, 1)), None, np.arange(2), 2.0), np.dtype("float32")))
    ['inputs', 'targets', 'weights']
    """
    X, T, weight, rows, total = examples
    chosen = None if len(rows) == len(X) else rows
    weights = np.empty(0) if weight is None else weight
    return {
        "inputs": "" if isinstance(X, LocalRows) else digest_of(X, chosen, dtype),
        "targets": digest_of(T, chosen, dtype),
        "weights": digest_of(weights, None if weight is None else chosen, np.dtype(np.float64), repr(total)),
    }


def digest_of(values: Array, rows: Array | None, dtype: np.dtype[Any], beside: str = "") -> str:
    """The SHA-256 of an array's shape and its rows (all, or those named), of floats in `dtype`, little-endian.

    >>> a = np.arange(6.0).reshape(2, 3)
    >>> digest_of(a, None, a.dtype) == digest_of(np.asfortranarray(a), np.arange(2), a.dtype)
    True
    """
    kind = (dtype if values.dtype.kind == "f" else values.dtype).newbyteorder("<")
    n = len(values) if rows is None else len(rows)
    digest = hashlib.sha256(repr((n, *values.shape[1:], kind.str, beside)).encode())
    step = max(1, _BLOCK // max(1, values.dtype.itemsize * math.prod(values.shape[1:])))
    for start in range(0, n, step):
        part = slice(start, start + step) if rows is None else rows[start : start + step]
        digest.update(np.ascontiguousarray(values[part], dtype=kind).data)
    return digest.hexdigest()
