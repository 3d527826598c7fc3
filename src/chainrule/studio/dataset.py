"""The rows that a network of the studio learns: a set of the playground, a table, or arrays, in one form.

rows            X, T, weight of those trained on and of those held out, checked once by training
names           what the inputs and outputs are called
points          from values of two columns to inputs, for the surface
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import DataError, SettingError
from chainrule.examples import RowArrays, hold_out
from chainrule.model import TableSettings, TableTraining
from chainrule.model.metrics import accuracy, r2
from chainrule.studio.playground import SETS, features_of, make
from chainrule.tables.inputs import Encoder
from chainrule.tables.targets import Targets
from chainrule.training import Monitor

__all__ = ["Dataset", "of_arrays", "of_set", "of_table"]


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Rows to learn, those held out, and how to speak of them.

    - title: what they are, for people.
    - train, held_out: X, T and weights; None where no row is held out.
    - names, outputs: of the inputs and of the outputs.
    - kind: "numbers", "yes or no" (one output of 0 or 1) or "classes".
    - monitor: the scores after each epoch, and what chooses the weights.
    - output, cost: the output layer that suits them.
    - script: Python that makes X, T and the rows held out; "" for a table.
    - table: the training on a table that prepared them, or None.
    - columns: each column of a table with the encoder's reading of it.
    - features: the functions of the two coordinates that are the inputs, where the rows are points.
    """

    title: str
    train: RowArrays
    held_out: RowArrays | None
    names: list[str]
    outputs: list[str]
    kind: str
    monitor: Monitor
    output: Any
    cost: Any
    script: str = ""
    table: TableTraining | None = None
    columns: list[dict[str, str]] = dataclasses.field(default_factory=list)
    features: tuple[str, ...] = ()

    @property
    def encoder(self) -> Encoder | None:
        """The encoder of a table's columns."""
        return None if self.table is None else self.table.model.encoder

    @property
    def targets(self) -> Targets | None:
        """The targets of a table."""
        return None if self.table is None else self.table.model.targets

    @property
    def axes(self) -> list[str]:
        """What the two axes of the surface can be: the coordinates of points, else the inputs."""
        return ["x1", "x2"] if self.features else self.names

    def points(self, row: int, x: int, y: int, P: Array) -> Array:
        """The inputs (k, n_1) at points P (k, 2) of the axes x and y, the other inputs as in a row to train on."""
        if self.features:
            return features_of(P if x == 0 else P[:, ::-1], self.features)
        X = np.repeat(np.asarray(self.train.X[row : row + 1], np.float64), len(P), axis=0)
        X[:, x], X[:, y] = P[:, 0], P[:, 1]
        return X

    def document(self) -> dict[str, Any]:
        """What they are, as plain data."""
        held_out = 0 if self.held_out is None else len(self.held_out.X)
        counts = {"rows": len(self.train.X), "held_out": held_out, "kind": self.kind, "axes": self.axes}
        names = {"inputs": self.names, "outputs": self.outputs, "columns": self.columns}
        return {"title": self.title, **counts, **names, "features": list(self.features)}


# ---------------------------------------------------------------------------------------------- a set


def of_set(
    name: str, rows: int = 400, noise: float = 0.05, seed: int = 0, held_out: float = 0.3, features: Any = ("x1", "x2")
) -> Dataset:
    """A set of the playground, with a share of its rows held out. Raises SettingError as `playground.make` does."""
    made = make(name, rows, noise, seed, features)
    arguments = f"{name!r}" if name == "digits" else f"{name!r}, {rows}, {noise!r}, {seed}, {list(features)!r}"
    script = f"from chainrule.studio.playground import make\n\nX, T, names, outputs = make({arguments})\n"
    points = tuple(features) if SETS[name] is not None else ()
    title = "the digits of scikit-learn" if name == "digits" else f"the set {name}"
    return _of_arrays(title, made.X, made.T, made.names, made.outputs, seed, held_out, script, points)


