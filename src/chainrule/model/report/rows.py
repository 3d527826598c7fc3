"""The rows that a report judges a model by: those of a table, or some of them if it is large, with their answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.model.report.subject import Subject
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, with_file_name, with_row_numbers
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source

__all__ = ["MOST", "Judged", "Taken", "judged_rows", "most_rows", "taken"]

MOST, LEAST = 20_000, 1_000  # rows that are taken of a large table
NUMBERS = 2**23  # inputs and outputs of all of them together, but for `LEAST`
GOLDEN = (5**0.5 - 1) / 2  # its multiples, without their whole part, are spread evenly and follow no period

Chosen = Callable[[Array], Array]


@dataclasses.dataclass(frozen=True)
class Taken:
    """Some rows of a table.

    - origin: the name of the table.
    - table: the rows.
    - numbers: their numbers in the whole, from 0, (n,).
    - total: how many there were to choose from.
    """

    origin: str
    table: pa.Table
    numbers: Array
    total: int

    @property
    def sampled(self) -> bool:
        """Whether some were left."""
        return self.table.num_rows < self.total

    def only(self, chosen: Array) -> Taken:
        """The rows of a mask (n,)."""
        return dataclasses.replace(self, table=self.table.filter(pa.array(chosen)), numbers=self.numbers[chosen])


@dataclasses.dataclass(frozen=True)
class Judged:
    """Rows with targets, and what a model answers.

    - taken: the rows.
    - without: how many more have no target and are left out.
    - X, T, A: the inputs (n, n_1), the true values (n, n_L) by `Targets.truth`, and the outputs (n, n_L).
    """

    taken: Taken
    without: int
    X: Array
    T: Array
    A: Array

    @property
    def table(self) -> pa.Table:
        """The inputs and targets of the rows."""
        return self.taken.table

    @property
    def numbers(self) -> Array:
        """The numbers (n,) of the rows in the whole table, from 0."""
        return self.taken.numbers


def most_rows(model: Subject) -> int:
    """How many rows are taken, at most: fewer for a model with many inputs and outputs.

    20,000 rows fix a share to within 0.4 percentage points.
    """
    return min(MOST, max(LEAST, NUMBERS // (model.encoder.width + model.targets.width)))


def taken(source: Source, names: Sequence[str], most: int, chosen: Chosen | None = None) -> Taken:
    """At most so many rows of a source, spread evenly over it.

    - names: the columns.
    - chosen: which rows there are to choose from, by their numbers (n,); None for all.

    >>> from chainrule.tables.sources import as_source
    >>> some = taken(as_source({"x": np.arange(1000)}), ["x"], 4)
    >>> some.numbers, some.total
    (array([  0, 404, 559, 963]), 1000)
    """
    tables, numbers, total = [], [], 0
    for table, rows in chunks_of(source, names):
        mask = np.ones(len(rows), np.bool_) if chosen is None else chosen(rows)
        total += int(mask.sum())
        if total <= most:
            tables.append(table.filter(pa.array(mask)))
            numbers.append(rows[mask])
    if not total:
        raise DataError(f"{source.origin} has no row of those that are chosen: give more rows")
    if total > most:
        places = ((np.arange(most) + np.arange(most) * GOLDEN % 1) * (total / most)).astype(np.int64)
        tables, numbers = _at(source, names, chosen, np.unique(places.clip(0, total - 1)))
    return Taken(_file_name(source.origin), pa.concat_tables(tables), np.concatenate(numbers), total)


def _file_name(origin: str) -> str:
    """The name of a table without its folders, which are nobody's business."""
    is_path = origin[0] in "'\""
    return repr(PurePath(origin[1:-1]).name) if is_path else origin


def _at(source: Source, names: Sequence[str], chosen: Chosen | None, places: Array) -> tuple[list[Any], list[Array]]:
    """The rows at these places (k,), ascending, among the chosen ones."""
    tables, numbers, before = [], [], 0
    for table, rows in chunks_of(source, names):
        own = np.arange(len(rows)) if chosen is None else np.flatnonzero(chosen(rows))
        first, last = np.searchsorted(places, [before, before + len(own)])
        picked = own[places[first:last] - before]
        tables.append(table.take(pa.array(picked)))
        numbers.append(rows[picked])
        before += len(own)
    return tables, numbers


def judged_rows(model: Subject, source: Source, most: int, chosen: Chosen | None = None) -> Judged:
    """The rows that a model is judged by. Raises DataError as `Model.evaluate` does."""
    encoder, targets = model.encoder, model.targets
    require_columns(source.names, encoder.columns, "input", source.hint)
    require_columns(source.names, targets.names, "target", source.hint)
    names = list(dict.fromkeys([*encoder.columns, *targets.names]))
    some = taken(source, names, most, chosen)
    present = targets.present(some.table)
    rows = some.only(present)
    parts: list[tuple[Array, Array, Array]] = []
    truth, whole = targets.truth, [Chunk(rows.table, rows.numbers)]
    for table, numbers in cut_chunks(whole, encoder.width):
        with with_file_name(source), with_row_numbers(numbers):
            X = encoder.encode(table, model.network.dtype)
            parts.append((X, truth.encode(table, "float64"), model.predicted(X)))
    if not parts:
        raise DataError("no row has a value for every target, so there is nothing to compare with: give such rows")
    X, T, A = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    targets.require_known(T, source.origin)
    return Judged(rows, int((~present).sum()), X, T, A)
