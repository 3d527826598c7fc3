"""Trains a model on a table, by the steps of the pipeline that `chainrule.model` lists."""

import dataclasses
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import SettingError, warn_of
from chainrule.examples import Examples
from chainrule.fields import signature_with
from chainrule.model.continuation import model_to_go_on_from, settings_to_go_on
from chainrule.model.ensemble import Ensemble
from chainrule.model.findings import TIMED, findings_of, silent_findings
from chainrule.model.heads import as_predictions, member_of
from chainrule.model.keeping import Keeping
from chainrule.model.leaks import suspects
from chainrule.model.model import Model
from chainrule.model.notes import notes_on, warnings_on
from chainrule.model.preparation import Prepared, prepare
from chainrule.model.row_scores import RowScores, true_values
from chainrule.model.scores import monitored
from chainrule.model.settings import TableSettings
from chainrule.model.sparse_rows import are_sparse, without_zeros
from chainrule.model.summary import finite, identity_of, summary_of
from chainrule.model.trials import Watch
from chainrule.model.warm_start import linear_start, start_for
from chainrule.network import Network
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.settings import TrainingSettings
from chainrule.tables.inputs.drift import Seen
from chainrule.tables.row_roles import TRAIN
from chainrule.tables.sources import as_source
from chainrule.text import counted
from chainrule.training import (
    CALLBACK,
    CANCEL,
    Checkpoint,
    EpochEnd,
    Event,
    Finished,
    History,
    Monitor,
    RangeTest,
    Started,
    Training,
    TrainingState,
    as_checkpoint,
    range_test,
    start,
)
from chainrule.training.diagnosis import Finding
from chainrule.training.display import showing
from chainrule.training.exposure import ENCODED

__all__ = ["TableTraining", "train_table"]


