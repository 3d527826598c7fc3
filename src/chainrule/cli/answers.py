"""Answers, scores and ledgers, for a table, of everything that a file holds: models, estimators, networks."""

import abc
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.backprop import Ledger, Names
from chainrule.certificate import Certificate
from chainrule.cli.answer_columns import Choice, certainty_columns
from chainrule.cli.values import matching_columns
from chainrule.errors import DataError, SettingError
from chainrule.files import load
from chainrule.model import Model
from chainrule.model.uncertain import PLAIN, Certainty
from chainrule.network import Network
from chainrule.serve.served import Column, Goal, Prediction, columns_of, goal_of, number_columns
from chainrule.tables.arrow import pa
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, one_row, with_file_name, with_row_numbers
from chainrule.tables.columns import missing_cells, words_of
from chainrule.tables.inputs.drift import Drift
from chainrule.tables.matrix import matrix_of, numbers_of
from chainrule.tables.names import require_columns
from chainrule.tables.row_roles import weights_of
from chainrule.tables.sources import Source, as_source, with_target
from chainrule.tables.targets import ArrayLabels, Labels, Target, in_words
from chainrule.text import counted

__all__ = ["Answering", "OfEstimator", "answering"]


class Answering(abc.ABC):
    """What answers for the rows of a table; it is what `chainrule.serve` takes."""

    kind: str  # model, network, or the class of an estimator
    columns: list[Column]  # that it takes, in order
    goals: list[Goal]  # its targets

    @abc.abstractmethod
    def inputs(self, source: Source) -> list[str]:
        """The columns of a table that are inputs, in the order of `columns`. Raises DataError for others."""

    @abc.abstractmethod
    def predictions_with(
        self, source: Source, others: Sequence[str], probabilities: bool
    ) -> Iterator[tuple[list[Prediction], Any]]:
        """The predictions of each target, one block of rows at a time, because a table may be larger than memory.

        Each block comes with a `pyarrow.Table` of the columns `others` of its rows, which are no inputs of a network.
        """

    def predictions(self, data: Any, probabilities: bool = True) -> Iterator[list[Prediction]]:
        """The predictions alone."""
        for predictions, _ in self.predictions_with(as_source(data), (), probabilities):
            yield predictions

    def answers(self, source: Source, choice: Choice) -> Iterator[dict[str, Any]]:
        """The columns to write, by name, one block of rows at a time.

        Raises SettingError where more is wanted than it can say.
        """
        self._refuse(choice.certainty)
        ids = choice.columns_of(source)
        for predictions, table in self.predictions_with(source, ids, choice.needs_probabilities):
            yield choice.written(table, self.goals, predictions)

    def deciding(self, rule: str) -> "Answering":
        """The same with a threshold by a rule. Raises SettingError where no answers out of fold can choose one."""
        raise SettingError(f"threshold {rule!r} needs a model that `train` wrote, which {self} is not: give a number")

    def _refuse(self, certainty: Certainty) -> None:
        """Raise SettingError where anything is to be said beside the answers."""
        if certainty.is_wanted:
            raise SettingError(
                f"only a model that `train` wrote says how sure it is, and {self} is not one: leave it out"
            )

    @abc.abstractmethod
    def drift(self) -> Drift | None:
        """How the rows that were answered differ from those of training; None where nothing knows those."""

    @abc.abstractmethod
    def watch(self) -> None:
        """Compare only the rows that come from now on."""

    @abc.abstractmethod
    def scores(
        self,
        data: Path,
        target: str | None,
        weight: str | None = None,
        more: Sequence[str] = (),
        certainty: Certainty = PLAIN,
    ) -> dict[str, Any]:
        """The scores against the true values, `target` in words of the command line: see `chainrule evaluate`.

        - weight: the column of the weights of the rows, or None.
        - more: names of metrics that are among the scores of a model.
        - certainty: the coverages that are wanted of a model.
        """

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
    return _OfNetwork(stored) if isinstance(stored, Network) else OfEstimator(stored, path)


