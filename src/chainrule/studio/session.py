"""A session: what the page may ask for and what it hears, without any transport.

The page sends commands, plain data such as `{"do": "update"}`; `Session.do` answers with plain data or raises an error
of one line. Between commands the owner calls `advance` while `running`, and sends `view()` to everyone who listens.

Changing the data, the network or a setting starts again from the first weights, so that one script makes the same
training; only more epochs let it go on.
"""

from __future__ import annotations

import collections
import dataclasses
import inspect
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.fields import Number, Whole
from chainrule.studio.dataset import Dataset, of_arrays, of_set, of_table
from chainrule.studio.design import Design
from chainrule.studio.equations import Pick, explained
from chainrule.studio.folder import Folder
from chainrule.studio.form import form
from chainrule.studio.inspection import Inspection
from chainrule.studio.snapshot import Axes, layers, named, points, surface
from chainrule.studio.spread import Spread
from chainrule.studio.taking import Taking
from chainrule.studio.tour import tour
from chainrule.studio.trainer import Trainer
from chainrule.tables.sources import as_source
from chainrule.text import shown
from chainrule.training import EpochEnd
from chainrule.training.events import document

__all__ = ["Session", "plain"]

SPREAD_EVERY, DOCTOR_EVERY = 1.0, 3.0  # seconds
SPREAD_ROWS = 200
CURVE = 600  # points of a curve
EVENTS = 100  # that are kept

_SPEED = Number(0, 1e6, above=True)


