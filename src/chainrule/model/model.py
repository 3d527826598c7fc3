"""A trained model: the encoder of a table's columns, a network, and the targets that its outputs stand for."""

import html
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule import files, network_file
from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.errors import DataError, RowError
from chainrule.model.heads import as_answers, suits
from chainrule.model.mistakes import mistakes_of
from chainrule.model.scores import scores_of
from chainrule.network import Network
from chainrule.tables.chunks import Chunk, chunks_of, cut_chunks, with_file_name, with_row_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import Targets
from chainrule.training import History

__all__ = ["Model"]


class Model:
    """A network with the encoder of its table: give it tables, get answers in the targets' own words and units.

    Made by `train_table` or `cr.load`. `encoder`, `targets`, `network` are its parts; `summary` says how it was
    trained, as plain data; `history` is that of the training, None for a model that comes from a file.

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

    def outputs(self, source: Any) -> Array:
        """The outputs (n, n_L) for the rows of a table: the probability of each class, numbers scaled as in training.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> model.outputs({"x": [1, 0, 1]}).shape
        (3, 2)

        Raises DataError where one is not a finite number.
        """
        return np.concatenate(list(self.outputs_by_block(source)))

    def outputs_by_block(self, source: Any) -> Iterator[Array]:
        """The same outputs, some rows at a time, for tables larger than memory: no bit depends on how they are cut."""
        found = as_source(source)
        for table, rows in self._chunks(found, []):
            with with_file_name(found), with_row_numbers(rows):
                outputs = self._outputs(table)
            yield outputs

    def _outputs(self, table: Any) -> Array:
        found = self.network.predict(self.encoder.encode(table, self.network.dtype))
        if not np.isfinite(found).all():
            first = int(np.argmin(np.isfinite(found).all(axis=1)))
            raise RowError(
                first, "row {row} has no finite answer: its values are far outside those of the training data"
            )
        return as_answers(self.targets, self._activations, found)

    def _chunks(self, source: Source, targets: list[str]) -> Iterator[Chunk]:
        """The rows of a source, some at a time: its inputs and these targets."""
        require_columns(source.names, self.encoder.columns, "input")
        require_columns(source.names, targets, "target")
        return cut_chunks(chunks_of(source, [*self.encoder.columns, *targets]), self.encoder.width)

    @property
    def _activations(self) -> list[Activation]:
        """That of each block of outputs."""
        return [block.activation for block in self.network.architecture.blocks]

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
        """The probability of each class for each row, by `target=class`; empty without classes.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> {name: p.round().tolist() for name, p in model.probabilities({"x": [1, 0]}).items()}
        {'y=no': [0.0, 1.0], 'y=yes': [1.0, 0.0]}
        """
        return self.targets.probabilities(self.outputs(source))

    def evaluate(self, source: Any) -> dict[str, Any]:
        """How good the answers are for rows whose targets are known, by target: plain numbers by name.

        Classes: accuracy, balanced accuracy, f1 (the classes' mean), auc, log loss. Numbers: rmse, mae and median
        absolute error in the target's units, r2. Several targets of numbers also get their common rmse and mean r2,
        `overall`. Rows without a target are left out and counted. See `chainrule.model.metrics`. `mistakes` say where
        the answers go wrong: which classes are taken for which, how far numbers are off and in which rows (from 0).

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> found = model.evaluate({"x": [0, 1, 0], "y": ["no", "yes", "yes"]})
        >>> found["mistakes"]["y"]["confused"]
        [{'true': 'yes', 'said': 'no', 'rows': 1}]
        """
        found: list[tuple[Array, Array, Array]] = []
        without, origin = 0, as_source(source)
        for table, rows in self._chunks(origin, self.targets.names):
            present = self.targets.present(table)
            without += int((~present).sum())
            part = table.filter(present)
            with with_file_name(origin), with_row_numbers(rows[present]):
                if part.num_rows:
                    found.append((self._outputs(part), self.targets.encode(part, "float64"), rows[present]))
        if not found:
            raise DataError("no row has a value for every target, so there is nothing to compare with")
        A, T, rows = (np.concatenate(parts) for parts in zip(*found, strict=True))
        counts = {"rows": len(A), "without_target": without}
        return {**counts, **scores_of(self.targets, A, T), "mistakes": mistakes_of(self.targets, A, T, rows)}

    def tested(self, X: Array, T: Array) -> dict[str, Any]:
        """The same scores for encoded rows X and their targets T (float64)."""
        return scores_of(self.targets, as_answers(self.targets, self._activations, self.network.predict(X)), T)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model as one .safetensors file; see `cr.save`."""
        files.save(self, path)

    def document(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """The model as plain data and named tensors, for a file."""
        document, tensors = network_file.document(self.network)
        parts = {"encoder": self.encoder.document(), "targets": self.targets.document(), "summary": self.summary}
        return {**document, **parts}, {**tensors, **self.encoder.tensors(), **self.targets.tensors()}

    @classmethod
    def from_document(cls, document: Any, tensors: Any) -> "Model":
        """The model of such a document; raises ModelFileError where the parts do not fit together."""
        encoder = Encoder.from_document(document["encoder"], tensors)
        targets = Targets.from_document(document["targets"], tensors)
        network = network_file.from_document(document, tensors)
        widths = (encoder.width, targets.width)
        if widths != (network.sizes[0], network.sizes[-1]):
            raise DataError(f"the columns make {widths[0]} inputs and {widths[1]} outputs, not those of the network")
        found, needed = network.architecture.blocks, targets.blocks
        if [block.width for block in found] != [block.width for block in needed]:
            raise DataError(f"the network's outputs come in blocks of {[b.width for b in found]}, unlike its targets")
        for block, target in zip(found, needed, strict=True):
            if not suits(target.kind, block.activation):
                raise DataError(f"output {block.activation.name!r} does not suit the {target.kind} of {target.name!r}")
        if not isinstance(document["summary"], dict):
            raise DataError("the summary of the training is no record")
        return cls(encoder, targets, network, document["summary"])

    def _repr_html_(self) -> str:
        """The network as inline SVG under what the model does, for notebooks."""
        columns = len(self.encoder.columns)
        words = f"{', '.join(self.targets.names)} from {columns:,} column{'s' * (columns != 1)}"
        return f"<p>{html.escape(words)}</p>{self.network._repr_html_()}"

    def __repr__(self) -> str:
        return f"Model({', '.join(self.targets.names)} from {len(self.encoder.columns)} columns; {self.network!r})"
