"""Sources of rows: files of several kinds, data frames, mappings; all of them are read block by block."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.paths import FileStamp, stamp_of
from chainrule.tables.arrow import pa
from chainrule.tables.sources.arrays import NpySource, array_source, npz_source
from chainrule.tables.sources.base import Source
from chainrule.tables.sources.columnar import ArrowFileSource, ParquetSource
from chainrule.tables.sources.combined import FolderSource, parts_of_folder, with_target
from chainrule.tables.sources.delimited import DelimitedSource
from chainrule.tables.sources.excel import excel_source
from chainrule.tables.sources.idx import IdxSource, is_idx
from chainrule.tables.sources.json_lines import JsonLinesSource
from chainrule.tables.sources.memory import TableSource, source_of_frame, table_of_mapping
from chainrule.tables.sources.once import open_stream
from chainrule.tables.sources.opening import PACKED, UNREADABLE, open_bytes, unpacked_name, why_unreadable
from chainrule.tables.sources.remote import remote_source, uri_of

__all__ = [
    "FolderSource",
    "Source",
    "as_source",
    "may_be_table",
    "open_stream",
    "parts_of_folder",
    "unpacked_name",
    "with_target",
]

_READERS: dict[str, Callable[[Path], Source]] = {  # by the end of the file's name, without that of a compression
    **dict.fromkeys((".csv", ".tsv", ".tab", ".txt"), DelimitedSource),
    **dict.fromkeys((".parquet", ".pq"), ParquetSource),
    **dict.fromkeys((".arrow", ".feather"), ArrowFileSource),
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), JsonLinesSource),
    **dict.fromkeys((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), excel_source),
    ".npy": NpySource,
    ".npz": npz_source,
}
_FRAMES = ("__arrow_c_stream__", "__arrow_c_array__", "__dataframe__")  # what a data frame offers
_MAY_BE_PACKED = (DelimitedSource, IdxSource, JsonLinesSource)


def as_source(source: Any) -> Source:
    """The rows of a file, a folder, an address, a data frame, a `pyarrow.Table`, an array, or names with columns.

    Anything with `__arrow_c_stream__` or `__dataframe__` is a data frame, an array has two axes or more or fields with
    names, a `Source` is taken as it is.

    >>> rows = as_source({"carat": [0.23, None], "cut": ["Ideal", "Fair"]})
    >>> rows.names, [block.num_rows for block in rows.blocks()]
    (['carat', 'cut'], [2])

    Raises DataError for a file or an object that is not a table; some faults show only when the blocks are read.
    """
    if isinstance(source, Source):
        return source
    if isinstance(source, str | os.PathLike):
        uri = uri_of(source)
        return _of_path(Path(source)) if uri is None else remote_source(uri)
    if isinstance(source, pa.Table):
        return TableSource(source, "the table")
    if isinstance(source, np.ndarray) and (source.ndim > 1 or source.dtype.names):
        return array_source("the array", source)
    if isinstance(source, Mapping):
        return TableSource(table_of_mapping(source), "the mapping")
    if any(hasattr(source, name) for name in _FRAMES):
        return source_of_frame(source)
    raise DataError(f"{type(source).__name__} is not a table: give a .csv path, a data frame, or names with columns")


def may_be_table(path: Path) -> bool:
    """Whether a path is that of a folder, or of a file whose name or content is that of a table."""
    suffix = Path(unpacked_name(path)).suffix
    return path.is_dir() or suffix in _READERS or (path.is_file() and is_idx(_head(path)))


def _of_path(path: Path) -> Source:
    return FolderSource(path, [_of_file(part) for part in parts_of_folder(path)]) if path.is_dir() else _of_file(path)


def _of_file(path: Path) -> Source:
    """A file as a source. Its stamp is taken first: what is not a regular file is never opened."""
    stamp = _stamp(path)
    source = _reader_of(path)(path)
    source.file = path, stamp
    return source


def _stamp(path: Path) -> FileStamp:
    try:
        return stamp_of(path)
    except OSError as error:
        raise DataError(why_unreadable(path, error)) from None


def _reader_of(path: Path) -> Callable[[Path], Source]:
    reader = _READERS.get(Path(unpacked_name(path)).suffix)
    if reader is None and is_idx(_head(path)):
        reader = IdxSource
    if reader is not None and reader not in _MAY_BE_PACKED and path.suffix.lower() in PACKED:
        raise DataError(f"{str(path)!r} is compressed as a whole: unpack it first")
    if reader is None:
        raise DataError(
            f"{str(path)!r} cannot be read, its kind is unknown: give {', '.join(_READERS)}, idx or a folder of parts"
        )
    return reader


def _head(path: Path) -> bytes:
    """The first four bytes, unpacked; none if the file cannot be read."""
    try:
        with open_bytes(path) as file:
            return file.read(4)
    except UNREADABLE:
        return b""
