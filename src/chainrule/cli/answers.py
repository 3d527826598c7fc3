"""Answers, scores and ledgers, for a table, of everything that a file holds: models, estimators, networks."""

import abc
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.backprop import Ledger, Names
from chainrule.certificate import Certificate
from chainrule.cli.answer_columns import Choice, Words
from chainrule.cli.values import matching_columns
from chainrule.errors import DataError, SettingError
from chainrule.files import load
from chainrule.model import Model
from chainrule.network import Network
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, one_row, with_file_name, with_row_numbers
from chainrule.tables.columns import missing_cells, words_of
from chainrule.tables.matrix import matrix_of, numbers_of
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source, as_source, with_target
from chainrule.tables.targets import ArrayLabels, ClassTarget, Labels, in_words
from chainrule.text import counted

__all__ = ["Answering", "answering"]


class Answering(abc.ABC):
    """What answers for the rows of a table."""

    @abc.abstractmethod
    def answers(self, source: Source, choice: Choice) -> Iterator[dict[str, Any]]:
        """The columns to write, by name, one block of rows at a time, because a table may be larger than memory."""

    @abc.abstractmethod
    def scores(self, data: Path, target: str | None) -> dict[str, Any]:
        """The scores against the true values, `target` in words of the command line: see `chainrule evaluate`."""

    @abc.abstractmethod
    def certificate(self, data: Path, target: str | None, rows: int, choice: dict[str, Any]) -> Certificate:
        """The gradient certificate for the first `rows` that have targets; `choice` as for `check_gradient`."""

    @abc.abstractmethod
    def ledger(self, data: Path, row: int | None, target: str | None) -> Ledger:
        """Every number of backpropagation for a row, numbered from 1, or for all rows; `target` as for `scores`."""


def answering(path: Path) -> Answering:
    """What a file holds. Raises ModelFileError where it cannot be read, SettingError for an estimator before `fit`."""
    stored = load(path)
    if isinstance(stored, Model):
        return _OfModel(stored)
    return _OfNetwork(stored) if isinstance(stored, Network) else _OfEstimator(stored, path)


