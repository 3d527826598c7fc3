"""A session: what the page may ask for and what it hears, without any transport.

The page sends commands, plain data such as `{"do": "update"}`; `Session.do` answers with plain data or raises an error
of one line. Between commands the owner calls `advance` while `running`, and sends `view()` to everyone who listens.

Changing the data, the network or a setting starts again from the first weights, so that one script makes the same
training; only more epochs let it go on.
"""

from __future__ import annotations

import inspect
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.fields import Names, Number, Whole
from chainrule.studio.equations import Pick, explained
from chainrule.studio.form import form
from chainrule.studio.inspection import Inspection
from chainrule.studio.kept import Kept
from chainrule.studio.snapshot import Axes
from chainrule.studio.taking import Taking
from chainrule.studio.tour import tour
from chainrule.studio.work import Work
from chainrule.tables.sources import as_source
from chainrule.text import shown
from chainrule.training import EpochEnd

__all__ = ["Session"]

KEEP_EVERY = 30.0  # seconds
_SPEED = Number(0, 1e6, above=True)
_SHARE = Number(0, 1, below=True)
_OVER = "training is over: allow more epochs, or start again"


class Session:
    """What one person does: data, a network, its training, and what is inspected.

    - folder: the folder below which files lie.
    - keeps: whether the training is kept there, now and then and at the end, for a session that comes later.

    `work` is what is being worked on. `running` says whether `advance` has something to do, `due` when, on the clock of
    time.monotonic.
    """

    def __init__(self, folder: str | os.PathLike[str] = ".", keeps: bool = False) -> None:
        self.work, self.due = Work(folder), 0.0
        self._kept, self._kept_at = Kept(self.work, keeps), time.monotonic()
        self._until_epoch = False
        taking = Taking(self.work, self.do)
        self._commands: dict[str, Callable[..., Any]] = {
            "form": self._form,
            "files": self.work.folder.listed,
            "drop": self._drop,
            "resume": self._resume,
            "columns": self._columns,
            "open": self._open,
            "change": self._change,
            "setup": self.work.setup,
            "view": self.work.view,
            "run": self._run,
            "pause": self._pause,
            "epoch": self._epoch,
            "update": self._update,
            "back": self._back,
            "restart": self._restart,
            "speed": self._speed,
            "axes": self._axes,
            "spread": self._spread,
            "equation": self._equation,
            "tour": self._tour,
            "doctor": self._doctor,
            **Inspection(self.work, taking.model).commands,
            **taking.commands,
        }

    # ------------------------------------------------------------------------------- in and out

    @property
    def running(self) -> bool:
        """Whether training goes on."""
        return self.work.running

    def do(self, command: Any) -> dict[str, Any]:
        """Answer a command: a mapping with the name under "do", and its arguments.

        >>> session = Session()
        >>> session.do({"do": "open", "set": "xor", "rows": 40})["dataset"]["rows"]
        28
        >>> session.do({"do": "update"})["place"]["update"]
        1

        Raises SettingError for a command or an argument that there is not, and what the command raises.
        """
        if not isinstance(command, Mapping) or not isinstance(command.get("do"), str):
            raise SettingError(f"a command is {shown(command)}, but must have the name of one under 'do'")
        arguments = {str(name): value for name, value in command.items() if name != "do"}
        function = self._commands.get(command["do"])
        if function is None:
            raise SettingError(f"there is no command {shown(command['do'])}: choose from {', '.join(self._commands)}")
        try:
            inspect.signature(function).bind(**arguments)
        except TypeError as error:
            raise SettingError(f"command {command['do']!r}: {error}") from None
        answer: dict[str, Any] = _plain(function(**arguments))
        return answer

    def advance(self) -> None:
        """Make the next updates of a running training, as the speed says; nothing before `due`."""
        trainer, speed = self.work.trainer, self.work.speed
        if not self.running or trainer is None or time.monotonic() < self.due:
            return
        if speed is None:
            events = trainer.go()
        else:
            events = trainer.update()
            self.due = max(self.due + 1 / speed, time.monotonic() - 0.1)
        self.work.note(events)
        if trainer.finished or (self._until_epoch and any(isinstance(event, EpochEnd) for event in events)):
            self._pause()
        self.work.observe()
        if time.monotonic() - self._kept_at > KEEP_EVERY:
            self._keep()

    def _keep(self) -> None:
        """Keep the training; the page hears of it where that fails."""
        try:
            self._kept.write()
        except OSError as error:
            line = f"the training cannot be kept: {error.strerror}"
            self.work.events.append({"event": "error", "message": line})
        self._kept_at = time.monotonic()

    def view(self) -> dict[str, Any]:
        """What is drawn of now, as plain data; without data only that there are none."""
        view: dict[str, Any] = _plain(self.work.view())
        return view

    def fail(self, line: str) -> None:
        """Stop, and let the page hear why."""
        self._pause()
        self.work.events.append({"event": "error", "message": line})

    def open_arrays(self, X: Any, T: Any, net: Any = None) -> None:
        """Open arrays, and a network whose layers and weights the training starts from; None for the design's."""
        self.work.open({"arrays": (X, T)}, net)

    def close(self) -> None:
        """Stop, keep the training, and delete the dropped files."""
        self._pause()
        self._keep()
        self.work.folder.close()

    # ------------------------------------------------------------------------------- data and design

    def _form(self) -> dict[str, Any]:
        """What can be chosen."""
        folder = self.work.folder
        return form() | {"folder": folder.root.name, "files": folder.listed(), "kept": self._kept.about()}

    def _drop(self, name: Any, data: Any) -> dict[str, Any]:
        return {"path": self.work.folder.drop(name, data)}

    def _resume(self) -> dict[str, Any]:
        """Go on where a session in this folder ended."""
        self._kept.resume()
        self.work.observe(now=True)
        return self.work.setup()

    def _columns(self, path: Any) -> dict[str, Any]:
        """The columns of a table, from which the target is chosen."""
        return {"columns": list(as_source(self.work.folder.existing(path)).names)}

    def _open(
        self,
        set: Any = None,
        rows: Any = 400,
        noise: Any = 0.05,
        held_out: Any = 0.3,
        features: Any = ("x1", "x2"),
        path: Any = None,
        target: Any = None,
        drop: Any = (),
    ) -> dict[str, Any]:
        """Open a set of the playground, or a table with its target."""
        if (set is None) == (path is None):
            raise SettingError("open takes a set or a path: give one of them")
        held_out = _SHARE.clean("held_out", held_out)
        if set is not None:
            source = {"set": set, "rows": rows, "noise": noise, "held_out": held_out, "features": features}
        else:
            source = {"path": path, "target": target, "held_out": held_out, "drop": Names().clean("drop", drop)}
        self.work.open(source)
        return self.work.setup()

    def _change(self, settings: Any) -> dict[str, Any]:
        self.work.change(settings)
        return self.work.setup()

    # ------------------------------------------------------------------------------- training

    def _run(self) -> dict[str, Any]:
        return self._go(until_epoch=False)

    def _epoch(self) -> dict[str, Any]:
        return self._go(until_epoch=True)

    def _go(self, until_epoch: bool) -> dict[str, Any]:
        if self.work.required().finished:
            raise SettingError(_OVER)
        self.work.running, self._until_epoch, self.due = True, until_epoch, time.monotonic()
        return self._place()

    def _pause(self) -> dict[str, Any]:
        self.work.running, self._until_epoch = False, False
        return self._place()

    def _update(self) -> dict[str, Any]:
        self._pause()
        if self.work.required().finished:
            raise SettingError(_OVER)
        self.work.note(self.work.required().update())
        self.work.observe(now=True)
        return self._place()

    def _back(self) -> dict[str, Any]:
        self._pause()
        self.work.required().back()
        self.work.observe(now=True)
        return self._place()

    def _restart(self) -> dict[str, Any]:
        self.work.required()
        work = self.work
        work.start(work.source, work.design, work.dataset, work.axes)
        return self._place()

    def _speed(self, updates: Any) -> dict[str, Any]:
        """So many updates a second; None for as fast as it can."""
        self.work.speed = None if updates is None else _SPEED.clean("updates", updates)
        self.due = time.monotonic()
        return self._place()

    def _place(self) -> dict[str, Any]:
        trainer = self.work.trainer
        return {
            "running": self.running, "speed": self.work.speed, "place": None if trainer is None else trainer.place
        }  # fmt: skip

    # ------------------------------------------------------------------------------- what is read

    def _axes(self, x: Any = 0, y: Any = 1, row: Any = 0, output: Any = 0) -> dict[str, Any]:
        """The two inputs of the surface, the row whose values the others have, and the output that is drawn."""
        dataset = self.work.required().dataset
        outputs = self.work.required().net.sizes[-1] + 1
        limits = (len(dataset.axes), len(dataset.axes), len(dataset.train.X), outputs)
        chosen = {}
        for name, most, value in zip(("x", "y", "row", "output"), limits, (x, y, row, output), strict=True):
            chosen[name] = Whole(0).clean(name, value)
            if chosen[name] >= most:
                raise SettingError(f"{name} is {chosen[name]}, but must be from 0 to {most - 1}")
        if chosen["x"] == chosen["y"]:
            raise SettingError("the two inputs of the surface are the same: choose two")
        self.work.axes = Axes(**chosen)
        self.work.generation += 1
        return self.work.setup()

    def _spread(self) -> dict[str, Any]:
        self.work.required()
        return self.work.spread.document()

    def _equation(
        self, kind: Any, layer: Any, i: Any = 1, j: Any = 1, row: Any = 0, notation: Any = "GD"
    ) -> dict[str, Any]:
        return explained(self.work.required(), Pick(kind, layer, i, j, row, notation))

    def _tour(self, row: Any = 0, step: Any = 1, notation: Any = "GD") -> dict[str, Any]:
        return tour(self.work.required(), row, step, notation)

    def _doctor(self) -> dict[str, Any]:
        return {"findings": [finding.document() for finding in self.work.required().diagnose()]}


def _plain(value: Any) -> Any:
    """Data that JSON can hold: numbers that are not finite become None, NumPy's numbers Python's, paths text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if hasattr(value, "tolist") and not isinstance(value, str):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
