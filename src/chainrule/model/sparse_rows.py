"""Rows of a wide table without their zeros, as networks are trained on them: of a thousand words a cell has one.

The results are those of the array, to the bit; only the time and the memory of a training are less.
"""

from chainrule.examples import RowArrays
from chainrule.tables.inputs import Encoder

__all__ = ["WIDE", "are_sparse", "without_zeros"]

WIDE = 600  # inputs, from which on it pays
SHARE = 4  # inputs for each one that can be other than 0, at least


def are_sparse(encoder: Encoder) -> bool:
    """Whether rows are trained on without their zeros: where most of many inputs are 0."""
    return encoder.width > WIDE and SHARE * len(encoder.entries) <= encoder.width


def without_zeros(rows: RowArrays) -> RowArrays:
    """The same rows, X as a sparse matrix."""
    from scipy.sparse import csr_array

    return rows._replace(X=csr_array(rows.X))
