"""The commands that judge: the certificate, a model file and where it goes wrong, and what would be if."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.fields import Whole
from chainrule.files import load
from chainrule.model import Model
from chainrule.network import Network
from chainrule.studio.opened import described, network_of, what_if, what_if_arrays
from chainrule.studio.snapshot import layers, named
from chainrule.studio.work import Work
from chainrule.tables.sources import as_source

__all__ = ["Inspection"]

_ROW = Whole(0)
CERTIFIED_ROWS = 50
CERTIFIED = 400  # parameters of a layer that are compared


class Inspection:
    """The model that is inspected: one from a file, or the one in training."""

    def __init__(self, work: Work, model: Callable[[], Network | Model]) -> None:
        self._work, self._trained = work, model
        self._stored: Any = None
        self._rows: tuple[tuple[Path, int], Any] | None = None  # a table with its version
        self.commands: dict[str, Callable[..., dict[str, Any]]] = {
            "certificate": self.certificate,
            "open_model": self.open_model,
            "close_model": self.close_model,
            "evaluate": self.evaluate,
            "what_if": self.what_if,
        }

    def certificate(self) -> dict[str, Any]:
        """The gradient certificate of the network in training, on some rows."""
        trainer = self._work.required()
        train, s = trainer.dataset.train, trainer.design.training
        count = min(CERTIFIED_ROWS, len(train.X))
        X, T = train.X[:count], train.T[:count]
        certificate = trainer.net.check_gradient(X, T, alpha=s.alpha, l1=s.l1, most=CERTIFIED)
        return {**certificate.document(), "ok": certificate.ok, "text": str(certificate)}

    def open_model(self, path: Any) -> dict[str, Any]:
        """Open a model file to inspect it."""
        stored = load(self._work.folder.existing(path))
        net = network_of(stored)
        self._stored = stored
        return {**described(stored), "path": path, "sizes": list(net.sizes), "layers": layers(net)}

    def close_model(self) -> dict[str, Any]:
        """Go back to the model in training."""
        self._stored = None
        return {}

    def evaluate(self, path: Any) -> dict[str, Any]:
        """The scores of the model on a table, and where it goes wrong."""
        model = self._model()
        if not isinstance(model, Model):
            raise SettingError("only a model of a table can be evaluated on a table: this one takes arrays")
        return model.evaluate(self._work.folder.existing(path))

    def what_if(self, values: Any = None, row: Any = 0, table: Any = None) -> dict[str, Any]:
        """The answer for one row whose cells can be moved: that of a table, or the middle of each column."""
        model = self._model()
        if isinstance(model, Model):
            return what_if(model, values, None if table is None else self._cells(table, row))
        net: Network = network_of(model)
        dataset = None if self._stored is not None else self._work.dataset
        if dataset is not None:
            X = np.asarray(dataset.train.X, np.float64)
            first = X[min(max(int(row), 0), len(X) - 1)] if isinstance(row, int) else X[0]
            ranges = np.stack([X.min(axis=0), X.max(axis=0), first])
            return what_if_arrays(net, dataset.names, named(dataset.outputs), ranges, values)
        width = net.sizes[0]
        ranges = np.stack([np.full(width, -3.0), np.full(width, 3.0), np.zeros(width)])
        outputs = [f"output {j + 1}" for j in range(net.sizes[-1])]
        return what_if_arrays(net, [f"x{i + 1}" for i in range(width)], outputs, ranges, values)

    def _cells(self, path: Any, row: Any) -> dict[str, Any]:
        """The cells of a row of a table, which is read once. Raises SettingError for a row that is not there."""
        place = self._work.folder.existing(path)
        version = (place, place.stat().st_mtime_ns)
        if self._rows is None or self._rows[0] != version:
            self._rows = version, as_source(place).table()
        rows, number = self._rows[1], _ROW.clean("row", row)
        if number >= rows.num_rows:
            raise SettingError(f"row is {number}, but must be from 0 to {rows.num_rows - 1:,}")
        return {name: rows.column(name)[number].as_py() for name in rows.column_names}

    def _model(self) -> Any:
        """The model from the file, or the one in training."""
        return self._trained() if self._stored is None else self._stored
