"""Rows as engines take them: inputs, targets and weights, checked; dense, memory-mapped or sparse by one protocol."""

from chainrule.examples.digest import digest_of, digests
from chainrule.examples.examples import Examples, RowArrays, as_examples, as_inputs, as_rows, epoch_order, taken
from chainrule.examples.layout import converted
from chainrule.examples.rows import LocalRows
from chainrule.examples.smoothing import smoothed
from chainrule.examples.sparse import Compressed, is_sparse
from chainrule.examples.splits import folds, held_out_count, hold_out, hold_out_latest

__all__ = [
    "Compressed",
    "Examples",
    "LocalRows",
    "RowArrays",
    "as_examples",
    "as_inputs",
    "as_rows",
    "converted",
    "digest_of",
    "digests",
    "epoch_order",
    "folds",
    "held_out_count",
    "hold_out",
    "hold_out_latest",
    "is_sparse",
    "smoothed",
    "taken",
]
