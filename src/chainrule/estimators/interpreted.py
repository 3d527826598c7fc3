"""What an estimator makes of its columns: their importance, contributions to one answer, what other cells would do;
and all of it in a report.
"""

import abc
import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.estimators.reported import both_classes, subject_of, table_of
from chainrule.estimators.rows import checked_inputs, checked_targets
from chainrule.fields import Whole
from chainrule.model.answers import Answers, slices_of
from chainrule.model.contributions import Contributions, contributions_of
from chainrule.model.dependence import Dependence, Grid, cells_grid, dependence_of, numbers_grid
from chainrule.model.heads import as_predictions
from chainrule.model.importance import Importance, grouped, importance_of
from chainrule.model.report import write_report
from chainrule.model.scores import scores_of
from chainrule.model.what_if import Combinations, WhatIf, what_if_of
from chainrule.network import Network
from chainrule.random import as_seed
from chainrule.tables.chunks import with_row_numbers
from chainrule.tables.columns import words_of
from chainrule.tables.sources import as_source
from chainrule.tables.targets import ArrayLabels, Labels, Outputs
from chainrule.text import counted

__all__ = ["Interpreted"]

MOST_NUMBERS = 2**27  # of sparse rows that are made dense


class Interpreted(abc.ABC):
    """Methods of an estimator that say what it makes of the columns of X.

    Columns go by their names: those of a table, or else of `input_names_`.
    """

    network_: Network
    engine: str
    _targets: Any
    _plan: Any
    _numeric: ClassVar[bool]

    @property
    @abc.abstractmethod
    def input_names_(self) -> Array:
        """The names of the network's inputs (n_1,)."""

    def importance(
        self,
        X: Any,
        y: Any,
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        repeats: int = 5,
        seed: int | None = 0,
    ) -> Importance:
        """How much worse the predictions become when the cells of a column are permuted; see `Model.importance`.

        The target is called `y`, several of them `y0`, `y1`, ...

        - X, y: rows and their targets, as for `fit`: best rows that the estimator was not trained on.
        - groups: columns that are permuted together, by a name for each group.
        - repeats: the number of permutations.
        - seed: their seed; None draws one.

        >>> X = np.arange(80.0).reshape(40, 2) % [3, 7]
        >>> mlp = cr.MLPClassifier((), solver="lbfgs", random_state=0).fit(X, np.where(X[:, 0], "yes", "no"))
        >>> mlp.importance(X, np.where(X[:, 0], "yes", "no")).ranked("y")
        ['x0', 'x1']

        Raises NotFittedError before the first fit, DataError for a y of another kind than in `fit`, SettingError for
        groups of columns that are not inputs.
        """
        repeats, (inputs, _) = Whole(1).clean("repeats", repeats), self._read(X)
        y = checked_targets(y, len(inputs), self._numeric)
        T, targets, answers = self._true(y), _by_class(self._outputs_named), self._answers

        def scores(rows: Array) -> Any:
            return scores_of(targets, both_classes(answers.targets, answers.predicted(rows)), T)["targets"]

        return importance_of(inputs, grouped(answers.slices, groups), scores, repeats, as_seed(seed))

    def contributions(self, row: Any, *, background: Any = None) -> Contributions:
        """How far each column moves the answer for a row away from that for a row of comparison.

        See `Model.contributions`.

        - row: one row of X, (1, n_features).
        - background: rows of X, whose mean is compared with. With preset="tabular" None is a row whose numbers are in
          the middle of the training's and whose words are unknown.

        >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X, [1.0, 3.0, 5.0])
        >>> contributions = mlp.contributions([[3.0, 2.0]], background=X)
        >>> {name: round(float(own[0]), 2) + 0.0 for name, own in contributions.columns.items()}
        {'x0': 4.0, 'x1': 0.0}

        Raises NotFittedError before the first fit, DataError for another number of rows than one, and SettingError for
        no background without the preset.
        """
        if background is None and self._plan is None:
            raise SettingError("background is None, but an array has no row to compare with: give rows such as X_train")
        x, cells = self._one(row)
        x0 = np.zeros(len(x)) if background is None else self._read(background)[0].mean(axis=0, dtype=np.float64)
        return contributions_of(self._answers, x, x0, cells)

    def what_if(self, row: Any, values: Mapping[str, Sequence[Any]]) -> WhatIf:
        """The answers for a row with other cells, one for each combination of values; see `Model.what_if`.

        - row: one row of X, (1, n_features).
        - values: a list of values by column. They make 1,000 combinations at most.

        >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X, [1.0, 3.0, 5.0])
        >>> mlp.what_if([[3.0, 2.0]], {"x0": [0.0, 10.0]}).answers.round(1).tolist()
        [[1.0], [21.0]]

        Raises NotFittedError before the first fit, DataError for another number of rows than one and for a value that
        its column cannot have, SettingError for columns that are not inputs and for too many combinations.
        """
        combinations, (x, _) = Combinations.of(values), self._one(row)
        answers = self._answers
        for name in combinations.columns:
            answers.part(name)
        return what_if_of(answers, x, self._changed(row, x, combinations), combinations)

    def dependence(self, X: Any, column: str, *, points: int = 20, rows: int = 1000) -> Dependence:
        """The answers when a column has one value in every row, for values over its range; see `Model.dependence`.

        - X: rows, as for `predict`.
        - column: the name of a column.
        - points: how many values it takes, at most: quantiles of numbers and times, the most frequent words.
        - rows: how many rows are taken at most, the first ones.

        >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X, [1.0, 3.0, 5.0])
        >>> dependence = mlp.dependence(X, "x0")
        >>> dependence.values, dependence.mean[:, 0].round(2).tolist()
        (('0', '1', '2'), [1.0, 3.0, 5.0])

        Raises NotFittedError before the first fit, SettingError for a column that is not an input.
        """
        points, rows = Whole(2).clean("points", points), Whole(1).clean("rows", rows)
        inputs, table = self._read(X)
        answers = self._answers
        part = answers.part(column)
        grid: Grid
        if table is None:
            grid = numbers_grid(inputs[:rows, part.start], points)
        else:
            transform = next(each for each in self._plan.encoder.transforms if each.name == column)
            cells = transform.reading.read(table.column(column).slice(0, rows), column)
            grid = cells_grid(transform, cells, points, inputs.dtype)
        return dependence_of(answers, column, grid, inputs[:rows])

    def report(
        self,
        path: str | os.PathLike[str],
        X: Any = None,
        y: Any = None,
        *,
        train: tuple[Any, Any] | None = None,
        test_every: int | None = None,
        target_names: str | Sequence[str] | None = None,
        title: str | None = None,
        notes: str = "",
        seed: int | None = 0,
    ) -> None:
        """Write all that can be said of the estimator into one HTML file, its model card; see `Model.report`.

        - path: the file, which is replaced if it exists.
        - X, y: rows and their targets to judge the estimator by, best rows that it was not trained on. None judges
          nothing.
        - train: X and y that it was trained on, from which a linear model and boosting learn too. Without them these
          learn from four fifths of X and answer the fifth, five times.
        - test_every: for rows that have those of the training too: every so many of them are judged, beginning with the
          first, and the others are those of the training.
        - target_names: what the columns of y are called; None for `y`, or `y0`, `y1`, ...
        - title: of the page; None names the targets.
        - notes: what you say of the estimator, such as what it is for, with empty lines between paragraphs.
        - seed: of permutations and of the other models; None draws one.

        >>> import tempfile
        >>> from pathlib import Path
        >>> X = np.arange(80.0).reshape(40, 2) % [3, 7]
        >>> mlp = cr.MLPClassifier((), solver="lbfgs", random_state=0).fit(X, np.where(X[:, 0], "yes", "no"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mlp.report(f"{folder}/report.html", X, np.where(X[:, 0], "yes", "no"), notes="It repeats x0.")
        ...     "It repeats x0." in Path(folder, "report.html").read_text()
        True

        Raises NotFittedError before the first fit, DataError for a y of another kind than in `fit`, SettingError for
        choices that do not fit each other, OSError where the file cannot be written.
        """
        subject = subject_of(self, target_names)

        def rows(X: Any, y: Any) -> Any:
            inputs, table = self._read(X)
            return table_of(subject, self, inputs, table, checked_targets(y, len(inputs), self._numeric))

        own = None if X is None else rows(X, y)
        choice = {"train": None if train is None else rows(*train), "test_every": test_every}
        write_report(subject, path, own, **choice, title=title, notes=notes, seed=seed)

    def _read(self, X: Any) -> tuple[Array, Any]:
        """The rows of X as the network takes them, dense, and their table under a preset, else None."""
        check_is_fitted(self, "network_")
        X = checked_inputs(self, X)
        if self._plan is not None:
            return self._plan.encoder.encode(X, self.network_.dtype), X
        if hasattr(X, "toarray"):
            if X.shape[0] * X.shape[1] > MOST_NUMBERS:
                raise DataError(f"X is sparse with {X.shape[0]:,} × {X.shape[1]:,} cells: give fewer rows, dense ones")
            X = X.toarray()
        return X, None

    def _one(self, row: Any) -> tuple[Array, dict[str, str]]:
        """The encoded row (n_1,) and its cells as text. Raises DataError for another number of rows than one."""
        inputs, table = self._read(row)
        if len(inputs) != 1:
            raise DataError(f"row is {counted(len(inputs), 'row')}, but must be 1: give the row to explain")
        if table is None:
            names = map(str, self.input_names_)
            return inputs[0], {name: f"{cell:.6g}" for name, cell in zip(names, inputs[0].tolist(), strict=True)}
        words = {name: words_of(table.column(name), name)[0].as_py() for name in self._plan.encoder.columns}
        return inputs[0], {name: "missing" if word is None else word for name, word in words.items()}

    def _changed(self, row: Any, x: Array, combinations: Combinations) -> Array:
        """The encoded rows (k, n_1) of combinations of values."""
        count = len(combinations.cells)
        if self._plan is not None:
            table = checked_inputs(self, row).take([0] * count)
            for name in combinations.columns:
                own = as_source({name: combinations.column(name)}).table().column(name)
                table = table.set_column(table.column_names.index(name), name, own)
            with with_row_numbers(np.zeros(count, np.int64)):
                return self._plan.encoder.encode(table, self.network_.dtype)
        X = np.repeat(x[np.newaxis], count, axis=0)
        for name in combinations.columns:
            try:
                X[:, self._answers.part(name)] = np.array(combinations.column(name), X.dtype)[:, np.newaxis]
            except (TypeError, ValueError):
                raise DataError(f"the values of {name!r} must be numbers, as in X") from None
        if not np.isfinite(X).all():
            raise DataError("the values must be finite numbers, as in X")
        return X

    @property
    def _outputs_named(self) -> Outputs:
        """The targets; the only one is called `y`."""
        outputs = self._targets.outputs
        if not self._targets.flat:
            return outputs
        return dataclasses.replace(outputs, columns=(dataclasses.replace(outputs.columns[0], name="y"),))

    @property
    def _answers(self) -> Answers:
        """The answers for encoded rows."""
        if self._plan is None:
            slices = {str(name): slice(k, k + 1) for k, name in enumerate(self.input_names_)}
        else:
            slices = slices_of(self._plan.encoder)
        return Answers(self.network_, self._outputs_named, slices, self._predicted)

    def _predicted(self, X: Array) -> Array:
        A, targets = self.network_.predict(X, engine=self.engine), self._targets
        if isinstance(targets, ArrayLabels) and targets.yes_or_no:
            return A
        return as_predictions(targets.outputs, [block.activation for block in self.network_.architecture.blocks], A)

    def _true(self, y: Array) -> Array:
        """True values as scores take them: a column for each class, or numbers in their units."""
        T = self._targets.encode(y)
        if isinstance(self._targets, ArrayLabels):
            one_hot = self._targets.outputs.one_hot(T)
            return np.concatenate(list(one_hot.values()), axis=1)
        return y.reshape(len(y), -1).astype(np.float64)


def _by_class(outputs: Outputs) -> Outputs:
    """The same targets with an output for each class, of two classes too."""
    columns = (dataclasses.replace(c, yes_or_no=False) if isinstance(c, Labels) else c for c in outputs.columns)
    return dataclasses.replace(outputs, columns=tuple(columns))
