"""Seeing a training while it runs: cost and metrics, on the rows trained on and held out, and the time left.

a terminal       one line that is written over, gone when the training is
a notebook       the curves, drawn again about twice a second
anything else    a line every few seconds, or nothing
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

__all__ = ["Display", "showing"]

Scores = Callable[[], Mapping[str, float]]

PAUSE = 1.0  # seconds between two looks at the rows trained on, which take the metrics once more


class Display:
    """Shows the events of a training on stderr or in a notebook, where somebody looks; a context.

    The time left is that of all epochs at the pace so far, or what is left of `time` (seconds) if that is less; where
    training `may_end` before, it is said to be the most. `unit` is what an epoch is called. `scores` gives the metrics
    on the rows trained on, as they are now. Without `lines` a stderr that is no terminal gets nothing; `silent` shows
    nothing anywhere.

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
        self._trained: Mapping[str, float] = {}
        self._looked = -math.inf
        self.state = State()

    def __enter__(self) -> Self:
        self._frontend.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.state.over = True
        self._frontend.end(self.state)

    @property
    def text(self) -> str:
        """What is shown, in one line."""
        return self.state.text

    def show(self, event: Event) -> None:
        """Bring the display up to date with an event."""
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
            self._close(event)
        elif isinstance(event, Stopped):
            state.message = event.message
        self._frontend.show(state)

    def _close(self, event: EpochEnd) -> None:
        """Take in what the end of an epoch tells."""
        self.state.cost = f"cost {event.cost:.4g}"
        self.state.add(event.cost, event.validation)
        if event.validation is not None:
            trained = self._on_training_rows() if event.metrics else {}
            said = {words(name): _both(value, trained.get(name)) for name, value in event.metrics.items()}
            held = {"validation": f"{event.validation:.4g}", **said}
            self.state.scores = "".join(f", {printable(name)} {value}" for name, value in held.items())

    def _on_training_rows(self) -> Mapping[str, float]:
        """The metrics on the rows trained on, not asked for more often than every so many seconds."""
        if (
            self._scores is not None
            and not isinstance(self._frontend, Silent)
            and time.monotonic() > self._looked + PAUSE
        ):
            self._trained = self._scores()
            self._looked = time.monotonic()
        return self._trained

    def left(self, done: int, seconds: float) -> str:
        """The time left in words, when `done` updates have been made in all and `seconds` have gone by."""
        begun, since = self._first or (done, seconds)
        if done <= begun:
            return ""
        pace = (seconds - since) / (done - begun)
        left = min(
            pace * (self._epochs * self._batches - done), math.inf if self._time is None else self._time - seconds
        )
        return f"{'at most ' if self._may_end else ''}{timedelta(seconds=round(max(left, 0.0)))} left"


def showing(events: Iterable[Event], *, silent: bool = False, **how: Any) -> Iterator[Event]:
    """The same events, each shown before it is handed on; `how` as for `Display`.

    A `Training` says by itself how long it may go on, and gives the metrics on the rows trained on.

    >>> training = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=1)
    >>> [type(event).__name__ for event in showing(training, silent=True)]
    ['Started', 'Progress', 'EpochEnd', 'Finished']
    """
    settings = getattr(events, "settings", None)
    if settings is not None:
        may_end = settings.patience is not None or settings.optimizer.full_batch
        how = {"time": settings.time, "may_end": may_end, "scores": getattr(events, "scores", None), **how}
    with Display(silent=silent, **how) as display:
        for event in events:
            display.show(event)
            yield event


def _both(held: float, trained: float | None) -> str:
    return f"{held:.4g}" if trained is None else f"{held:.4g} (training {trained:.4g})"


def _frontend(lines: bool) -> Frontend:
    if in_notebook():
        return Notebook()
    if on_terminal(sys.stderr):
        return Terminal()
    return Lines() if lines else Silent()
