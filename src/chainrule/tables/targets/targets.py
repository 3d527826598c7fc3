"""The targets: they turn the columns to predict into the outputs that a network is trained towards, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, RowError, SettingError
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import chunks_of, with_row_numbers
from chainrule.tables.column_kinds import ColumnKind
from chainrule.tables.column_records import demand, read_columns, statistics_of, write_columns
from chainrule.tables.columns import missing_cells
from chainrule.tables.names import listed, require_columns
from chainrule.tables.number_forms import is_form
from chainrule.tables.profile import ColumnProfile, TargetCells, TargetProfile, profile_columns
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets.choose import TASK_OF, TASKS, choose_target
from chainrule.tables.targets.distributions import ALL_KINDS, Quantiles
from chainrule.tables.targets.kinds import Classes, LabelTarget, Quantity, TableTarget
from chainrule.tables.targets.outputs import Outputs

__all__ = ["Targets", "rows_with_all", "rows_with_any", "target_profiles"]


@dataclasses.dataclass(frozen=True)
class Targets(Outputs):
    """The target columns in the order in which they were named.

    >>> from chainrule.tables.sources import as_source
    >>> table = as_source({"cut": ["Ideal", "Fair", "Fair"], "price": [326.5, 334.0, 341.5]}).table()
    >>> targets = Targets.fit(table, ["cut", "price"])
    >>> targets.blocks
    [Block(kind='classes', name='cut', width=2), Block(kind='numbers', name='price', width=1)]
    >>> targets.decode(targets.encode(table, "float64"))
    {'cut': array(['Ideal', 'Fair', 'Fair'], dtype=object), 'price': array([326.5, 334. , 341.5])}
    """

    columns: tuple[TableTarget, ...]
    of_truth: bool = False  # whether these are those of true values

    @classmethod
    def fit(
        cls,
        table: Any,
        names: str | Iterable[str],
        task: str = "auto",
        kinds: Mapping[str, ColumnKind] | None = None,
    ) -> Targets:
        """The targets for the columns `names` of a table or source; rows in which one is missing count for the others.

        `task` is `classification`, `regression` or `auto`, which decides for each column: words and booleans
        are classes; numbers are classes when all are whole and they are two different ones, or at most twenty
        with ten rows each on average. Other numbers above 0 that span four decades or more, but for a percent on
        either side, are learned as their logarithms. `kinds` says what some of the columns are.

        Raises SettingError for another task; DataError for a column that is absent, named twice, without
        values, with one value only, or with words among numbers.
        """
        source = as_source(table)
        profiles = target_profiles(source, names, task, kinds)
        profile_columns(lambda: chunks_of(source, [profile.name for profile in profiles]), profiles)
        return cls.of(profiles, task)

    @classmethod
    def of(cls, profiles: Iterable[TargetProfile], task: str = "auto", log: bool = True) -> Targets:
        """The targets for columns with these profiles, by the rule that `fit` states.

        Without `log` no column is learned as its logarithm.
        """
        if task not in TASKS:
            raise SettingError(f"task is {task!r}, but must be one of {', '.join(TASKS)}")
        return cls(tuple(choose_target(profile, task, log) for profile in profiles))

    def scaled_to(self, profiles: Mapping[str, ColumnProfile]) -> Targets:
        """The same targets, numbers standardised by these profiles (of the rows to train on), by column.

        Classes stay as they are. Numbers that are all equal in these rows keep the statistics that they have.
        """
        return Targets(tuple(c.scaled_to(profiles[c.name]) if c.name in profiles else c for c in self.columns))

    @property
    def truth(self) -> Targets:
        """The same targets for true values that predictions are compared with (see `TableTarget.as_truth`)."""
        return Targets(tuple(column.as_truth for column in self.columns), True)

    def learnable(self, T: NDArray[Any]) -> NDArray[np.bool_]:
        """Which rows (n,) of true values, encoded by `truth`, have only targets that the network can learn."""
        known = [
            column.learnable(T[:, part]) | ~column.present(T[:, part])
            for column, (_, part) in zip(self.columns, self.slices, strict=True)
        ]
        return np.all(known, axis=0)

    def require_known(self, T: NDArray[Any], origin: str) -> None:
        """Raise DataError where no row of true values T (n, n_L), encoded by `truth`, has a class that training had.

        Such rows have other words for the classes. `origin` is the name of their table.
        """
        for column, (_, part) in zip(self.truth.columns, self.slices, strict=True):
            there = column.present(T[:, part])
            known = isinstance(column, Classes) and there.any() and (column.codes(T[there, part]) >= 0).any()
            if isinstance(column, Classes) and there.any() and not known:
                line = f"no row of {origin} has a class of target {column.name!r} that training had"
                raise DataError(f"{line}: the classes are {listed(column.values.tolist())}")

    def present(self, table: pa.Table) -> NDArray[np.bool_]:
        """The rows (n,) in which no target is missing."""
        require_columns(table.column_names, self.names, "target")
        return rows_with_all(table, self.names)

    def with_any(self, table: pa.Table) -> NDArray[np.bool_]:
        """The rows (n,) that have one target or more."""
        require_columns(table.column_names, self.names, "target")
        return rows_with_any(table, self.names)

    def term_weights(self, T: NDArray[Any]) -> NDArray[np.float64] | None:
        """1 for the outputs (n, n_L) of targets that a row of T has, 0 for others; None where all rows have all."""
        there = self.there(T)
        widths = [column.width for column in self.columns]
        return None if there.all() else np.repeat(there.astype(np.float64), widths, axis=1)

    def encode_some(self, table: pa.Table, dtype: Any = "float64") -> NDArray[Any]:
        """The outputs (n, n_L) that the network should give, NaN for the targets that a row lacks.

        Raises RowError for a word among numbers.
        """
        T = np.full((table.num_rows, self.width), np.nan, dtype)
        for column, (_, part) in zip(self.columns, self.slices, strict=True):
            cells = table.column(column.name)
            there = ~missing_cells(cells)
            if there.any():
                rows = np.flatnonzero(there)
                with with_row_numbers(rows):
                    T[rows, part] = column.encode(cells.filter(pa.array(there)), dtype)
        return T

    def encode(self, table: pa.Table, dtype: Any = "float32") -> NDArray[Any]:
        """The outputs (n, n_L) that the network should give, C-contiguous.

        Raises RowError for a missing target, an unknown class, or a word among numbers.
        """
        present = self.present(table)
        if not present.all():
            line = "row {row} has no value in {names}: leave out rows without targets"
            raise RowError(int(present.argmin()), line, names=listed(self.names))
        return np.concatenate([c.encode(table.column(c.name), dtype) for c in self.columns], axis=1)

    def unparsed(self, cells: Mapping[str, TargetCells]) -> list[str]:
        """The target columns that have to be read again, because their cells do not say all that `encode` needs."""
        return [column.name for column in self.columns if not column.fits(cells[column.name])]

    def encode_rows(
        self, rows: NDArray[np.int64], cells: Mapping[str, TargetCells], table: pa.Table | None, dtype: Any
    ) -> NDArray[Any]:
        """The outputs of some rows (from 0) by their `cells`; `table` has the `unparsed` columns of these rows.

        Where a row lacks a target, the target's outputs are `absent`; those of true values are NaN.

        Raises RowError for an unknown class, or a word among numbers.
        """
        if not len(rows):
            return np.empty((0, self.width), dtype)
        encoded = [_encoded(c, cells[c.name], rows, table, dtype, self.of_truth) for c in self.columns]
        return np.concatenate(encoded, axis=1)

    def document(self) -> dict[str, Any]:
        """The targets as plain data for a model file: names, kinds, classes."""
        return write_columns(self.columns, ALL_KINDS)

    def tensors(self) -> dict[str, NDArray[np.float64]]:
        """The statistics of the targets of numbers, in their order: `target.mean` and `target.scale`."""
        return statistics_of(self.columns, "target")

    @classmethod
    def from_document(cls, document: Any, tensors: Mapping[str, Any]) -> Targets:
        """The targets that `document` and `tensors` came from.

        Raises ModelFileError for anything that those two methods do not give.
        """
        targets = cls(read_columns(document, tensors, "target", ALL_KINDS))
        for column in (c for c in targets.columns if isinstance(c, Classes)):
            demand(column.in_order, "target", column.words, "two classes or more, in order and of a known type,")
            demand(
                column.threshold is None or column.width == 2, "target", column.words, "the two classes of a threshold"
            )
        for form in (column.form for column in targets.columns if isinstance(column, Quantity)):
            demand(is_form(form), "target", form, "a form of numbers")
        for mark in (column.separator for column in targets.columns if isinstance(column, LabelTarget)):
            demand(len(mark) == 1, "target", mark, "one character between labels")
        for levels in (column.levels for column in targets.columns if isinstance(column, Quantiles)):
            demand(_are_levels(levels), "target", levels, "rising shares between 0 and 1")
        return targets


def _are_levels(levels: tuple[str, ...]) -> bool:
    """Whether texts are shares between 0 and 1, rising, each as Python writes it."""
    try:
        numbers = [float(level) for level in levels]
    except ValueError:
        return False
    rising = all(a < b for a, b in pairwise([0.0, *numbers, 1.0]))
    return bool(numbers) and rising and [repr(number) for number in numbers] == list(levels)


def _encoded(
    column: TableTarget,
    cells: TargetCells,
    rows: NDArray[np.int64],
    table: pa.Table | None,
    dtype: Any,
    of_truth: bool,
) -> NDArray[Any]:
    own = None if column.fits(cells) or table is None else table.column(column.name)
    there = cells.present(rows) if own is None else ~missing_cells(own)
    if there.all():
        return column.encode_cells(cells, rows, dtype) if own is None else column.encode(own, dtype)
    T = np.full((len(rows), column.width), np.nan if of_truth else column.absent, dtype)
    some = np.flatnonzero(there)
    if len(some):
        with with_row_numbers(some):
            encoded = (
                column.encode_cells(cells, rows[some], dtype) if own is None else column.encode(own.take(some), dtype)
            )
        T[some] = encoded
    return T


def rows_with_all(table: pa.Table, names: Iterable[str]) -> NDArray[np.bool_]:
    """The rows (n,) in which none of the columns is missing."""
    complete: NDArray[np.bool_] = ~np.any([missing_cells(table.column(name)) for name in names], axis=0)
    return complete


def rows_with_any(table: pa.Table, names: Iterable[str]) -> NDArray[np.bool_]:
    """The rows (n,) in which one of the columns is there."""
    some: NDArray[np.bool_] = ~np.all([missing_cells(table.column(name)) for name in names], axis=0)
    return some


def target_profiles(
    source: Source, names: str | Iterable[str], task: str = "auto", kinds: Mapping[str, ColumnKind] | None = None
) -> list[TargetProfile]:
    """Empty profiles for the target columns `names` of a source, under a `task`.

    `kinds` says what some of the columns are.

    Raises DataError for a column that is absent or named twice.
    """
    chosen = [names] if isinstance(names, str) else list(names)
    if not chosen or len(set(chosen)) < len(chosen):
        raise DataError(f"the targets are {listed(chosen) or 'none'}: name one column or more, each once")
    require_columns(source.names, chosen, "target")
    named = {} if kinds is None else kinds
    tasks = {name: TASK_OF.get(kind.kind, task) for name, kind in named.items()}
    return [TargetProfile(name, tasks.get(name, task), source.typed, named.get(name)) for name in chosen]
