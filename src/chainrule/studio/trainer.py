"""A training that goes on, one update, one epoch or as fast as it can, and back.

To go back, the newest kept state at or before the wanted update is restored, and the updates up to it are made again:
they have the same bits. States are kept after each call of the engine, as many as fit into `KEPT_BYTES`; the first one
always stays.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import time
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.backprop import Ledger, Names
from chainrule.errors import SettingError
from chainrule.examples import as_examples, epoch_order
from chainrule.network import Network
from chainrule.studio.dataset import Dataset
from chainrule.studio.design import Design
from chainrule.training import EpochEnd, Event, Finished, Progress, Stopped, Training, TrainingState, Updated, start
from chainrule.training.diagnosis import Finding

__all__ = ["KEPT_BYTES", "Batch", "Trainer"]

KEPT_BYTES = 2**25  # of states to go back to
MOST_AGAIN = 10.0  # seconds of updates that are made again to go back
SCORES_EVERY = 0.1  # seconds between two computations of the metrics on the rows trained on


class Batch:
    """The next update: its epoch and batch from 0, and the rows."""

    def __init__(self, epoch: int, batch: int, rows: Array) -> None:
        self.epoch, self.batch, self.rows = epoch, batch, rows


class Trainer:
    """The training of a design on a dataset.

    - net: the network, with the weights of now.
    - training: the `Training`.
    - updates: how many were made.
    - stopped: why it ended before its last epoch, or None; `finished` says whether it ended.
    - scores: the metrics on the rows trained on, by epoch, for some epochs.
    - findings: those of the training doctor, when `diagnose` was called last.
    """

    def __init__(self, dataset: Dataset, design: Design) -> None:
        self.dataset, self.design = dataset, design
        self.net = design.network(dataset)
        self.first = self.net.theta.copy()
        self._examples = as_examples(self.net.architecture, *dataset.train, self.net.dtype)
        held = dataset.held_out
        self._validation = None if held is None else as_examples(self.net.architecture, *held, self.net.dtype).present()
        self.scores: dict[int, dict[str, float]] = {}
        self.findings: list[Finding] = []
        self.stopped: Stopped | None = None
        self.finished = False
        self._scored = 0.0
        self._kept: collections.deque[TrainingState] = collections.deque()
        self._size = 0
        self._begin(None)

    def _begin(self, state: TrainingState | None, settings: Any = None) -> None:
        """Start the training, or resume it at a state."""
        settings = self.design.training if settings is None else settings
        self.training = self._training(self.net, state, settings)
        self.stopped, self.finished = None, False
        self.updates = 0 if state is None else state.run.step
        if state is not None:
            self.net.theta[...] = state.run.theta
        next(self.training)  # Started
        if state is None:
            self._keep()

    def _training(self, net: Network, state: TrainingState | None, settings: Any) -> Training:
        return start(
            net,
            self._examples,
            settings,
            validation=self._validation,
            monitor=self.dataset.monitor,
            feature_names=self.dataset.names,
            search_leaks=self.dataset.table is None,
            state=state,
        )

    # ------------------------------------------------------------------------------- where it is

    @property
    def place(self) -> dict[str, Any]:
        """Where the training is, as plain data."""
        batches = self.training.problem.batches
        ended = None if self.stopped is None else self.stopped.message
        return {
            "update": self.updates,
            "epoch": self.updates // batches,
            "batch": self.updates % batches,
            "batches": batches,
            "epochs": self.design.training.epochs,
            "finished": self.finished,
            "stopped": ended,
            "engine": self.training.engine.name,
            "best_epoch": self.training.history.best_epoch,
        }

    @property
    def next_batch(self) -> Batch:
        """The update that comes next."""
        settings = self.training.settings
        epoch, batch = divmod(self.updates, self.training.problem.batches)
        order = epoch_order(settings.seed or 0, epoch, self._examples.rows, settings.shuffle)
        m = settings.batch_size
        return Batch(epoch, batch, order[batch * m : (batch + 1) * m])

    @property
    def rate_factor(self) -> float:
        """The factor of the learning rate in the next update, by the schedule."""
        s, batches = self.training.settings, self.training.problem.batches
        factors = s.schedule.follow()(self.updates, 1, batches, s.epochs * batches, self.training.history.watched)
        return float(factors[0])

    @property
    def has_plain_gradient(self) -> bool:
        """Whether the rule gets dC/dw of the batch as it is: no penalty, no clipping, no rates of layers."""
        s = self.training.settings
        return not (s.alpha or s.l1 or s.clip is not None or s.rates)

    # ------------------------------------------------------------------------------- forward

    def go(self) -> list[Event]:
        """The next event: about a tenth of a second of updates, or the end of an epoch."""
        return self._next(one_by_one=False)

    def update(self) -> list[Event]:
        """One update, with the events due before it; without an update where training is over."""
        before, events = self.updates, []
        while not self.finished and self.updates == before:
            events += self._next(one_by_one=True)
        return events

    def epoch(self, cancelled: Any = lambda: False) -> list[Event]:
        """The updates up to the end of an epoch."""
        events: list[Event] = []
        while not self.finished and not any(isinstance(event, EpochEnd) for event in events) and not cancelled():
            events += self._next(one_by_one=False)
        return events

    def _next(self, one_by_one: bool) -> list[Event]:
        if self.finished:
            return []
        event = next(self.training.each_update() if one_by_one else self.training)
        if isinstance(event, Stopped):
            self.stopped = event
        if isinstance(event, Finished):
            self.finished = True
        if isinstance(event, EpochEnd):
            self._score(event.epoch)
        if isinstance(event, Progress | Updated):
            self.updates = event.epoch * self.training.problem.batches + event.batch
            self._keep()
        return [event]

    def _score(self, epoch: int) -> None:
        """The metrics on some of the rows trained on, now and then."""
        if self.training.problem.monitor.metrics and time.monotonic() - self._scored > SCORES_EVERY:
            self._scored = time.monotonic()
            self.scores[epoch] = self.training.scores()
            if len(self.scores) > 2000:
                self.scores = dict(itertools.islice(self.scores.items(), 0, None, 2))

    # ------------------------------------------------------------------------------- back

    def _keep(self) -> None:
        """Keep the state of now, and let the oldest ones but the first go where they are too large together."""
        state = self.training.state
        if self._kept and self._kept[-1].run.step == state.run.step:
            return
        self._kept.append(state)
        self._size += _size(state)
        while self._size > KEPT_BYTES and len(self._kept) > 2:
            first = self._kept.popleft()
            self._size -= _size(self._kept.popleft())
            self._kept.appendleft(first)

    def back(self) -> None:
        """Go back by one update: the state has the bits that it had.

        Raises SettingError at the start, and where too many updates would have to be made again.
        """
        self.go_to(self.updates - 1)

    def go_to(self, update: int) -> None:
        """Go to an update before this one, by its number. Raises SettingError as `back` does."""
        if update < 0:
            raise SettingError("this is the start: there is no update to go back by")
        while len(self._kept) > 1 and self._kept[-1].run.step > update:
            self._size -= _size(self._kept.pop())
        self._begin(self._kept[-1])
        began = time.monotonic()
        while self.updates < update and not self.finished:
            self._next(one_by_one=True)
            if time.monotonic() - began > MOST_AGAIN:
                raise SettingError(
                    f"update {update:,} is too far back: this is update {self.updates:,}, up to where it went in 10 s"
                )
        self.scores = {epoch: score for epoch, score in self.scores.items() if epoch < self.training.state.epoch}

    def lengthen(self, epochs: int) -> None:
        """Allow more epochs, and go on from here; no update made so far depends on it with a constant rate."""
        state = self.training.state
        self.design = dataclasses.replace(
            self.design, training=dataclasses.replace(self.design.training, epochs=epochs)
        )
        self._begin(state)

    # ------------------------------------------------------------------------------- what it computes

    def diagnose(self) -> list[Finding]:
        """The findings of the training doctor about the training so far."""
        if not self.finished:
            self.training.probe_end()
        history = self.training.history
        self.findings = history.diagnose(self.dataset.names) if history.epochs else []
        return self.findings

    def ledger(self, rows: Array | list[int]) -> Ledger:
        """The ledger of rows to train on, with the weights of now, without dropout, with the names of columns."""
        X, T = self._examples.X[np.asarray(rows)], self._examples.T[np.asarray(rows)]
        ledger = self.net.backprop(X, T)
        outputs = self.dataset.outputs
        names = Names(self.dataset.names, outputs) if len(outputs) == self.net.sizes[-1] else None
        return dataclasses.replace(ledger, names=names)

    def batch_ledger(self, batch: Batch) -> Ledger:
        """The ledger of a batch as training computes it: at the weights where its rule takes the gradient."""
        s, examples = self.training.settings, self.training.examples
        weight = None if examples.weight is None else examples.weight[batch.rows]
        X, T = examples.X[batch.rows], examples.T[batch.rows]
        place: dict[str, Any] = {"seed": s.seed, "epoch": batch.epoch, "batch": batch.batch}
        run = self.training.state.run
        at = s.optimizer.gradient_at(run.theta, tuple(run.slots))
        net = self.net if at is run.theta else Network.from_parts(self.net.architecture, at, self.net.seed)
        return net.backprop(X, T, weight, dropout=s.dropout or 0.0, **place)

    def after_update(self) -> tuple[TrainingState, TrainingState]:
        """The state of now, and the one after the next update, which is made on a copy of the network."""
        now = self.training.state
        copy = self._training(self.net.copy(), now, self.design.training)
        copy.step()
        return now, copy.state


def _size(state: TrainingState) -> int:
    """About the bytes of a state."""
    history = 8 * (2 + len(state.history.metrics)) * (state.history.epochs + 8)
    return state.run.theta.nbytes + state.run.slots.nbytes + state.kept.nbytes + state.costs.nbytes + history + 1000
