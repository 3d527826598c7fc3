"""Partial dependence: the mean answer when a column has one value in every row, for values over its range.

Each row by itself is an ICE curve: its answer when only this cell changes.

Sources: Friedman, Greedy function approximation: a gradient boosting machine, Annals of Statistics 29, 2001; Goldstein,
Kapelner, Bleich & Pitkin, Peeking inside the black box, JCGS 24, 2015.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.model.answers import Answers
from chainrule.tables.arrow import pa
from chainrule.tables.inputs.operations import Cells, Items, Number, Presence, Time, Word
from chainrule.tables.inputs.transforms import Transform
from chainrule.tables.items import has_items
from chainrule.tables.profile.dates import CLOCK, clock_text, time_text

__all__ = ["HIGH", "LOW", "Dependence", "Grid", "cells_grid", "dependence_of", "numbers_grid"]

LOW, HIGH = 0.1, 0.9  # the shares of rows between which the spread of the answers is shown


@dataclasses.dataclass(frozen=True)
class Dependence:
    """The answers for values of a column.

    - column: its name.
    - values: the values (k,), as text; `other` is any word that training did not have, `missing` an empty
      cell. Of labels, or words of a text, each is a cell with this one alone, and `none` one without any.
    - numbers: the same as numbers, (k,), NaN where they are words.
    - outputs: what the outputs are called: classes as `target=class`, numbers by their target.
    - curves: the answer (n, k, n_L) of each row with each value: probabilities, and numbers in units of the target.
    """

    column: str
    values: tuple[str, ...]
    numbers: Array
    outputs: tuple[str, ...]
    curves: Array

    @property
    def mean(self) -> Array:
        """The mean answer (k, n_L) for each value."""
        return self.curves.mean(axis=0)

    def quantile(self, share: float) -> Array:
        """The answer (k, n_L) for each value below which this share of the rows lies."""
        return np.asarray(np.quantile(self.curves, share, axis=0))

    def document(self) -> dict[str, Any]:
        """The means, and the answers between which eight rows in ten lie, as plain data."""
        parts = {"mean": self.mean, "low": self.quantile(LOW), "high": self.quantile(HIGH)}
        by_output = {
            part: {name: values[:, j].tolist() for j, name in enumerate(self.outputs)} for part, values in parts.items()
        }
        return {"column": self.column, "values": list(self.values), **by_output, "rows": len(self.curves)}


class Grid(NamedTuple):
    """The values that a column takes: as text, as numbers (NaN for words), and as inputs of the network (k, width)."""

    texts: tuple[str, ...]
    numbers: Array
    inputs: Array


def dependence_of(answers: Answers, column: str, grid: Grid, X: Array) -> Dependence:
    """The dependence on a column.

    - answers: the answers for encoded rows.
    - column, grid: the column, and its values.
    - X: the encoded rows (n, n_1).
    """
    part, outputs = answers.part(column), answers.outputs
    curves = np.empty((len(X), len(grid.texts), len(outputs)))
    for k, own in enumerate(grid.inputs):
        changed = X.copy()
        changed[:, part] = own
        curves[:, k] = answers.values(changed)
    return Dependence(column, grid.texts, grid.numbers, outputs, curves)


def cells_grid(transform: Transform, cells: Cells, points: int, dtype: Any) -> Grid:
    """The values of a column of a table, by its cells in some rows; see `Model.dependence`."""
    grid, texts, numbers = _grid(transform, cells, points)
    inputs = np.zeros((len(texts), len(transform.features)), dtype)
    transform.write(grid, inputs)
    return Grid(texts, numbers, inputs)


def numbers_grid(values: Array, points: int) -> Grid:
    """The values of a column of an array, (n,), which is one input: quantiles of it."""
    numbers = _quantiles(values, points)
    return Grid(tuple(f"{value:.6g}" for value in numbers.tolist()), numbers, numbers[:, np.newaxis])


def _grid(transform: Transform, cells: Cells, points: int) -> tuple[Cells, tuple[str, ...], Array]:
    """The values of a column as cells, as text and as numbers; the last one is a missing cell, if there are some."""
    reading, present = transform.reading, cells.values[~cells.missing] if cells.values.shape[0] else cells.values
    if isinstance(reading, Presence):
        missing = np.array([False, True])
        return Cells(transform.name, np.empty(0), missing), ("present", "missing"), np.full(2, np.nan)
    if isinstance(reading, Items):
        items, names = _items(reading, present, points)
        return Cells(transform.name, items, np.zeros(len(names), np.bool_)), names, np.full(len(names), np.nan)
    if isinstance(reading, Word):
        values, texts = _words(reading, present, points)
        numbers = np.full(len(values), np.nan)
    else:
        assert isinstance(reading, Number | Time), "a column holds numbers, times, words, or only its presence counts"
        values = numbers = _quantiles(present, points)
        texts = [_text(reading, value) for value in values.tolist()]
    if not cells.missing.any():
        return Cells(transform.name, values, np.zeros(len(values), np.bool_)), tuple(texts), numbers
    values = np.append(values, -1 if isinstance(reading, Word) else np.nan)
    missing = np.arange(len(values)) == len(values) - 1
    return Cells(transform.name, values, missing), (*texts, "missing"), np.append(numbers, np.nan)


def _items(reading: Items, present: Any, points: int) -> tuple[Any, tuple[str, ...]]:
    """Cells (k, items + 1) with one of the most frequent items each, and the last one with none; and their texts."""
    order = np.argsort(-present[:, :-1].sum(axis=0), kind="stable")[: points - 1]
    words = [reading.words[k] for k in order]
    cells = pa.array([*words, reading.separator or " "], pa.large_string())
    return has_items(cells, reading.words, reading.separator), (*words, "none")


def _words(reading: Word, present: Array, points: int) -> tuple[Array, list[str]]:
    """The numbers of the first words and their texts; -1 for any other if the rows have one."""
    codes, texts = np.arange(len(reading.words))[:points], list(reading.words[:points])
    return (np.append(codes, -1), [*texts, "other"]) if (present < 0).any() else (codes, texts)


def _quantiles(present: Array, points: int) -> Array:
    """Different values that divide the cells into parts of about the same size."""
    if not len(present):
        return present
    return np.unique(np.quantile(present, np.linspace(0, 1, points), method="nearest"))


def _text(reading: Number | Time, value: float) -> str:
    if isinstance(reading, Number):
        return f"{value:.6g}"
    return clock_text(value) if reading.form == CLOCK else time_text(value)
