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
from chainrule.engines import Engine, choose
from chainrule.errors import DataError, RowError, SettingError
from chainrule.export import Program, export, outputs_of
from chainrule.model.explained import Explained
from chainrule.model.heads import as_predictions, suits
from chainrule.model.interpreted import Interpreted
from chainrule.model.mistakes import mistakes_of
from chainrule.model.out_of_fold import OutOfFold
from chainrule.model.predictor import ModelPredictor
from chainrule.model.row_scores import RowScores
from chainrule.model.scores import METRIC, scores_of
from chainrule.model.uncertain import Certainty, Uncertain, coverage_of
from chainrule.network import Network
from chainrule.registry import require
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, rows_at_once, with_file_name, with_row_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.drift import Drift, Seen, Watch
from chainrule.tables.names import require_columns
from chainrule.tables.row_roles import weights_of
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import ClassTarget, Targets
from chainrule.text import counted
from chainrule.training import History

__all__ = ["Model"]

V = TypeVar("V")

ROWS = 16384  # that are predicted together then
SPARSE = 4  # inputs for each one that can be other than 0, from which on rows are predicted without the others


class Model(Explained, Interpreted, Uncertain):
    """A network that predicts the targets of tables, with the encoder of their columns.

    `train_table` and `cr.load` make it.

    - encoder: turns the columns of a table into inputs.
    - targets: the columns that the outputs stand for; they turn outputs into words and units.
    - network: the `Network`.
    - summary: the settings that ran and the scores, as plain data.
    - history: the `History` of the training; None for a model from a file.
    - seen: what training saw of the columns, for `drift`; None for models of older versions.
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
        seen: Seen | None = None,
    ) -> None:
        self.seen = seen
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

    def outputs_with(
        self, source: Any, columns: Sequence[str], watch: Watch | None = None
    ) -> Iterator[tuple[Array, Any]]:
        """The outputs as of `outputs_by_block`, each block with a `pyarrow.Table` of these columns of its rows.

        - source: as for `outputs`.
        - columns: names of columns, such as one that identifies a row.
        - watch: takes note of how the rows differ from those of training; see `watch`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> blocks = model.outputs_with({"x": [1], "id": ["a"]}, ["id"])
        >>> [(outputs.shape, table.to_pydict()) for outputs, table in blocks]
        [((1, 2), {'id': ['a']})]

        Raises DataError as `outputs` does.
        """
        return self._by_block(source, columns, self._predicted, watch, dense=False)

    def _by_block(
        self,
        source: Any,
        columns: Sequence[str],
        of: Callable[[Any], V],
        watch: Watch | None = None,
        dense: bool = True,
    ) -> Iterator[tuple[V, Any]]:
        """A function of encoded rows X (m, n_1), for some rows of a source at a time, with these columns of them.

        - watch: takes note of how the rows differ from those of training.
        - dense: whether X must be an array; if not, it may be `Compressed`.
        """
        rows, carried = as_source(source), list(columns)
        sparse = SPARSE * len(self.encoder.entries) <= self.encoder.width
        compressed = sparse and not dense and self._engine.takes_sparse
        most = ROWS if compressed else rows_at_once(self.encoder.width)
        for table, numbers in self._blocks(rows, carried, "identifying"):
            parts = self._inputs(table, most, compressed, watch)
            for first in range(0, len(numbers), most):
                with with_file_name(rows), with_row_numbers(numbers[first : first + most]):
                    computed = of(next(parts))
                yield computed, table.select(carried).slice(first, most)

    def _inputs(self, table: Any, rows: int, compressed: bool, watch: Watch | None) -> Iterator[Any]:
        """The rows of a table in memory as the engine takes them, so many at a time."""
        if compressed:
            return self.encoder.compressed_parts(table, self.network.dtype, rows, watch)
        return self.encoder.encode_parts(table, self.network.dtype, rows, watch)

    @property
    def _engine(self) -> Engine:
        """The engine that predicts."""
        return choose("auto", self.network.architecture)

    def watch(self) -> Watch | None:
        """What takes note of how rows differ from those of training; None for a model of an older version."""
        return None if self.seen is None else Watch(self.seen)

    def drift(self, source: Any) -> Drift:
        """How the rows of a table differ from those of training: unknown words, numbers out of range, missing cells.

        - source: as for `outputs`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=2)
        >>> print(model.drift({"x": [5.0] * 8}))
        drift since training: x has values out of range in 100% of the rows (0 to 1; 0% in training)

        Raises DataError as `outputs` does, SettingError for a model that an older version trained.
        """
        watch = self.watch()
        if watch is None:
            raise SettingError("the model does not know what its training saw: train it again with this version")
        rows = as_source(source)
        for table, numbers in cut_chunks(self._blocks(rows, [], "input"), self.encoder.width):
            with with_file_name(rows), with_row_numbers(numbers):
                self.encoder.encode(table, self.network.dtype, watch)
        return watch.drift()

    def _outputs(self, table: Any, watch: Watch | None = None) -> Array:
        """The outputs for a table in memory."""
        return self._predicted(self.encoder.encode(table, self.network.dtype, watch))

    def _predicted(self, X: Any) -> Array:
        """The outputs for encoded rows X (n, n_1), an array or `Compressed`; they are finite."""
        A = self._engine.predict(self.network.architecture, self.network.theta, X)
        finite = np.isfinite(A).all(axis=1)
        if not finite.all():
            line = "row {row} has no finite prediction: its values are far outside those of the training data"
            raise RowError(int(np.argmin(finite)), line)
        return as_predictions(self.targets, self._activations, A)

    def _chunks(self, source: Source, targets: list[str], weight: str | None = None) -> Iterator[Chunk]:
        """The inputs, these targets and the weights of a source, so few rows that they can be encoded together."""
        weights = [] if weight is None else [weight]
        require_columns(source.names, weights, "weight", source.hint)
        return cut_chunks(self._blocks(source, [*targets, *weights], "target"), self.encoder.width)

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

    def evaluate(
        self,
        source: Any,
        watch: Watch | None = None,
        *,
        weight: str | None = None,
        metric: Any = None,
        interval: float | None = None,
        sets: float | None = None,
    ) -> dict[str, Any]:
        """The scores of the predictions for rows whose targets are known, and their mistakes, as plain data.

        - source: a table as for `outputs`, which also has the targets. Rows without any target are left out and
          counted; a row that lacks one of several targets counts in the scores of the others.
        - watch: takes note of how the rows differ from those of training; see `watch`.
        - weight: the column of the weights of the rows, numbers from 0, by which the scores count them: 2 counts as the
          row twice. Rows of weight 0 are left out and counted as `weightless`. None: all rows count alike.
        - metric: more metrics, one or a list, by name or as functions as for `train_table`, which take no weights.
        - interval, sets: coverages, for which `coverage` says how often intervals (see `predict_interval`) and sets
          (see `predict_set`) have the true values, and how wide intervals and how large sets are on average.

        `targets` has the scores of each target (see `chainrule.model.metrics`). Classes: accuracy, balanced accuracy,
        f1 (the mean over the classes), auc, log loss, brier and ece; of ordered classes also the mean error in steps of
        the order and the quadratic kappa. Labels: exact matches, and f1, auc and log loss over the labels. Numbers:
        rmse, mae and median absolute error, in the units of the target, and r2. Several targets of numbers also have
        `overall` scores, their common rmse and mean r2. `mistakes` says which classes are confused with which, how far
        numbers are off, and in which rows (from 0). Rows of classes that training did not have count as wrong answers;
        `mistakes` has their number as `unknown`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> scores = model.evaluate({"x": [0, 1, 0], "y": ["no", "yes", "yes"]})
        >>> scores["mistakes"]["y"]["confused"]
        [{'true': 'yes', 'said': 'no', 'rows': 1}]

        Raises DataError as `outputs` does, where a weight is not a number from 0, where no row has a value for any
        target (and a weight above 0), and where none has a class that training had. SettingError for a metric that is
        not one, for a function beside a weight, and as `predict_interval` does for coverages.
        """
        more = () if metric is None else METRIC.clean("metric", metric)
        more = more if isinstance(more, tuple) else (more,)
        require(weight is None or all(isinstance(m, str) for m in more), "weight", weight, "None with a function")
        parts: list[tuple[Array, Array, Array, Array]] = []
        without, weightless, origin, truth = 0, 0, as_source(source), self.targets.truth
        say, sayings = self._saying(certainty := Certainty(interval, sets)), []
        for table, rows in self._chunks(origin, self.targets.names, weight):
            with with_file_name(origin):
                w = np.ones(len(rows)) if weight is None else weights_of(table, weight, rows)
            present = self.targets.with_any(table)
            without, weightless = without + int((~present & (w > 0)).sum()), weightless + int((w == 0).sum())
            scored = present & (w > 0)
            part = table.filter(scored)
            with with_file_name(origin), with_row_numbers(rows[scored]):
                if part.num_rows:
                    X = self.encoder.encode(part, self.network.dtype, watch)
                    parts.append((self._predicted(X), truth.encode_some(part), rows[scored], w[scored]))
                    sayings.append(say(X, parts[-1][0]))
        if not parts:
            what = "a value for any target" + ("" if weight is None else f" and a weight above 0 in {weight!r}")
            raise DataError(f"no row has {what}, so there is nothing to compare with: give such rows")
        A, T, rows, w = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        self.targets.require_known(T, origin.origin)
        counts = {"rows": len(A), "without_target": without, **({} if weight is None else {"weightless": weightless})}
        coverage = {"coverage": self._coverage(sayings, T, certainty)} if certainty.is_wanted else {}
        scores = scores_of(self.targets, A, T, None if weight is None else w, more)
        mistakes = mistakes_of(self.targets, A, T, rows)
        return {**counts, **scores, **coverage, "mistakes": mistakes}

    def _coverage(self, sayings: list[dict[str, dict[str, Array]]], T: Array, certainty: Certainty) -> dict[str, Any]:
        """How often what was said of blocks of rows has the true values T (n, n_L), by target."""
        promised = {"interval": certainty.interval or 0.0, "set": certainty.sets or 0.0}
        coverage = {}
        for truth, (column, part) in zip(self.targets.truth.columns, self.targets.slices, strict=True):
            own, there = [said[column.name] for said in sayings], truth.present(T[:, part])
            joined = {what: np.concatenate([each[what] for each in own])[there] for what in own[0]}
            if not there.any():
                continue
            own_T = T[there, part]
            true = truth.codes(own_T) if isinstance(truth, ClassTarget) else truth.decode(own_T)
            coverage[column.name] = coverage_of(joined, true, promised)
        return {name: values for name, values in coverage.items() if values}

    def report(
        self,
        path: str | os.PathLike[str],
        table: Any = None,
        *,
        train: Any = None,
        test_every: int | None = None,
        title: str | None = None,
        notes: str = "",
        seed: int | None = 0,
    ) -> None:
        """Write all that can be said of the model into one HTML file, its model card; see docs/report.md.

        - path: the file, which is replaced if it exists.
        - table: rows to judge the model by, a table as for `evaluate`, best one that it was not trained on. 20,000 rows
          at most are taken of it. None judges nothing.
        - train: the rows that it was trained on, from which a linear model and boosting learn too. Without them these
          learn from four fifths of the table and answer the fifth, five times.
        - test_every: as in `train_table`, for a table that has the rows of the training too: every so many rows
          (or groups, or the latest rows, as the training had it) are judged, and the others are those of the training.
        - title: of the page; None names the targets.
        - notes: what you say of the model, such as what it is for, with empty lines between paragraphs.
        - seed: of permutations and of the other models; None draws one.

        >>> import tempfile
        >>> from pathlib import Path
        >>> table = {"x": [0, 1] * 20, "y": ["no", "yes"] * 20}
        >>> model = cr.train_table(table, target="y", epochs=20)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.report(f"{folder}/report.html", table, notes="It repeats x.")
        ...     "It repeats x." in Path(folder, "report.html").read_text()
        True

        Raises DataError as `evaluate` does, SettingError for choices that do not fit each other, OSError where the file
        cannot be written.
        """
        from chainrule.model.report import Subject, write_report

        choice = {"train": train, "test_every": test_every, "title": title, "notes": notes, "seed": seed}
        write_report(Subject.of_model(self), path, table, **choice)

    def tested(self, X: Array, T: Array, more: Sequence[Any] = ()) -> dict[str, Any]:
        """The scores of `evaluate` for encoded rows X (n, n_1) and true values T (n, n_L) (see `Targets.truth`).

        - more: metrics that are among them, by name or as functions.
        """
        A = as_predictions(self.targets, self._activations, self.network.predict(X))
        return scores_of(self.targets, A, T, more=more)

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
        parts |= {} if self.seen is None else {"seen": self.seen.document()}
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
        seen = Seen.from_document(document["seen"], encoder.columns) if "seen" in document else None
        model = cls(encoder, targets, network, document["summary"], seen=seen)
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
