"""The display of a training while it runs: costs, metrics on training and validation rows, and the time left.

a terminal       one line that is written over, and removed at the end
a notebook       the curves, drawn again about twice a second
anything else    a line of text every few seconds, or nothing
"""

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from chainrule.text import printable, words
from chainrule.training.events import EpochEnd, Event, Progress, Started, Stopped
from chainrule.training.frontends import Frontend, Lines, Notebook, Silent, State, Terminal, in_notebook, on_terminal

__all__ = ["Board", "Display", "showing"]

Scores = Callable[[], Mapping[str, float]]

_LONGEST = 1e12  # seconds that are shown
SCORES_EVERY = 1.0  # seconds between two computations of the metrics on training rows


class Display:
    """Shows the events of a training on a terminal, in a notebook, or as lines on stderr; a context manager.

    - silent: whether to show nothing anywhere.
    - lines: whether a stderr that is not a terminal gets lines of text.
    - time: the seconds after which training stops, or None; the time left is never more than what is left of them.
    - may_end: whether training may end before its last epoch: then the time left is shown as "at most".
    - unit: what an epoch is called.
    - scores: a function without arguments for the metrics on training rows, by name, or None.

    >>> with Display(silent=True) as display:
    ...     for event in cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=3):
    ...         display.show(event)
    >>> display.text
    'epoch 3/3: cost 0.1495'
    """

    def __init__(
        self,
        *,
        silent: bool = False,
        lines: bool = True,
        time: float | None = None,
        may_end: bool = False,
        unit: str = "epoch",
        scores: Scores | None = None,
    ) -> None:
        self._frontend = Silent() if silent else _frontend(lines)
        self._time, self._may_end, self._unit, self._scores = time, may_end, unit, scores
        self._epochs = self._batches = 0
        self._first: tuple[int, float] | None = None
        self._training_scores: Mapping[str, float] = {}
        self._scored = -math.inf
        self.state = State()

    def __enter__(self) -> Self:
        self._frontend.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.state.over = True
        self._frontend.end(self.state)

    @property
    def text(self) -> str:
        """The state of training, in one line."""
        return self.state.text

    def show(self, event: Event) -> None:
        """Show what an event says."""
        state = self.state
        if isinstance(event, Started):
            self._epochs, self._batches = event.epochs, event.batches
            state.total = event.epochs * event.batches
        elif isinstance(event, Progress):
            state.done = event.epoch * self._batches + event.batch
            self._first = self._first or (state.done, event.seconds)
            state.place = f"{self._unit} {event.epoch + 1}/{self._epochs}"
            state.cost, state.left = f"cost {event.cost:.4g}", self.left(state.done, event.seconds)
        elif isinstance(event, EpochEnd):
            self._end_epoch(event)
        elif isinstance(event, Stopped):
            state.message = event.message
        self._frontend.show(state)

    def _end_epoch(self, event: EpochEnd) -> None:
        """Put the costs and scores of an epoch into the state."""
        self.state.cost = f"cost {event.cost:.4g}"
        self.state.add(event.cost, event.validation)
        if event.validation is not None:
            training = self._on_training_rows() if event.metrics else {}
            metrics = {words(name): _both(value, training.get(name)) for name, value in event.metrics.items()}
            scores = {"validation": f"{event.validation:.4g}", **metrics}
            self.state.scores = "".join(f", {printable(name)} {value}" for name, value in scores.items())

    def _on_training_rows(self) -> Mapping[str, float]:
        """The metrics on training rows, computed anew after SCORES_EVERY seconds."""
        if self._scores is None or isinstance(self._frontend, Silent):
            return {}
        if time.monotonic() > self._scored + SCORES_EVERY:
            self._training_scores, self._scored = self._scores(), time.monotonic()
        return self._training_scores

    def left(self, done: int, seconds: float) -> str:
        """The time left in words, after `done` updates in all and `seconds` of training."""
        begun, since = self._first or (done, seconds)
        if done <= begun:
            return ""
        pace = (seconds - since) / (done - begun)
        limit = math.inf if self._time is None else self._time - seconds
        left = min(pace * (self._epochs * self._batches - done), limit)
        left = min(max(left, 0.0), _LONGEST)
        return f"{'at most ' if self._may_end else ''}{timedelta(seconds=round(left))} left"


class Board:
    """Shows the `state` of other work than one training, such as a search, where a training would be shown.

    - silent: whether to show nothing.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._frontend, self.state = Silent() if silent else _frontend(lines=True), State()

    def begin(self) -> None:
        """Get ready to draw."""
        self._frontend.begin()
        self._frontend.show(self.state)

    def show(self) -> None:
        """Draw the state."""
        self._frontend.show(self.state)

    def end(self) -> None:
        """Draw what remains, or clean up."""
        self.state.over = True
        self._frontend.end(self.state)


def showing(events: Iterable[Event], *, silent: bool = False, **how: Any) -> Iterator[Event]:
    """The same events, each shown before it is handed on; `how` are arguments of `Display`.

    Of a `Training`, `time`, `may_end` and `scores` are known. A caller who shows other events than those that training
    hands out, or whose loop may raise, takes a `Display` as a context instead: it is closed at once.

    >>> training = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=1)
    >>> [type(event).__name__ for event in showing(training, silent=True)]
    ['Started', 'Progress', 'EpochEnd', 'Finished']
    """
    settings = getattr(events, "settings", None)
    if settings is not None:
        may_end = settings.patience is not None or settings.tolerance is not None or settings.optimizer.full_batch
        how = {"time": settings.time, "may_end": may_end, "scores": getattr(events, "scores", None), **how}
    with Display(silent=silent, **how) as display:
        for event in events:
            if not silent:
                display.show(event)
            yield event


def _both(validation: float, training: float | None) -> str:
    """A metric on the validation set and, if it is known, on training rows."""
    return f"{validation:.4g}" if training is None else f"{validation:.4g} (training {training:.4g})"


def _frontend(lines: bool) -> Frontend:
    if in_notebook():
        return Notebook()
    if on_terminal(sys.stderr):
        return Terminal()
    return Lines() if lines else Silent()