class _OfModel(Answering):
    """A model knows its columns and its targets."""

    kind = "model"

    def __init__(self, model: Model) -> None:
        self._model, self._watch = model, model.watch()
        self.columns = columns_of(model.encoder)
        self.goals = [goal_of(target, target.name) for target in model.targets.columns]

    def inputs(self, source: Source) -> list[str]:
        names = [column.name for column in self.columns]
        require_columns(source.names, names, "input", source.hint)
        return names

    def predictions_with(
        self, source: Source, others: Sequence[str], probabilities: bool
    ) -> Iterator[tuple[list[Prediction], Any]]:
        for outputs, table in self._model.outputs_with(source, others, self._watch):
            yield self._predictions(outputs, probabilities), table

    def _predictions(self, outputs: Array, probabilities: bool) -> list[Prediction]:
        """The predictions that outputs (n, n_L) stand for."""
        parts = zip(self.goals, self._model.targets.by_column(outputs), strict=True)
        return [_of_target(goal, target, own, probabilities) for goal, (target, own) in parts]

    def answers(self, source: Source, choice: Choice) -> Iterator[dict[str, Any]]:
        targets, ids = self._model.targets, choice.columns_of(source)
        for outputs, said, table in self._model.certain_with(source, ids, choice.certainty, self._watch):
            predictions = self._predictions(outputs, choice.needs_probabilities)
            yield choice.written(table, self.goals, predictions, certainty_columns(targets, said))

    def deciding(self, rule: str) -> Answering:
        return _OfModel(self._model.with_threshold(rule))

    def scores(
        self,
        data: Path,
        target: str | None,
        weight: str | None = None,
        more: Sequence[str] = (),
        certainty: Certainty = PLAIN,
    ) -> dict[str, Any]:
        source, metric = self._with_target(data, target), list(more) or None
        scores = self._model.evaluate(
            source, self._watch, weight=weight, metric=metric, interval=certainty.interval, sets=certainty.sets
        )
        drift = self.drift()
        return scores if drift is None else {**scores, "drift": drift.document()}

    def drift(self) -> Drift | None:
        return None if self._watch is None else self._watch.drift()

    def watch(self) -> None:
        self._watch = self._model.watch()

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


class _OfRows(Answering):
    """An estimator or a network, which does not know the names of its targets, and sometimes of no column."""

    names: list[str] | None  # the columns that it takes, None for all of a table
    width: int  # how many they are

    @abc.abstractmethod
    def _predictions(self, table: Any, names: Sequence[str], probabilities: bool) -> list[Prediction]:
        """The predictions for the columns `names` of a table in memory."""

    @abc.abstractmethod
    def _score(self, table: Any, names: Sequence[str], targets: Any, weight: Array | None) -> dict[str, float]:
        """The scores for the columns `names` of a table in memory, against those of `targets`, by weights (n,)."""

    @abc.abstractmethod
    def _certificate(self, table: Any, names: Sequence[str], targets: Any, choice: dict[str, Any]) -> Certificate:
        """The gradient certificate for the columns `names` of a table in memory, with those of `targets`."""

    @abc.abstractmethod
    def _backprop(self, table: Any, names: Sequence[str], targets: Any) -> Ledger:
        """The ledger for the columns `names` of a table in memory, and those of `targets`."""

    def drift(self) -> Drift | None:
        return None

    def watch(self) -> None:
        return None

    def inputs(self, source: Source) -> list[str]:
        return self._inputs(source, ())

    def predictions_with(
        self, source: Source, others: Sequence[str], probabilities: bool
    ) -> Iterator[tuple[list[Prediction], Any]]:
        names = self._inputs(source, others)
        for table, rows in self._chunks(source, list(dict.fromkeys([*names, *others]))):
            with with_file_name(source), with_row_numbers(rows):
                predictions = self._predictions(table, names, probabilities)
            yield predictions, table.select(list(others))

    def scores(
        self,
        data: Path,
        target: str | None,
        weight: str | None = None,
        more: Sequence[str] = (),
        certainty: Certainty = PLAIN,
    ) -> dict[str, Any]:
        self._refuse(certainty)
        if more:
            raise SettingError(f"{self} has one score: leave out --metric, or give a model")
        source, names, targets, table, rows = self._with_targets(data, target, [] if weight is None else [weight])
        counts = {"rows": len(rows), "without_target": table.num_rows - len(rows)}
        with with_file_name(source):
            weights = None if weight is None else weights_of(table, weight, np.arange(table.num_rows))[rows]
            if weights is not None:
                rows, weights = rows[weights > 0], weights[weights > 0]
                counts = {**counts, "rows": len(rows), "weightless": counts["rows"] - len(rows)}
                if not len(rows):
                    raise DataError(
                        f"every row of {source.origin} with a target has weight 0: give some a weight above 0"
                    )
            with with_row_numbers(rows):
                part = table.take(rows)
                scores = self._score(part, names, part.select(targets), weights)
        return {**counts, "targets": {", ".join(targets): scores}, "mistakes": {}}

    def certificate(self, data: Path, target: str | None, rows: int, choice: dict[str, Any]) -> Certificate:
        source, names, targets, table, present = self._with_targets(data, target)
        with with_file_name(source), with_row_numbers(present[:rows]):
            part = table.take(present[:rows])
            return self._certificate(part, names, part.select(targets), choice)

    def _with_targets(
        self, data: Path, target: str | None, others: Sequence[str] = ()
    ) -> tuple[Source, list[str], list[str], Any, Array]:
        """A table, the names of its inputs and targets, these columns in memory, and the rows that have targets.

        - others: columns of the table that are neither, but in memory, too.
        """
        source, names, targets = self.columns_with_targets(data, target, others)
        table = source.table().select(list(dict.fromkeys([*names, *targets, *others])))
        rows = np.flatnonzero(~np.any([missing_cells(table.column(name)) for name in targets], axis=0))
        if not len(rows):
            raise DataError(f"no row of {source.origin} has a value of {target}: give such rows")
        return source, names, targets, table, rows

    def ledger(self, data: Path, row: int | None, target: str | None) -> Ledger:
        source, names, targets = self.columns_with_targets(data, target)
        columns = [*names, *targets]
        table = source.table().select(columns) if row is None else one_row(source, columns, row)
        rows = np.arange(table.num_rows) if row is None else np.array([row - 1])
        with with_file_name(source), with_row_numbers(rows):
            return self._backprop(table, names, table.select(targets))

    def columns_with_targets(
        self, data: Path, target: str | None, others: Sequence[str] = ()
    ) -> tuple[Source, list[str], list[str]]:
        """A table, its columns of inputs, and those of targets. Raises SettingError where no target is named."""
        if target is None:
            raise SettingError(f"{self} does not know which column is the target: add --target COLUMN, or a file of it")
        source, targets = _with_targets(as_source(data), target)
        require_columns(source.names, others, "weight", source.hint)
        return source, self._inputs(source, [*targets, *others]), targets

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


