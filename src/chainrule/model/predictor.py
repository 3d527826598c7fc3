"""A predictor: a frozen model that answers one row in microseconds.

    a row  →  RowEncoder: x (n_1,)  →  the packed network: A^L (n_L,)  →  the answer for each target

Every step has the bits of `Model.predict`. What a step does not take, and what ends in an error, goes through the model
itself: other types of cells, rows together, tables.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.errors import DataError
from chainrule.model.heads import as_predictions, divides
from chainrule.model.row_forms import columns_of
from chainrule.network import Network
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.cells import RowEncoder
from chainrule.tables.targets import Classes, ClassTarget, Labels, Quantity, Target, Targets

__all__ = ["ModelPredictor", "decoder"]

Decode = Callable[[list[float]], Any]  # of all outputs of a row


class Frozen(Protocol):
    """What a predictor needs of a model that nobody changes."""

    encoder: Encoder
    targets: Targets
    network: Network

    def predict(self, source: Any) -> Any:
        """See `Model.predict`."""

    def probabilities(self, source: Any) -> dict[str, Array]:
        """See `Model.probabilities`."""


class ModelPredictor:
    """A frozen model, made by `Model.predictor`: `predictor(row)` gives the bits of `Model.predict`.

    Several threads may call it at the same time. It can be copied and pickled.

    - columns: the columns of the table that a row must have; a row without names has the cells in this order.

    >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
    >>> predict = model.predictor()
    >>> predict({"x": 1}), predict((0,)), predict([{"x": 1}, {"x": 0}]).tolist()
    ('yes', 'no', ['yes', 'no'])
    """

    def __init__(self, model: Frozen) -> None:
        self._model, self.columns = model, tuple(model.encoder.columns)
        self._encoder = RowEncoder(model.encoder, model.network.dtype, self.columns)
        self._network, self._activations = model.network.predictor(), _activations(model.network)
        self._divided = divides(model.targets, self._activations)
        self._decode = [(target.name, decoder(target, part)) for target, part in model.targets.slices]
        self._parts = [(target, part) for target, part in model.targets.slices if target.texts]
        self._plain = all(target.kind != "ordered" for target, _ in self._parts)
        self._classes = _classes(model.targets)

    def __reduce__(self) -> tuple[type["ModelPredictor"], tuple[Frozen]]:
        return ModelPredictor, (self._model,)

    def __call__(self, row: Any) -> Any:
        """The prediction for a row: a class or a number; with several targets one for each, by name.

        - row: a mapping from columns to cells, or the cells in the order of `columns`. Several rows in a list, and
          tables, give what `Model.predict` gives.

        Raises DataError where a column is missing, a cell cannot be encoded or an output is not finite.
        """
        A = self._fast(row)
        if A is None:
            return self._by_table(self._model.predict, row)
        answers = {name: decode(A) for name, decode in self._decode}
        return answers if len(answers) > 1 else answers.popitem()[1]

    def probabilities(self, row: Any) -> dict[str, Any]:
        """The probability of each class for a row, by `target=class`; empty if no target has classes.

        - row: as for a call. Several rows give what `Model.probabilities` gives.

        >>> model = cr.train_table({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, target="y", epochs=20)
        >>> {name: round(p) for name, p in model.predictor().probabilities({"x": 1}).items()}
        {'y=no': 0, 'y=yes': 1}

        Raises DataError as a call does.
        """
        A = self._fast(row)
        if A is None:
            return dict(self._by_table(self._model.probabilities, row))
        if self._plain:
            return {name: A[k] for name, k in self._classes}
        outputs = np.array([A], self._model.network.dtype)
        chances = [target.probabilities(outputs[:, part])[0].tolist() for target, part in self._parts]
        names = (name for name, _ in self._classes)
        return dict(zip(names, (p for of_target in chances for p in of_target), strict=True))

    def _fast(self, row: Any) -> list[float] | None:
        """The outputs A^L for one row, if nothing about it is odd; None for anything else."""
        try:
            if isinstance(row, Mapping):
                x = self._encoder.of_mapping(row)
            elif isinstance(row, tuple | list) and len(row) == len(self.columns):
                x = self._encoder.of_cells(row)
            else:
                return None
        except (DataError, KeyError):
            return None
        A = self._network(x)
        if self._divided:
            A = as_predictions(self._model.targets, self._activations, A[np.newaxis])[0]
        numbers: list[float] = A.tolist()
        return numbers if math.isfinite(sum(numbers)) else None

    def _by_table(self, method: Callable[[Any], Any], rows: Any) -> Any:
        """What a method of the model gives for rows, or for the only row."""
        rows = columns_of(rows, self.columns)
        answers = method(rows.table)
        if not rows.single:
            return answers
        if isinstance(answers, Mapping):
            return {name: values.tolist()[0] for name, values in answers.items()}
        return answers.tolist()[0]


def _activations(network: Network) -> list[Activation]:
    """The activation of each block of outputs."""
    return [block.activation for block in network.architecture.blocks]


def decoder(target: Target, part: slice) -> Decode:
    """A function that gives the value of a target, as Python has it, for all outputs of a row."""
    start, stop = part.start, part.stop
    if isinstance(target, ClassTarget):
        classes = target.values.tolist()
        if target.kind == "ordered":
            return lambda A: classes[int(target.codes(np.array([A[part]]))[0])]
        if isinstance(target, Labels) and target.yes_or_no:
            return lambda A: classes[A[start] > 0.5]
        if isinstance(target, Classes) and target.threshold is not None:
            code, least = 0 if target.of_first else 1, target.threshold
            return lambda A: classes[code if A[start + code] >= least else 1 - code]
        return lambda A: classes[_greatest(A[start:stop])]
    if type(target) is Quantity:
        mean, scale = target.mean, target.scale
        return lambda A: mean + scale * A[start]
    return lambda A: target.decode(np.array([A[part]])).tolist()[0]


def _greatest(outputs: list[float]) -> int:
    """The number of the greatest output, the first of equal ones."""
    return outputs.index(max(outputs))


def _classes(targets: Targets) -> list[tuple[str, int]]:
    """The classes and labels of all targets, by `target=class`, with the number of their output where each has one."""
    return [
        (f"{target.name}={word}", part.start + k)
        for target, part in targets.slices
        for k, word in enumerate(target.texts)
    ]
