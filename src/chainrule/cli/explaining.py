"""What `explain` asks of a file, for a table: a model knows its columns and targets, an estimator takes X and y."""

import abc
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.cli.answers import OfEstimator, answering
from chainrule.errors import SettingError
from chainrule.files import load
from chainrule.model import Model
from chainrule.model.contributions import Contributions
from chainrule.model.dependence import Dependence
from chainrule.model.importance import Importance
from chainrule.model.what_if import WhatIf
from chainrule.tables.chunks import one_row, with_file_name, with_row_numbers
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source, as_source, with_target

__all__ = ["Explaining", "explaining"]


class Explaining(abc.ABC):
    """What explains the answers for the rows of a table. Rows are numbered from 1."""

    source: Source
    columns: Sequence[str]  # the names of the inputs

    @abc.abstractmethod
    def importance(self, **choice: Any) -> Importance:
        """How much worse the predictions become without each column."""

    @abc.abstractmethod
    def contributions(self, row: int) -> Contributions:
        """How far each column moves the answer for a row away from that for the mean row."""

    @abc.abstractmethod
    def what_if(self, row: int, values: Mapping[str, Sequence[Any]]) -> WhatIf:
        """The answers for a row with other cells."""

    @abc.abstractmethod
    def dependence(self, column: str) -> Dependence:
        """How the answers depend on a column."""

    @contextlib.contextmanager
    def _of_row(self, row: int) -> Iterator[Any]:
        """A table of the inputs of one row; an error about it names the row of the file."""
        require_columns(self.source.names, self.columns, "input", self.source.hint)
        with with_file_name(self.source), with_row_numbers(np.array([row - 1])):
            yield one_row(self.source, self.columns, row)


def explaining(path: Path, data: Path, target: str | None) -> Explaining:
    """What a file holds, for a table; `target` as for `Answering.scores`.

    Raises SettingError for a network, which knows no columns, and for an estimator before `fit`.
    """
    stored, source = load(path), as_source(data)
    if isinstance(stored, Model):
        return _OfModel(stored, source if target is None else with_target(source, as_source(Path(target))))
    answers = answering(path)
    if not isinstance(answers, OfEstimator):
        raise SettingError(f"{str(path)!r}: it has a Network, which does not know the columns of a table: give a model")
    return _OfEstimator(answers, data, target)


class _OfModel(Explaining):
    def __init__(self, model: Model, source: Source) -> None:
        self._model, self.source, self.columns = model, source, model.encoder.columns

    def importance(self, **choice: Any) -> Importance:
        return self._model.importance(self.source, **choice)

    def contributions(self, row: int) -> Contributions:
        with self._of_row(row) as table:
            return self._model.contributions(table, background=self.source)

    def what_if(self, row: int, values: Mapping[str, Sequence[Any]]) -> WhatIf:
        with self._of_row(row) as table:
            return self._model.what_if(table, values)

    def dependence(self, column: str) -> Dependence:
        return self._model.dependence(self.source, column)


class _OfEstimator(Explaining):
    """An estimator, whose columns have the names of the table's."""

    def __init__(self, answers: OfEstimator, data: Path, target: str | None) -> None:
        self._answers, self._data, self._target = answers, data, target
        if target is None:
            self.source = as_source(data)
            self.columns = answers.inputs(self.source)
        else:
            self.source, self.columns, _ = answers.columns_with_targets(data, target)
        self._estimator = answers.named(self.columns)

    def importance(self, **choice: Any) -> Importance:
        X, y = self._answers.examples(self._data, self._target)
        importance: Importance = self._estimator.importance(X, y, **choice)
        return importance

    def contributions(self, row: int) -> Contributions:
        with self._of_row(row) as table:
            x = self._answers.rows(table, self.columns)
        contributions: Contributions = self._estimator.contributions(x, background=self._rows())
        return contributions

    def what_if(self, row: int, values: Mapping[str, Sequence[Any]]) -> WhatIf:
        own: Mapping[str, Any] = values
        if self._estimator.preset is None:
            own = {name: _numbers(name, cells) for name, cells in values.items()}
        with self._of_row(row) as table:
            changes: WhatIf = self._estimator.what_if(self._answers.rows(table, self.columns), own)
            return changes

    def dependence(self, column: str) -> Dependence:
        dependence: Dependence = self._estimator.dependence(self._rows(), column)
        return dependence

    def _rows(self) -> Any:
        table = self.source.table()
        with with_file_name(self.source), with_row_numbers(np.arange(table.num_rows)):
            return self._answers.rows(table, self.columns)


def _numbers(name: str, cells: Sequence[str]) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        raise SettingError(f"the values of {name!r} must be numbers, as the estimator was trained on numbers") from None