class OfEstimator(_OfRows):
    """An estimator takes the columns that it was fitted to by name, or as many as it has seen."""

    def __init__(self, estimator: Any, path: Path) -> None:
        if not hasattr(estimator, "network_"):
            raise SettingError(f"{str(path)!r}: it has a {type(estimator).__name__} that has not been fitted: fit it")
        self._estimator, self.width = estimator, estimator.n_features_in_
        known = estimator.__dict__.pop("feature_names_in_", None)  # the columns are chosen here, and come as an array
        self.names = None if known is None else [str(name) for name in known]
        self.kind, targets = type(estimator).__name__, estimator._targets
        self.columns = number_columns(self.names or _numbered("x", self.width))
        if estimator.preset is not None:
            self.names, self.columns = estimator._plan.encoder.columns, columns_of(estimator._plan.encoder)
        labels = ["y"] if targets.flat else targets.outputs.names
        self.goals = [goal_of(*pair) for pair in zip(targets.outputs.columns, labels, strict=True)]
        if isinstance(targets, ArrayLabels) and targets.kind == "multilabel":
            self.goals = [goal._replace(chances=("1",)) for goal in self.goals]

    def __str__(self) -> str:
        return f"the {type(self._estimator).__name__}"

    def _predictions(self, table: Any, names: Sequence[str], probabilities: bool) -> list[Prediction]:
        X = self.rows(table, names)
        values = self._estimator.predict(X).reshape(table.num_rows, -1).T
        chances = self._chances(X) if probabilities else [{} if goal.classes else None for goal in self.goals]
        parts = zip(self.goals, values, chances, strict=True)
        return [Prediction(goal.name, own, shares) for goal, own, shares in parts]

    def _chances(self, X: Any) -> Sequence[dict[str, Array] | None]:
        """The probabilities of the classes of each target, as in a `Prediction`."""
        if not hasattr(self._estimator, "predict_proba"):
            return [None] * len(self.goals)
        chances = self._estimator.predict_proba(X)
        if not isinstance(chances, list) and len(self.goals) > 1:  # labels, each of which is there or not
            return [{"1": part} for part in chances.T]
        parts = zip(self.goals, chances if isinstance(chances, list) else [chances], strict=True)
        return [dict(zip(goal.chances, part.T, strict=True)) for goal, part in parts]

    def examples(self, data: Path, target: str | None) -> tuple[Any, Array]:
        """X and y of the rows that have targets; `target` as for `scores`."""
        source, names, targets, table, rows = self._with_targets(data, target)
        with with_file_name(source), with_row_numbers(rows):
            part = table.take(rows)
            return self.rows(part, names), self._true(part.select(targets))

    def named(self, columns: Sequence[str]) -> Any:
        """The estimator, whose inputs have the names of these columns."""
        if self._estimator.preset is None:
            self._estimator.feature_names_in_ = np.array(columns, dtype=object)
        return self._estimator

    def _score(self, table: Any, names: Sequence[str], targets: Any, weight: Array | None) -> dict[str, float]:
        X, y = self.rows(table, names), self._true(targets)
        if not isinstance(self._estimator._targets, ArrayLabels):
            return {"r2": float(self._estimator.score(X, y, weight))}
        right = self._estimator.predict(X).reshape(len(y), -1) == y.reshape(len(y), -1)
        return {"accuracy": float(np.average(right.all(axis=1), weights=weight))}

    def _certificate(self, table: Any, names: Sequence[str], targets: Any, choice: dict[str, Any]) -> Certificate:
        return self._estimator.check_gradient(self.rows(table, names), self._true(targets), **choice)

    def _backprop(self, table: Any, names: Sequence[str], targets: Any) -> Ledger:
        ledger: Ledger = self._estimator.backprop(self.rows(table, names), self._true(targets))
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

    def rows(self, table: Any, names: Sequence[str]) -> Any:
        """The rows as the estimator takes them: a table under a preset or with names, else an array."""
        if self._estimator.preset is not None:
            return table.select(list(names))
        X = matrix_of(table, names)
        named = hasattr(self._estimator, "feature_names_in_")
        return pa.table(list(X.T), list(names)) if named else X


