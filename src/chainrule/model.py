"""From a table to a model: columns encoded, a network trained, answers in the table's own words and units."""

import dataclasses
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule import files
from chainrule._version import __version__
from chainrule.activations import ACTIVATIONS
from chainrule.arrays import Array, as_dtype
from chainrule.data import metrics
from chainrule.data.columns import first_non_number, is_categorical, looks_numeric, words_of
from chainrule.data.encoding import Encoder
from chainrule.data.examples import split_rows
from chainrule.data.tables import read_table
from chainrule.data.targets import Targets
from chainrule.errors import DataError
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.training import Event, Finished, History, as_dropout, check_settings, train

__all__ = ["Model", "Settings", "TableTraining", "train_table"]

LEAST_ROWS = 10  # below this no rows are held out for validation


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a table is trained on.

    hidden: neurons of each hidden layer. activation: of the hidden layers. optimizer: a name, or an object in Python.
    learning_rate: None for the optimizer's own. batch_size: rows of an update. epochs: passes over the rows.
    validation: the share of rows held out, whose cost says which epoch's weights to keep; 0 holds out none. alpha, l1:
    penalties on squared and absolute weights. dropout: the probability of dropping a hidden neuron. task: auto,
    classification or regression. drop: columns to leave out. seed: fixes every random choice; None draws one.
    """

    hidden: Sequence[int] = (100,)
    activation: Any = "relu"
    optimizer: Any = "adam"
    learning_rate: float | None = None
    batch_size: int = 32
    epochs: int = 100
    validation: float = 0.1
    alpha: float = 0.0
    l1: float = 0.0
    dropout: float = 0.0
    task: str = "auto"
    drop: Sequence[str] = ()
    seed: int | None = 0
    dtype: str = "float32"
    engine: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        share = isinstance(self.validation, int | float) and 0 <= self.validation < 1
        require(share, "validation", self.validation, "a share from 0 to below 1")
        object.__setattr__(self, "hidden", (self.hidden,) if isinstance(self.hidden, int) else tuple(self.hidden))
        object.__setattr__(self, "drop", (self.drop,) if isinstance(self.drop, str) else tuple(self.drop))
        sizes = all(isinstance(n, int) and n >= 1 for n in self.hidden)
        require(sizes, "hidden", self.hidden, "whole numbers from 1")
        check_settings(self.batch_size, self.epochs, self.alpha, self.l1, self.threads)
        as_dropout(self.dropout, len(self.hidden))
        as_seed(self.seed)
        as_dtype(self.dtype)
        ACTIVATIONS.get(self.activation)
        _ = self.rule

    @property
    def rule(self) -> Optimizer:
        """The optimizer with its learning rate."""
        found = OPTIMIZERS.get(self.optimizer)
        if self.learning_rate is None:
            return found
        return dataclasses.replace(found, learning_rate=self.learning_rate)


class Model:
    """A network with the encoder of its table: give it tables, get answers in the targets' own words and units.

    Made by `train_table` or `cr.load`. `encoder`, `targets`, `network` are its parts; `summary` says how it was
    trained, as plain data; `history` is that of the training, None for a model that comes from a file.
    """

    def __init__(
        self,
        encoder: Encoder,
        targets: Targets,
        network: Network,
        summary: Mapping[str, Any],
        history: History | None = None,
    ) -> None:
        self.encoder, self.targets, self.network = encoder, targets, network
        self.summary, self.history = dict(summary), history

    def outputs(self, source: Any) -> Array:
        """The network's outputs (n, n_L) for the rows of a table."""
        return self.network.predict(self.encoder.encode(read_table(source), self.network.dtype))

    def predict(self, source: Any) -> Any:
        """The answer for each row of a frame, a mapping of columns or a file: an array (n,), or one by target's name.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> model.predict({"x": [1, 0]})
        array(['yes', 'no'], dtype=object)

        Raises DataError for a table without the columns that training had.
        """
        found = self.targets.decode(self.outputs(source))
        return next(iter(found.values())) if len(found) == 1 else found

    def probabilities(self, source: Any) -> dict[str, Array]:
        """The probability of each class for each row, by `target=class`; empty without classes."""
        return self.targets.probabilities(self.outputs(source))

    def evaluate(self, source: Any) -> dict[str, Any]:
        """How good the answers are for rows whose targets are known, by target: plain numbers by name.

        Classes: accuracy and log loss. Numbers: rmse and mae in the target's units, r2. Several targets of numbers
        also get their common rmse and mean r2, `overall`. Rows without a target are left out and counted.
        """
        table = read_table(source)
        present = self.targets.present(table)
        if not present.any():
            raise DataError("no row has a value for every target, so there is nothing to compare with")
        table = table.filter(present)
        A, T = self.outputs(table), self.targets.encode(table, "float64")
        found: dict[str, Any] = {"rows": table.num_rows, "without_target": int((~present).sum())}
        return {**found, **_scores(self.targets, A, T)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as one .safetensors file; see `cr.save`."""
        files.save(self, path)

    def document(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """The model as plain data and named tensors, for a file."""
        document, tensors = self.network.document()
        parts = {"encoder": self.encoder.document(), "targets": self.targets.document(), "summary": self.summary}
        return {**document, **parts}, {**tensors, **self.encoder.tensors(), **self.targets.tensors()}

    @classmethod
    def from_document(cls, document: Any, tensors: Any) -> "Model":
        """The model of such a document; raises ModelFileError where the parts do not fit together."""
        encoder = Encoder.from_document(document["encoder"], tensors)
        targets = Targets.from_document(document["targets"], tensors)
        network = Network.from_document(document, tensors)
        widths = (encoder.width, targets.width)
        if widths != (network.sizes[0], network.sizes[-1]) or not isinstance(document["summary"], dict):
            raise DataError(f"the columns make {widths[0]} inputs and {widths[1]} outputs, not those of the network")
        return cls(encoder, targets, network, document["summary"])

    def __repr__(self) -> str:
        return f"Model({', '.join(self.targets.names)} from {len(self.encoder.columns)} columns; {self.network!r})"


class TableTraining:
    """The training of a model on a table, ready to run: what was found in the table, the events, then the model.

    `notes` are the lines that a person should read before training starts. After `events` is exhausted, `model` is
    the trained one; while it runs, it is the model as it stands.
    """

    def __init__(self, source: Any, target: str | Sequence[str], settings: Settings) -> None:
        table = read_table(source)
        names = [target] if isinstance(target, str) else list(target)
        targets = Targets.fit(table, names, settings.task)
        present = targets.present(table)
        table = table.filter(present)
        self.settings = dataclasses.replace(settings, seed=as_seed(settings.seed))
        rows, held = (table.take(part) for part in self._split(table.num_rows))
        encoder, targets = Encoder.fit(rows, [*names, *settings.drop]), targets.scaled_to(rows)
        self.rows = encoder.encode(rows, settings.dtype), targets.encode(rows, settings.dtype)
        self.held = (encoder.encode(held, settings.dtype), targets.encode(held, settings.dtype)) if len(held) else None
        self.notes = _notes(encoder, targets, int((~present).sum()), len(rows), len(held)) + _stray_words(encoder, rows)
        self.model = Model(encoder, targets, self._network(encoder, targets), {})

    def _split(self, n: int) -> tuple[Array, Array]:
        if self.settings.validation == 0 or n < LEAST_ROWS:
            return np.arange(n), np.arange(0)
        assert self.settings.seed is not None
        return split_rows(self.settings.seed, n, self.settings.validation)

    def _network(self, encoder: Encoder, targets: Targets) -> Network:
        s = self.settings
        output = [(_OUTPUTS[block.kind][0], block.width) for block in targets.blocks]
        cost = [_OUTPUTS[block.kind][1] for block in targets.blocks]
        sizes = [encoder.width, *s.hidden, targets.width]
        rule = _INITIALIZERS.get(ACTIVATIONS.get(s.activation).name, "glorot_uniform")
        return Network(sizes, s.activation, output, cost, initializer=rule, seed=s.seed, dtype=s.dtype)

    def events(self, cancel: Callable[[], bool] | None = None) -> Iterator[Event]:
        """The events of the training (see `cr.train`)."""
        s = self.settings
        for event in train(
            self.model.network,
            *self.rows,
            optimizer=s.rule,
            batch_size=s.batch_size,
            epochs=s.epochs,
            validation=self.held,
            alpha=s.alpha,
            l1=s.l1,
            dropout=s.dropout,
            metrics=_training_metrics(self.model.targets) if self.held else {},
            engine=s.engine,
            threads=s.threads,
            seed=s.seed,
            cancel=cancel,
        ):
            if isinstance(event, Finished):
                self._finish(event.history)
            yield event

    def _finish(self, history: History) -> None:
        self.model.history, s = history, self.settings
        best = history.best_epoch
        found = {"cost": history.cost, "validation_cost": history.validation, **history.metrics}
        self.model.summary = {
            "rows": len(self.rows[0]),
            "validation_rows": len(self.held[0]) if self.held else 0,
            "epochs": history.epochs,
            "best_epoch": best + 1,
            "at_best_epoch": _finite({name: values[best] for name, values in found.items() if values and best >= 0}),
            "stopped": history.stopped,
            "optimizer": s.rule.document(),
            "batch_size": s.batch_size,
            "alpha": float(s.alpha),
            "l1": float(s.l1),
            "dropout": float(s.dropout),
            "seed": s.seed,
            "engine": history.engine,
            "chainrule": __version__,
        }


def train_table(
    source: Any,
    target: str | Sequence[str],
    *,
    on_event: Callable[[Event], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    **settings: Any,
) -> Model:
    """Train a model that predicts the target column, or columns, of a table from all its other columns.

    source: the path of a CSV file (.csv, .csv.gz), a data frame, or a mapping of names to columns. Numbers are
    standardised, words become one input each, missing values are flagged; words or few whole numbers as target make
    a classifier, other numbers a regression. settings: the fields of `Settings`. on_event: called with each event.

    >>> x = np.arange(40.0)
    >>> model = cr.train_table({"x": x, "price": 3 * x + 10}, target="price", epochs=100, learning_rate=0.01)
    >>> bool(abs(model.predict({"x": [20.0]})[0] - 70) < 5)
    True

    Raises DataError or SettingError in one line.
    """
    training = TableTraining(source, target, Settings(**settings))
    for event in training.events(cancel):
        if on_event is not None:
            on_event(event)
    return training.model


_OUTPUTS = {"classes": ("softmax", "cross_entropy"), "numbers": ("identity", "quadratic")}

_INITIALIZERS = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "softplus"), "he_uniform"),
    "selu": "lecun_normal",
}


def _stray_words(encoder: Encoder, rows: Any) -> list[str]:
    """Columns of words in which most cells are numbers: likely numbers with a few cells to mend."""
    words = {name: rows.column(name) for name, kind, _ in encoder.describe() if kind == "categories"}
    mixed = {n: cells for n, cells in words.items() if not is_categorical(cells) and looks_numeric(words_of(cells, n))}
    return [
        f"column {name} is taken as words because of cells such as {first_non_number(cells)[1]!r}"
        for name, cells in mixed.items()
    ]


def _finite(scores: dict[str, float]) -> dict[str, float]:
    """The scores that a file can hold: JSON has no infinity."""
    return {name: value for name, value in scores.items() if math.isfinite(value)}


def _scores(targets: Targets, A: Array, T: Array) -> dict[str, Any]:
    """The scores of each target, by name, and the `overall` ones of the numbers where there are several."""
    true, found = targets.decode(T), targets.decode(A)
    scores: dict[str, dict[str, float]] = {}
    start = 0
    for column in targets.columns:
        part = slice(start, start + column.width)
        start += column.width
        y, a = true[column.name], found[column.name]
        if column.kind == "classes":
            scores[column.name] = {
                "accuracy": metrics.accuracy(y, a),
                "log_loss": metrics.log_loss(T[:, part], A[:, part]),
            }
        else:
            scores[column.name] = {"rmse": metrics.rmse(y, a), "mae": metrics.mae(y, a), "r2": metrics.r2(y, a)}
    numbers = [column.name for column in targets.columns if column.kind == "numbers"]
    if len(numbers) > 1:
        y, a = (np.stack([values[name] for name in numbers], axis=1) for values in (true, found))
        return {"targets": scores, "overall": {"rmse": metrics.rmse(y, a), "r2": metrics.r2(y, a)}}
    return {"targets": scores}


def _training_metrics(targets: Targets) -> dict[str, Callable[[Array, Array], float]]:
    """The one score of each target that is shown while it trains: accuracy, or r2."""

    def score(name: str, kind: str) -> Callable[[Array, Array], float]:
        function = metrics.accuracy if kind == "classes" else metrics.r2
        return lambda A, T: function(targets.decode(T)[name], targets.decode(A)[name])

    several = len(targets.columns) > 1
    labels = {"classes": "accuracy", "numbers": "r2"}
    return {f"{labels[c.kind]} {c.name}" if several else labels[c.kind]: score(c.name, c.kind) for c in targets.columns}


def _notes(encoder: Encoder, targets: Targets, without: int, rows: int, held: int) -> list[str]:
    """What a person should know before training starts."""
    notes = [f"{rows:,} rows to train on, {held:,} held out for validation; {encoder.width} inputs"]
    if without:
        notes.append(f"{without:,} rows have no target and are left out")
    for column in targets.columns:
        what = f"{column.width} classes" if column.kind == "classes" else "a number"
        notes.append(f"target {column.name}: {what}")
    dropped: dict[str, list[str]] = {}
    for name, kind, why in encoder.describe():
        if kind == "dropped":
            dropped.setdefault(why, []).append(name)
    return notes + [f"left out, because {why}: {', '.join(names)}" for why, names in dropped.items()]
