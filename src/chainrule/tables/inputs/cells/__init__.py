"""One row at a time: what each operation does with a single cell, for predictors.

`READERS`, `WRITERS` and `STEPS` have an entry for each operation of `tables.inputs.operations`, compiled once for a
column. They take the common types of cells, and raise OddCellError for any other, which then goes through the operation
itself: so every cell gets the bits that it has in a table, or the error.
"""

from chainrule.tables.inputs.cells.readings import READERS
from chainrule.tables.inputs.cells.row_encoder import RowEncoder
from chainrule.tables.inputs.cells.writers import STEPS, WRITERS

__all__ = ["READERS", "STEPS", "WRITERS", "RowEncoder"]