class TableTraining:
    """The training of a model on a table, which is prepared and ready to run.

    - rows, held_out: X, T and weights (or None) of the rows to train on, and of those for validation (None if there
      are none).
    - test: X and T (float64) of the rows for the test, or None.
    - settings: the settings that run, without "auto".
    - notes: the lines that a person should read before training starts.
    - warnings: those that Python code is warned of, and that the model's summary keeps.
    - ensemble, network: the members, and the network of all of them, which is trained.
    - suspects: the columns that may give a target away.
    - model: the model, trained when `events` is exhausted; before, with the current weights.
    - running: the `Training` of the network while it runs, or None.
    - link: the other hosts that train the same model, if there are any.

    self_influence, start_from: as for `train_table`; watch: who waits for short trainings before the first event.
    """

    def __init__(
        self,
        source: Any,
        target: str | Sequence[str],
        settings: TableSettings,
        self_influence: bool = False,
        start_from: Any = None,
        watch: Watch | None = None,
    ) -> None:
        names = [target] if isinstance(target, str) else target
        texts = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
        require(texts, "target", target, "the name of a column, or a list of names")
        seed, origin = as_seed(settings.seed), as_source(source)
        before = model_to_go_on_from(start_from, names)
        settings = settings if before is None else settings_to_go_on(settings, before)
        prepared = prepare(origin, list(names), settings, seed, before, watch)
        self.rows, self.held_out, self.test = prepared.rows, prepared.held_out, prepared.test
        self.ensemble = _ensemble(prepared, seed) if before is None else Ensemble(before.network.architecture)
        whole = before is None and not prepared.settings.is_sharded
        self._sparse = whole and are_sparse(self.rows.X)
        start = start_for(prepared.settings.start, settings.start, self.ensemble.one)
        self.settings = dataclasses.replace(prepared.settings, seed=seed, start=start)
        self.monitor = self._monitor(prepared)
        self.link, here = prepared.here.link, prepared.here
        seen_rows = (here.first_shard(self.rows.X), self.rows.T[here.first]) if self.link.first else None
        self.suspects = [] if seen_rows is None else suspects(prepared.encoder, prepared.targets, *seen_rows)
        self._goes_on = before is not None
        self.notes = [*origin.notes, *notes_on(prepared, settings.weight, self.suspects, self._goes_on)]
        self.warnings = warnings_on(prepared, self.suspects)
        self.network = self._first_network(seed) if before is None else _same_network(before.network, seed)
        seen = Seen.of(prepared.encoder.transforms, prepared.profiles) if before is None else before.seen
        self.model = Model(prepared.encoder, prepared.targets, self.ensemble.merged(self.network), {}, seen=seen)
        self.running: Training | None = None
        self._silent = silent_findings(settings, self.settings)
        if self_influence and not self.link.alone:
            raise SettingError("self_influence needs all rows, which no host has: leave it out")
        self._sums_squares, self._summed = self_influence and self.ensemble.count == 1, 0
        self._squares = np.zeros(len(self.rows.X) if self._sums_squares else 0)
        self._keeping = Keeping.of(prepared, self.ensemble, self.settings)
        if self._sums_squares:
            self._row_numbers = prepared.roles.rows(TRAIN)
            self._true = true_values(prepared.targets, prepared.roles.cells, self._row_numbers, self.rows.T)

    def events(
        self, cancel: Callable[[], bool] | None = None, checkpoint: Checkpoint | str | os.PathLike[str] | None = None
    ) -> Iterator[Event]:
        """Train: an iterator of events (see `cr.train`).

        - cancel: a function without arguments, called between updates; training stops when it returns True.
        - checkpoint: a file, or a `Checkpoint`, to resume from after a crash.

        Raises SettingError or ModelFileError where the checkpoint is of another training or damaged.
        """
        examples, validation = self._examples()
        resumes = checkpoint is not None and self.link.share(lambda: Path(as_checkpoint(checkpoint).path).exists())
        linear = self.settings.start == "linear" and not resumes  # a checkpoint has the weights to start with
        spent = self._warm_start(examples, validation, cancel) if linear else 0.0
        self.running = start(
            self.network,
            examples,
            self._settings_of_network(spent),
            validation=validation,
            monitor=self._monitor_of_network(validation is not None),
            feature_names=self._feature_names,
            cancel=cancel,
            search_leaks=False,  # `suspects` has searched the columns
            checkpoint=None if checkpoint is None else self._described(as_checkpoint(checkpoint)),
        )
        self.running.history.seconds += spent
        self.notes += self.running.notes
        self.warnings += self.running.warnings
        for event in map(self.ensemble.event, self.running):
            if isinstance(event, EpochEnd) and self._sums_squares:
                self._add_squares(examples)
            self._merge(event)
            yield event

    def _examples(self) -> tuple[Examples, Examples | None]:
        """The rows to train on and to validate with, without their zeros where that pays."""
        rows, held_out = self.rows, self.held_out
        if not self._sparse or self._sums_squares:
            return self.ensemble.checked(self.network, rows, held_out)
        held_out = None if held_out is None else without_zeros(held_out)
        return self.ensemble.checked(self.network, without_zeros(rows), held_out)

    def find_learning_rate(self, lowest: float = 1e-6, highest: float = 10.0, updates: int = 200) -> RangeTest:
        """The learning-rate range test from the weights at which training begins; see `cr.find_learning_rate`.

        The settings of the schedule and of the end do not count. The network keeps its weights.

        Raises SettingError as `cr.find_learning_rate` does.
        """
        examples, validation = self.ensemble.checked(self.network, self.rows, self.held_out)
        net, s, count = self.network.copy(), self.settings, self.ensemble.count
        if s.start == "linear":
            linear_start(self.ensemble, net, examples, validation, engine=s.engine)
        test = range_test(net, examples, s.training, lowest, highest, updates)
        return RangeTest(test.rates, [cost / count for cost in test.costs])

    def _merge(self, event: Event) -> None:
        """Update the model after an event: its network after each epoch, its scores and summary at the end."""
        if isinstance(event, EpochEnd | Finished) and self.ensemble.count > 1:
            self.ensemble.update(self.model.network, self.network)
        if isinstance(event, Finished):
            self.model.history = event.history
        if isinstance(event, Finished) and self.link.first:
            if event.history.noise:
                event.history.exposed = ENCODED
            sure = self._keeping.keep(self.model, self.network) if event.history.best_epoch >= 0 else {}
            findings = {finding.name: finding.words for finding in self.findings() if finding.name not in TIMED}
            self.model.summary = {
                **self._summary(event.history),
                **sure,
                **self._tested(event.history.best_epoch),
                **({"findings": findings} if findings else {}),
                **({"warnings": self.warnings} if self.warnings else {}),
            }
            self.model.row_scores = self._keeping.row_scores or self._influence()

    def _add_squares(self, examples: Examples) -> None:
        """Add ||dC_x/dtheta||² of each row, at the weights after an epoch."""
        assert self.running is not None, "an epoch of it has ended"
        net, engine = self.network, self.running.engine
        weight = self.model.targets.term_weights(self.rows.T)
        self._squares += engine.gradient_norms(net.architecture, net.theta, examples.X, examples.T, weight) ** 2
        self._summed += 1

    def _influence(self) -> RowScores | None:
        """The scores of the rows to train on by their gradients, if these were summed up."""
        if not self._summed:
            return None
        activations = [block.activation for block in self.ensemble.one.blocks]
        A = as_predictions(self.model.targets, activations, self.network.predict(self.rows.X))
        method = f"self-influence over {counted(self._summed, 'epoch')}"
        return RowScores(method, self._row_numbers, self._squares, A, self._true)

    def scores(self) -> Mapping[str, float]:
        """The metrics on some of the rows to train on, with the current weights; none before `events` starts."""
        if self.running is None or self.ensemble.count == 1:
            return {} if self.running is None else self.running.scores()
        rows = self.running.probed
        A = self.ensemble.merged(self.network).predict(self.rows.X[rows])
        return {name: float(score(A, self.rows.T[rows])) for name, score in self.monitor.metrics.items()}

    def findings(self) -> list[Finding]:
        """The findings of the training doctor (see `History.diagnose`); none before the training has ended."""
        history, names = self.model.history, self._feature_names
        findings = [] if history is None else findings_of(history, names, self.suspects)
        return [finding for finding in findings if finding.name not in self._silent]

    @property
    def _feature_names(self) -> list[str]:
        """The names of the inputs of the network that is trained."""
        names = self.model.encoder.feature_names
        return names if self.ensemble.places is None else [names[place] for place in self.ensemble.places]

    def best(self, state: TrainingState) -> Model:
        """A copy of the model as it would be if training stopped at this state."""
        history = state.history
        chooses = self.held_out is not None or self.ensemble.count > 1
        theta = state.kept if chooses and history.best_epoch >= 0 else state.run.theta
        whole = Network.from_parts(self.network.architecture, theta, self.settings.seed)
        stopped = dataclasses.replace(self.ensemble.history(history), stopped="cancelled")
        parts = self.model.encoder, self.model.targets, self.ensemble.merged(whole)
        model = Model(*parts, self._summary(stopped), stopped, self.model.seen)
        model.summary |= self._keeping.keep(model, whole) if history.best_epoch >= 0 else {}
        return model

    def _first_network(self, seed: int) -> Network:
        """The network of all members, with random weights."""
        return self.ensemble.network(self.settings.first_weights, seed, self.settings.dtype)

    def _monitor(self, prepared: Prepared) -> Monitor:
        """The scores of a model. Raises SettingError where a metric is set and no rows are held out."""
        s = self.settings
        monitor = monitored(prepared.targets, prepared.heads, s.metric, s.mode)
        if s.metric is not None and self.held_out is None and self.ensemble.count == 1:
            raise SettingError("the metric needs rows that are held out, and there are none: set a greater validation")
        return monitor

    def _monitor_of_network(self, validated: bool) -> Monitor:
        """The scores of the network of all members, on the rows for validation."""
        metrics = self.monitor.metrics
        if self.ensemble.count > 1:
            metrics = {name: self.ensemble.unseen(score) for name, score in metrics.items()}
        return dataclasses.replace(self.monitor, metrics=metrics if validated else {})

    def _settings_of_network(self, spent: float) -> TrainingSettings:
        """The settings of the network of all members, whose costs are sums, after `spent` seconds."""
        s = self.settings
        left = None if s.time is None else max(s.time - spent, s.time / 10)
        sums = self.ensemble.count if self.monitor.of_cost else 1
        return dataclasses.replace(s.training, min_delta=s.min_delta * sums, time=left)

    def _warm_start(self, examples: Examples, validation: Examples | None, cancel: Callable[[], bool] | None) -> float:
        """Set the first weights to the best linear model, in half of the time at most; returns the seconds spent."""
        began, s = time.monotonic(), self.settings

        def is_late() -> bool:
            late = s.time is not None and time.monotonic() - began > s.time / 2
            return late or (cancel is not None and cancel())

        linear_start(self.ensemble, self.network, examples, validation, is_late, s.engine)
        return time.monotonic() - began

    def _summary(self, history: History) -> dict[str, Any]:
        """The summary of the training, apart from the test and the findings."""
        held_out = 0 if self.held_out is None else len(self.held_out.X)
        metric = "" if self.settings.metric is None else self.monitor.name
        summary = summary_of(self.settings, history, self.ensemble.count, len(self.rows.X), held_out, metric)
        further = {"members_of_trials": len(self.ensemble.further)} if self.ensemble.further else {}
        return {**summary, **further, **({"start": "model"} if self._goes_on else {})}

    def _described(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with the settings that a training on arrays does not have."""
        also = identity_of(self.settings, self.model.targets.names)
        return dataclasses.replace(checkpoint, also={**also, **checkpoint.also})

    def _tested(self, best_epoch: int) -> dict[str, Any]:
        """The scores on the rows for the test, with the final weights."""
        if self.test is None or best_epoch < 0:
            return {}
        return {"test": {"rows": len(self.test[0]), **finite(self.model.tested(*self.test, self.settings.metrics))}}


@signature_with(TableSettings)
def train_table(
    source: Any,
    target: str | Sequence[str],
    *,
    progress: bool = False,
    callback: Callable[[Event], Any] | None = None,
    cancel: Callable[[], bool] | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    self_influence: bool = False,
    start_from: Model | str | os.PathLike[str] | None = None,
    **settings: Any,
) -> Model:
    """Train a model that predicts the target column, or columns, of a table from its other columns.

    Numbers are scaled, words and dates become inputs of their own, missing values are flagged, columns without
    information are left out (docs/data.md has the rules). Words or few whole numbers as target make a classifier, other
    numbers a regression. "auto" stands for the value that suits the table.

    - source: a file or a folder (see docs/data.md), a data frame, or a mapping from names to columns.
    - target: the name of a column, or a list of names.
    - progress: whether to show the training while it runs.
    - callback: a function that is called with each event; training stops when it returns True.
    - cancel: a function without arguments, called between updates; training stops when it returns True.
    - checkpoint: a file, or a `cr.Checkpoint`, to resume from after a crash.
    - self_influence: whether to compute the gradient of each row after each epoch, so that `Model.suspicious` can score
      the rows of a training with one member. An epoch then takes up to twice the time; no bit of the model depends on
      it.
    - start_from: a model, or its file, to go on from: with its columns, targets and network, from its weights, on these
      rows. The optimizer begins anew, so it is not one longer training: that is what a checkpoint is for.
    {settings}

    >>> x = np.arange(40.0)
    >>> model = cr.train_table({"x": x, "price": 3 * x + 10}, target="price", epochs=100, learning_rate=0.01)
    >>> bool(abs(model.predict({"x": [20.0]})[0] - 70) < 5)
    True

    Raises DataError where the table cannot be read or does not fit the settings, SettingError where a setting is not
    allowed or contradicts the model to go on from, EngineError where no engine can compute this, ModelFileError where
    the checkpoint or the model's file is damaged. Warns by a
    ChainruleWarning of rows and columns that are left out, of columns that may give a target away, and where a slower
    engine computes because a faster one lacks something; `summary["warnings"]` of the model keeps these lines.
    """
    CALLBACK.clean("callback", callback)
    CANCEL.clean("cancel", cancel)
    require(isinstance(self_influence, bool), "self_influence", self_influence, "True or False")
    watch = Watch(cancel=cancel or (lambda: False))
    training = TableTraining(source, target, TableSettings.of(**settings), self_influence, start_from, watch)
    s = training.settings
    may_end = s.patience is not None or s.tolerance is not None or s.rule.full_batch
    ended: list[Event] = []  # the event at which the callback returned True
    events = training.events(lambda: bool(ended) or (cancel is not None and cancel()), checkpoint)
    first = training.link.first
    for event in showing(events, silent=not (progress and first), time=s.time, may_end=may_end, scores=training.scores):
        if isinstance(event, Started) and first:
            warn_of(training.warnings)
        if callback is not None and callback(event):
            ended.append(event)
    return training.model


def _same_network(network: Network, seed: int) -> Network:
    """A copy of a network to go on from."""
    return Network.from_parts(network.architecture, network.theta.copy(), seed)


def _ensemble(prepared: Prepared, seed: int) -> Ensemble:
    """The ensemble for a prepared table: its members have the heads of the targets."""
    s, T = prepared.settings, prepared.rows.T
    width = prepared.encoder.width if prepared.places is None else len(prepared.places)
    one = member_of(prepared.targets, prepared.heads, s, width)
    strata = prepared.targets.strata(T) if s.members > 1 else None
    ensemble = Ensemble.of(one, s.members, seed, len(T), strata, prepared.groups)
    return dataclasses.replace(ensemble, further=prepared.further, places=prepared.places)