class Session:
    """What one person does: data, a network, its training, and what is inspected.

    - folder: the folder below which files lie.
    - running: whether `advance` has something to do; `due` says when, on the clock of time.monotonic.
    - generation: counts the changes of data and design; the page then asks for `setup` again.
    - trainer: the training, or None before data are opened.
    """

    def __init__(self, folder: str | os.PathLike[str] = ".") -> None:
        self.folder = Folder(folder)
        self.running, self.due, self.generation = False, 0.0, 0
        self.design, self.dataset, self.trainer = Design(), None, None  # type: Design, Dataset | None, Trainer | None
        self.inspection, self.taking = Inspection(self), Taking(self)
        self.axes, self.events = Axes(), collections.deque(maxlen=EVENTS)  # type: Axes, collections.deque[dict[str, Any]]
        self.source: dict[str, Any] = {}
        self._speed: float | None = None
        self._until_epoch = False
        self._spread, self._spread_at, self._doctor_at, self._number = Spread(), 0.0, 0.0, 0
        self.recorder: Callable[[], None] = lambda: None
        self._commands: dict[str, Callable[..., Any]] = {
            name.removeprefix("_do_"): getattr(self, name) for name in dir(self) if name.startswith("_do_")
        }
        self._commands |= self.inspection.commands | self.taking.commands

    # ------------------------------------------------------------------------------- in and out

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
        return plain(function(**arguments))  # type: ignore[no-any-return]

    def advance(self) -> None:
        """Make the next updates of a running training, as the speed says; nothing before `due`."""
        trainer = self.trainer
        if not self.running or trainer is None or time.monotonic() < self.due:
            return
        if self._speed is None:
            events = trainer.go()
        else:
            events = trainer.update()
            self.due = max(self.due + 1 / self._speed, time.monotonic() - 0.1)
        self._note(events)
        if trainer.finished or (self._until_epoch and any(isinstance(event, EpochEnd) for event in events)):
            self._pause()
        self._observe()

    def view(self) -> dict[str, Any]:
        """What is drawn of now, as plain data; without data only that there are none."""
        trainer, dataset = self.trainer, self.dataset
        state = {"generation": self.generation, "running": self.running, "speed": self._speed}
        if trainer is None or dataset is None:
            return {**state, "place": None}
        two = len(dataset.axes) >= 2
        return plain({
            **state,
            "place": trainer.place,
            "curves": self._curves(trainer),
            "layers": layers(trainer.net),
            "surface": surface(trainer.net, dataset, self.axes) if two else None,
            "findings": [finding.document() for finding in trainer.findings],
            "events": list(self.events)[-5:],
        })  # type: ignore[no-any-return]  # fmt: skip

    def close(self) -> None:
        """Stop, and delete the dropped files."""
        self._pause()
        self.folder.close()

    # ------------------------------------------------------------------------------- data and design

    def _do_form(self) -> dict[str, Any]:
        """What can be chosen."""
        return form() | {"folder": self.folder.root.name, "files": self.folder.listed()}

    def _do_files(self) -> dict[str, Any]:
        return self.folder.listed()

    def _do_drop(self, name: Any, data: Any) -> dict[str, Any]:
        return {"path": self.folder.drop(name, data)}

    def _do_columns(self, path: Any) -> dict[str, Any]:
        """The columns of a table, from which the target is chosen."""
        return {"columns": list(as_source(self.folder.existing(path)).names)}

    def _do_open(
        self,
        set: Any = None,  # noqa: A002 (the page's own word)
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
        if set is not None:
            source = {"set": set, "rows": rows, "noise": noise, "held_out": held_out, "features": features}
        else:
            source = {"path": path, "target": target, "held_out": held_out, "drop": drop}
        self._start(source, self.design)
        self.axes = Axes()
        return self._do_setup()

    def open_arrays(self, X: Any, T: Any, net: Any = None) -> None:
        """Open arrays, and a network whose layers and first weights the training takes; None for the design's."""
        dataset = of_arrays(X, T)
        self._start({"arrays": (X, T)}, self.design if net is None else _design_of(net), dataset)

    def _do_change(self, settings: Any) -> dict[str, Any]:
        """Change the network or the settings, and start again; more epochs alone let the training go on."""
        design = self.design.changed(settings)
        if self.trainer is None:
            self.design = design
            return self._do_setup()
        longer = design.training.epochs > self.design.training.epochs
        if set(settings) == {"epochs"} and longer and not self.trainer.stopped:
            self.trainer.lengthen(design.training.epochs)
            self.design = design
            self.generation += 1
        else:
            keep = None if _prepares(settings, self.source) else self.dataset
            self._start(self.source, design, keep)
        return self._do_setup()

    def _start(self, source: dict[str, Any], design: Design, dataset: Dataset | None = None) -> None:
        """Start from the first weights. Nothing changes where data and design do not fit each other."""
        dataset = self._opened(source, design) if dataset is None else dataset
        trainer = Trainer(dataset, design)
        self.source, self.design, self.dataset, self.trainer = source, design, dataset, trainer
        self._pause()
        self.generation += 1
        self.events.clear()
        self._spread, self._spread_at, self._doctor_at = Spread(), 0.0, 0.0
        self._observe(now=True)

    def _opened(self, source: dict[str, Any], design: Design) -> Dataset:
        seed = design.training.seed or 0
        if "set" in source:
            s = source
            return of_set(s["set"], s["rows"], s["noise"], seed, s["held_out"], s["features"])
        if "arrays" in source:
            return of_arrays(*source["arrays"])
        if not isinstance(source["target"], str):
            raise SettingError("name the column to learn as target")
        place = self.folder.existing(source["path"])
        values = self.table_settings(source, design)
        return of_table(place, source["target"], source["path"], values)

    def table_settings(self, source: dict[str, Any], design: Design) -> dict[str, Any]:
        """The settings with which a table is prepared."""
        outputs = {name: value for name in ("output", "cost") if (value := getattr(design, name)) is not None}
        drop = tuple(source["drop"])
        rows = {"validation": float(source["held_out"]), "members": 1, "start": "random"}
        return {**rows, **({"drop": drop} if drop else {}), **outputs, "seed": design.training.seed, "hidden": (1,)}

    def _do_setup(self) -> dict[str, Any]:
        """What data and design are, for the page to draw anew."""
        if self.trainer is None or self.dataset is None:
            return {"generation": self.generation, "dataset": None, "design": self.design.document()}
        about = self.dataset.document()
        about |= {"inputs": named(about["inputs"]), "outputs": named(about["outputs"]), "axes": named(about["axes"])}
        drawn = points(self.dataset, self.axes) if len(self.dataset.axes) >= 2 else {"points": []}
        return {
            "generation": self.generation,
            "dataset": about,
            "source": {name: value for name, value in self.source.items() if name != "arrays"},
            "design": self.design.document(),
            "network": self.trainer.net.architecture.describe(),
            "sizes": list(self.trainer.net.sizes),
            "weights": sum(W.size for W in self.trainer.net.W),
            "axes": self.axes._asdict(),
            "place": self.trainer.place,
            **drawn,
        }

    # ------------------------------------------------------------------------------- training

    def required(self) -> Trainer:
        """The training. Raises SettingError where no data are open."""
        if self.trainer is None:
            raise SettingError("there are no data yet: choose a set, or open a table")
        return self.trainer

    def _do_run(self) -> dict[str, Any]:
        self.required()
        return self._go(until_epoch=False)

    def _do_epoch(self) -> dict[str, Any]:
        self.required()
        return self._go(until_epoch=True)

    def _go(self, until_epoch: bool) -> dict[str, Any]:
        if self.required().finished:
            raise SettingError("training is over: allow more epochs, or start again")
        self.running, self._until_epoch, self.due = True, until_epoch, time.monotonic()
        return self._place()

    def _do_pause(self) -> dict[str, Any]:
        self._pause()
        return self._place()

    def _pause(self) -> None:
        self.running, self._until_epoch = False, False

    def _do_update(self) -> dict[str, Any]:
        self._pause()
        if self.required().finished:
            raise SettingError("training is over: allow more epochs, or start again")
        self._note(self.required().update())
        self._observe(now=True)
        return self._place()

    def _do_back(self) -> dict[str, Any]:
        self._pause()
        self.required().back()
        self._observe(now=True)
        return self._place()

    def _do_restart(self) -> dict[str, Any]:
        self.required()
        self._start(self.source, self.design, self.dataset)
        return self._place()

    def _do_speed(self, updates: Any) -> dict[str, Any]:
        """So many updates a second; None for as fast as it can."""
        self._speed = None if updates is None else _SPEED.clean("updates", updates)
        self.due = time.monotonic()
        return self._place()

    def _place(self) -> dict[str, Any]:
        place = None if self.trainer is None else self.trainer.place
        return {"running": self.running, "speed": self._speed, "place": place}

    # ------------------------------------------------------------------------------- what is seen

    def _do_axes(self, x: Any = 0, y: Any = 1, row: Any = 0, output: Any = 0) -> dict[str, Any]:
        """The two inputs of the surface, and the row whose values the others have."""
        trainer, dataset = self.required(), self.dataset
        assert dataset is not None, "there is a training"
        limits = {"x": len(dataset.axes), "y": len(dataset.axes), "row": len(dataset.train.X)}
        limits["output"] = trainer.net.sizes[-1] + 1
        chosen = {}
        for (name, most), value in zip(limits.items(), (x, y, row, output), strict=True):
            chosen[name] = Whole(0).clean(name, value)
            if chosen[name] >= most:
                raise SettingError(f"{name} is {chosen[name]}, but must be from 0 to {most - 1}")
        if chosen["x"] == chosen["y"]:
            raise SettingError("the two inputs of the surface are the same: choose two")
        self.axes = Axes(**chosen)
        return self._do_setup()

    def _do_view(self) -> dict[str, Any]:
        return self.view()

    def _do_spread(self) -> dict[str, Any]:
        self.required()
        return self._spread.document()

    def _do_equation(
        self, kind: Any, layer: Any, i: Any = 1, j: Any = 1, row: Any = 0, notation: Any = "GD"
    ) -> dict[str, Any]:
        return explained(self.required(), Pick(kind, layer, i, j, row, notation))

    def _do_tour(self, row: Any = 0, step: Any = 1, notation: Any = "GD") -> dict[str, Any]:
        return tour(self.required(), row, step, notation)

    def _do_doctor(self) -> dict[str, Any]:
        return {"findings": [finding.document() for finding in self.required().diagnose()]}

    def _note(self, events: list[Any]) -> None:
        """Keep what happened, as the public documents of events."""
        for event in events:
            self._number += 1
            self.events.append({"number": self._number, **document(event)})

    def _observe(self, now: bool = False) -> None:
        """Compute how numbers are spread, and the doctor's findings, now and then."""
        trainer, clock = self.required(), time.monotonic()
        if now or clock - self._spread_at > SPREAD_EVERY:
            self._spread_at = clock
            count = min(len(trainer.dataset.train.X), SPREAD_ROWS)
            self._spread.add(trainer.updates, trainer.ledger(list(range(count))))
        if (now or clock - self._doctor_at > DOCTOR_EVERY) and trainer.updates:
            self._doctor_at = clock
            trainer.diagnose()
        self.recorder()

    def _curves(self, trainer: Trainer) -> dict[str, Any]:
        """The costs and metrics of some epochs, at most CURVE: epoch numbers from 1, and a list for each name."""
        history = trainer.training.history
        step = max(1, math.ceil(history.epochs / CURVE))
        chosen = sorted({*range(0, history.epochs, step), *([history.epochs - 1] if history.epochs else [])})
        lines = {"cost": history.cost, "held out": history.validation}
        lines |= {f"{name}, held out": values for name, values in history.metrics.items()}
        curves = {name: [values[e] for e in chosen] for name, values in lines.items() if values}
        for name in history.metrics:
            near = {epoch // step: score[name] for epoch, score in trainer.scores.items()}
            curves[f"{name}, trained on"] = [near.get(e // step) for e in chosen]
        return {"epochs": [e + 1 for e in chosen], "lines": curves}


def _prepares(settings: Mapping[str, Any], source: Mapping[str, Any]) -> bool:
    """Whether the rows must be prepared again: another seed, and for a table another output or cost."""
    return "seed" in settings or ("path" in source and bool({"output", "cost"} & set(settings)))


def _design_of(net: Any) -> Design:
    """The design of a network, which begins with its weights."""
    block = net.architecture.blocks[0]
    design = Design(net.sizes[1:-1], tuple(net.architecture.hidden), block.activation, block.cost, None, str(net.dtype))
    return dataclasses.replace(design, initializer=net.theta.copy())


def plain(value: Any) -> Any:
    """Data that JSON can hold: numbers that are not finite become None, NumPy's numbers Python's, paths text."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if hasattr(value, "tolist") and not isinstance(value, str):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
