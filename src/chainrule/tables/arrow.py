"""pyarrow, imported when it is first used, so that commands and imports that read no table do not wait for it.

`pa` is pyarrow, `pc` its functions on columns, `arrow_csv`, `arrow_json` and `parquet` its readers and writers of
files, `pa_fs` its filesystems, `interchange` its reader of data frames that offer `__dataframe__` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv
    from pyarrow import fs as pa_fs
    from pyarrow import interchange, parquet
    from pyarrow import json as arrow_json

__all__ = ["arrow_csv", "arrow_json", "interchange", "pa", "pa_fs", "parquet", "pc"]


class _Module:
    """A module by name: the first use of one of its attributes imports it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(importlib.import_module(self._name), attribute)
        setattr(self, attribute, value)  # from now on without this detour
        return value


if not TYPE_CHECKING:
    pa, pc = _Module("pyarrow"), _Module("pyarrow.compute")
    arrow_csv, arrow_json = _Module("pyarrow.csv"), _Module("pyarrow.json")
    parquet, pa_fs = _Module("pyarrow.parquet"), _Module("pyarrow.fs")
    interchange = _Module("pyarrow.interchange")
