"""An estimator as a report sees a model: X and y as a table, the columns as its inputs, the columns of y as targets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.arrays import Array
from chainrule.errors import RowError, SettingError
from chainrule.estimators.preset_parameters import changed_parameters
from chainrule.model.answers import Answers
from chainrule.model.findings import findings_of
from chainrule.model.report import Subject
from chainrule.model.summary import curves_of, finite
from chainrule.registry import require
from chainrule.tables.arrow import pa
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.operations import Cells, Number
from chainrule.tables.inputs.transforms import Numbers
from chainrule.tables.missing import MISSING
from chainrule.tables.names import listed
from chainrule.tables.targets import Classes, Labels, Outputs, Targets
from chainrule.text import counted, shown

__all__ = ["both_classes", "subject_of", "table_of"]


def _names_of_targets(answers: Answers, names: Any) -> list[str]:
    """What the columns of y are called. Raises SettingError for names that do not fit."""
    if names is None:
        taken = set(answers.slices)
        return [f"target {name}" if name in taken else name for name in answers.targets.names]
    chosen = [names] if isinstance(names, str) else list(names)
    require(all(isinstance(name, str) for name in chosen), "target_names", names, "a text for each column of y")
    count = len(answers.targets.columns)
    if len(chosen) != count or len({*chosen, *answers.slices}) != count + len(answers.slices):
        what = f"{counted(count, 'name')}, other than those of the inputs and each once"
        raise SettingError(f"target_names is {listed(chosen)}, but must be {what}")
    return chosen


def subject_of(estimator: Any, target_names: str | Sequence[str] | None) -> Subject:
    """What a report is about.

    - target_names: what the columns of y are called; None for `y`, or `y0`, `y1`, ...

    Raises NotFittedError before the first fit, SettingError for names that do not fit and for a single class.
    """
    check_is_fitted(estimator, "network_")
    plan, answers = estimator._plan, estimator._answers
    names, outputs = _names_of_targets(answers, target_names), answers.targets
    encoder = Encoder(tuple(map(_AsItIs, answers.slices))) if plan is None else plan.encoder
    targets = Targets(tuple(_target(*pair) for pair in zip(outputs.columns, names, strict=True)))

    def predicted(X: Array) -> Array:
        return both_classes(outputs, answers.predicted(X))

    return Subject(encoder, targets, estimator.network_, predicted, _summary(estimator), estimator)


def table_of(subject: Subject, estimator: Any, inputs: Array, table: Any, y: Array) -> pa.Table:
    """Rows as a table of inputs and targets.

    - inputs: the rows (n, n_1) as the network takes them.
    - table: the same as a table, under a preset.
    - y: the true values, as for `fit`.
    """
    columns = table if table is not None else pa.table(list(inputs.T.copy()), subject.encoder.columns)
    parts = zip(estimator._targets.outputs.columns, subject.targets.columns, y.reshape(len(y), -1).T, strict=True)
    for own, target, values in parts:
        cells = _texts(own)[own.codes_of(values)] if isinstance(own, Labels) else values.astype(np.float64)
        columns = columns.append_column(target.name, pa.array(cells))
    return columns


def both_classes(outputs: Outputs, A: Array) -> Array:
    """The outputs A (n, n_L), with two columns 1 - a and a for each that answers yes or no."""
    parts = (
        np.hstack([1 - part, part]) if isinstance(column, Labels) and column.yes_or_no else part
        for column, part in outputs.by_column(A)
    )
    return np.concatenate(list(parts), axis=1)


class _Present(Number):
    """A number, which no row lacks."""

    def read(self, column: Any, name: str) -> Cells:
        """Raises RowError for a cell that is missing or a word."""
        cells = super().read(column, name)
        if cells.missing.any():
            raise RowError(int(cells.missing.argmax()), "row {row} of column {name!r} is missing: fill it", name=name)
        return cells


class _AsItIs(Numbers):
    """A column of numbers that the network takes as they are."""

    def __init__(self, name: str) -> None:
        super().__init__(name, False, 0.0, 1.0)

    @property
    def reading(self) -> Number:
        return _Present(self.form)

    @property
    def detail(self) -> str:
        return "as they are"


def _target(column: Any, name: str) -> Any:
    """The target of a table for a column of y."""
    if isinstance(column, Labels):
        if len(column.texts) < 2:
            raise SettingError(f"{name} has the class {shown(column.texts[0])} alone, so there is nothing to report")
        return Classes(name, "text", tuple(_texts(column).tolist()))
    return type(column)(**{**vars(column), "name": name})


def _texts(labels: Labels) -> Array:
    """The classes as words of a table, in quotes where a table would take them for a missing cell."""
    return np.array([repr(text) if text in MISSING else text for text in labels.texts], object)


def _summary(estimator: Any) -> dict[str, Any]:
    """Facts about the training, and the parameters that differ from their default."""
    values = {name: getattr(estimator, name) for name in changed_parameters(estimator)}
    values |= {} if estimator._plan is None else estimator.settings_
    parameters = {name: _plain(value) for name, value in values.items() if _is_plain(value)}
    history = getattr(estimator, "history_", None)
    if history is None:
        return parameters
    count = estimator._ensemble.count
    curves = {"cost": history.cost, "validation_cost": history.validation, **history.metrics}
    best = history.best_epoch
    at_best = {name: own[best] for name, own in curves.items() if len(own) > best >= 0}
    findings = findings_of(history, list(map(str, estimator.input_names_)), [])
    return {
        **parameters,
        **({} if count == 1 else {"members": count}),
        "epochs": history.epochs,
        "best_epoch": best + 1,
        "at_best_epoch": finite(at_best),
        "stopped": history.stopped,
        "curves": curves_of(history),
        "engine": history.engine,
        "random_state": estimator.seed_,
        **({"findings": {finding.name: finding.words for finding in findings}} if findings else {}),
    }


def _is_plain(value: Any) -> bool:
    """Whether a parameter can be shown: numbers and words, lists of them, and what is an entry with a document."""
    if isinstance(value, Mapping | list | tuple):
        return all(map(_is_plain, value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, str | int | float) or hasattr(value, "document")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.document() if hasattr(value, "document") else value
