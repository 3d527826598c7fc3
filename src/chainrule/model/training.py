"""Training a model on a table: what was found in it, the events, then the model."""

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.architecture import Architecture
from chainrule.errors import SettingError
from chainrule.examples import as_examples, folds
from chainrule.fields import is_auto
from chainrule.model.class_weight import Examples
from chainrule.model.ensemble import Ensemble
from chainrule.model.findings import findings_of
from chainrule.model.leaks import suspects
from chainrule.model.model import Model
from chainrule.model.notes import notes_on
from chainrule.model.preparation import prepare
from chainrule.model.scores import watched
from chainrule.model.settings import TableSettings
from chainrule.model.warm_start import linear_start, suits_linear_start
from chainrule.network import Network
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.schedules import Constant
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import as_source
from chainrule.tables.targets import Targets
from chainrule.training import (
    Checkpoint,
    EpochEnd,
    Event,
    Finished,
    History,
    Training,
    TrainingState,
    as_checkpoint,
    start,
)
from chainrule.training.diagnosis import Finding
from chainrule.training.display import showing

__all__ = ["TableTraining", "train_table"]


class TableTraining:
    """The training of a model on a table, ready to run: what was found in the table, the events, then the model.

    `rows` are X, T and the weights (or None) to train on, `held` the same of the rows held out, or None, and `test` X
    and T (float64) of those for the test. `notes` are the lines that a person should read before training starts. After
    `events` is exhausted, `model` is the trained one; while it runs, it is the model as it stands.
    """

    def __init__(self, source: Any, target: str | Sequence[str], settings: TableSettings) -> None:
        require(isinstance(target, str | list | tuple), "target", target, "the name of a column, or a list of names")
        names = [target] if isinstance(target, str) else list(target)
        seed = as_seed(settings.seed)
        origin = as_source(source)
        found = prepare(origin, names, settings, seed)
        self.settings, self._asked_epochs = dataclasses.replace(found.settings, seed=seed), not is_auto(settings.epochs)
        self._asked_rate = settings.learning_rate is not None or not is_auto(settings.optimizer)
        self.rows, self.held, self.test, self.choices = found.rows, found.held, found.test, found.choices
        self.members = self._members(found.encoder, found.targets)
        self._settle_start(settings.start)
        self.watched = watched(found.targets, self.choices, settings.metric, settings.mode)
        if settings.metric is not None and self.held is None and self.members.count == 1:
            raise SettingError("the metric is taken on rows held out, and there are none: give a greater validation")
        self.suspects = suspects(found.encoder, found.targets, *found.rows[:2])
        self.notes = [*origin.notes, *notes_on(found, settings.weight, self.suspects)]
        self.network = self.members.network(self.settings.first_weights, seed, self.settings.dtype)
        self.model = Model(found.encoder, found.targets, self.members.merged(self.network), {})
        self.running: Training | None = None

    def _members(self, encoder: Encoder, targets: Targets) -> Ensemble:
        s = self.settings
        found = [self.choices[block.kind] for block in targets.blocks]
        output = [(choice.output, block.width) for choice, block in zip(found, targets.blocks, strict=True)]
        sizes = [encoder.width, *s.hidden, targets.width]
        one = Architecture.of(sizes, s.activation, output, [choice.cost for choice in found])
        if s.members == 1:
            return Ensemble(one)
        if s.members > len(self.rows[0]):
            raise SettingError(
                f"members is {s.members}, but there are {len(self.rows[0])} rows to train on: take fewer"
            )
        first = targets.blocks[0]
        classes = np.argmax(self.rows[1][:, : first.width], axis=1) if first.kind == "classes" else None
        return Ensemble(one, s.members, folds(as_seed(s.seed), s.members, len(self.rows[0]), classes))

    def events(
        self, cancel: Callable[[], bool] | None = None, checkpoint: Checkpoint | str | os.PathLike[str] | None = None
    ) -> Iterator[Event]:
        """The events of the training (see `cr.train`), which `running` is while they come."""
        s = self.settings
        (X, T, weight), held = self.members.examples(self.rows) if self.members.count > 1 else (self.rows, self.held)
        spent = 0.0
        if s.start == "linear" and not _exists(checkpoint):
            spent = self._start_linear((X, T, weight), held, cancel)
        running = dataclasses.replace(
            s.training,
            min_delta=s.min_delta * self.members.count,
            time=None if s.time is None else max(s.time - spent, s.time / 10),
        )
        kind, sparse = self.network.dtype, False
        self.running = start(
            self.network,
            as_examples(self.network.architecture, X, T, weight, kind, sparse),
            running,
            validation=held and as_examples(self.network.architecture, *held, kind, sparse).present(),
            monitor=dataclasses.replace(self.watched, metrics=self._metrics() if held else {}),
            feature_names=self.model.encoder.feature_names,
            cancel=cancel,
            search_leaks=False,  # the suspects are those columns
            checkpoint=None if checkpoint is None else self._described(as_checkpoint(checkpoint)),
        )
        self.running.history.seconds += spent
        self.notes += self.running.notes
        for event in map(self.members.event, self.running):
            if isinstance(event, EpochEnd | Finished) and self.members.count > 1:
                self.model.network.theta = self.members.merged(self.network).theta
            if isinstance(event, Finished):
                self.model.history = event.history
                self.model.summary = {**self._summary(event.history), **self._tested(event.history), **self._found()}
            yield event

    def scores(self) -> dict[str, float]:
        """The metrics on some of the rows trained on, by the weights as they are now."""
        if self.running is None or self.members.count == 1:
            return {} if self.running is None else self.running.scores()
        rows = self.running.probed
        A = self.members.merged(self.network).predict(self.rows[0][rows])
        return {name: float(score(A, self.rows[1][rows])) for name, score in self.watched.metrics.items()}

    def _metrics(self) -> Mapping[str, Any]:
        """The scores of the network that is trained, on the rows that it is validated with."""
        if self.members.count == 1:
            return self.watched.metrics
        return {name: self.members.unseen(score) for name, score in self.watched.metrics.items()}

    def _settle_start(self, asked: str) -> None:
        """A random start where the hidden layers cannot carry a linear model. Raises SettingError if one was asked."""
        s, one = self.settings, self.members.one
        if s.start != "linear" or suits_linear_start(s.hidden, one.hidden, one.sizes[-1]):
            return
        if asked == "linear":
            raise SettingError(
                "start is 'linear', which these hidden layers cannot carry: take relu, gelu or silu and 4 neurons or "
                "more for each output, or start='random'"
            )
        self.settings = dataclasses.replace(s, start="random")

    def _start_linear(self, rows: Examples, held: Examples | None, cancel: Callable[[], bool] | None) -> float:
        """Begin from the best linear model that is found in half of the time; the seconds that it took."""
        began, s = time.monotonic(), self.settings

        def enough() -> bool:
            late = s.time is not None and time.monotonic() - began > s.time / 2
            return late or (cancel is not None and cancel())

        linear_start(self.members, self.network, rows, held, enough, s.engine)
        return time.monotonic() - began

    def findings(self) -> list[Finding]:
        """What the training doctor has to say (see `History.diagnose`) of a training that ran to its end.

        Not that it went on after the best epoch, where nobody asked for so many: the best weights are kept, and only
        that shows which they are. Nor that the cost fell slowly, at the preset's rate, from the linear model that has
        most of the gain.
        """
        history, names = self.model.history, self.model.encoder.feature_names
        found = [] if history is None else findings_of(history, names, self.suspects)
        slow_is_fine = self.settings.start == "linear" and not self._asked_rate
        silent = ("overfitting",) * (not self._asked_epochs) + ("rate too low",) * slow_is_fine
        return [finding for finding in found if finding.name not in silent]

    def best(self, state: TrainingState) -> Model:
        """The model that would be left if training had stopped at a state of it, apart from the one that it trains."""
        history = state.history
        held = self.held is not None or self.members.count > 1
        theta = state.kept if held and history.best_epoch >= 0 else state.run.theta
        network = self.members.merged(Network.from_parts(self.network.architecture, theta, self.settings.seed))
        stopped = dataclasses.replace(self.members.history(history), stopped="cancelled")
        return Model(self.model.encoder, self.model.targets, network, self._summary(stopped), stopped)

    def _described(self, checkpoint: Checkpoint) -> Checkpoint:
        """With the settings that a training on arrays does not know: a difference is then told in their words."""
        s, names = self.settings, [column.name for column in self.model.targets.columns]
        also: dict[str, Any] = {"target": names, "task": s.task, "drop": list(s.drop), "keep": list(s.keep)}
        also |= {"weight": s.weight, "members": s.members, "start": s.start}
        also |= {"class_weight": _plain(s.class_weight), "test_every": s.test_every, "validation": _shown(s.validation)}
        return dataclasses.replace(checkpoint, also={**also, **checkpoint.also})

    def _summary(self, history: History) -> dict[str, Any]:
        s, best = self.settings, history.best_epoch
        found = {"cost": history.cost, "validation_cost": history.validation, **history.metrics}
        alone = self.members.count == 1
        return {
            "rows": len(self.rows[0]),
            "validation_rows": len(self.rows[0]) if not alone else len(self.held[0]) if self.held else 0,
            **({} if alone else {"members": self.members.count}),
            "start": s.start,
            "epochs": history.epochs,
            "best_epoch": best + 1,
            "at_best_epoch": _finite({name: values[best] for name, values in found.items() if values and best >= 0}),
            "stopped": history.stopped,
            "optimizer": s.rule.document(),
            **self._asked(),
            "batch_size": s.training.rows_of_update(len(self.rows[0])),
            "alpha": float(s.alpha),
            "l1": float(s.l1),
            "dropout": float(s.dropout),
            "seed": s.seed,
            "engine": history.engine,
            "chainrule": __version__,
        }

    def _found(self) -> dict[str, Any]:
        """The findings in words, by name."""
        found = {finding.name: finding.words for finding in self.findings()}
        return {"findings": found} if found else {}

    def _tested(self, history: History) -> dict[str, Any]:
        """The scores on the rows held out for the test, by the weights that are left."""
        if self.test is None or history.best_epoch < 0:
            return {}
        return {"test": {"rows": len(self.test[0]), **_finite(self.model.tested(*self.test))}}

    def _asked(self) -> dict[str, Any]:
        """What was asked for beyond the usual, as plain data."""
        s, bounds = self.settings, {}
        if s.clip is not None:
            bounds = {name: bound for name, bound in dataclasses.asdict(s.clip).items() if math.isfinite(bound)}
        schedule = {} if isinstance(s.schedule, Constant) else s.schedule.document()
        metric = self.watched.name if s.metric is not None else ""
        found = {"schedule": schedule, "clip": bounds, "metric": metric, "patience": s.patience, "time": s.time}
        found |= {"weight": s.weight, "class_weight": _plain(s.class_weight), "test_every": s.test_every}
        return {name: value for name, value in found.items() if value}


