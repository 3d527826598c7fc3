"""Several sources as one: the files of a folder below each other, and a target from a file of its own beside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from chainrule.errors import DataError
from chainrule.tables.arrow import pa
from chainrule.tables.names import listed
from chainrule.tables.sources.base import Source
from chainrule.tables.sources.opening import unpacked_name

__all__ = ["FolderSource", "with_target"]


class FolderSource(Source):
    """The files of a folder below each other, in the order of their names: `part-2` before `part-10`.

    Files whose names begin with a dot or an underscore are left out. All have the same columns, in any order; numbers
    take the widest of their types.

    Raises DataError for a folder without files, with folders in it, with files of several kinds or other columns.
    """

    def __init__(self, folder: Path, reader: Callable[[Path], Source]) -> None:
        paths = sorted((path for path in folder.iterdir() if path.name[0] not in "._"), key=lambda p: _natural(p.name))
        _require_one_kind(folder, paths)
        self._parts = [reader(path) for path in paths]
        for part in self._parts:
            _require_same_columns(self._parts[0], part)
        super().__init__(repr(str(folder)), self._parts[0].names)
        self.schema = _common(self._parts)

    def _read(self) -> Iterator[pa.Table]:
        for part in self._parts:
            for block in part.every_block():
                chosen = block.select(self.names)
                yield chosen if self.schema is None else chosen.cast(self.schema)
            self.notes += [note for note in part.notes if note not in self.notes]


def _natural(name: str) -> list[Any]:
    """Text and numbers in turn, so that numbers compare by their value."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), part) if k % 2 else part for k, part in enumerate(parts)]


def _require_one_kind(folder: Path, paths: Sequence[Path]) -> None:
    if not paths:
        raise DataError(f"{str(folder)!r} is a folder without files: give one with parts of a table")
    inner = next((path for path in paths if path.is_dir()), None)
    if inner is not None:
        raise DataError(f"{str(folder)!r} holds the folder {inner.name!r}: give a folder that holds files only")
    kind = Path(unpacked_name(paths[0])).suffix
    other = next((path for path in paths if Path(unpacked_name(path)).suffix != kind), None)
    if other is not None:
        raise DataError(
            f"the folder {str(folder)!r} holds {paths[0].name!r} and {other.name!r}: parts of one table are of one kind"
        )


def _require_same_columns(first: Source, part: Source) -> None:
    missing = [name for name in first.names if name not in set(part.names)]
    extra = [name for name in part.names if name not in set(first.names)]
    for names, having, lacking in ((missing, first, part), (extra, part, first)):
        if names:
            raise DataError(
                f"{having.origin} has column {listed(names[:3])}, but {lacking.origin} does not: "
                "the parts of one table have the same columns"
            )


def _common(parts: Sequence[Source]) -> pa.Schema | None:
    """The types that hold the cells of all parts; None where all is text."""
    if parts[0].schema is None:
        return None
    found = parts[0].chosen_schema()
    for part in parts[1:]:
        try:
            schema = part.chosen_schema()
            found = pa.unify_schemas([found, schema], promote_options="permissive")
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())[:120]
            raise DataError(f"{parts[0].origin} and {part.origin} hold different types ({reason})") from None
    return found.remove_metadata()


class _Beside(Source):
    """A source and one more column from another."""

    def __init__(self, rows: Source, answers: Source, name: str) -> None:
        super().__init__(rows.origin, [*rows.names, name])
        self._rows, self._answers = rows, answers

    def _read(self) -> Iterator[pa.Table]:
        answers = self._answers.every_block()
        waiting: list[pa.Array] = []  # answers that were read, but not given away
        for block in self._rows.every_block():
            while sum(len(cells) for cells in waiting) < block.num_rows:
                following = next(answers, None)
                if following is None:
                    self._differ()
                waiting += following.column(0).chunks
            cells = pa.chunked_array(waiting)
            yield block.append_column(self.names[-1], cells.slice(0, block.num_rows))
            waiting = cells.slice(block.num_rows).chunks
        if any(len(cells) for cells in waiting) or next(answers, None) is not None:
            self._differ()
        self.notes[:] = [*self._rows.notes, *self._answers.notes]

    def _differ(self) -> NoReturn:
        counts = [sum(block.num_rows for block in source.every_block()) for source in (self._rows, self._answers)]
        raise DataError(
            f"{self._rows.origin} has {counts[0]} rows, but {self._answers.origin} has {counts[1]}: "
            "each row needs its target, in the same order"
        )


def with_target(rows: Source, answers: Source) -> Source:
    """The rows and, as their last column, the only column of `answers`, row by row.

    Its name is the one that it has in its file; `label` where the file has no names (idx, npy).

    >>> from chainrule.tables.sources import as_source
    >>> with_target(as_source({"x": [1, 2]}), as_source({"y": [3, 4]})).names
    ['x', 'y']

    Raises DataError when `answers` has several columns, or one that `rows` has too; and, while it is read, when the
    two are not equally long.
    """
    if len(answers.names) != 1:
        raise DataError(f"{answers.origin} has columns {listed(answers.names)}: a file of targets has one column")
    name = answers.names[0] if answers.named else "label"
    if name in rows.names:
        raise DataError(f"{rows.origin} has a column {name!r} already, and so has {answers.origin}: rename one of them")
    return _Beside(rows, answers, name)
