"""Sparse inputs: rows of a SciPy matrix that become an array part by part, so that the whole never has to fit."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.examples.rows import Rows

__all__ = ["SparseRows", "is_sparse"]

PART = 2**25  # bytes of rows that are dense together


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array of SciPy.

    >>> from scipy.sparse import csr_array
    >>> is_sparse(csr_array([[0.0, 1.0]])), is_sparse(np.zeros((1, 2)))
    (True, False)
    """
    return hasattr(X, "tocsr") and hasattr(X, "toarray")


class SparseRows(Rows):
    """Rows of a sparse matrix (n, n_1), float32 or float64, that become an array when they are used.

    >>> from scipy.sparse import csr_array
    >>> X = SparseRows(csr_array([[0.0, 1.0], [2.0, 0.0]]), np.dtype("float64"))
    >>> X[[1]], X.shape, X.rows_at_once
    (array([[2., 0.]]), (2, 2), 2097152)

    Raises DataError for numbers that are not finite in `dtype`.
    """

    def __init__(self, X: Any, dtype: np.dtype[Any]) -> None:
        matrix = X.tocsr()
        if matrix.dtype.name not in ("float32", "float64"):
            matrix = matrix.astype(dtype)
        with np.errstate(over="ignore"):
            if not np.isfinite(matrix.data.astype(dtype, copy=False)).all():
                raise DataError(f"X has NaN or infinity among its entries: numbers must be finite in {dtype}")
        self._X = matrix
        self.shape, self.dtype = matrix.shape, matrix.dtype

    def __getitem__(self, rows: Any) -> Array:
        return np.asarray(self._X[rows].toarray())

    def take(self, rows: Array) -> "SparseRows":
        return SparseRows(self._X[rows], self.dtype)

    def located(self, rows: Array) -> tuple[Array, Array]:
        return self[rows], np.arange(len(rows))

    @property
    def rows_at_once(self) -> int:
        return int(max(1, PART // max(1, self.shape[1] * self.dtype.itemsize)))

    def parts(self) -> Iterator[tuple[slice, Array]]:
        for start in range(0, len(self), self.rows_at_once):
            part = slice(start, min(start + self.rows_at_once, len(self)))
            yield part, self[part]
