"""The targets: how the columns to be predicted become the outputs that a network is trained towards, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.data.choosing import TASKS, target_of
from chainrule.data.columns import words_of
from chainrule.data.documents import demand, read_columns, statistics_of, write_columns
from chainrule.data.outputs import KINDS, Classes, Quantity, Target
from chainrule.data.tables import listed, require_columns
from chainrule.errors import DataError, SettingError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Block", "Targets"]


class Block(NamedTuple):
    """Neighbouring outputs of one kind: `classes` (one softmax) or `numbers` (identities)."""

    kind: str
    name: str
    width: int


@dataclasses.dataclass(frozen=True)
class Targets:
    """The target columns in the order in which they were named.

    >>> from chainrule.data.tables import read_table
    >>> table = read_table({"cut": ["Ideal", "Fair", "Fair"], "price": [326.5, 334.0, 341.5]})
    >>> targets = Targets.fit(table, ["cut", "price"])
    >>> targets.blocks
    [Block(kind='classes', name='cut', width=2), Block(kind='numbers', name='price', width=1)]
    >>> targets.decode(targets.encode(table, "float64"))
    {'cut': array(['Ideal', 'Fair', 'Fair'], dtype=object), 'price': array([326.5, 334. , 341.5])}
    """

    columns: tuple[Target, ...]

    @classmethod
    def fit(cls, table: pa.Table, names: str | Iterable[str], task: str = "auto") -> Targets:
        """The targets for the columns `names`; rows in which one is missing count for the others.

        `task` is `classification`, `regression` or `auto`, which decides for each column: words and booleans
        are classes; numbers are classes when all are whole and they are two different ones, or at most twenty
        with ten rows each on average.

        Raises SettingError for another task; DataError for a column that is absent, named twice, without
        values, with one value only, or with words among numbers.
        """
        if task not in TASKS:
            raise SettingError(f"task is {task!r}, but must be one of {', '.join(TASKS)}")
        chosen = [names] if isinstance(names, str) else list(names)
        if not chosen or len(set(chosen)) < len(chosen):
            raise DataError(f"the targets are {listed(chosen) or 'none'}: name one column or more, each once")
        require_columns(table, chosen, "target")
        return cls(tuple(target_of(name, table.column(name), task) for name in chosen))

    def scaled_to(self, rows: pa.Table) -> Targets:
        """The same targets, numbers standardised by these rows (those to train on); classes stay all that were found.

        A number that is the same in all of these rows keeps the statistics that it has.
        """
        return Targets(tuple(column.scaled_to(rows.column(column.name)) for column in self.columns))

    @property
    def names(self) -> list[str]:
        """The target columns."""
        return [column.name for column in self.columns]

    @property
    def width(self) -> int:
        """The number of the network's outputs, n_L."""
        return sum(column.width for column in self.columns)

    @property
    def blocks(self) -> list[Block]:
        """The blocks of outputs in their order; neighbouring targets of numbers make one."""
        found: list[Block] = []
        for kind, group in groupby(self.columns, key=lambda column: column.kind):
            members = list(group)
            if kind == Quantity.kind:
                found.append(Block(kind, ", ".join(column.name for column in members), len(members)))
            else:
                found.extend(Block(kind, column.name, column.width) for column in members)
        return found

    @property
    def classes(self) -> dict[str, NDArray[Any]]:
        """The classes (k,) of each target that has classes, in the order of its outputs."""
        return {c.name: c.values for c in self.columns if isinstance(c, Classes)}

    def present(self, table: pa.Table) -> NDArray[np.bool_]:
        """The rows (n,) in which no target is missing."""
        require_columns(table, self.names, "target")
        missing = [words_of(table.column(name), name).is_null() for name in self.names]
        there: NDArray[np.bool_] = ~np.any([m.to_numpy(zero_copy_only=False) for m in missing], axis=0)
        return there

    def encode(self, table: pa.Table, dtype: Any = "float32") -> NDArray[Any]:
        """The outputs (n, n_L) that the network should give, C-contiguous.

        Raises DataError for a missing target, an unknown class, or a word among numbers, naming the row.
        """
        there = self.present(table)
        if not there.all():
            row = int(there.argmin())
            raise DataError(f"row {row + 1} has no value in {listed(self.names)}: leave out rows without their targets")
        parts = [column.encode(table.column(column.name), dtype) for column in self.columns]
        return np.concatenate(parts, axis=1)

    def decode(self, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The values (n,) of each target that the outputs (n, n_L) stand for, in its own type and units."""
        return {column.name: column.decode(part) for column, part in self._parts(outputs)}

    def probabilities(self, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The outputs (n,) of each class, by `target=class`."""
        return {
            f"{column.name}={word}": part[:, k]
            for column, part in self._parts(outputs)
            if isinstance(column, Classes)
            for k, word in enumerate(column.words)
        }

    def _parts(self, outputs: NDArray[Any]) -> list[tuple[Target, NDArray[Any]]]:
        array = np.asarray(outputs)
        if array.ndim != 2 or array.shape[1] != self.width:
            raise DataError(f"outputs have shape {array.shape}, but must be (n, {self.width}) for {listed(self.names)}")
        stops = np.cumsum([column.width for column in self.columns])
        return list(zip(self.columns, np.split(array, stops[:-1], axis=1), strict=True))

    def document(self) -> dict[str, Any]:
        """The targets as plain data for a model file: names, kinds, classes."""
        return write_columns(self.columns)

    def tensors(self) -> dict[str, NDArray[np.float64]]:
        """The statistics of the targets of numbers, in their order: `target.mean` and `target.scale`."""
        return statistics_of(self.columns, "target")

    @classmethod
    def from_document(cls, document: Any, tensors: Mapping[str, Any]) -> Targets:
        """The targets that `document` and `tensors` came from.

        Raises ModelFileError for anything else than what those two methods give.
        """
        targets = cls(read_columns(document, tensors, "target", KINDS))
        for column in (c for c in targets.columns if isinstance(c, Classes)):
            demand(column.in_order, "target", column.words, "two classes or more, in order and of a known type,")
        return targets
