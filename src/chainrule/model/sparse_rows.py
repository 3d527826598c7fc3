"""Rows of a wide table without their zeros, as networks are trained on them: of a thousand words a cell has one.

The results are those of the array, to the bit; only the time and the memory of a training are less.
"""

import numpy as np

from chainrule.arrays import Array
from chainrule.examples import RowArrays

__all__ = ["WIDE", "are_sparse", "without_zeros"]

WIDE = 600  # inputs, from which on it pays
SHARE = 4  # inputs for each one that is not 0, at least
SEEN = 1000  # rows that are looked at


def are_sparse(X: Array, places: Array | None = None) -> bool:
    """Whether rows are trained on without their zeros: where most of many inputs of the first rows are 0.

    - X: the inputs of all rows, (n, n_1).
    - places: the inputs that are meant, by their numbers; None if these are all.
    """
    if (X.shape[1] if places is None else len(places)) <= WIDE:
        return False
    seen = X[:SEEN] if places is None else X[:SEEN, places]
    return SHARE * int(np.count_nonzero(seen)) <= seen.size


def without_zeros(rows: RowArrays) -> RowArrays:
    """The same rows, X as a sparse matrix."""
    from scipy.sparse import csr_array

    return rows._replace(X=csr_array(rows.X))
