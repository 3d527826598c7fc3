"""The index that pandas stores beside the columns: row labels, which are not columns of the table.

Files and tables that come from pandas name it in their metadata; pandas itself reads it back as the index.
"""

from __future__ import annotations

import json
from typing import Any

from chainrule.tables.arrow import pa
from chainrule.tables.names import listed

__all__ = ["index_note", "stored_index"]

_KEY = b"pandas"


def stored_index(schema: pa.Schema) -> list[str]:
    """The columns of a schema that hold an index of pandas; none if the metadata do not say so in order.

    >>> import pandas as pd, pyarrow as pa
    >>> stored_index(pa.Table.from_pandas(pd.DataFrame({"x": [1, 2]}, index=[7, 5])).schema)
    ['__index_level_0__']
    """
    names = set(schema.names)
    return [name for name in _names_in((schema.metadata or {}).get(_KEY, b"")) if name in names]


def index_note(names: list[str]) -> list[str]:
    """The note about an index that is left out."""
    hint = "reset_index() of pandas makes it a column"
    return [f"left out, because it is the index of a pandas frame ({hint}): {listed(names)}"] if names else []


def _names_in(document: bytes) -> list[str]:
    try:
        columns: Any = json.loads(document)["index_columns"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return [name for name in columns if isinstance(name, str)] if isinstance(columns, list) else []
