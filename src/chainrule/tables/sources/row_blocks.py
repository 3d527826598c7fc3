"""Delimited text in blocks of whole rows, in memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.errors import DataError
from chainrule.tables.sources.base import BLOCK_BYTES, LONGEST_ROW
from chainrule.tables.sources.encodings import Utf8Stream
from chainrule.tables.sources.quotes import QuoteScan, StrayQuoteError, scan_quotes

__all__ = ["RowBlock", "line_breaks", "require_rows", "row_block", "row_blocks"]

_LF = 10


class RowBlock(NamedTuple):
    """Some rows as UTF-8, the last one with a line break.

    - line, lines: the number of its first line, from 1, and of its lines.
    - text: the rows, without the spaces around quoted cells.
    - begin, end: the bytes of the whole text that they were, and that `row_block` makes them of.
    """

    line: int
    lines: int
    text: bytes
    begin: int = 0
    end: int = 0

    def after(self, size: int, lines: int) -> RowBlock:
        """The block without its first bytes, which are so many lines."""
        return self._replace(line=self.line + lines, lines=self.lines - lines, text=self.text[size:])


class _TooLongError(Exception):
    """A line does not end within `LONGEST_ROW` bytes."""


def row_blocks(stream: Utf8Stream, separator: str, origin: str, line: int = 1) -> Iterator[RowBlock]:
    """The rows of a text in blocks of about `BLOCK_BYTES`, none of which begins with an empty line.

    `line` is the number of the first line. Raises DataError, naming the line, for a byte 0, for a row that is too long,
    for text after a closing quotation mark, and for a mark that is never closed.
    """
    start, opened, inside = line, 0, False  # the lines where the block and an open cell begin; whether one is open
    held: list[bytes] = []  # the beginning of a row that has not ended yet
    empty = 0  # bytes of empty lines since the last row
    begin = before = 0  # bytes of the text before the block, and before the piece
    try:
        for piece in _pieces(stream):
            scan = _scanned(piece, separator, inside, line, opened, origin)
            following = line + line_breaks(piece)
            if scan.end:
                rest = scan.text[scan.end :]
                end = following - line_breaks(rest)
                block = b"".join((*held, scan.text[: scan.end]))
                stop = before + scan.stop
                rows = list(_block(RowBlock(start, end - start, block, begin, stop)))
                empty = 0 if rows else empty + len(block)
                require_rows(empty, end, origin)
                yield from rows
                start, held, begin = end, [rest], stop
            else:
                held.append(scan.text)
            opened = line + line_breaks(piece[: scan.opened]) if scan.opened >= 0 else opened
            line, inside, before = following, scan.inside, before + len(piece)
            _require_short(held)
    except _TooLongError:
        where, what = (opened, "quoted cell") if inside else (start, "row")
        raise DataError(
            f"line {where} of {origin} starts a {what} of more than {LONGEST_ROW >> 20} MiB: end it before"
        ) from None
    if inside:
        raise DataError(f"line {opened} of {origin} starts a cell with a quotation mark that is never closed: close it")


def row_block(text: bytes, separator: str, origin: str, line: int) -> RowBlock:
    r"""The rows of the bytes of one block, of which the first is in this line.

    >>> row_block(b'\n"a" ,b\n1,2', ",", "the file", 7).text
    b'"a",b\n1,2\n'
    """
    whole = text if text.endswith((b"\n", b"\r")) else text + b"\n"
    rows = _scanned(whole, separator, False, line, line, origin).text.lstrip(b"\r\n")
    return RowBlock(line, line_breaks(rows), rows)


def require_rows(empty: int, line: int, origin: str) -> None:
    """Raise DataError where the empty lines before `line` take too many bytes."""
    if empty > LONGEST_ROW:
        size = f"{LONGEST_ROW >> 20} MiB"
        raise DataError(f"{origin} has more than {size} of empty lines before line {line:,}: remove them")


def _block(block: RowBlock) -> Iterator[RowBlock]:
    """The block without empty lines at its beginning; none if all are empty."""
    size = len(block.text) - len(block.text.lstrip(b"\r\n"))
    if size < len(block.text):
        yield block.after(size, line_breaks(block.text[:size]))


def _scanned(piece: bytes, separator: str, inside: bool, line: int, opened: int, origin: str) -> QuoteScan:
    """The scan of a piece that begins in `line`; `opened`: the line where a cell begins that is `inside` it."""
    if b"\0" in piece:
        line += line_breaks(piece[: piece.index(b"\0")])
        raise DataError(f"line {line} of {origin} holds a byte 0, which is not text: save the file as CSV in UTF-8")
    try:
        return scan_quotes(piece, separator, inside)
    except StrayQuoteError as error:
        begin = opened if error.opened < 0 else line + line_breaks(piece[: error.opened])
        end = line + line_breaks(piece[: error.closed])
    where = f" in line {end}" if end > begin else ""
    raise DataError(
        f"line {begin} of {origin} starts a cell with a quotation mark, but text follows the next mark{where}: "
        'put marks around the whole cell and double each one in it, as in """A"" he said"'
    )


def _pieces(stream: Utf8Stream) -> Iterator[bytes]:
    """The text in pieces that end with a line break, which the last line gets if it has none."""
    held: list[bytes] = []
    while data := stream.read(BLOCK_BYTES):
        end = 1 + max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1))  # the last byte may be half of CR LF
        if end:
            yield b"".join((*held, data[:end]))
            held = []
        held.append(data[end:])
        _require_short(held)
    last = b"".join(held)
    if last:
        yield last if last.endswith(b"\r") else last + b"\n"


def _require_short(held: list[bytes]) -> None:
    if sum(map(len, held)) > LONGEST_ROW:
        raise _TooLongError


def line_breaks(text: bytes) -> int:
    r"""The number of line breaks: LF, CR or CR LF.

    >>> line_breaks(b"a\r\nb\rc\n")
    3
    """
    breaks = int(np.count_nonzero(np.frombuffer(text, np.uint8) == _LF))  # twice as fast as `count`
    return breaks + text.count(b"\r") - text.count(b"\r\n") if b"\r" in text else breaks
