"""The outputs of a network as targets: which output belongs to which, and what outputs stand for."""

from __future__ import annotations

import dataclasses
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError
from chainrule.tables.names import listed
from chainrule.tables.targets.target import ClassTarget, Target

__all__ = ["Block", "Outputs"]


class Block(NamedTuple):
    """Neighbouring outputs of one kind: `classes` (one softmax), `ordered` or `labels` (sigmoids), `numbers`."""

    kind: str
    name: str
    width: int


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Targets, whose outputs lie side by side in the last layer, in their order."""

    columns: tuple[Target, ...]

    @property
    def names(self) -> list[str]:
        """The targets by name."""
        return [column.name for column in self.columns]

    @property
    def width(self) -> int:
        """The number of the network's outputs, n_L."""
        return sum(column.width for column in self.columns)

    @property
    def blocks(self) -> list[Block]:
        """The blocks of outputs in their order; neighbouring targets of numbers make one."""
        blocks: list[Block] = []
        for (kind, parts), group in groupby(self.columns, key=lambda column: (column.kind, column.parts)):
            members = list(group)
            if parts:
                blocks.extend(Block(kind, column.name, width) for column in members for width in parts)
            elif kind == "numbers":
                blocks.append(Block(kind, ", ".join(column.name for column in members), len(members)))
            else:
                blocks.extend(Block(kind, column.name, column.width) for column in members)
        return blocks

    @property
    def classes(self) -> dict[str, NDArray[Any]]:
        """The classes (k,) of each target that has classes, in the order of its outputs."""
        return {column.name: column.values for column in self.columns if isinstance(column, ClassTarget)}

    @property
    def truth(self) -> Outputs:
        """The same targets for true values that predictions are compared with."""
        return self

    @property
    def neurons(self) -> list[str]:
        """What each output is called: a class as `target=class`, a number by its target (see `Target.neurons`)."""
        return [name for column in self.columns for name in column.neurons]

    @property
    def slices(self) -> list[tuple[Target, slice]]:
        """Each target with the slice of the outputs that belongs to it."""
        stops = np.cumsum([column.width for column in self.columns]).tolist()
        return [(column, slice(stop - column.width, stop)) for column, stop in zip(self.columns, stops, strict=True)]

    def there(self, T: NDArray[Any]) -> NDArray[np.bool_]:
        """Which targets (n, columns) the rows of T (n, n_L) have, also of true values encoded by `truth`."""
        return np.stack([column.present(T[:, part]) for column, part in self.slices], axis=1)

    def codes(self, T: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
        """The number (n,) of each row's class, by target with classes.

        - T: targets as a network takes them, (n, n_L), or class numbers, (n,) or (n, blocks).
        """
        if T.dtype.kind == "i":
            return dict(zip(self.names, T.reshape(len(T), -1).T, strict=True))
        return {c.name: c.codes(part) for c, part in self.by_column(T) if isinstance(c, ClassTarget)}

    def one_hot(self, T: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
        """The targets (n, k) of each of them, with a column for each class, from T as for `codes`."""
        codes = self.codes(T)
        one_hot = {name: np.eye(len(classes))[codes[name]] for name, classes in self.classes.items()}
        numbers = {c.name: T[:, part].astype(np.float64) for c, part in self.slices if c.name not in codes}
        return {name: (one_hot | numbers)[name] for name in self.names}

    def strata(self, T: NDArray[Any]) -> NDArray[np.int64] | None:
        """The classes (n,) of the first target, of which rows held out keep the shares; None if it holds numbers."""
        return self.codes(T).get(self.names[0])

    def decode(self, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The values (n,) of each target that the outputs (n, n_L) stand for, in its own type and units."""
        return {column.name: column.decode(own) for column, own in self.by_column(outputs)}

    def probabilities(self, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The probabilities (n,) of each class and each label, by `target=class`."""
        return {
            f"{column.name}={word}": p
            for column, own in self.by_column(outputs)
            for word, p in zip(column.texts, column.probabilities(own).T, strict=True)
        }

    def by_column(self, outputs: NDArray[Any]) -> list[tuple[Target, NDArray[Any]]]:
        """Each target with its own outputs (n, width)."""
        array = np.asarray(outputs)
        if array.ndim != 2 or array.shape[1] != self.width:
            raise DataError(f"outputs have shape {array.shape}, but must be (n, {self.width}) for {listed(self.names)}")
        return [(column, array[:, part]) for column, part in self.slices]