class _OfModel(Answering):
    """A model knows its columns and its targets."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def answers(self, source: Source, choice: Choice) -> Iterator[dict[str, Any]]:
        targets = self._model.targets
        ids = choice.columns_of(source)
        for outputs, table in self._model.outputs_with(source, ids):
            chances = targets.probabilities(outputs)
            answers = targets.decode(outputs)
            if choice.threshold is not None:
                columns = [column for column in targets.columns if isinstance(column, ClassTarget)]
                classes = {column.name: Words(column.values, column.texts) for column in columns}
                answers |= choice.threshold.answers(classes, chances)
            yield choice.joined(table, answers, chances)

    def scores(self, data: Path, target: str | None) -> dict[str, Any]:
        return self._model.evaluate(self._with_target(data, target))

    def certificate(self, data: Path, target: str | None, rows: int, choice: dict[str, Any]) -> Certificate:
        return self._model.check_gradient(self._with_target(data, target), rows=rows, **choice)

    def ledger(self, data: Path, row: int | None, target: str | None) -> Ledger:
        source = self._with_target(data, target)
        if row is None:
            return self._model.backprop(source)
        names = [*self._model.encoder.columns, *self._model.targets.names]
        require_columns(source.names, names, "input or target", source.hint)
        with with_file_name(source), with_row_numbers(np.array([row - 1])):
            return self._model.backprop(one_row(source, names, row))

    def _with_target(self, data: Path, target: str | None) -> Source:
        rows = as_source(data)
        return rows if target is None else with_target(rows, as_source(Path(target)))


class Answers(NamedTuple):
    """Answers (n,) by target, probabilities (n,) by `target=class`, and the classes of targets that have some."""

    answers: dict[str, Any]
    probabilities: dict[str, Array]
    classes: dict[str, Words]


class _OfRows(Answering):
    """An estimator or a network, which does not know the names of its targets, and sometimes of no column."""

    names: list[str] | None  # the columns that it takes, None for all of a table
    width: int  # how many they are

    @abc.abstractmethod
    def _answers(self, table: Any, names: Sequence[str]) -> Answers:
        """The answers for the columns `names` of a table in memory, and the probabilities of classes."""

    @abc.abstractmethod
    def _score(self, table: Any, names: Sequence[str], targets: Any) -> dict[str, float]:
        """The scores for the columns `names` of a table in memory, against those of `targets`."""

    @abc.abstractmethod
    def _certificate(self, table: Any, names: Sequence[str], targets: Any, choice: dict[str, Any]) -> Certificate:
        """The gradient certificate for the columns `names` of a table in memory, with those of `targets`."""

    @abc.abstractmethod
    def _backprop(self, table: Any, names: Sequence[str], targets: Any) -> Ledger:
        """The ledger for the columns `names` of a table in memory, and those of `targets`."""

    def answers(self, source: Source, choice: Choice) -> Iterator[dict[str, Any]]:
        ids = choice.columns_of(source)
        names = self._inputs(source, ids)
        for table, rows in self._chunks(source, list(dict.fromkeys([*names, *ids]))):
            with with_file_name(source), with_row_numbers(rows):
                answers, chances, classes = self._answers(table, names)
            if choice.threshold is not None:
                answers |= choice.threshold.answers(classes, chances)
            yield choice.joined(table.select(ids), answers, chances)

    def scores(self, data: Path, target: str | None) -> dict[str, Any]:
        source, names, targets, table, rows = self._with_targets(data, target)
        with with_file_name(source), with_row_numbers(rows):
            part = table.take(rows)
            scores = self._score(part, names, part.select(targets))
        counts = {"rows": len(rows), "without_target": table.num_rows - len(rows)}
        return {**counts, "targets": {", ".join(targets): scores}, "mistakes": {}}

    def certificate(self, data: Path, target: str | None, rows: int, choice: dict[str, Any]) -> Certificate:
        source, names, targets, table, present = self._with_targets(data, target)
        with with_file_name(source), with_row_numbers(present[:rows]):
            part = table.take(present[:rows])
            return self._certificate(part, names, part.select(targets), choice)

    def _with_targets(self, data: Path, target: str | None) -> tuple[Source, list[str], list[str], Any, Array]:
        """A table, the names of its inputs and targets, these columns in memory, and the rows that have targets."""
        source, names, targets = self._columns(data, target)
        table = source.table().select([*names, *targets])
        rows = np.flatnonzero(~np.any([missing_cells(table.column(name)) for name in targets], axis=0))
        if not len(rows):
            raise DataError(f"no row of {source.origin} has a value of {target}: give such rows")
        return source, names, targets, table, rows

    def ledger(self, data: Path, row: int | None, target: str | None) -> Ledger:
        source, names, targets = self._columns(data, target)
        columns = [*names, *targets]
        table = source.table().select(columns) if row is None else one_row(source, columns, row)
        rows = np.arange(table.num_rows) if row is None else np.array([row - 1])
        with with_file_name(source), with_row_numbers(rows):
            return self._backprop(table, names, table.select(targets))

    def _columns(self, data: Path, target: str | None) -> tuple[Source, list[str], list[str]]:
        """A table, its columns of inputs, and those of targets. Raises SettingError where no target is named."""
        if target is None:
            raise SettingError(f"{self} does not know which column is the target: add --target COLUMN, or a file of it")
        source, targets = _with_targets(as_source(data), target)
        return source, self._inputs(source, targets), targets

    def _inputs(self, source: Source, targets: Sequence[str]) -> list[str]:
        """The columns that are inputs. Raises DataError where a table has others."""
        if self.names is not None:
            require_columns(source.names, self.names, "input")
            return self.names
        names = [name for name in source.names if name not in targets]
        if len(names) != self.width:
            raise DataError(f"{source.origin} has {len(names)} columns of inputs, but {self} takes {self.width}")
        return names

    def _chunks(self, source: Source, names: list[str]) -> Iterator[Chunk]:
        return cut_chunks(chunks_of(source, names), self.width)


class _OfEstimator(_OfRows):
    """An estimator takes the columns that it was fitted to by name, or as many as it has seen."""

    def __init__(self, estimator: Any, path: Path) -> None:
        if not hasattr(estimator, "network_"):
            raise SettingError(f"{str(path)!r}: it has a {type(estimator).__name__} that has not been fitted: fit it")
        self._estimator, self.width = estimator, estimator.n_features_in_
        known = estimator.__dict__.pop("feature_names_in_", None)  # the columns are chosen here, and come as an array
        self.names = None if known is None else [str(name) for name in known]
        if estimator.preset is not None:
            self.names = estimator._plan.encoder.columns

    def __str__(self) -> str:
        return f"the {type(self._estimator).__name__}"

    def _answers(self, table: Any, names: Sequence[str]) -> Answers:
        X, targets = self._rows(table, names), self._estimator._targets
        labels = ["y"] if targets.flat else targets.outputs.names
        answers = dict(zip(labels, self._estimator.predict(X).reshape(table.num_rows, -1).T, strict=True))
        if not hasattr(self._estimator, "predict_proba"):
            return Answers(answers, {}, {})
        parts, classes = self._estimator.predict_proba(X), self._estimator.classes_
        if not isinstance(parts, list):
            if len(answers) > 1:  # labels, each of which is there or not
                return Answers(answers, {f"{name}=1": parts[:, k] for k, name in enumerate(answers)}, {})
            parts, classes = [parts], [classes]
        words = {n: Words(each, list(map(str, each.tolist()))) for n, each in zip(labels, classes, strict=True)}
        pairs = zip(words.items(), parts, strict=True)
        chances = {f"{n}={text}": part[:, k] for (n, each), part in pairs for k, text in enumerate(each.texts)}
        return Answers(answers, chances, words)

    def _score(self, table: Any, names: Sequence[str], targets: Any) -> dict[str, float]:
        X, y = self._rows(table, names), self._true(targets)
        if not isinstance(self._estimator._targets, ArrayLabels):
            return {"r2": float(self._estimator.score(X, y))}
        right = self._estimator.predict(X).reshape(len(y), -1) == y.reshape(len(y), -1)
        return {"accuracy": float(right.all(axis=1).mean())}

    def _certificate(self, table: Any, names: Sequence[str], targets: Any, choice: dict[str, Any]) -> Certificate:
        return self._estimator.check_gradient(self._rows(table, names), self._true(targets), **choice)

    def _backprop(self, table: Any, names: Sequence[str], targets: Any) -> Ledger:
        ledger: Ledger = self._estimator.backprop(self._rows(table, names), self._true(targets))
        if self._estimator.preset is not None or ledger.names is None:
            return ledger
        return dataclasses.replace(ledger, names=ledger.names._replace(inputs=list(names)))

    def _true(self, targets: Any) -> Array:
        """The true values as the estimator takes them: words or numbers, (n,) if they are one column."""
        columns, names = self._estimator._targets.outputs.columns, targets.column_names
        if len(columns) != len(names):
            outputs = counted(len(columns), "output")
            raise SettingError(f"{self} has {outputs}, but --target names {len(names)}: name as many columns")
        if isinstance(columns[0], Labels):
            y = np.stack([_truth(targets, *pair) for pair in zip(names, columns, strict=True)], axis=1)
        else:
            y = matrix_of(targets, names)
        return y[:, 0] if y.shape[1] == 1 else y

    def _rows(self, table: Any, names: Sequence[str]) -> Any:
        """The rows as the estimator takes them: a table under a preset, else an array."""
        if self._estimator.preset is not None:
            return table.select(list(names))
        return matrix_of(table, names)


class _OfNetwork(_OfRows):
    """A network takes as many columns of numbers as it has inputs, in their order."""

    names = None

    def __init__(self, net: Network) -> None:
        self._net, self.width = net, net.sizes[0]

    def __str__(self) -> str:
        return "the network"

    def _answers(self, table: Any, names: Sequence[str]) -> Answers:
        A = self._net.predict(matrix_of(table, names))
        return Answers({f"output {j + 1}": A[:, j] for j in range(A.shape[1])}, {}, {})

    def _score(self, table: Any, names: Sequence[str], targets: Any) -> dict[str, float]:
        return {"cost": self._net.cost(matrix_of(table, names), self._true(targets))}

    def _certificate(self, table: Any, names: Sequence[str], targets: Any, choice: dict[str, Any]) -> Certificate:
        return self._net.check_gradient(matrix_of(table, names), self._true(targets), **choice)

    def _backprop(self, table: Any, names: Sequence[str], targets: Any) -> Ledger:
        ledger = self._net.backprop(matrix_of(table, names), self._true(targets))
        outputs = [f"output {j + 1}" for j in range(self._net.sizes[-1])]
        return dataclasses.replace(ledger, names=Names(list(names), outputs))

    def _true(self, targets: Any) -> Array:
        """T as the network takes it: one column of whole numbers stands for classes where there are several outputs."""
        T = matrix_of(targets, targets.column_names)
        whole = T.shape[1] == 1 < self._net.sizes[-1] and (T.round() == T).all()
        return T[:, 0].astype(np.int64) if whole else T


def _with_targets(source: Source, target: str) -> tuple[Source, list[str]]:
    """The rows and the names of their targets: columns, separated by commas, or the only column of a file."""
    if target not in source.names and Path(target).is_file():
        source = with_target(source, as_source(Path(target)))
        return source, [source.names[-1]]
    names = matching_columns([target], source.names)
    require_columns(source.names, names, "target")
    return source, names


def _truth(targets: Any, name: str, labels: Labels) -> Array:
    """A column of true classes. Raises DataError where none of them is one of the labels."""
    is_text = labels.classes.dtype.kind in "OU"
    truth = (
        words_of(targets.column(name), name).to_numpy(zero_copy_only=False) if is_text else numbers_of(targets, name)
    )
    if not set(truth.tolist()) & set(labels.classes.tolist()):
        raise DataError(
            f"no row of {name!r} has a class that the file knows: the classes are {in_words(labels.classes)}"
        )
    return truth
