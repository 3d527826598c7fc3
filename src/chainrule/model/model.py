"""A model: the encoder of a table's columns, a network, and the targets that its outputs stand for."""

import html
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from chainrule import files, network_file
from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.certificate import Certificate
from chainrule.engines import choose
from chainrule.errors import DataError, RowError
from chainrule.export import Program, export, outputs_of
from chainrule.model.explained import Explained
from chainrule.model.heads import as_predictions, suits
from chainrule.model.interpreted import Interpreted
from chainrule.model.mistakes import mistakes_of
from chainrule.model.out_of_fold import OutOfFold
from chainrule.model.predictor import ModelPredictor
from chainrule.model.row_scores import RowScores
from chainrule.model.scores import scores_of
from chainrule.model.uncertain import Certainty, Uncertain, coverage_of
from chainrule.network import Network
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, rows_at_once, with_file_name, with_row_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.names import listed, require_columns
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import ClassTarget, Targets
from chainrule.text import counted
from chainrule.training import History

__all__ = ["Model"]

V = TypeVar("V")


class Model(Explained, Interpreted, Uncertain):
    """A network that predicts the targets of tables, with the encoder of their columns.

    `train_table` and `cr.load` make it.

    - encoder: turns the columns of a table into inputs.
    - targets: the columns that the outputs stand for; they turn outputs into words and units.
    - network: the `Network`.
    - summary: the settings that ran and the scores, as plain data.
    - history: the `History` of the training; None for a model from a file.
    - row_scores: the scores of the rows of the training, for `suspicious`, or None; they are no part of its file.
    - out_of_fold: the answers for rows that its networks were not trained on, for intervals and sets, or None.

    >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
    >>> model.network.sizes[0], model.targets.names, model.summary["epochs"]
    (1, ['y'], 20)
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
        self.row_scores: RowScores | None = None
        self.out_of_fold: OutOfFold | None = None

    def outputs(self, source: Any) -> Array:
        """The outputs (n, n_L) for the rows of a table: the probability of each class, numbers scaled as in training.

        - source: a file or a folder, a data frame, or a mapping from names to columns.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> model.outputs({"x": [1, 0, 1]}).shape
        (3, 2)

        Raises DataError where a column is missing, a cell cannot be encoded or an output is not finite.
        """
        return np.concatenate(list(self.outputs_by_block(source)))

    def outputs_by_block(self, source: Any) -> Iterator[Array]:
        """The outputs (m, n_L) for some rows at a time, for tables larger than memory; together they are `outputs`.

        - source: as for `outputs`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> [block.shape for block in model.outputs_by_block({"x": [1, 0, 1]})]
        [(3, 2)]

        Raises DataError as `outputs` does.
        """
        for outputs, _ in self.outputs_with(source, ()):
            yield outputs

    def outputs_with(self, source: Any, columns: Sequence[str]) -> Iterator[tuple[Array, Any]]:
        """The outputs as of `outputs_by_block`, each block with a `pyarrow.Table` of these columns of its rows.

        - source: as for `outputs`.
        - columns: names of columns, such as one that identifies a row.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> blocks = model.outputs_with({"x": [1], "id": ["a"]}, ["id"])
        >>> [(outputs.shape, table.to_pydict()) for outputs, table in blocks]
        [((1, 2), {'id': ['a']})]

        Raises DataError as `outputs` does.
        """
        return self._by_block(source, columns, self._predicted)

    def _by_block(self, source: Any, columns: Sequence[str], of: Callable[[Array], V]) -> Iterator[tuple[V, Any]]:
        """A function of encoded rows X (m, n_1), for some rows of a source at a time, with these columns of them."""
        rows, carried = as_source(source), list(columns)
        most = rows_at_once(self.encoder.width)
        for table, numbers in self._blocks(rows, carried, "identifying"):
            parts = self.encoder.encode_parts(table, self.network.dtype, most)
            for first in range(0, len(numbers), most):
                with with_file_name(rows), with_row_numbers(numbers[first : first + most]):
                    computed = of(next(parts))
                yield computed, table.select(carried).slice(first, most)

    def _predicted(self, X: Array) -> Array:
        """The outputs for encoded rows X (n, n_1), which are finite."""
        architecture = self.network.architecture
        A = choose("auto", architecture).predict(architecture, self.network.theta, X)
        finite = np.isfinite(A).all(axis=1)
        if not finite.all():
            line = "row {row} has no finite prediction: its values are far outside those of the training data"
            raise RowError(int(np.argmin(finite)), line)
        return as_predictions(self.targets, self._activations, A)

    def _chunks(self, source: Source, targets: list[str]) -> Iterator[Chunk]:
        """The inputs and these targets of a source, so few rows at a time that they can be encoded together."""
        return cut_chunks(self._blocks(source, targets, "target"), self.encoder.width)

    def _blocks(self, source: Source, others: list[str], what: str) -> Iterator[Chunk]:
        """The inputs and these other columns of a source, block by block; `what` they are, for an error."""
        require_columns(source.names, self.encoder.columns, "input", source.hint)
        require_columns(source.names, others, what, source.hint)
        return chunks_of(source, list(dict.fromkeys([*self.encoder.columns, *others])))

    @property
    def _activations(self) -> list[Activation]:
        """The activation of each block of outputs."""
        return [block.activation for block in self.network.architecture.blocks]

    def predict(self, source: Any) -> Any:
        """The prediction for each row of a table: an array (n,); with several targets an array for each, by name.

        - source: as for `outputs`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> model.predict({"x": [1, 0]})
        array(['yes', 'no'], dtype=object)

        Raises DataError as `outputs` does.
        """
        predictions = self.targets.decode(self.outputs(source))
        return next(iter(predictions.values())) if len(predictions) == 1 else predictions

    def probabilities(self, source: Any) -> dict[str, Array]:
        """The probability (n,) of each class for each row, by `target=class`; empty if no target has classes.

        - source: as for `outputs`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> {name: p.round().tolist() for name, p in model.probabilities({"x": [1, 0]}).items()}
        {'y=no': [0.0, 1.0], 'y=yes': [1.0, 0.0]}

        Raises DataError as `outputs` does.
        """
        return self.targets.probabilities(self.outputs(source))

    def predictor(self) -> ModelPredictor:
        """A frozen copy of the model for serving: a function of one row, with the bits of `predict`, in microseconds.

        `predict.probabilities(row)` gives the probability of each class. Several threads may call it at the same time.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> predict = model.predictor()
        >>> predict({"x": 1}), predict((0,)), [name for name in predict.probabilities({"x": 1})]
        ('yes', 'no', ['y=no', 'y=yes'])
        """
        return ModelPredictor(Model(self.encoder, self.targets, self.network.copy(), self.summary))

    @property
    def program(self) -> Program:
        """What the model computes for a row, as exports write it.

        Raises SettingError for a network with an activation of one's own.
        """
        columns = tuple(column for column, _ in self.encoder.slices)
        architecture, theta = self.network.architecture, self.network.theta
        program = Program(architecture, theta, outputs_of(self.targets, architecture), columns)
        return program.with_digest_of(self)

    def export(self, path: str | os.PathLike[str], to: str | None = None, **options: Any) -> None:
        """Write the model, with the operations of its columns, as a program that runs without chainrule.

        - path: the file; its ending chooses the format: see docs/export.md.
        - to: the name of the format, if the ending is another one.
        - options: `dtype` to compute in another type, and those of the format.

        >>> import tempfile
        >>> from pathlib import Path
        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.export(f"{folder}/model.py")
        ...     exec(Path(folder, "model.py").read_text(), program := {"__name__": "model"})
        >>> program["predict"]({"x": 1})
        'yes'

        Raises SettingError for an unknown format or option, and for a model that the format cannot express; OSError
        where the path cannot be written.
        """
        export(self.program, path, to, **options)

    def evaluate(self, source: Any, *, interval: float | None = None, sets: float | None = None) -> dict[str, Any]:
        """The scores of the predictions for rows whose targets are known, and their mistakes, as plain data.

        - source: a table as for `outputs`, which also has the targets. Rows without a target are left out and counted.
        - interval, sets: coverages, for which `coverage` says how often intervals (see `predict_interval`) and sets
          (see `predict_set`) have the true values, and how wide intervals and how large sets are on average.

        `targets` has the scores of each target (see `chainrule.model.metrics`). Classes: accuracy, balanced accuracy,
        f1 (the mean over the classes), auc, log loss, brier and ece. Numbers: rmse, mae and median absolute error, in
        the units of the target, and r2. Several targets of numbers also have `overall` scores, their common rmse and
        mean r2. `mistakes` says which classes are confused with which, how far numbers are off, and in which rows (from
        0). Rows of classes that training did not have count as wrong answers; `mistakes` has their number as `unknown`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> scores = model.evaluate({"x": [0, 1, 0], "y": ["no", "yes", "yes"]})
        >>> scores["mistakes"]["y"]["confused"]
        [{'true': 'yes', 'said': 'no', 'rows': 1}]

        Raises DataError as `outputs` does, where no row has a value for every target, and where none has a class that
        training had; SettingError as `predict_interval` does for coverages.
        """
        parts: list[tuple[Array, Array, Array]] = []
        without, origin, truth = 0, as_source(source), self.targets.truth
        say, sayings = self._saying(certainty := Certainty(interval, sets)), []
        for table, rows in self._chunks(origin, self.targets.names):
            present = self.targets.present(table)
            without += int((~present).sum())
            part = table.filter(present)
            with with_file_name(origin), with_row_numbers(rows[present]):
                if part.num_rows:
                    X = self.encoder.encode(part, self.network.dtype)
                    parts.append((self._predicted(X), truth.encode(part, "float64"), rows[present]))
                    sayings.append(say(X, parts[-1][0]))
        if not parts:
            raise DataError("no row has a value for every target, so there is nothing to compare with: give such rows")
        A, T, rows = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        self._require_known(origin, T)
        counts = {"rows": len(A), "without_target": without}
        coverage = {"coverage": self._coverage(sayings, T, certainty)} if certainty.is_wanted else {}
        mistakes = mistakes_of(self.targets, A, T, rows)
        return {**counts, **scores_of(self.targets, A, T), **coverage, "mistakes": mistakes}

    def _coverage(self, sayings: list[dict[str, dict[str, Array]]], T: Array, certainty: Certainty) -> dict[str, Any]:
        """How often what was said of blocks of rows has the true values T (n, n_L), by target."""
        promised = {"interval": certainty.interval or 0.0, "set": certainty.sets or 0.0}
        coverage = {}
        for truth, (column, part) in zip(self.targets.truth.columns, self.targets.slices, strict=True):
            own = [said[column.name] for said in sayings]
            joined = {what: np.concatenate([each[what] for each in own]) for what in own[0]}
            true = truth.codes(T[:, part]) if isinstance(truth, ClassTarget) else truth.decode(T[:, part])
            coverage[column.name] = coverage_of(joined, true, promised)
        return {name: values for name, values in coverage.items() if values}

    def _require_known(self, origin: Source, T: Array) -> None:
        """Raise DataError where training had no class of any row of T (n, n_L), as if it had other words for them."""
        for column, part in self.targets.slices:
            if isinstance(column, ClassTarget) and not T[:, part].any():
                line = f"no row of {origin.origin} has a class of target {column.name!r} that training had"
                raise DataError(f"{line}: the classes are {listed(column.values.tolist())}")

    def tested(self, X: Array, T: Array) -> dict[str, Any]:
        """The scores of `evaluate` for encoded rows X (n, n_1) and true values T (n, n_L) (see `Targets.truth`)."""
        return scores_of(self.targets, as_predictions(self.targets, self._activations, self.network.predict(X)), T)

    def save(self, path: str | os.PathLike[str], *, certificate: Certificate | None = None) -> None:
        """Write the model into one .safetensors file; see `cr.save`.

        - path: the file, which is replaced if it exists.
        - certificate: that of a gradient check of these weights, to store with them, or None.

        Raises OSError where it cannot be written, SettingError for a certificate of other weights.
        """
        files.save(self, path, certificate=certificate)

    def document(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """The model as plain data and named tensors, for a file."""
        document, tensors = network_file.document(self.network)
        parts = {"encoder": self.encoder.document(), "targets": self.targets.document(), "summary": self.summary}
        tensors = {**tensors, **self.encoder.tensors(), **self.targets.tensors()}
        if self.out_of_fold is not None:
            parts["out_of_fold"] = self.out_of_fold.document()
            tensors |= self.out_of_fold.tensors()
        return {**document, **parts}, tensors

    @classmethod
    def from_document(cls, document: Any, tensors: Any) -> "Model":
        """The model that a document and tensors of `document` stand for.

        Raises DataError where the parts do not fit together, and ModelFileError where one of them is not valid.
        """
        encoder = Encoder.from_document(document["encoder"], tensors)
        targets = Targets.from_document(document["targets"], tensors)
        network = network_file.from_document(document, tensors)
        widths = (encoder.width, targets.width)
        if widths != (network.sizes[0], network.sizes[-1]):
            raise DataError(f"the columns make {widths[0]} inputs and {widths[1]} outputs, not those of the network")
        blocks, needed = network.architecture.blocks, targets.blocks
        if [block.width for block in blocks] != [block.width for block in needed]:
            raise DataError(f"the network's outputs come in blocks of {[b.width for b in blocks]}, unlike its targets")
        for block, target in zip(blocks, needed, strict=True):
            if not suits(target.kind, block.activation):
                raise DataError(f"output {block.activation.name!r} does not suit the {target.kind} of {target.name!r}")
        if not isinstance(document["summary"], dict):
            raise DataError("the summary of the training is not a mapping")
        model = cls(encoder, targets, network, document["summary"])
        model.out_of_fold = OutOfFold.from_document(document.get("out_of_fold"), tensors, targets, network)
        return model

    def _repr_html_(self) -> str:
        """The targets and the network as inline SVG, for notebooks."""
        columns = len(self.encoder.columns)
        words = f"{', '.join(self.targets.names)} from {columns:,} column{'s' * (columns != 1)}"
        return f"<p>{html.escape(words)}</p>{self.network._repr_html_()}"

    def __repr__(self) -> str:
        columns = counted(len(self.encoder.columns), "column")
        return f"Model({', '.join(self.targets.names)} from {columns}; {self.network!r})"
