"""Quotation marks in delimited text: which of them open and close a cell, for a whole block at once.

A cell that begins with a quotation mark is quoted: it ends at the next mark that is not doubled, and nothing but spaces
may follow before the separator. Spaces around a quoted cell do not belong to it. In other cells a mark is a character
like any other.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["QuoteScan", "StrayQuoteError", "scan_quotes"]

_MARK, _SPACE, _LF, _CR = b'" \n\r'
_STEPS = 16  # spaces that are skipped one by one
_Places = NDArray[np.int32]
_Flags = NDArray[np.bool_]


class StrayQuoteError(ValueError):
    """Text follows the closing mark of a quoted cell: the bytes where the cell opens (-1: before the text) and ends."""

    def __init__(self, opened: int, closed: int) -> None:
        super().__init__("text follows a closing quotation mark")
        self.opened, self.closed = opened, closed


class QuoteScan(NamedTuple):
    """A text without the spaces around quoted cells.

    - text: the text, as bytes.
    - end: how many of its bytes are whole rows.
    - stop: how many bytes of the original text these were.
    - opened: the byte of the original text where a cell opens that is still open at its end; -1 if it opens before it.
    - inside: whether such a cell is open at its end.
    """

    text: bytes
    end: int
    stop: int
    opened: int
    inside: bool


def scan_quotes(text: bytes, separator: str, inside: bool = False) -> QuoteScan:
    """Scan a text that ends with a line break; `inside`: whether it begins in a quoted cell.

    >>> scan_quotes(b'a, "b,\\nc" ,d\\n1,"2\\n', ",")
    QuoteScan(text=b'a,"b,\\nc",d\\n1,"2\\n', end=11, stop=13, opened=15, inside=True)

    Raises StrayQuoteError for text after a closing mark.
    """
    if b'"' not in text:
        end = 0 if inside else len(text)
        return QuoteScan(text, end, end, -1, inside)
    data = np.frombuffer(text, np.uint8)
    if not inside and _is_plain(data, separator):
        return QuoteScan(text, len(text), len(text), -1, False)
    first, last = _runs(data)
    before, after = first - 1, last + 1
    if separator != " ":
        before, after = _beyond_spaces(data, before, -1), _beyond_spaces(data, after, 1)
    starts, odd = _is_border(data, before, separator), (last - first) % 2 == 0
    now = _states(starts, odd, inside)
    was = np.concatenate(([inside], now[:-1]))
    opens, closes = starts & ~was, np.where(was, odd, starts & ~odd)
    stray = closes & ~_is_border(data, after, separator)
    if stray.any():
        place = int(stray.argmax())
        raise StrayQuoteError(_last_place(first[: place + 1], opens[: place + 1]), int(last[place]))
    end = _end_of_rows(data, first, now, inside) if now[-1] else len(text)
    gaps = np.concatenate(((before + 1)[opens], (last + 1)[closes])), np.concatenate((first[opens], after[closes]))
    clean, removed = _without(data, *gaps, end)
    return QuoteScan(text if clean is None else clean, end - removed, end, _last_place(first, opens), bool(now[-1]))


def _is_plain(data: NDArray[np.uint8], separator: str) -> bool:
    """Whether the marks open and close whole cells in turn, without doubled marks and spaces: nothing is to be done."""
    marks = np.flatnonzero(data == _MARK)
    opens, closes = marks[::2], marks[1::2]
    return (
        len(opens) == len(closes)
        and bool(_is_border(data, opens - 1, separator).all())
        and bool(_is_border(data, closes + 1, separator).all())
    )


def _runs(data: NDArray[np.uint8]) -> tuple[_Places, _Places]:
    """The first and the last mark of each run of marks."""
    marks = np.flatnonzero(data == _MARK).astype(np.int32)
    apart = np.diff(marks) > 1
    return marks[np.concatenate(([True], apart))], marks[np.concatenate((apart, [True]))]


def _beyond_spaces(data: NDArray[np.uint8], places: _Places, step: int) -> _Places:
    """These places, moved on by `step` (1 or -1) until no space is there; -1 before the data."""
    for _ in range(_STEPS):
        spaces = np.flatnonzero(data[places] == _SPACE)
        if not len(spaces):
            return places
        places[spaces] += np.int32(step)
    solid = np.flatnonzero(data != _SPACE).astype(np.int32)
    if step > 0:
        return solid[np.searchsorted(solid, places)]
    near = np.searchsorted(solid, places, side="right") - 1
    return np.where((places < 0) | (near < 0), np.int32(-1), solid[near])


def _is_border(data: NDArray[np.uint8], places: NDArray[Any], separator: str) -> _Flags:
    """Whether cells may begin after these bytes, and end before them."""
    there = data[places]
    return (places < 0) | (there == ord(separator)) | (there == _LF) | (there == _CR)


def _states(starts: _Flags, odd: _Flags, inside: bool) -> _Flags:
    """Whether a quoted cell is open after each run.

    An even run changes nothing. An odd one opens or closes a cell where one may start, and elsewhere leaves none open.
    """
    changes = np.cumsum(starts & odd, dtype=np.int32)
    none_open = np.maximum.accumulate(np.where(odd & ~starts, changes, -1))
    return (changes - np.where(none_open < 0, -int(inside), none_open)) % 2 == 1


def _last_place(places: _Places, chosen: _Flags) -> int:
    some = places[chosen]
    return int(some[-1]) if len(some) else -1


def _end_of_rows(data: NDArray[np.uint8], first: _Places, now: _Flags, inside: bool) -> int:
    """The end of the last row of a text that ends in a quoted cell."""
    breaks = np.flatnonzero((data == _LF) | (data == _CR))
    states = np.concatenate(([inside], now))
    ends = breaks[~states[np.searchsorted(first, breaks)]]
    return int(ends[-1]) + 1 if len(ends) else 0


def _without(data: NDArray[np.uint8], begins: _Places, ends: _Places, until: int) -> tuple[bytes | None, int]:
    """The data without these gaps (None if they are empty), and how many bytes that removes up to `until`."""
    some = ends > begins
    if not some.any():
        return None, 0
    depth = np.zeros(len(data) + 1, np.int8)
    np.add.at(depth, begins[some], 1)
    np.add.at(depth, ends[some], -1)
    removed = np.cumsum(depth[:-1], dtype=np.int8) > 0
    return data[~removed].tobytes(), int(np.count_nonzero(removed[:until]))