class _OfNetwork(_OfRows):
    """A network takes as many columns of numbers as it has inputs, in their order."""

    kind, names = "network", None

    def __init__(self, net: Network) -> None:
        self._net, self.width = net, net.sizes[0]
        self.columns = number_columns(_numbered("x", self.width))
        self.goals = [Goal(name, (), ()) for name in _numbered("output ", net.sizes[-1])]

    def __str__(self) -> str:
        return "the network"

    def _predictions(self, table: Any, names: Sequence[str], probabilities: bool) -> list[Prediction]:
        A = self._net.predict(matrix_of(table, names))
        return [Prediction(goal.name, A[:, j], None) for j, goal in enumerate(self.goals)]

    def _score(self, table: Any, names: Sequence[str], targets: Any, weight: Array | None) -> dict[str, float]:
        return {"cost": self._net.cost(matrix_of(table, names), self._true(targets), weight)}

    def _certificate(self, table: Any, names: Sequence[str], targets: Any, choice: dict[str, Any]) -> Certificate:
        return self._net.check_gradient(matrix_of(table, names), self._true(targets), **choice)

    def _backprop(self, table: Any, names: Sequence[str], targets: Any) -> Ledger:
        ledger = self._net.backprop(matrix_of(table, names), self._true(targets))
        return dataclasses.replace(ledger, names=Names(list(names), [goal.name for goal in self.goals]))

    def _true(self, targets: Any) -> Array:
        """T as the network takes it: one column of whole numbers stands for classes where there are several outputs."""
        T = matrix_of(targets, targets.column_names)
        whole = T.shape[1] == 1 < self._net.sizes[-1] and (T.round() == T).all()
        return T[:, 0].astype(np.int64) if whole else T


def _of_target(goal: Goal, target: Target, outputs: Array, probabilities: bool) -> Prediction:
    """The prediction that a model's own outputs (n, width) of a target stand for."""
    if not goal.chances:
        return Prediction(goal.name, target.decode(outputs), None)
    chances = dict(zip(goal.chances, target.probabilities(outputs).T, strict=True)) if probabilities else {}
    return Prediction(goal.name, target.decode(outputs), chances)


def _numbered(name: str, count: int) -> list[str]:
    return [f"{name}{k}" for k in range(1, count + 1)]


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
