"""The role of each row of a table: training, validation, test, or none.

A row of weight 0 is ignored, whatever its cells hold. Rows of the test are left out of everything that is learned from
the table: targets, statistics, weights. Rows that lack all targets are not trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import RowError
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import Chunk, with_row_numbers
from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.columns import values_of
from chainrule.tables.names import UNNAMED
from chainrule.tables.profile import ColumnProfile, TargetCells, TargetProfile, profile_columns
from chainrule.tables.sources import Source
from chainrule.tables.targets.targets import rows_with_any, target_profiles

__all__ = ["HELD_OUT", "NO_TARGET", "TEST", "TRAIN", "UNKNOWN", "WEIGHTLESS", "RowRoles", "weights_of"]

WEIGHTLESS, TRAIN, HELD_OUT, TEST, NO_TARGET, UNKNOWN = range(6)


class RowRoles:
    """The role of every row of a source, from one pass over its targets and its weights.

    - of: (n,) TRAIN, HELD_OUT, TEST, NO_TARGET, WEIGHTLESS, or UNKNOWN for a target that the network cannot learn.
    - weight: (n,) float64, or None.
    - targets: the profiles of the targets in the rows that have a weight and are not for the test.
    - cells: what each target holds in all rows that have a weight, by its name.
    - unnamed: the numbers of the columns without a name, in words.

    source: the rows; names: the targets; weight: the column of weights; is_test: which of some rows (from 0) are for
    the test, or None for none; task: what the targets may become; kinds: what some of them are.
    """

    def __init__(
        self,
        source: Source,
        names: Sequence[str],
        weight: str | None = None,
        is_test: Callable[[NDArray[np.int64]], NDArray[np.bool_]] | None = None,
        task: str = "auto",
        kinds: Mapping[str, ColumnKind] | None = None,
    ) -> None:
        self._source, self._names, self._weight_column, self._test_rows = source, list(names), weight, is_test
        self.targets: list[TargetProfile] = target_profiles(source, names, task, kinds)
        self.cells = {profile.name: TargetCells() for profile in self.targets}
        self.of: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.weight: NDArray[np.float64] | None = None
        self.unnamed = ""
        for profile in self.targets:
            profile.cells = self.cells[profile.name]
        profile_columns(self._chunks, self.targets)
        for cells in self.cells.values():
            cells.finish((self.of == TRAIN) | (self.of == TEST))

    def count(self, role: int) -> int:
        """The number of rows with this role."""
        return int(np.count_nonzero(self.of == role))

    def rows(self, role: int) -> NDArray[np.int64]:
        """The rows (from 0) with this role."""
        return np.flatnonzero(self.of == role)

    def weights(self, role: int) -> NDArray[np.float64] | None:
        """The weights of the rows with this role; None without a column of weights."""
        return None if self.weight is None else self.weight[self.of == role]

    def numbers_of(self, name: str, role: int) -> ColumnProfile:
        """The profile of a target in the rows with this role, by its numbers in `cells`."""
        numbers, rows, profile = self.cells[name].numbers, self.rows(role), ColumnProfile(name)
        assert numbers is not None, "the cells of this target are numbers"
        profile.add(pa.array(numbers[rows]), rows, numbers[rows])
        return profile

    def hold_out(self, rows: NDArray[np.int64]) -> None:
        """Take these rows (from 0), which have the role TRAIN, for validation."""
        self.of[rows] = HELD_OUT

    def _chunks(self) -> Iterator[Chunk]:
        """One pass: the targets of the rows that have a weight and are not for the test."""
        roles, weights, start = [], [], 0
        columns = [*self._names, *([] if self._weight_column is None else [self._weight_column])]
        for block in self._source.blocks(columns):
            self.unnamed = (block.schema.metadata or {}).get(UNNAMED, b"").decode()
            rows = np.arange(start, start + block.num_rows)
            start += block.num_rows
            if self._weight_column is not None:
                weights.append(weights_of(block, self._weight_column, rows))
            role = self._roles(block, rows, weights[-1] if weights else None)
            roles.append(role)
            learned = (role != WEIGHTLESS) & ~self._is_test(rows)
            table = block.select(self._names)
            yield Chunk(table if learned.all() else table.filter(pa.array(learned)), rows[learned])
            self._keep_test(table, rows, role)
        self.of, self.weight = np.concatenate(roles), np.concatenate(weights) if weights else None

    def _roles(self, block: pa.Table, rows: NDArray[np.int64], weight: NDArray[np.float64] | None) -> NDArray[np.uint8]:
        role = np.where(self._is_test(rows), TEST, TRAIN)
        role[~rows_with_any(block, self._names)] = NO_TARGET
        if weight is not None:
            role[weight <= 0] = WEIGHTLESS
        return role.astype(np.uint8)

    def _keep_test(self, table: pa.Table, rows: NDArray[np.int64], role: NDArray[np.uint8]) -> None:
        """Keep the targets of the test, which are not in the profiles."""
        test = role == TEST
        if test.any():
            for profile in self.targets:
                profile.keep(table.column(profile.name).filter(pa.array(test)), rows[test])

    def _is_test(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.zeros(len(rows), np.bool_) if self._test_rows is None else self._test_rows(rows)


def weights_of(block: pa.Table, name: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The weights of a block's rows. Raises RowError for one that is missing, a word, negative or infinite."""
    cells: Any = block.column(name)

    def wrong(row: int, text: str) -> RowError:
        line = "the weight in row {row} of column {name!r} is {text}: weights are numbers from 0"
        return RowError(row, line, name=name, text=text)

    with with_row_numbers(rows):
        values = values_of(cells, lambda row, text: wrong(row, repr(text)), name)
        if np.isnan(values).any():
            raise wrong(int(np.isnan(values).argmax()), "missing")
        if (values < 0).any():
            row = int((values < 0).argmax())
            raise wrong(row, f"{values[row]:g}")
    return values
