"""Which row of a table is for what: trained on, held out to choose the weights, held out for the test, or left out.

A row counts unless its weight is 0; a row of weight 0 is as if it were not there, whatever it holds. Of the rows that
count, those of the test are left out of everything that is learned from the table: targets, statistics, weights. Rows
without a target are left out too, once their cells have been looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RowError
from chainrule.tables.arrow import pa
from chainrule.tables.columns import values_of
from chainrule.tables.names import UNNAMED
from chainrule.tables.profile.column import Part, TargetProfile, gather
from chainrule.tables.sources import Source
from chainrule.tables.targets.targets import target_profiles, with_all

__all__ = ["ABSENT", "HELD", "TEST", "TRAIN", "WITHOUT", "RowRoles"]

ABSENT, TRAIN, HELD, TEST, WITHOUT = range(5)

Bytes = NDArray[np.uint8]


class RowRoles:
    """The role of every row of a source, from one pass over its targets and its weights.

    `of` (n,) is ABSENT, TRAIN, HELD, TEST or WITHOUT; `weight` (n,) is float64 or None; `facts` tell of the targets
    in the rows that count and are not for the test; `without` counts the rows that lack a target, `weightless` those
    of weight 0; `unnamed` is the number of a column without a name, if there is one.
    """

    def __init__(self, source: Source, names: Sequence[str], weight: str | None = None, every: int | None = None):
        self._source, self._names, self._column, self._every = source, list(names), weight, every
        self.facts: list[TargetProfile] = target_profiles(source.names, names)
        self.of: Bytes = np.empty(0, np.uint8)
        self.weight: NDArray[np.float64] | None = None
        self.without = self.weightless = 0
        self.unnamed = ""
        gather(self._parts, self.facts)

    def count(self, role: int) -> int:
        """The number of rows with this role."""
        return int(np.count_nonzero(self.of == role))

    def rows(self, role: int) -> NDArray[np.int64]:
        """The rows (from 0) with this role."""
        return np.flatnonzero(self.of == role)

    def weights(self, role: int) -> NDArray[np.float64] | None:
        """The weights of the rows with this role; None where all rows count alike."""
        return None if self.weight is None else self.weight[self.of == role]

    def _parts(self) -> Iterator[Part]:
        """One pass: the targets of the rows that count and are not for the test."""
        roles, weights, without, weightless, start = [], [], 0, 0, 0
        for block in self._source.blocks():
            self.unnamed = (block.schema.metadata or {}).get(UNNAMED, b"").decode()
            rows = np.arange(start, start + block.num_rows)
            start += block.num_rows
            weight = None if self._column is None else _weights(block, self._column, rows)
            counts = np.ones(len(rows), np.bool_) if weight is None else weight > 0
            test = np.zeros(len(rows), np.bool_) if self._every is None else rows % self._every == 0
            there = with_all(block, self._names)
            role = np.where(there, np.where(test, TEST, TRAIN), WITHOUT)
            roles.append(np.where(counts, role, ABSENT).astype(np.uint8))
            weights.append(weight)
            without += int(np.count_nonzero(counts & ~there))
            weightless += int(np.count_nonzero(~counts))
            learned = counts & ~test
            table = block.select(self._names)
            yield Part(table if learned.all() else table.filter(pa.array(learned)), rows[learned])
        self.of, self.without, self.weightless = np.concatenate(roles), without, weightless
        self.weight = None if self._column is None else np.concatenate([w for w in weights if w is not None])


def _weights(block: pa.Table, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weights of a block's rows. Raises RowError for one that is missing, a word, negative or infinite."""
    cells: Any = block.column(name)

    def wrong(row: int, text: str) -> RowError:
        line = "the weight in row {row} of column {name!r} is {text}: weights are numbers from 0"
        return RowError(row, line, name=name, text=text)

    try:
        values = values_of(cells, lambda row, text: wrong(row, repr(text)), name)
        if np.isnan(values).any():
            raise wrong(int(np.isnan(values).argmax()), "missing")
        if (values < 0).any():
            row = int((values < 0).argmax())
            raise wrong(row, f"{values[row]:g}")
    except RowError as error:
        raise error.at(rows.tolist()) from None
    return values
