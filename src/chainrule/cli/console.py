"""What the commands write: text and tables on stdout, progress on stderr where a person looks at it, JSON lines."""

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Column, Table

from chainrule.cli.streams import printable
from chainrule.training import EpochEnd, Event, Started
from chainrule.training import Progress as Updates

__all__ = ["Board", "number", "say", "show_table", "words", "write_json"]


WIDE = 100  # columns of a terminal that has room for a bar


def say(text: str) -> None:
    """One line on stdout."""
    print(printable(text), flush=True)


def words(name: str) -> str:
    """A name of the output for programs as people read it.

    >>> words("log_loss")
    'log loss'
    """
    return name.replace("_", " ")


def write_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout; what JSON has no number for (NaN, infinity) is null."""
    print(json.dumps(_plain(value), allow_nan=False), flush=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def number(value: float) -> str:
    """A number as people read it: four significant digits, or all of a whole one.

    >>> number(0.123456), number(1500), number(3.0)
    ('0.1235', '1,500', '3')
    """
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.1f}"


def show_table(heads: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table on stdout; columns of numbers are for the caller to format."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    console = Console(file=sys.stdout, highlight=False, markup=False, soft_wrap=False)
    if not sys.stdout.isatty():
        console.width = 200
    console.print(table)


class Board:
    """The progress of a training run on stderr; silent unless stderr is a terminal that can move its cursor.

    The time left is that of all epochs at the pace so far, or what is left of `time` (seconds) if that is less; where
    training `may_end` before, it is said to be the most. `unit` is what an epoch is called.
    """

    def __init__(
        self, silent: bool = False, time: float | None = None, may_end: bool = False, unit: str = "epoch"
    ) -> None:
        console = Console(stderr=True)
        live = sys.stderr.isatty() and not console.is_dumb_terminal  # whatever FORCE_COLOR says
        bar = [BarColumn(bar_width=24)] if console.width >= WIDE else []
        room = max(console.width - (26 if bar else 0) - 44, 1)  # for the scores, beside the epoch and the time left
        self._progress = Progress(
            TextColumn("{task.description}"),
            *bar,
            TextColumn("{task.fields[scores]}", table_column=Column(max_width=room, no_wrap=True, overflow="ellipsis")),
            TextColumn("[progress.remaining]{task.fields[left]}"),
            console=console,
            disable=silent or not live,
            transient=True,
        )
        self._time, self._may_end, self._unit = time, may_end, unit
        self._task: TaskID | None = None
        self._epochs = self._batches = 0
        self._first: tuple[int, float] | None = None
        self._scores = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Bring the board up to date with an event."""
        if isinstance(event, Started):
            self._epochs, self._batches = event.epochs, event.batches
            self._task = self._progress.add_task("training", total=event.epochs * event.batches, scores="", left="")
        elif isinstance(event, Updates):
            done = event.epoch * self._batches + event.batch
            self._first = self._first or (done, event.seconds)
            scores = f"cost {event.cost:.4g}{self._scores}"
            self._update(f"{self._unit} {event.epoch + 1}/{self._epochs}", done, scores, self.left(done, event.seconds))
        elif isinstance(event, EpochEnd):
            held = {"validation": event.validation, **event.metrics} if event.validation is not None else {}
            self._scores = "".join(f", {printable(words(name))} {value:.4g}" for name, value in held.items())

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

    def _update(self, text: str, done: int, scores: str, left: str) -> None:
        assert self._task is not None, "Started comes first"
        self._progress.update(self._task, description=text, completed=done, scores=scores, left=left)
