"""The fixed part of an exported file: C text from `fixed/`, of which a file gets only the pieces that it uses.

A piece is a run of lines without an empty one: a function, a table or a group of definitions, with its comment. It is
used if its name is in the generated text or in another piece that is used.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from importlib import resources

__all__ = ["pieces_for"]

_NAMES = re.compile(
    r"^(?:#define (\w+)|typedef [^;]*?(\w+);|struct (\w+)|static [^;=(\[]*?(\w+)\s*[(\[])", re.MULTILINE
)
_NO_CODE = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', re.DOTALL)  # comments and strings
_WORD = re.compile(r"(?<![\w.>])[A-Za-z_]\w*")  # but not the members of a struct


@dataclasses.dataclass(frozen=True)
class _Piece:
    """A piece of C text; one that defines nothing is a heading."""

    text: str

    @functools.cached_property
    def words(self) -> frozenset[str]:
        return words_in(self.text)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        definitions = _NAMES.findall(_NO_CODE.sub("", self.text))
        return frozenset(name for names in definitions for name in names if name)


def pieces_for(generated: str, files: tuple[str, ...]) -> str:
    """The pieces of these files that a generated text uses, in their order, with the headings before them."""
    pieces = [piece for file in files for piece in _pieces(file)]
    used, new = set[_Piece](), words_in(generated)
    while new:
        added = {piece for piece in pieces if piece.names & new} - used
        used |= added
        new = frozenset().union(*(piece.words for piece in added))
    return "\n\n".join(piece.text for piece in _with_headings(pieces, used))


def _with_headings(pieces: list[_Piece], used: set[_Piece]) -> list[_Piece]:
    """The pieces that are used, each heading before the first of its own."""
    chosen: list[_Piece] = []
    heading: _Piece | None = None
    for piece in pieces:
        if not piece.names:
            heading = piece
        elif piece in used:
            chosen += [heading, piece] if heading else [piece]
            heading = None
    return chosen


def words_in(text: str) -> frozenset[str]:
    """The words of C text, but for comments, strings and the members of a struct."""
    return frozenset(_WORD.findall(_NO_CODE.sub("", text)))


@functools.cache
def _pieces(file: str) -> tuple[_Piece, ...]:
    text = resources.files("chainrule.export.c").joinpath("fixed", f"{file}.c").read_text("utf-8")
    return tuple(_Piece(block.strip("\n")) for block in text.split("\n\n") if block.strip())
