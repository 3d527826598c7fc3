"""Reading a table from whatever holds one, all of it into memory. What is larger is read in blocks: see `sources`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chainrule.data.names import UNNAMED, listed, require_columns
from chainrule.data.sources import as_source

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["UNNAMED", "listed", "read_table", "require_columns"]


def read_table(source: Any) -> pa.Table:
    """The table that `source` holds, anything that `as_source` takes: at least one row, names that differ.

    >>> read_table({"carat": [0.23, None], "cut": ["Ideal", "Fair"]}).shape
    (2, 2)

    Raises DataError for a file or an object that is no such table.
    """
    return as_source(source).table()
