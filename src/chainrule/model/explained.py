"""What a model's network computes for rows whose targets are known: its numbers, its gradients, and suspect rows."""

import abc
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.backprop import Ledger
from chainrule.certificate import Certificate
from chainrule.errors import DataError, SettingError
from chainrule.example_gradients import ExampleGradients
from chainrule.fields import Whole
from chainrule.model.heads import as_predictions
from chainrule.model.influence import gradient_products
from chainrule.model.ledgers import ledger_of
from chainrule.model.row_scores import RowScores, costs_of
from chainrule.network import Network
from chainrule.registry import is_finite, require
from chainrule.tables.chunks import Chunk, with_file_name, with_row_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import Source, as_source
from chainrule.tables.targets import Targets
from chainrule.text import counted

__all__ = ["Explained"]


class Explained(abc.ABC):
    """Methods of a `Model` for rows of a table that also has the targets."""

    encoder: Encoder
    targets: Targets
    network: Network
    row_scores: RowScores | None

    @abc.abstractmethod
    def _chunks(self, source: Source, targets: list[str]) -> Iterator[Chunk]:
        """The inputs and these targets of a source, some rows at a time."""

    @property
    @abc.abstractmethod
    def _activations(self) -> list[Activation]:
        """The activation of each block of outputs."""

    def backprop(self, source: Any, sample_weight: Any = None) -> Ledger:
        """Every quantity of the four equations for rows of a table; see `Network.backprop`.

        Inputs are called by their column and its cell, outputs by their class or target. Rows without a target are left
        out; `rows` has the numbers of the others, from 0. Targets of numbers are scaled, as in training.

        - source: a table as for `outputs`, which also has the targets.
        - sample_weight: the weights of the rows (n,), from 0; None for 1 each.

        >>> table = {"size": [0.5, 2.0, 1.0] * 20, "y": ["no", "yes", "no"] * 20}
        >>> model = cr.train_table(table, target="y", hidden=(4,), validation=0.0, epochs=5)
        >>> ledger = model.backprop(table)
        >>> ledger.example(1).neuron(3, 2).title, ledger.example(1).weight(2, 1, 3).note
        ('neuron 2 of layer 3: y=yes', "a_1¹ is size; the cell is '2'")

        Raises DataError as `outputs` does, where no row has a value for every target, and for so many rows that their
        numbers would take more than 1 GiB.
        """
        rows = as_source(source)
        chunks = self._chunks(rows, self.targets.names)
        return ledger_of(self.encoder, self.targets, self.network, rows, chunks, sample_weight)

    def example_gradients(self, source: Any, *, layers: Any = None) -> ExampleGradients:
        """dC_x/dtheta of every row of a table, computed when it is read; see `Network.example_gradients`.

        - source: a table as for `outputs`, which also has the targets.
        - layers: the numbers of layers from 2 whose parameters count; None for all.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> int(model.example_gradients({"x": [0, 1, 0], "y": ["no", "yes", "yes"]}).norms().argmax())
        2

        Raises DataError as `outputs` does and for a row without a target or with a class that training did not have,
        SettingError for layers that are not there.
        """
        dtype, origin = self.network.dtype, as_source(source)
        parts: list[tuple[Array, Array]] = []
        for table, rows in self._chunks(origin, self.targets.names):
            with with_file_name(origin), with_row_numbers(rows):
                parts.append((self.encoder.encode(table, dtype), self.targets.encode(table, dtype)))
        X, T = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return self.network.example_gradients(X, T, layers=layers)

    def check_gradient(self, source: Any, *, rows: int = 50, **choice: Any) -> Certificate:
        """Compare the network's gradient with derivatives of its cost on rows of a table: a `Certificate`.

        - source: a table as for `outputs`, which also has the targets.
        - rows: how many rows are taken, at most: the first ones that have every target.
        - choice: `alpha`, `l1`, `layers`, `most`, `seed` and `engine`, as for `Network.check_gradient`.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20, dtype="float64")
        >>> model.check_gradient({"x": [0, 1, 0], "y": ["no", "yes", "yes"]}).ok
        True

        Raises DataError as `evaluate` does, SettingError for a choice that is not allowed, EngineError for an engine
        that is not installed or does not support this network.
        """
        require(is_finite(rows) and int(rows) == rows >= 1, "rows", rows, "a whole number from 1")
        parts: list[tuple[Array, Array]] = []
        origin, dtype = as_source(source), self.network.dtype
        for table, numbers in self._chunks(origin, self.targets.names):
            left = rows - sum(len(X) for X, _ in parts)
            chosen = np.flatnonzero(self.targets.present(table))[:left]
            part = table.take(chosen)
            with with_file_name(origin), with_row_numbers(numbers[chosen]):
                if part.num_rows:
                    parts.append((self.encoder.encode(part, dtype), self.targets.encode(part, dtype)))
            if len(chosen) == left:
                break
        if not parts:
            raise DataError("no row has a value for every target, so there is nothing to check with: give such rows")
        X, T = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return self.network.check_gradient(X, T, **choice)

    def suspicious(self, n: int = 20, source: Any = None) -> dict[str, Any]:
        """The rows that may have a wrong label or odd values, the most suspect first, as plain data.

        - n: how many rows, at most.
        - source: None for the rows that the model was trained on. Or a table as for `evaluate` with other rows; those
          without a target, or with one that training did not have, are left out.

        `method` says what the scores are, `rows` how many rows have one. `suspects` has for each row its number (from
        0), its score, and by target the true value and the prediction; of a class also the predicted probability.

        Rows of the training are scored right after `train_table`: by the out-of-fold cost where there are several
        members, and by the self-influence with `self_influence=True` (see docs/suspects.md). Rows of a source are
        scored by the cost of the model's prediction, which is small for wrong labels that the model was trained on.

        >>> y = ["no", "yes"] * 20
        >>> y[7] = "no"
        >>> model = cr.train_table({"x": [0, 1] * 20, "y": y}, target="y", epochs=20)
        >>> suspect = model.suspicious(1)["suspects"][0]
        >>> suspect["row"], suspect["targets"]["y"]["true"], suspect["targets"]["y"]["said"]
        (7, 'no', 'yes')

        Raises SettingError where the rows of the training have no scores, which a model from a file does not have;
        DataError as `evaluate` does.
        """
        n = Whole(1).clean("n", n)
        if source is not None:
            return self._scored(as_source(source)).most(self.targets, n)
        if self.row_scores is None:
            raise SettingError(
                "this model has no scores of the rows that it was trained on: train with members=5 or "
                "self_influence=True and do not load it from a file, or give other rows as source"
            )
        return self.row_scores.most(self.targets, n)

    def _scored(self, origin: Source) -> RowScores:
        """The costs of the rows of a source that have targets which training had."""
        parts: list[tuple[Array, ...]] = []
        truth = self.targets.truth
        for table, rows in self._chunks(origin, self.targets.names):
            with with_file_name(origin), with_row_numbers(rows):
                scored = self.targets.present(table)
                T = truth.encode(table.filter(scored), "float64")
            known = self.targets.learnable(T)
            scored[scored] = known
            with with_file_name(origin), with_row_numbers(rows[scored]):
                if known.any():
                    scores = costs_of(self.network, *self._encoded(table.filter(scored)))
                    parts.append((rows[scored], *scores, T[known]))
        if not parts:
            raise DataError(f"no row of {origin.origin} has a target that training had: give rows with one")
        rows, costs, A, T = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return RowScores("cost", rows, costs, as_predictions(self.targets, self._activations, A), truth.decode(T))

    def influences(self, rows: Any, row: Any) -> Array:
        """How far a training step on each of some rows lowers the cost of one row: (n,), at the model's weights.

        It is the dot product of their gradients, dC_i/dtheta · dC_v/dtheta (TracIn). A row above 0 supports the answer
        that the one row has as its target; a row below 0 pulls towards another answer. Only the final weights count:
        checkpoints of the training are not kept.

        - rows: a table as for `outputs`, which also has the targets: often the one that the model was trained on.
        - row: a table with one row, and its targets: the true ones, or those that the model predicts.

        >>> table = {"x": [0, 1] * 20, "y": ["no", "yes"] * 20}
        >>> model = cr.train_table(table, target="y", epochs=20)
        >>> influences = model.influences(table, {"x": [1], "y": ["yes"]})
        >>> influences.shape, bool(influences[1] > influences[0])
        ((40,), True)

        Raises DataError where a column or a target is missing, a cell cannot be encoded, and where `row` has another
        number of rows than one.

        Source: Pruthi et al., Estimating training data influence by tracing gradient descent, NeurIPS 2020.
        """
        one = list(self._encoded_blocks(as_source(row)))
        count = sum(len(X) for X, _ in one)
        if count != 1:
            raise DataError(
                f"row is a table of {counted(count, 'row')}, but must have 1: give the row that is asked for"
            )
        x, t = one[0]
        blocks = self._encoded_blocks(as_source(rows))
        return np.concatenate([gradient_products(self.network, X, T, x, t) for X, T in blocks])

    def _encoded_blocks(self, origin: Source) -> Iterator[tuple[Array, Array]]:
        """X and T of some rows of a source at a time. Raises DataError where a row has no target."""
        for table, rows in self._chunks(origin, self.targets.names):
            with with_file_name(origin), with_row_numbers(rows):
                yield self._encoded(table)

    def _encoded(self, table: Any) -> tuple[Array, Array]:
        """The inputs X (n, n_1) and the targets T (n, n_L, float64) of a table in memory."""
        return self.encoder.encode(table, self.network.dtype), self.targets.encode(table, "float64")