def train_table(
    source: Any,
    target: str | Sequence[str],
    *,
    progress: bool = False,
    on_event: Callable[[Event], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Model:
    """Train a model that predicts the target column, or columns, of a table from all its other columns.

    source: a file or a folder (see docs/data.md), a data frame, or a mapping of names to columns. Numbers are
    scaled, words and dates become inputs of their own, missing values are flagged, what says nothing is left out (the
    same page has the table); words or few whole numbers as target make a classifier, other numbers a regression.
    settings: the fields of `TableSettings`. progress: show it while it runs.
    on_event: called with each event.
    checkpoint: a file, or a `cr.Checkpoint`, to go on from when the process has died.

    >>> x = np.arange(40.0)
    >>> model = cr.train_table({"x": x, "price": 3 * x + 10}, target="price", epochs=100, learning_rate=0.01)
    >>> bool(abs(model.predict({"x": [20.0]})[0] - 70) < 5)
    True

    Raises DataError or SettingError in one line.
    """
    training = TableTraining(source, target, TableSettings.of(**settings))
    s = training.settings
    may_end = s.patience is not None or s.rule.full_batch
    events = training.events(cancel, checkpoint)
    for event in showing(events, silent=not progress, time=s.time, may_end=may_end, scores=training.scores):
        if on_event is not None:
            on_event(event)
    return training.model


def _exists(checkpoint: Checkpoint | str | os.PathLike[str] | None) -> bool:
    """Whether there is a state to go on from, which has weights of its own."""
    return checkpoint is not None and Path(as_checkpoint(checkpoint).path).exists()


def _finite(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The scores that a file can hold: JSON has no infinity."""
    inner = {name: _finite(value) if isinstance(value, Mapping) else value for name, value in scores.items()}
    return {name: value for name, value in inner.items() if isinstance(value, dict) or math.isfinite(value)}


def _plain(class_weight: Any) -> Any:
    """The weights of classes as a file can hold them."""
    if not isinstance(class_weight, Mapping):
        return class_weight
    return {str(k): _plain(v) if isinstance(v, Mapping) else float(v) for k, v in class_weight.items()}


def _shown(validation: Any) -> Any:
    """A share, the path of a file, or that it was a table."""
    if isinstance(validation, int | float):
        return validation
    return os.fspath(validation) if isinstance(validation, str | os.PathLike) else "a table"