def of_arrays(X: Any, T: Any, names: Any = None, outputs: Any = None, held_out: float = 0.0, seed: int = 0) -> Dataset:
    """Arrays of one's own: X (n, n_1) and T (n, n_L), or class numbers (n,). Raises DataError for others."""
    X, T = np.asarray(X), np.asarray(T)
    if X.ndim != 2 or T.ndim not in (1, 2) or len(X) != len(T) or not len(X):
        raise DataError(f"X has shape {X.shape} and T {T.shape}: give rows of inputs and as many rows of targets")
    names = [f"x{i + 1}" for i in range(X.shape[1])] if names is None else list(names)
    count = int(T.max()) + 1 if T.ndim == 1 else T.shape[1]
    outputs = [f"output {j + 1}" for j in range(count)] if outputs is None else list(outputs)
    return _of_arrays("your arrays", X, T, names, outputs, seed, held_out, "# X, T: your arrays\n", ())


def _of_arrays(
    title: str,
    X: Array,
    T: Array,
    names: list[str],
    outputs: list[str],
    seed: int,
    held_out: float,
    script: str,
    features: tuple[str, ...],
) -> Dataset:
    """Rows of arrays, with a share of them held out by their classes."""
    if not (isinstance(held_out, int | float) and 0 <= held_out < 1):
        raise SettingError(f"held_out is {held_out!r}, but must be a share from 0 to below 1")
    kind = _kind(T)
    train, held, validation = RowArrays(X, T, None), None, ""
    if held_out and len(X) > 1:
        strata = None if kind == "numbers" else T.reshape(len(T), -1)[:, 0].astype(np.int64)
        rows = hold_out(seed, len(X), held_out, strata)
        train, held = (RowArrays(X[part], T[part], None) for part in rows)
        classes = "" if strata is None else ", T.reshape(len(T), -1)[:, 0].astype(int)"
        validation = (
            "from chainrule.examples import hold_out\n\n"
            f"rows, held_out = hold_out({seed}, len(X), {held_out!r}{classes})\n"
        )
    score: dict[str, Any] = {"r2": _r2} if kind == "numbers" else {"accuracy": _accuracy}
    monitor = Monitor({} if held is None else score, "training")
    output, cost = _HEADS[kind]
    return Dataset(
        title, train, held, names, outputs, kind, monitor, output, cost, script + validation, features=features
    )


_HEADS = {
    "numbers": ("identity", "quadratic"),
    "yes or no": ("sigmoid", "binary_cross_entropy"),
    "classes": ("softmax", "cross_entropy"),
}


def _kind(T: Array) -> str:
    if T.ndim == 1:
        return "classes"
    ones = np.isin(T, (0, 1)).all()
    if ones and T.shape[1] == 1:
        return "yes or no"
    return "classes" if ones and (T.sum(axis=1) == 1).all() else "numbers"


def _accuracy(A: Array, T: Array) -> float:
    if A.shape[1] == 1:
        return accuracy(T.ravel() > 0.5, A.ravel() > 0.5)
    return accuracy(T if T.ndim == 1 else T.argmax(axis=1), A.argmax(axis=1))


def _r2(A: Array, T: Array) -> float:
    return r2(T.ravel().astype(np.float64), A.ravel().astype(np.float64))


# ---------------------------------------------------------------------------------------------- a table


def of_table(source: Any, target: str, title: str, values: Mapping[str, Any]) -> Dataset:
    """A table, prepared as `train_table` prepares it.

    - source: the table.
    - target: the column to learn.
    - title: what it is called.
    - values: settings of `TableSettings`.

    Raises DataError or SettingError where the table and the settings do not fit each other.
    """
    training = TableTraining(source, target, TableSettings.of(**values))
    blocks, targets = training.ensemble.one.blocks, training.model.targets
    columns = [
        {"name": name, "kind": kind, "reading": words} for name, kind, words in training.model.encoder.describe()
    ]
    return Dataset(
        title,
        training.rows,
        training.held_out,
        training.model.encoder.feature_names,
        targets.neurons,
        "classes" if targets.classes else "numbers",
        training.monitor,
        blocks[0].activation,
        blocks[0].cost,
        table=training,
        columns=columns,
    )
