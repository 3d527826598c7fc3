"""Where rows come from: files of several kinds, data frames, mappings; all of them read block by block."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chainrule.data.sources.base import Source
from chainrule.data.sources.delimited import DelimitedSource
from chainrule.data.sources.memory import TableSource, table_of_frame, table_of_mapping
from chainrule.data.sources.opening import PACKED, unpacked_name
from chainrule.errors import DataError

__all__ = ["Source", "as_source"]

_READERS: dict[str, Callable[[Path], Source]] = {  # by the end of the name, without that of a compression
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), DelimitedSource),
}


def as_source(source: Any) -> Source:
    """The rows of `source`: the path of a file, a pandas or Polars frame, a `pyarrow.Table`, names with columns.

    Anything else with `__arrow_c_stream__` is a frame too, and a `Source` is taken as it is.

    >>> rows = as_source({"carat": [0.23, None], "cut": ["Ideal", "Fair"]})
    >>> rows.names, [block.num_rows for block in rows.blocks()]
    (['carat', 'cut'], [2])

    Raises DataError for a file or an object that is no table; some of it only shows when the blocks are read.
    """
    import pyarrow as pa

    if isinstance(source, Source):
        return source
    if isinstance(source, str | os.PathLike):
        return _of_file(Path(source))
    if isinstance(source, pa.Table):
        return TableSource(source, "the table")
    if isinstance(source, Mapping):
        return TableSource(table_of_mapping(source), "the mapping")
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return TableSource(table_of_frame(source), "the frame")
    raise DataError(f"{type(source).__name__} is no table: give a .csv path, a data frame, or names with columns")


def _of_file(path: Path) -> Source:
    ending = Path(unpacked_name(path)).suffix
    if ending not in _READERS and path.exists() and not path.is_dir():
        raise DataError(
            f"{str(path)!r} is of no kind that can be read: give a file named {', '.join(_READERS)}, "
            f"or one of these and then {', '.join(PACKED)}"
        )
    return _READERS.get(ending, DelimitedSource)(path)
