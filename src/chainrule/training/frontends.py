"""The front ends of the display: a terminal, a notebook, lines of text, or nothing. Each draws the same state."""

import dataclasses
import html
import os
import sys
import time
from typing import Any, Protocol

from chainrule.text import sparkline

__all__ = ["Frontend", "Lines", "Notebook", "Silent", "State", "Terminal", "in_notebook", "on_terminal"]

WIDE = 100  # columns from which on a terminal gets a bar and a curve
CURVE = 12  # letters of that curve

DRAW_EVERY = 0.5  # seconds between two drawings in a notebook
LINE_EVERY = 5.0  # seconds between two lines of text


@dataclasses.dataclass
class State:
    """The state of a training as it is shown: counts of updates, texts, and the costs of the epochs so far.

    - done, total: the updates made, and those of the whole training.
    - place, cost, scores, left: the epoch, the costs, the scores, and the time left, as texts.
    - message: why training stopped early, or "".
    - over: whether training is over.
    - costs, validation: the costs of the finished epochs.
    """

    done: int = 0
    total: int = 0
    place: str = ""
    cost: str = ""
    scores: str = ""
    left: str = ""
    message: str = ""
    over: bool = False
    costs: list[float] = dataclasses.field(default_factory=list)
    validation: list[float] = dataclasses.field(default_factory=list)

    def add(self, cost: float, validation: float | None) -> None:
        """Add the costs of an epoch."""
        self.costs.append(cost)
        if validation is not None:
            self.validation.append(validation)

    @property
    def text(self) -> str:
        """All of it, in one line.

        >>> State(place="epoch 2/9", cost="cost 0.5", left="3 s left").text, State(place="trial 1 of 2").text
        ('epoch 2/9: cost 0.5, 3 s left', 'trial 1 of 2')
        """
        parts = ", ".join(part for part in (self.cost + self.scores, self.message if self.over else self.left) if part)
        return f"{self.place}: {parts}" if parts else self.place


class Frontend(Protocol):
    """Draws the states of a training."""

    def begin(self) -> None:
        """Get ready to draw."""

    def show(self, state: State) -> None:
        """Draw a state; most front ends skip it if another was drawn a moment ago."""

    def end(self, state: State) -> None:
        """Draw what remains after training, or clean up."""


class Silent:
    """Draws nothing."""

    def begin(self) -> None: ...

    def show(self, state: State) -> None: ...

    def end(self, state: State) -> None: ...


class Terminal:
    """One line on stderr that is written over, and removed at the end: a bar, the texts, the curve of the costs."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        console = Console(stderr=True)
        wide = console.width >= WIDE
        self._curve = wide and console.encoding.lower().startswith("utf")
        free = max(console.width - 26 * wide - (CURVE + 1) * self._curve - 44, 1)  # columns that the others leave
        scores = Column(max_width=free, no_wrap=True, overflow="ellipsis")
        self._progress = Progress(
            TextColumn("{task.description}"),
            *([BarColumn(bar_width=24)] if wide else []),
            TextColumn("{task.fields[scores]}", table_column=scores, markup=False),
            *([TextColumn("{task.fields[curve]}")] if self._curve else []),
            TextColumn("[progress.remaining]{task.fields[left]}"),
            console=console,
            transient=True,
        )
        self._task: Any = None

    def begin(self) -> None:
        self._progress.start()

    def show(self, state: State) -> None:
        if self._task is None:
            self._task = self._progress.add_task("training", total=state.total, scores="", left="", curve="")
        elif state.place:
            curve = sparkline(state.validation or state.costs, CURVE) if self._curve else ""
            texts: dict[str, Any] = {"scores": state.cost + state.scores, "left": state.left, "curve": curve}
            self._progress.update(self._task, description=state.place, completed=state.done, **texts)

    def end(self, state: State) -> None:
        self._progress.stop()


class Notebook:
    """The text and the curves of the costs, in the output of a cell."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0

    def begin(self) -> None:
        from IPython.display import HTML, display

        self._handle = display(HTML("training begins"), display_id=True)

    def show(self, state: State) -> None:
        if state.costs and time.monotonic() >= self._drawn + DRAW_EVERY:
            self.end(state)

    def end(self, state: State) -> None:
        from IPython.display import HTML

        self._handle.update(HTML(_drawing(state)))
        self._drawn = time.monotonic()


class Lines:
    """A line of text on stderr every few seconds, and one at the end: for a log."""

    def __init__(self) -> None:
        self._printed = time.monotonic()

    def begin(self) -> None: ...

    def show(self, state: State) -> None:
        if state.place and time.monotonic() >= self._printed + LINE_EVERY:
            self._print(state)

    def end(self, state: State) -> None:
        if state.place:
            self._print(state)

    def _print(self, state: State) -> None:
        print(state.text, file=sys.stderr, flush=True)  # noqa: T201
        self._printed = time.monotonic()


def on_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal that can move its cursor; FORCE_COLOR does not matter."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    return stream is not None and bool(stream.isatty()) and not dumb


def in_notebook() -> bool:
    """Whether this process runs the cells of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _drawing(state: State) -> str:
    """The text and the curves as HTML."""
    from chainrule.plots import lines_svg

    costs = {"cost": state.costs, "validation": state.validation}
    lines = {name: (range(1, len(values) + 1), values) for name, values in costs.items()}
    return lines_svg(lines, "epoch", state.text) if state.costs else f"<p>{html.escape(state.text)}</p>"
