"""What a model makes of its columns: their importance, their contributions to one answer, what other cells would do."""

import abc
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.fields import Whole
from chainrule.model.answers import Answers, slices_of
from chainrule.model.contributions import Contributions, contributions_of
from chainrule.model.dependence import Dependence, cells_grid, dependence_of
from chainrule.model.heads import as_predictions
from chainrule.model.importance import Importance, grouped, importance_of
from chainrule.model.scores import scores_of
from chainrule.model.what_if import Combinations, WhatIf, what_if_of
from chainrule.network import Network
from chainrule.random import as_seed
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import Chunk, with_file_name, with_row_numbers
from chainrule.tables.columns import words_of
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import Targets
from chainrule.text import counted

__all__ = ["Interpreted"]


class Interpreted(abc.ABC):
    """Methods of a `Model` that say what it makes of its columns."""

    encoder: Encoder
    targets: Targets
    network: Network

    @abc.abstractmethod
    def _chunks(self, source: Source, targets: list[str]) -> Iterator[Chunk]:
        """The inputs and these targets of a source, some rows at a time."""

    @property
    @abc.abstractmethod
    def _activations(self) -> list[Activation]:
        """The activation of each block of outputs."""

    def importance(
        self,
        source: Any,
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        repeats: int = 5,
        seed: int | None = 0,
    ) -> Importance:
        """How much worse the predictions become when the cells of a column are permuted among the rows.

        - source: a table as for `outputs`, which also has the targets: best rows that the model was not trained on.
        - groups: columns that are permuted together, by a name for each group.
        - repeats: the number of permutations.
        - seed: their seed; None draws one.

        >>> table = {"x": [0, 1] * 20, "noise": list(range(40)), "y": ["no", "yes"] * 20}
        >>> model = cr.train_table(table, target="y", epochs=20, seed=0)
        >>> model.importance(table).ranked("y")[0]
        'x'

        Raises DataError as `evaluate` does, SettingError for groups of columns that are not inputs.
        """
        repeats = Whole(1).clean("repeats", repeats)
        parts = [(X, T) for X, T, _ in self._rows(as_source(source), with_targets=True)]
        if not parts:
            raise DataError("no row has a value for every target, so there is nothing to compare with: give such rows")
        X, T = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))

        def scores(rows: Array) -> Mapping[str, Mapping[str, float]]:
            by_target: Mapping[str, Mapping[str, float]] = scores_of(self.targets, self._predicted(rows), T)["targets"]
            return by_target

        return importance_of(X, grouped(slices_of(self.encoder), groups), scores, repeats, as_seed(seed))

    def contributions(self, row: Any, *, background: Any = None) -> Contributions:
        """How far each column moves the answer for a row away from that for a row of comparison.

        Numbers that are learned as logarithms are explained as logarithms.

        - row: a table of one row, as for `outputs`.
        - background: a table whose mean row is compared with; None for a row whose numbers are in the middle of the
          training's and whose words are unknown.

        >>> table = {"x": [0, 1] * 20, "noise": list(range(40)), "y": ["no", "yes"] * 20}
        >>> model = cr.train_table(table, target="y", epochs=20, seed=0)
        >>> contributions = model.contributions({"x": [1], "noise": [7]}, background=table)
        >>> contributions.ranked("y=yes")[0][0]
        'x'

        Raises DataError as `outputs` does, and for another number of rows than one.
        """
        x, table = self._one(row)
        x0 = np.zeros(len(x)) if background is None else self._mean_row(as_source(background))
        words = {name: words_of(table.column(name), name)[0].as_py() for name in self.encoder.columns}
        cells = {name: "missing" if word is None else word for name, word in words.items()}
        return contributions_of(self._answers, x, x0, cells)

    def what_if(self, row: Any, values: Mapping[str, Sequence[Any]]) -> WhatIf:
        """The answers for a row with other cells, one for each combination of values, and what each change does to it.

        - row: a table of one row, as for `outputs`.
        - values: a list of values by column, None for a missing cell. They make 1,000 combinations at most.

        >>> table = {"x": [0, 1] * 20, "noise": list(range(40)), "y": ["no", "yes"] * 20}
        >>> model = cr.train_table(table, target="y", epochs=20, seed=0)
        >>> what_if = model.what_if({"x": [1], "noise": [7]}, {"x": [0, 1]})
        >>> what_if.outputs[1], float(what_if.answer[1].round()), what_if.answers[:, 1].round().tolist()
        ('y=yes', 1.0, [0.0, 1.0])

        Raises DataError as `contributions` does and for a value that its column cannot have, SettingError for columns
        that are not inputs and for too many combinations.
        """
        combinations = Combinations.of(values)
        answers = self._answers
        for name in combinations.columns:
            answers.part(name)
        x, table = self._one(row)
        changed = table.take([0] * len(combinations.cells))
        for name in combinations.columns:
            own = as_source({name: combinations.column(name)}).table().column(name)
            changed = changed.set_column(changed.column_names.index(name), name, own)
        with with_row_numbers(np.zeros(changed.num_rows, np.int64)):
            return what_if_of(answers, x, self.encoder.encode(changed, self.network.dtype), combinations)

    def dependence(self, source: Any, column: str, *, points: int = 20, rows: int = 1000) -> Dependence:
        """The answers when a column has one value in every row, for values over its range.

        - source: a table as for `outputs`.
        - column: the name of an input.
        - points: how many values it takes, at most: quantiles of numbers and times, the most frequent words.
        - rows: how many rows are taken at most, the first ones.

        >>> table = {"x": [0, 1] * 20, "y": ["no", "yes"] * 20}
        >>> model = cr.train_table(table, target="y", epochs=20)
        >>> dependence = model.dependence(table, "x")
        >>> dependence.values, dependence.mean[:, 1].round().tolist()
        (('0', '1'), [0.0, 1.0])

        Raises DataError as `outputs` does, SettingError for a column that is not an input.
        """
        points, rows = Whole(2).clean("points", points), Whole(1).clean("rows", rows)
        self._answers.part(column)
        transform = next(each for each in self.encoder.transforms if each.name == column)
        parts: list[tuple[Array, Any]] = []
        for some, _, table in self._rows(as_source(source)):
            left = rows - sum(len(part) for part, _ in parts)
            parts.append((some[:left], table.column(column).slice(0, left)))
            if left <= len(some):
                break
        X = np.concatenate([some for some, _ in parts])
        cells = transform.reading.read(pa.chunked_array([c for _, part in parts for c in part.chunks]), column)
        return dependence_of(self._answers, column, cells_grid(transform, cells, points, X.dtype), X)

    def _one(self, row: Any) -> tuple[Array, Any]:
        """The encoded row (n_1,) and the cells of a table of one row. Raises DataError for another number of rows."""
        rows = list(self._rows(as_source(row)))
        count = sum(len(X) for X, _, _ in rows)
        if count != 1:
            raise DataError(f"row is a table of {counted(count, 'row')}, but must have 1: give the row to explain")
        X, _, table = next(part for part in rows if len(part[0]))
        return X[0], table

    def _rows(self, origin: Source, with_targets: bool = False) -> Iterator[tuple[Array, Any, Any]]:
        """X, the true values T (or None) and the table of some rows at a time; `with_targets` those that have them."""
        truth = self.targets.truth
        for table, rows in self._chunks(origin, self.targets.names if with_targets else []):
            chosen = self.targets.present(table) if with_targets else np.ones(len(rows), np.bool_)
            if not chosen.any():
                continue
            some = table.filter(pa.array(chosen))
            with with_file_name(origin), with_row_numbers(rows[chosen]):
                T = truth.encode(some, "float64") if with_targets else None
                yield self.encoder.encode(some, self.network.dtype), T, some

    def _predicted(self, X: Array) -> Array:
        return as_predictions(self.targets, self._activations, self.network.predict(X))

    def _mean_row(self, origin: Source) -> Array:
        """The mean (n_1,) of the encoded rows of a table."""
        total, count = np.zeros(self.encoder.width), 0
        for X, _, _ in self._rows(origin):
            total, count = total + X.sum(axis=0, dtype=np.float64), count + len(X)
        return total / max(count, 1)

    @property
    def _answers(self) -> Answers:
        """The answers for encoded rows."""
        return Answers(self.network, self.targets, slices_of(self.encoder), self._predicted)
