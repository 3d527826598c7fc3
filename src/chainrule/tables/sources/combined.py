"""Several sources as one: the files of a folder one after the other, and a target from a separate file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.arrow import pa
from chainrule.tables.names import listed
from chainrule.tables.sources.base import Source
from chainrule.tables.sources.opening import unpacked_name

__all__ = ["FolderSource", "natural_order", "parts_of_folder", "with_target"]


class FolderSource(Source):
    """The files of a folder one after the other, in the order of their names: `part-2` before `part-10`.

    Files whose names begin with a dot or an underscore are left out. All have the same columns, in any order; numbers
    take the widest of their types.

    `count` is the number of files. Raises DataError for files of other columns.
    """

    def __init__(self, folder: Path | str, files: Sequence[Source]) -> None:
        self._files = files
        for file in self._files:
            _require_same_columns(self._files[0], file)
        super().__init__(repr(str(folder)), self._files[0].names)
        self.schema, self.hint = _common_schema(self._files), self._files[0].hint
        self.typed, self.reads_columns = self._files[0].typed, self._files[0].reads_columns
        self.count = len(files)

    def _read(self) -> Iterator[pa.Table]:
        return (block for _, block in self._read_some(None, None))

    def _read_some(
        self, names: Sequence[str] | None, chosen: NDArray[np.bool_] | None
    ) -> Iterator[tuple[int, pa.Table]]:
        """The files that have a chosen row; one whose number of rows is not known yet is read."""
        start = 0
        for number, file in enumerate(self._files):
            own = None if chosen is None else chosen[start : None if file.rows is None else start + file.rows]
            if own is None or file.rows is None or own.any():
                for first, block in self._part(number, names, own):
                    yield start + first, block
            if file.rows is None:
                raise AssertionError("a file that was read to its end has a number of rows")
            start += file.rows
        self.rows = start

    def part(self, number: int, names: Sequence[str]) -> Iterator[pa.Table]:
        """The rows of the file with this number, from 0, block by block: of the columns `names`."""
        return (block for _, block in self._part(number, names, None))

    def _part(
        self, number: int, names: Sequence[str] | None, chosen: NDArray[np.bool_] | None
    ) -> Iterator[tuple[int, pa.Table]]:
        """The blocks of a file that have a chosen row, each with the number of its first row in the file."""
        file, columns = self._files[number], self.names if names is None else list(names)
        schema = None if self.schema is None else pa.schema([self.schema.field(name) for name in columns])
        for first, block in file.some_blocks(names, chosen):
            table = block.select(columns)
            yield first, table if schema is None else table.cast(schema)
        self.notes += [note for note in file.notes if note not in self.notes]


def parts_of_folder(folder: Path) -> list[Path]:
    """The files of a folder that are parts of a table, in the order of their names.

    Raises DataError for a folder without files, with folders in it, or with files of several kinds.
    """
    named = (path for path in folder.iterdir() if path.name[0] not in "._")
    paths = sorted(named, key=lambda path: natural_order(path.name))
    _require_one_kind(folder, paths)
    return paths


def natural_order(name: str) -> list[Any]:
    """Text and numbers in turn, so that numbers compare by their value.

    >>> sorted(["part-10", "part-2"], key=natural_order)
    ['part-2', 'part-10']
    """
    pieces = re.split(r"(\d+)", name)
    return [(int(piece), piece) if k % 2 else piece for k, piece in enumerate(pieces)]


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


def _require_same_columns(first: Source, other: Source) -> None:
    missing = [name for name in first.names if name not in set(other.names)]
    extra = [name for name in other.names if name not in set(first.names)]
    for names, having, lacking in ((missing, first, other), (extra, other, first)):
        if names:
            raise DataError(
                f"{having.origin} has column {listed(names[:3])}, but {lacking.origin} does not: "
                "the parts of one table have the same columns"
            )


def _common_schema(files: Sequence[Source]) -> pa.Schema | None:
    """The types that hold the cells of all files; None if all cells are text."""
    if files[0].schema is None:
        return None
    common = files[0].chosen_schema()
    for file in files[1:]:
        try:
            common = pa.unify_schemas([common, file.chosen_schema()], promote_options="permissive")
        except pa.ArrowException as error:
            reason = " ".join(str(error).split())[:120]
            raise DataError(f"{files[0].origin} and {file.origin} hold different types ({reason})") from None
    return common.remove_metadata()


class _WithTarget(Source):
    """A source and one more column from another."""

    def __init__(self, rows: Source, target: Source, name: str) -> None:
        super().__init__(rows.origin, [*rows.names, name])
        self._rows, self._target, self.hint = rows, target, rows.hint
        self.typed = target.typed

    def _read(self) -> Iterator[pa.Table]:
        targets = self._target.every_block()
        waiting: list[pa.Array] = []  # cells of the target that were read before their rows
        for block in self._rows.every_block():
            while sum(len(cells) for cells in waiting) < block.num_rows:
                following = next(targets, None)
                if following is None:
                    self._differ()
                waiting += following.column(0).chunks
            cells = pa.chunked_array(waiting)
            yield block.append_column(self.names[-1], cells.slice(0, block.num_rows))
            waiting = cells.slice(block.num_rows).chunks
        if any(len(cells) for cells in waiting) or next(targets, None) is not None:
            self._differ()
        self.notes[:] = [*self._rows.notes, *self._target.notes]

    def _differ(self) -> NoReturn:
        counts = [sum(block.num_rows for block in source.every_block()) for source in (self._rows, self._target)]
        raise DataError(
            f"{self._rows.origin} has {counts[0]} rows, but {self._target.origin} has {counts[1]}: "
            "each row needs its target, in the same order"
        )


def with_target(rows: Source, target: Source) -> Source:
    """The rows and, as their last column, the only column of `target`, row by row.

    Its name is the one that it has in its file; `label` where the file has no names (idx, npy).

    >>> from chainrule.tables.sources import as_source
    >>> with_target(as_source({"x": [1, 2]}), as_source({"y": [3, 4]})).names
    ['x', 'y']

    Raises DataError if `target` has several columns, or one that `rows` has too; and, while they are read, if the two
    are not equally long.
    """
    if len(target.names) != 1:
        raise DataError(f"{target.origin} has columns {listed(target.names)}: a file of targets has one column")
    name = target.names[0] if target.named else "label"
    if name in rows.names:
        raise DataError(f"{rows.origin} has a column {name!r} already, and so has {target.origin}: rename one of them")
    return _WithTarget(rows, target, name)
