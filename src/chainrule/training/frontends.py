"""Where a training is shown: a terminal, a notebook, lines of text, or nowhere. Each draws one and the same state."""

import dataclasses
import html
import os
import sys
import time
from typing import Any, Protocol

from chainrule.text import sparkline

__all__ = ["Frontend", "Lines", "Notebook", "Silent", "State", "Terminal", "in_notebook", "on_terminal"]

WIDE = 100  # columns of a terminal that has room for a bar and a curve
SPARK = 12  # letters of that curve

DRAWN = 0.5  # seconds between two drawings in a notebook
SPOKEN = 5.0  # seconds between two lines of text


@dataclasses.dataclass
class State:
    """What is shown: `done` of `total` updates, texts, the costs of the epochs so far, whether it is over."""

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
        """Take in the costs of an epoch."""
        self.costs.append(cost)
        if validation is not None:
            self.validation.append(validation)

    @property
    def text(self) -> str:
        """All of it in one line."""
        last = self.message if self.over else self.left
        return f"{self.place}: {self.cost}{self.scores}{', ' if last else ''}{last}"


class Frontend(Protocol):
    """Draws states as they come."""

    def begin(self) -> None:
        """Make ready to draw."""

    def show(self, state: State) -> None:
        """Draw a state, or leave it out if another was drawn just now."""

    def end(self, state: State) -> None:
        """Leave what is to stay."""


class Silent:
    """Nowhere."""

    def begin(self) -> None: ...

    def show(self, state: State) -> None: ...

    def end(self, state: State) -> None: ...


class Terminal:
    """One line on stderr that is written over, and gone in the end: a bar, the texts, the curve of the costs."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        console = Console(stderr=True)
        wide = console.width >= WIDE
        self._curve = wide and console.encoding.lower().startswith("utf")
        room = max(console.width - 26 * wide - (SPARK + 1) * self._curve - 44, 1)  # beside the epoch and the time left
        scores = Column(max_width=room, no_wrap=True, overflow="ellipsis")
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
            curve = sparkline(state.validation or state.costs, SPARK) if self._curve else ""
            texts: dict[str, Any] = {"scores": state.cost + state.scores, "left": state.left, "curve": curve}
            self._progress.update(self._task, description=state.place, completed=state.done, **texts)

    def end(self, state: State) -> None:
        self._progress.stop()


class Notebook:
    """The curves of the costs under the text, in the output of a cell."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._drawn = 0.0

    def begin(self) -> None:
        from IPython.display import HTML, display

        self._handle = display(HTML("training begins"), display_id=True)

    def show(self, state: State) -> None:
        if state.costs and time.monotonic() >= self._drawn + DRAWN:
            self.end(state)

    def end(self, state: State) -> None:
        from IPython.display import HTML

        self._handle.update(HTML(_drawing(state)))
        self._drawn = time.monotonic()


class Lines:
    """A line of text on stderr every few seconds, and one in the end: for a log."""

    def __init__(self) -> None:
        self._spoken = time.monotonic()

    def begin(self) -> None: ...

    def show(self, state: State) -> None:
        if state.place and time.monotonic() >= self._spoken + SPOKEN:
            self._say(state)

    def end(self, state: State) -> None:
        if state.place:
            self._say(state)

    def _say(self, state: State) -> None:
        print(state.text, file=sys.stderr, flush=True)  # noqa: T201
        self._spoken = time.monotonic()


def on_terminal(stream: Any) -> bool:
    """Whether a stream is a terminal that can move its cursor, whatever FORCE_COLOR says."""
    dumb = os.environ.get("TERM", "").lower() in ("dumb", "unknown")
    return stream is not None and bool(stream.isatty()) and not dumb


def in_notebook() -> bool:
    """Whether the output of this process is that of a notebook's cells."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _drawing(state: State) -> str:
    from chainrule.plots import lines_svg

    costs = {"cost": state.costs, "validation": state.validation}
    lines = {name: (range(1, len(values) + 1), values) for name, values in costs.items()}
    return lines_svg(lines, "epoch", state.text) if state.costs else f"<p>{html.escape(state.text)}</p>"
