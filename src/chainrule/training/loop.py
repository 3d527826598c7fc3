"""The loop over epochs: makes their updates, ends them, and hands out an event at every step."""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Generator, Iterator
from typing import Self

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.files import misfit
from chainrule.training.bookkeeping import Bookkeeping
from chainrule.training.checkpoint import Checkpoint, CheckpointFile
from chainrule.training.events import Event, Finished, Progress, Started, Stopped, Updated
from chainrule.training.fingerprint import fingerprint_of
from chainrule.training.history import History
from chainrule.training.probe import Probe, sample
from chainrule.training.problem import Problem
from chainrule.training.state import TrainingState
from chainrule.training.state_file import shared_state
from chainrule.training.stopping import Limits, divergence
from chainrule.training.updates import Updates

__all__ = ["Training"]

SCORED_ROWS = 1024  # training rows that the metrics are computed on for a display


class Training(Iterator[Event]):
    """A training in progress: an iterator of events, with its `state` and its `history` so far.

    - problem: what is trained, on what and how; `net`, `examples`, `settings` and `engine` are parts of it.
    - cancel: a function that is called before updates; training stops where it returns True.
    - search_leaks: whether the probe searches the inputs for copies of a target.

    `notes` are lines for a person to read, and `warnings` those of them that Python code is warned of. `keeper` is the
    checkpoint file that the state is saved in, or None, and `probed` are the rows that the probe reads.
    """

    def __init__(
        self, problem: Problem, *, cancel: Callable[[], bool] | None = None, search_leaks: bool = True
    ) -> None:
        self.problem, self.net, self.examples = problem, problem.net, problem.examples
        self.settings, self.engine = problem.settings, problem.engine
        self._books, self._updates = Bookkeeping(problem), Updates(problem)
        self._limits, self._probe = Limits(problem.settings, cancel), Probe(problem, search_leaks)
        self.keeper: CheckpointFile | None = None
        self._is_kept = False  # on all hosts, of which the first has the keeper
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self._at_end: tuple[Array, History] | None = None  # theta and history before the best weights came back
        self._one_by_one = False
        self._events = self._all_events()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        return self._next_event(one_by_one=False)

    def step(self) -> Updated | None:
        """Make one update, and what is due before it; None where training is over. No bit depends on it.

        >>> training = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], batch_size=1, epochs=2)
        >>> [(update.epoch, update.batch) for update in iter(training.step, None)]
        [(0, 1), (0, 2), (1, 1), (1, 2)]
        """
        for event in self.each_update():
            if isinstance(event, Updated):
                return event
        return None

    def each_update(self) -> Iterator[Event]:
        """The events, with one `Updated` after each update in place of Progress now and then. No bit depends on it.

        >>> training = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], batch_size=1, epochs=1)
        >>> [type(event).__name__ for event in training.each_update()]
        ['Started', 'Updated', 'Updated', 'EpochEnd', 'Finished']
        """
        with contextlib.suppress(StopIteration):
            while True:
                yield self._next_event(one_by_one=True)

    def _next_event(self, one_by_one: bool) -> Event:
        """The next event, after at most one update if `one_by_one`; saves the checkpoint where that is due."""
        self._one_by_one = one_by_one
        event = next(self._events)
        if self._is_kept and self.problem.link.share(lambda: self._saves_after(event)):
            state = self.state  # on all hosts, because a state may be spread over them
            if self.keeper is not None:
                self.keeper.save(state)
        return event

    def _saves_after(self, event: Event) -> bool:
        """Whether the state is saved after an event."""
        return isinstance(event, Finished) or (self.keeper is not None and self.keeper.is_due)

    def close(self) -> None:
        """End it here: no more events come, and the network keeps its current weights."""
        self._events.close()

    # ------------------------------------------------------------------------------- where it is

    @property
    def history(self) -> History:
        """What the finished epochs left."""
        return self._books.history

    @property
    def probed(self) -> Array:
        """The training rows (k,) that the probe reads."""
        return self._probe.rows

    @property
    def state(self) -> TrainingState:
        """A copy of where training is; after Finished, where it was before the best weights came back."""
        updates, books = self._updates, self._books
        run, history = updates.run.state, books.history
        if self._at_end is not None:
            theta, history = self._at_end
            run = dataclasses.replace(run, theta=theta.copy())
        return TrainingState(updates.epoch, updates.costs.copy(), run, books.kept.copy(), history.copy())

    def go_to(self, state: TrainingState) -> None:
        """Before the first event: resume where another training of the same network, data and settings was.

        Raises SettingError where the state comes from another network, seed, number of batches, monitor or metrics, or
        from a training with a validation set where there is none here, or the other way round.
        """
        same = (state.kept.shape, state.history.seed) == (self._books.kept.shape, self.settings.seed)
        if not same or len(state.costs) > self.problem.batches:
            raise SettingError("the state comes from another network, seed or data: resume with the same ones")
        before, now = ((h.monitor, h.mode, [*h.metrics]) for h in (state.history, self.history))
        if before != now:
            raise SettingError(
                f"the state comes from a training with monitor, mode and metrics {before}, here they are {now}: "
                "give the same ones"
            )
        scored, scores = len(state.history.validation), self.problem.validation is not None
        if scored != (state.history.epochs if scores else 0):
            raise SettingError(
                f"the state comes from a training {'without' if scores else 'with'} a validation set: resume "
                f"{'without' if scores else 'with'} one"
            )
        self._updates.go_to(state)
        self._books.go_to(state)

    def keep_in(self, checkpoint: Checkpoint) -> None:
        """Before the first event: resume from the checkpoint file if it exists, and save the state there from now on.

        Raises SettingError where the file is another training's or must not be overwritten, ModelFileError where it is
        damaged, OSError where it cannot be written.
        """
        link, fingerprint = self.problem.link, fingerprint_of(self.problem, checkpoint.also)
        state = self._opened(CheckpointFile(checkpoint, fingerprint)) if link.first else None
        state = shared_state(link, state)
        if state is not None:
            if self.problem.validation is not None and len(state.history.validation) < state.history.epochs:
                raise misfit(checkpoint.path, ValueError("the costs on the validation set are missing"))
            self.go_to(state)
        self._is_kept = True

    def _opened(self, keeper: CheckpointFile) -> TrainingState | None:
        """The state to resume from, of a file that is kept from now on."""
        state, notes = keeper.open(self.settings.epochs)
        self.notes += notes
        self.keeper = keeper
        return state

    def scores(self) -> dict[str, float]:
        """The metrics on some of the training rows, with the current weights; no bit depends on it."""
        net, rows = self.net, sample(self.problem.probed_rows, SCORED_ROWS)
        A = self.engine.predict(net.architecture, net.theta, self.examples.X[rows])
        return self.problem.monitor.scores(A, self.examples.T[rows])

    # ------------------------------------------------------------------------------- the events

    def _all_events(self) -> Generator[Event, None, None]:
        problem, epochs, seed = self.problem, self.settings.epochs, self.history.seed
        started = Started(len(self.examples.rows), problem.batches, epochs, self.engine.name, seed, tuple(self.notes))
        yield dataclasses.replace(started, network=self.net.architecture.describe(), settings=self.settings)
        if not (self._updates.epoch or self._updates.begun) and self.problem.link.first:
            self.history.probes |= self._probe.start()
        yield from self._all_epochs()
        self._at_end = self.net.theta.copy(), self._books.history.copy()
        self._books.restore()
        self.probe_end()
        self._books.finish()
        self.problem.link.at_work = False
        yield Finished(self.history)

    def _all_epochs(self) -> Iterator[Event]:
        updates = self._updates
        while updates.epoch < self.settings.epochs:
            stopped = self._shared(self._before_epoch) or (yield from self._all_updates())
            if stopped is not None:
                self._books.stop(stopped)
                yield stopped
                return
            end = self._books.end_epoch(updates.epoch, updates.objective, updates.rate)
            updates.next_epoch()
            yield end

    def _before_epoch(self) -> Stopped | None:
        """Why to stop before the epoch that comes or is in progress, or None."""
        stopped = self._limits.before_epoch(self.history.watched)
        by_gradient = self.settings.tolerance is not None and not self.settings.optimizer.line_search
        if stopped is None and by_gradient and not self._updates.begun:
            return self._limits.at_gradient(self.problem.gradient(self.net.theta))
        return stopped

    def _all_updates(self) -> Generator[Progress | Updated, None, Stopped | None]:
        """The updates of the epoch in progress, an event after each call; returns why to stop in it, or None."""
        updates, theta = self._updates, self.net.theta.copy()
        updates.begin(self.history.watched)
        while not updates.done:
            stopped, count = self._before_updates()
            stopped = stopped or self._next_updates(theta, count)
            if stopped is not None:
                return stopped
            yield self._made()
        if not (math.isfinite(updates.objective) and np.isfinite(self.net.theta).all()):
            return divergence(self.problem, updates.epoch, "the weights are", updates.rate)
        return None

    def _before_updates(self) -> tuple[Stopped | None, int]:
        """Why to stop now, or None; and how many updates the next call makes. Host 0 decides."""
        link, most = self.problem.link, 1 if self._one_by_one else None
        if not link.first and self._limits.is_cancelled:
            link.ask_to_stop()

        def decide() -> tuple[list[str] | None, int]:
            stopped = self._limits.before_update(self._books.seconds, cancelled=link.is_asked_to_stop)
            return _plain(stopped), self._updates.next_count(most)

        words, count = link.share(decide)
        return None if words is None else Stopped(*words), count

    def _shared(self, decide: Callable[[], Stopped | None]) -> Stopped | None:
        """Why host 0 decides to stop, or None."""
        words = self.problem.link.share(lambda: _plain(decide()))
        return None if words is None else Stopped(*words)

    def _next_updates(self, theta: Array, count: int) -> Stopped | None:
        """`count` updates at most, in an epoch that began at theta; returns why to stop, or None."""
        updates, first = self._updates, not self._updates.begun
        updates.make(count)
        if updates.run.ended is not None:
            return Stopped(updates.run.ended.reason, updates.run.ended.message)
        if first:
            self._books.keep_if_good(theta, updates.costs[0])
        if not math.isfinite(updates.cost):
            return divergence(self.problem, updates.epoch, "the cost is", updates.rate)
        return None

    def _made(self) -> Progress | Updated:
        """The event after updates."""
        updates, batches, seconds = self._updates, self.problem.batches, self._books.seconds
        if self._one_by_one:
            cost = float(updates.costs[-1])
            return Updated(updates.epoch, len(updates.costs), batches, cost, updates.rate, seconds)
        return Progress(updates.epoch, len(updates.costs), batches, updates.cost, updates.rate, seconds)

    def probe_end(self, theta: Array | None = None) -> None:
        """Probe the layers with theta, the current weights if None, and enter the numbers in the history.

        `History.diagnose` reads them. Training does this before Finished; a caller who leaves the loop earlier may.
        """
        if self.problem.link.first:
            self.history.probes |= self._probe.end(self.net.theta if theta is None else theta)


def _plain(stopped: Stopped | None) -> list[str] | None:
    return None if stopped is None else [stopped.reason, stopped.message]
