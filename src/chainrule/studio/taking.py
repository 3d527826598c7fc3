"""The commands to take along: the model's file, its exports, the Python that makes the training, a recording."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from chainrule.export import format_of
from chainrule.files import save
from chainrule.files.atomic import atomic_write
from chainrule.model import Model, TableSettings
from chainrule.model.summary import summary_of
from chainrule.network import Network
from chainrule.settings import TrainingSettings
from chainrule.studio.recording import Recording, html_of
from chainrule.studio.script import script
from chainrule.studio.work import Work

__all__ = ["Taking"]


class Taking:
    """What a session writes into files below its folder."""

    def __init__(self, work: Work, ask: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self._work, self._ask = work, ask
        self.recording = Recording()
        work.recorder = lambda: self.recording.add(work)
        self.commands: dict[str, Callable[..., dict[str, Any]]] = {
            "save": self.save,
            "export": self.export,
            "python": self.python,
            "record": self.record,
        }

    def model(self) -> Network | Model:
        """The network in training, with its columns where they are a table's."""
        trainer = self._work.required()
        table = trainer.dataset.table
        if table is None:
            return trainer.net
        net, history = trainer.net.copy(), trainer.training.history.copy()
        if not trainer.finished:
            history.stopped = "cancelled"
        held_out = 0 if table.held_out is None else len(table.held_out.X)
        summary = summary_of(self._settings(table.settings), history, 1, len(table.rows.X), held_out, "")
        return Model(table.model.encoder, table.model.targets, net, summary, history)

    def _settings(self, prepared: TableSettings) -> TableSettings:
        """The settings of the table, with those of the design."""
        training = self._work.design.training
        names = [field.name for field in dataclasses.fields(TrainingSettings)]
        dropout = training.dropout if isinstance(training.dropout, float) else max(training.dropout, default=0.0)
        values = {name: getattr(training, name) for name in names} | {"dropout": dropout, "learning_rate": None}
        return dataclasses.replace(prepared, **values)

    def save(self, path: Any) -> dict[str, Any]:
        """Write the ordinary model file."""
        place = self._work.folder.target(path, ".safetensors")
        save(self.model(), place)
        return {"path": self._work.folder.name(place), "bytes": place.stat().st_size}

    def export(self, path: Any, to: Any = None) -> dict[str, Any]:
        """Write a program, as `chainrule export` does."""
        place = self._work.folder.target(path)
        form = format_of(place, to)
        self.model().export(place, form.name)
        return {"path": self._work.folder.name(place), "bytes": place.stat().st_size, "format": form.title}

    def python(self) -> dict[str, Any]:
        """The Python that makes the same training."""
        work = self._work
        trainer, source = work.required(), work.source
        path, table = "", {}
        if "path" in source:
            path, table = source["path"], work.table_settings(source, work.design)
        return {"python": script(trainer, path, source.get("target") or "", table)}

    def record(self, path: Any) -> dict[str, Any]:
        """Write one HTML file with the view, the weights and the recorded steps, which opens without a server."""
        place = self._work.folder.target(path, ".html")
        self._work.required()
        content = html_of(self._ask, self.recording)
        with atomic_write(place) as stream:
            stream.write(content)
        return {"path": self._work.folder.name(place), "bytes": len(content), "steps": len(self.recording.frames)}
