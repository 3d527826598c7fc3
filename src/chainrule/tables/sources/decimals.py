"""Decimal commas in files whose cells are not separated by commas: `1,5` becomes `1.5`.

`1,5`, `0,125` and `1.234,5` have a decimal comma beyond doubt. `1,234` may be 1.234 or 1234: it has one if another cell
of the file has, beyond doubt, in the same block of rows or before; else it stays as it is, and a note says so. Cells
that contradict each other end in an error, never in a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from chainrule.errors import DataError
from chainrule.tables.arrow import pa, pc

__all__ = ["Decimals"]

_COMMA = r"^\s*[+-]?(\d*|[1-9]\d{0,2}(\.\d{3})+),\d+([eE][+-]?\d+)?\s*$"
_DOUBTFUL = r"^\s*[+-]?[1-9]\d{0,2},\d{3}\s*$"
_POINT = r"^\s*[+-]?\d*\.\d+([eE][+-]?\d+)?\s*$"
_THOUSANDS = r"^\s*[+-]?[1-9]\d{0,2}(\.\d{3})+\s*$"


class Decimals:
    """Decimal commas in the blocks of one pass over a file, in their order; `note` mentions them to the user."""

    def __init__(self, origin: str) -> None:
        self._origin, self._rows = origin, 0
        self._sure: str | None = None  # the first cell that has a decimal comma beyond doubt
        self._doubtful: str | None = None  # the first that may have one, if it came before
        self._columns: set[int] = set()  # with decimal commas so far
        self.note: str | None = None

    def with_points(self, block: pa.Table) -> pa.Table:
        """The block with decimal points. Raises DataError, naming row and column, for cells that contradict."""
        masks = {number: _where(block.column(number), _COMMA) for number in _having(block, b",")}
        commas = {number: mask for number, mask in masks.items() if mask is not None}
        if self._sure is None and commas:
            self._search(block, commas)
        if self._sure is not None:
            self._columns |= set(commas)
            self._require_one_way(block)
            block = _with_points(block, commas)
        self._rows += block.num_rows
        return block

    def _search(self, block: pa.Table, commas: Mapping[int, Any]) -> None:
        """Search the cells with commas for one beyond doubt."""
        for number, mask in commas.items():
            cells = block.column(number)
            row = pc.index(pc.and_not(mask, pc.match_substring_regex(cells, _DOUBTFUL)), True).as_py()
            if row >= 0:
                self._sure = cells[row].as_py().strip()
                if self._doubtful is not None:
                    self._contradict(block, number, row, f"{self._doubtful!r} before it may be 1.234 or 1234")
                self.note = f"numbers have decimal commas, such as {self._sure!r} in {block.column_names[number]}"
                return
        if self._doubtful is None:
            number, mask = next(iter(commas.items()))
            self._doubtful = block.column(number)[pc.index(mask, True).as_py()].as_py().strip()
            self.note = (
                f"cells such as {self._doubtful!r} in {block.column_names[number]} may be numbers with a decimal comma "
                "or with thousands: write a decimal point"
            )

    def _require_one_way(self, block: pa.Table) -> None:
        """No decimal points among decimal commas, and no `1.234`, which may be 1234 in such a file."""
        for number in _having(block, b"."):
            mask = _where(block.column(number), _POINT if number in self._columns else _THOUSANDS)
            if mask is not None:
                self._contradict(block, number, pc.index(mask, True).as_py(), f"{self._sure!r} has a decimal comma")

    def _contradict(self, block: pa.Table, number: int, row: int, other: str) -> NoReturn:
        raise DataError(
            f"{self._origin}, row {self._rows + row + 1}, column {block.column_names[number]!r}: "
            f"{block.column(number)[row].as_py().strip()!r}, but {other}: write all numbers with a decimal point"
        )


def _having(block: pa.Table, mark: bytes) -> list[int]:
    """The columns that have this character at all."""
    return [n for n, cells in enumerate(block.columns) if any(_has(chunk, mark) for chunk in cells.chunks)]


def _has(cells: pa.Array, mark: bytes) -> bool:
    text = cells.buffers()[2]
    return text is not None and mark in text.to_pybytes()


def _where(cells: pa.ChunkedArray, pattern: str) -> Any:
    """The cells that match; None if there are none."""
    mask = pc.match_substring_regex(cells, pattern)
    return mask if pc.any(mask).as_py() else None


def _with_points(block: pa.Table, commas: Mapping[int, Any]) -> pa.Table:
    columns = block.columns
    for number, mask in commas.items():
        cells = columns[number]
        points = pc.replace_substring(pc.replace_substring(cells, ".", ""), ",", ".")
        columns[number] = pc.if_else(mask, points, cells)
    return pa.table(columns, schema=block.schema)
