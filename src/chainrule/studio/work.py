"""What is being worked on: the data, the design, the training, and what is drawn of them."""

from __future__ import annotations

import collections
import dataclasses
import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from chainrule.errors import SettingError
from chainrule.studio.dataset import Dataset, of_arrays, of_set, of_table
from chainrule.studio.design import Design
from chainrule.studio.folder import Folder
from chainrule.studio.snapshot import Axes, best_axes, layers, named, points, surface
from chainrule.studio.spread import Spread
from chainrule.studio.trainer import Trainer
from chainrule.training.events import document

__all__ = ["Work"]

SPREAD_EVERY, DOCTOR_EVERY = 1.0, 3.0  # seconds
SPREAD_ROWS = 200
CURVE = 600  # points of a curve
EVENTS = 100  # that are kept


class Work:
    """The state of a session.

    - folder: the files.
    - design: the network and its settings.
    - source: where the data come from, as the page said it.
    - dataset, trainer: the rows and the training; None before data are opened.
    - axes: the two inputs of the surface.
    - running: whether training goes on; `speed` is in updates a second, None for as fast as it can.
    - generation: counts the changes of data and design.
    - events: the last events, as plain data; `spread` the distributions.
    - recorder: called after everything that is observed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder, self.design, self.source = Folder(folder), Design(), dict[str, Any]()
        self.dataset: Dataset | None = None
        self.trainer: Trainer | None = None
        self.axes, self.spread = Axes(), Spread()
        self.events: collections.deque[dict[str, Any]] = collections.deque(maxlen=EVENTS)
        self.running, self.speed, self.generation = False, None, 0  # type: bool, float | None, int
        self.recorder: Callable[[], None] = lambda: None
        self._spread_at = self._doctor_at = 0.0
        self._number = 0

    def required(self) -> Trainer:
        """The training. Raises SettingError where no data are open."""
        if self.trainer is None:
            raise SettingError("there are no data yet: choose a set, or open a table")
        return self.trainer

    # ------------------------------------------------------------------------------- a new start

    def open(self, source: dict[str, Any], net: Any = None) -> None:
        """Open data from a source, with a network of one's own or that of the design."""
        design = self.design if net is None else _design_of(net)
        self.start(source, design, axes=None)

    def change(self, settings: Mapping[str, Any]) -> None:
        """Change the network or the settings, and start again; more epochs alone let the training go on."""
        design = self.design.changed(settings)
        trainer = self.trainer
        if trainer is None:
            self.design = design
            return
        longer = design.training.epochs > self.design.training.epochs
        if set(settings) == {"epochs"} and longer and not trainer.stopped:
            trainer.lengthen(design.training.epochs)
            self.design, self.generation = design, self.generation + 1
        else:
            prepares = "seed" in settings or ("path" in self.source and bool({"output", "cost"} & set(settings)))
            self.start(self.source, design, None if prepares else self.dataset, self.axes)

    def start(
        self, source: dict[str, Any], design: Design, dataset: Dataset | None = None, axes: Axes | None = None
    ) -> None:
        """Start from the first weights. Nothing changes where data and design do not fit each other."""
        dataset = self._opened(source, design) if dataset is None else dataset
        trainer = Trainer(dataset, design)
        self.source, self.design, self.dataset, self.trainer = source, design, dataset, trainer
        self.axes = best_axes(dataset) if axes is None else axes
        self.running, self.generation = False, self.generation + 1
        self.events.clear()
        self.spread, self._spread_at, self._doctor_at = Spread(), 0.0, 0.0
        self.observe(now=True)

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
        return of_table(place, source["target"], source["path"], self.table_settings(source, design))

    def table_settings(self, source: dict[str, Any], design: Design) -> dict[str, Any]:
        """The settings with which a table is prepared."""
        outputs = {name: value for name in ("output", "cost") if (value := getattr(design, name)) is not None}
        drop = source["drop"]
        rows = {"validation": source["held_out"], "members": 1, "start": "random"}
        return {**rows, **({"drop": drop} if drop else {}), **outputs, "seed": design.training.seed, "hidden": (1,)}

    # ------------------------------------------------------------------------------- what happens

    def note(self, events: list[Any]) -> None:
        """Keep what happened, as the public documents of events."""
        for event in events:
            self._number += 1
            self.events.append({"number": self._number, **document(event)})

    def observe(self, now: bool = False) -> None:
        """Compute how numbers are spread, and the doctor's findings, now and then."""
        trainer, clock = self.required(), time.monotonic()
        if now or clock - self._spread_at > SPREAD_EVERY:
            self._spread_at = clock
            count = min(len(trainer.dataset.train.X), SPREAD_ROWS)
            self.spread.add(trainer.updates, trainer.ledger(list(range(count))))
        if (now or clock - self._doctor_at > DOCTOR_EVERY) and trainer.updates:
            self._doctor_at = clock
            trainer.diagnose()
        self.recorder()

    # ------------------------------------------------------------------------------- what is drawn

    def view(self) -> dict[str, Any]:
        """What is drawn of now; without data only that there are none."""
        trainer, dataset = self.trainer, self.dataset
        state = {"generation": self.generation, "running": self.running, "speed": self.speed}
        if trainer is None or dataset is None:
            return {**state, "place": None}
        two = len(dataset.axes) >= 2
        return {
            **state,
            "place": trainer.place,
            "curves": _curves(trainer),
            "layers": layers(trainer.net),
            "surface": surface(trainer.net, dataset, self.axes) if two else None,
            "findings": [finding.document() for finding in trainer.findings],
            "events": list(self.events)[-5:],
        }

    def setup(self) -> dict[str, Any]:
        """What data and design are, for the page to draw anew."""
        trainer, dataset = self.trainer, self.dataset
        if trainer is None or dataset is None:
            return {"generation": self.generation, "dataset": None, "design": self.design.document()}
        about = dataset.document()
        about |= {name: named(about[name]) for name in ("inputs", "outputs", "axes")}
        drawn = points(dataset, self.axes) if len(dataset.axes) >= 2 else {"points": []}
        return {
            "generation": self.generation,
            "dataset": about,
            "source": {name: value for name, value in self.source.items() if name != "arrays"},
            "design": self.design.document(),
            "network": trainer.net.architecture.describe(),
            "sizes": list(trainer.net.sizes),
            "weights": sum(W.size for W in trainer.net.W),
            "axes": self.axes._asdict(),
            "place": trainer.place,
            **drawn,
        }


def _curves(trainer: Trainer) -> dict[str, Any]:
    """The costs and metrics of some epochs, at most CURVE: epoch numbers from 1, and a list for each name."""
    history = trainer.training.history
    step = max(1, math.ceil(history.epochs / CURVE))
    chosen = sorted({*range(0, history.epochs, step), *([history.epochs - 1] if history.epochs else [])})
    lines = {"cost": history.cost, "held out": history.validation}
    lines |= {f"{name}, held out": values for name, values in history.metrics.items()}
    curves: dict[str, list[Any]] = {name: [values[e] for e in chosen] for name, values in lines.items() if values}
    for name in history.metrics:
        near = {epoch // step: score[name] for epoch, score in trainer.scores.items()}
        curves[f"{name}, trained on"] = [near.get(e // step) for e in chosen]
    return {"epochs": [e + 1 for e in chosen], "lines": curves}


def _design_of(net: Any) -> Design:
    """The design of a network, which begins with its weights."""
    block = net.architecture.blocks[0]
    design = Design(net.sizes[1:-1], tuple(net.architecture.hidden), block.activation, block.cost, None, str(net.dtype))
    return dataclasses.replace(design, initializer=net.theta.copy())
