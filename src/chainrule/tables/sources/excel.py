"""Excel: the first sheet of a workbook (.xlsx, .xlsm, .xlsb, .xls, .ods), by calamine.

The first row that is not empty has the names, empty rows are left out. Cells have the types of the workbook: numbers,
texts, truth values, dates; a column of several types is read as its CSV would be. Formulas count by their last values.
A workbook cannot be read in parts, so its sheet is in memory as a whole.
"""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path
from typing import Any

from chainrule.errors import DataError
from chainrule.paths import open_regular
from chainrule.tables.arrow import pa
from chainrule.tables.memory import available_memory
from chainrule.tables.names import listed
from chainrule.tables.sources.base import Source
from chainrule.tables.sources.memory import TableSource
from chainrule.tables.sources.objects import column_of
from chainrule.tables.sources.opening import why_unreadable
from chainrule.text import shortened

__all__ = ["excel_source"]

_LARGEST = 1 << 33  # bytes that a workbook unpacks to, whatever the memory
_TIMES = 8  # bytes of memory for a byte of an unpacked sheet


def excel_source(path: Path) -> Source:
    """The first sheet of a workbook.

    Raises DataError for a file that is absent, damaged, empty or not a workbook, or that unpacks to more than the free
    memory, and where calamine is not installed.
    """
    _require_bounded(path)
    names, rows, notes = _sheet(path)
    columns = [column_of(name, [row[k] for row in rows]) for k, name in enumerate(names)]
    source = TableSource(pa.table(columns, names=names), repr(str(path)))
    source.notes += notes
    return source


def _require_bounded(path: Path) -> None:
    """Raise DataError for a workbook that unpacks to more than the free memory; sizes are in the headers of its zip."""
    try:
        with open_regular(path) as file:
            if not zipfile.is_zipfile(file):  # an .xls is not one
                return
            size = sum(entry.file_size for entry in zipfile.ZipFile(file).infolist())
    except OSError as error:
        raise DataError(why_unreadable(path, error)) from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged(path, error) from None
    most = min(_LARGEST, available_memory() // _TIMES)
    if size > most:
        raise DataError(f"{str(path)!r} unpacks to {size:,} bytes, {most:,} at most: save the sheet as CSV or Parquet")


def _sheet(path: Path) -> tuple[list[str], list[list[Any]], list[str]]:
    """The names of the first sheet, its rows, and notes."""
    calamine = _calamine(path)
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        sheets = list(book.sheet_names)
        table = book.get_sheet_by_index(0).to_python() if sheets else []
    except Exception as error:  # its errors have nothing in common but this
        raise _damaged(path, error) from None
    filled = [row for row in table if any(cell != "" for cell in row)]
    if not filled:
        raise DataError(f"{str(path)!r} has an empty first sheet: its first row must name the columns")
    used = [k for k in range(len(filled[0])) if any(row[k] != "" for row in filled)]
    names = ["" if filled[0][k] == "" else _name(filled[0][k]) for k in used]
    rows = [[None if row[k] == "" else row[k] for k in used] for row in filled[1:]]
    others = sheets[1:]
    notes = [f"the sheet {sheets[0]!r} is read, not {listed(others)}"] if others else []
    return names, rows, notes


def _name(cell: Any) -> str:
    """The name of a column; years are whole numbers there."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _calamine(path: Path) -> Any:
    try:
        return importlib.import_module("python_calamine")
    except ImportError:
        raise DataError(
            f"{str(path)!r} needs python-calamine, which is not installed: pip install 'chainrule[excel]', or save the "
            "sheet as CSV"
        ) from None


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{str(path)!r} is damaged or not a workbook ({shortened(str(error), 120)}): get a new copy")
