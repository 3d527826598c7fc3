"""Sparse inputs: rows of which only some entries are stored, whole or as an array part by part."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.examples.rows import Rows, WholeRows

__all__ = ["Compressed", "SparseRows", "is_sparse"]

PART = 2**25  # bytes of rows that are dense together


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array of SciPy.

    >>> from scipy.sparse import csr_array
    >>> is_sparse(csr_array([[0.0, 1.0]])), is_sparse(np.zeros((1, 2)))
    (True, False)
    """
    return hasattr(X, "tocsr") and hasattr(X, "toarray")


class Compressed(NamedTuple):
    """Rows as an engine takes them that knows sparse inputs.

    Row r has `values[offsets[r] : offsets[r + 1]]` in the columns `places[...]`, which ascend; all else is 0.

    - values: float32 or float64, contiguous.
    - places: int32.
    - offsets: int64, one more than there are rows.
    - columns: n_1.
    """

    values: Array
    places: Array
    offsets: Array
    columns: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values."""
        return self.values.dtype

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n_1)."""
        return len(self.offsets) - 1, self.columns

    def taken(self, rows: Array) -> "Compressed":
        """Some of the rows.

        >>> X = Compressed(np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1], "i4"), np.array([0, 1, 3]), 2)
        >>> X.taken(np.array([1])).values
        array([2., 3.])
        """
        begin, counts = self.offsets[rows], np.diff(self.offsets)[rows]
        offsets = np.concatenate(([0], np.cumsum(counts)))
        entries = np.repeat(begin - offsets[:-1], counts) + np.arange(offsets[-1])
        return Compressed(self.values[entries], self.places[entries], offsets, self.columns)


class SparseRows(Rows):
    """Rows of a sparse matrix (n, n_1), float32 or float64, that become an array when they are used.

    >>> from scipy.sparse import csr_array
    >>> X = SparseRows(csr_array([[0.0, 1.0], [2.0, 0.0]]), np.dtype("float64"))
    >>> X[[1]], X.shape, X.rows_at_once
    (array([[2., 0.]]), (2, 2), 2097152)
    >>> X.for_engine(True).located(np.array([1]))[0].values
    array([1., 2.])

    Raises DataError for numbers that are not finite in `dtype`.
    """

    def __init__(self, X: Any, dtype: np.dtype[Any]) -> None:
        matrix = X.tocsr()
        if matrix.dtype.name not in ("float32", "float64"):
            matrix = matrix.astype(dtype)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
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

    def for_engine(self, sparse: bool) -> Rows:
        return WholeRows(self.compressed()) if sparse else self

    def together(self) -> Array:
        """These rows as one array. Raises DataError where the memory does not hold it."""
        try:
            return self[:]
        except (MemoryError, ValueError) as error:  # ValueError: beyond what any memory holds
            n, n_1 = self.shape
            size = f"{n * n_1 * self.dtype.itemsize / 2**30:,.1f} GiB"
            raise DataError(
                f"X of {n:,} x {n_1:,} is sparse, and as an array it would take {size}: take another optimizer, or the "
                "native engine, which reads its entries"
            ) from error

    def compressed(self) -> Compressed:
        """The entries, without a copy where they have the types already."""
        X, n = self._X, int(self._X.indptr[-1])
        values, places = np.ascontiguousarray(X.data[:n]), np.ascontiguousarray(X.indices[:n], np.int32)
        return Compressed(values, places, np.ascontiguousarray(X.indptr, np.int64), self.shape[1])

    @property
    def rows_at_once(self) -> int:
        return int(max(1, PART // max(1, self.shape[1] * self.dtype.itemsize)))

    def parts(self) -> Iterator[tuple[slice, Array]]:
        for start in range(0, len(self), self.rows_at_once):
            part = slice(start, min(start + self.rows_at_once, len(self)))
            yield part, self[part]
