"""What if: the answers for a row in which some cells are changed, and how far each of the changes moves the answer.

The contributions are integrated gradients from the row as it is to the changed one (see `contributions`): they add up
to the difference of the two answers.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.model.answers import Answers
from chainrule.model.contributions import integrated_gradients
from chainrule.text import shown

__all__ = ["MOST", "Combinations", "WhatIf", "what_if_of"]

MOST = 1000  # combinations of values


@dataclasses.dataclass(frozen=True)
class Combinations:
    """All combinations of values of some columns.

    - columns: the names of the columns.
    - cells: the values of each combination, in the order of the columns.

    >>> Combinations.of({"age": [20, 40], "sex": ["male", "female"]}).cells
    [(20, 'male'), (20, 'female'), (40, 'male'), (40, 'female')]
    """

    columns: tuple[str, ...]
    cells: list[tuple[Any, ...]]

    @classmethod
    def of(cls, values: Any) -> Combinations:
        """The combinations of values, by column.

        Raises SettingError for anything but lists of values by column, and for more than 1,000 combinations.
        """
        if not isinstance(values, Mapping) or not values:
            raise SettingError(f"values are {shown(values)}, but must be lists by column, such as {{'age': [20, 40]}}")
        parts = {str(name): cls._list(str(name), own) for name, own in values.items()}
        count = math.prod(map(len, parts.values()))
        if count > MOST:
            raise SettingError(f"the values make {count:,} combinations, {MOST:,} at most: give fewer")
        return cls(tuple(parts), list(itertools.product(*parts.values())))

    @staticmethod
    def _list(name: str, values: Any) -> list[Any]:
        own = list(values) if isinstance(values, Sequence | np.ndarray) and not isinstance(values, str | bytes) else []
        if not own:
            raise SettingError(f"the values of {name!r} are {shown(values)}, but must be a list such as [20, 40]")
        return own

    def column(self, name: str) -> list[Any]:
        """The values of a column, one for each combination."""
        k = self.columns.index(name)
        return [cells[k] for cells in self.cells]

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """The values of each combination as text."""
        return tuple(tuple(_text(cell) for cell in cells) for cells in self.cells)


@dataclasses.dataclass(frozen=True)
class WhatIf:
    """The answers for a row, as it is and with other cells.

    - columns: the columns that are changed.
    - cells: the values of each combination as text, k of them; `missing` is an empty cell.
    - outputs: what the outputs are called: classes as `target=class`, numbers by their target.
    - answer: the answer for the row as it is, (n_L,): probabilities, and numbers in units of the target.
    - answers: the answers for the changed rows, (k, n_L).
    - contributions: by column how far its change moves each output, (k, n_L). Together they are `answers - answer`, but
      for `gap`: of logarithms where a number is learned as its logarithm, of outputs before they are divided by their
      sum where those of classes are sigmoids.
    - gap: the greatest difference between a sum of contributions and that of the outputs.
    """

    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    outputs: tuple[str, ...]
    answer: Array
    answers: Array
    contributions: Mapping[str, Array]
    gap: float

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        rows = [
            {
                "cells": dict(zip(self.columns, cells, strict=True)),
                "outputs": {
                    name: {
                        "answer": float(self.answers[k, j]),
                        "contributions": {column: float(own[k, j]) for column, own in self.contributions.items()},
                    }
                    for j, name in enumerate(self.outputs)
                },
            }
            for k, cells in enumerate(self.cells)
        ]
        answer = {name: float(self.answer[j]) for j, name in enumerate(self.outputs)}
        return {"answer": answer, "changed": rows, "gap": self.gap}


def what_if_of(answers: Answers, x: Array, X: Array, combinations: Combinations) -> WhatIf:
    """The answers for changed rows.

    - answers: the answers for encoded rows.
    - x, X: the encoded row (n_1,), and the changed ones (k, n_1).
    - combinations: what is changed.
    """
    scale, _ = answers.units
    roads = [integrated_gradients(answers.network, changed, x) for changed in X]
    parts = np.stack([own for own, _, _ in roads]) * scale[:, None]
    differences = np.stack([after - before for _, after, before in roads]) * scale
    contributions = {name: parts[:, :, answers.slices[name]].sum(axis=2) for name in combinations.columns}
    gap = float(np.abs(parts.sum(axis=2) - differences).max())
    values = answers.values(np.concatenate([x[np.newaxis], X]))
    return WhatIf(combinations.columns, combinations.texts, answers.outputs, values[0], values[1:], contributions, gap)


def _text(cell: Any) -> str:
    """A value as text."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)) or (isinstance(cell, str) and not cell.strip()):
        return "missing"
    return str(cell)
