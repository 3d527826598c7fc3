"""The network that is built and how it is trained: settings as plain data, checked by the records of all others."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.costs import partner
from chainrule.errors import SettingError
from chainrule.fields import is_auto, settings_of
from chainrule.model import TableSettings
from chainrule.network import Network
from chainrule.optimizers import Clip
from chainrule.random import as_seed
from chainrule.settings import TrainingSettings
from chainrule.studio.dataset import Dataset
from chainrule.text import shown

__all__ = ["NETWORK", "TRAINING", "Design", "bounds_of"]

NETWORK = ("hidden", "activation", "output", "cost", "initializer", "dtype")
TRAINING = (
    "optimizer", "schedule", "batch_size", "epochs", "patience", "alpha", "l1", "dropout", "label_smoothing", "clip",
    "shuffle", "seed",
)  # fmt: skip

MOST_NEURONS, MOST_LAYERS = 4096, 12


@dataclasses.dataclass(frozen=True)
class Design:
    """The hidden layers, the output layer, the first weights, and the settings of training.

    - hidden: n_2, ..., n_{L-1}.
    - activation: of each hidden layer.
    - output, cost: of the output layer; None for those that suit the rows.
    - initializer: None for the one that suits the activations.
    - dtype: the type to compute in.
    - training: the settings of training.

    >>> design = Design().changed({"hidden": [3, 2], "activation": "relu", "optimizer": {"name": "sgd"}})
    >>> design.hidden, [str(activation) for activation in design.activation], design.training.optimizer.name
    ((3, 2), ['relu', 'relu'], 'sgd')
    """

    hidden: tuple[int, ...] = (4, 2)
    activation: tuple[Any, ...] = ("tanh", "tanh")
    output: Any = None
    cost: Any = None
    initializer: Any = None
    dtype: str = "float32"
    training: TrainingSettings = dataclasses.field(default_factory=lambda: TrainingSettings(epochs=1000, batch_size=10))

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", tuple(ACTIVATIONS.get(each) for each in self.activation))

    def changed(self, changes: Mapping[str, Any]) -> Design:
        """The design with other settings, by name. Raises SettingError in one line for one that is not allowed."""
        if not isinstance(changes, Mapping):
            raise SettingError(f"settings are {shown(changes)}, but must be values by name")
        for name in changes:
            if name not in (*NETWORK, *TRAINING):
                raise SettingError(f"there is no setting {shown(name)}: choose from {', '.join((*NETWORK, *TRAINING))}")
        kinds = settings_of(TableSettings)
        network = {name: kinds[name].kind.clean(name, changes[name]) for name in NETWORK if name in changes}
        if is_auto(network.get("hidden")) or is_auto(network.get("activation")):
            raise SettingError("hidden and activation are 'auto', but must be sizes and names")
        network["hidden"] = _hidden(network.get("hidden", self.hidden))
        network["activation"] = _per_layer(network.get("activation", self.activation), len(network["hidden"]))
        return dataclasses.replace(self, **network, training=self._trained_by(changes))

    def _trained_by(self, changes: Mapping[str, Any]) -> TrainingSettings:
        """The settings of training with these changes."""
        values = {name: changes[name] for name in TRAINING if name in changes}
        if values.get("seed", 0) is None:
            values["seed"] = as_seed(None)  # one for the split, the weights and the order
        if isinstance(values.get("clip"), Mapping):
            values["clip"] = _clip(values["clip"])
        before = {field.name: getattr(self.training, field.name) for field in dataclasses.fields(TrainingSettings)}
        return TrainingSettings.of(**{**before, **values})

    def network(self, dataset: Dataset) -> Network:
        """The network with its first weights, for some rows. Raises SettingError where they do not fit."""
        output, cost = self._output(dataset)
        sizes = [len(dataset.names), *self.hidden, len(dataset.outputs)]
        if dataset.kind == "yes or no":
            sizes[-1] = 1
        return Network(
            sizes,
            list(self.activation),
            output,
            cost,
            initializer=self.first_weights,
            seed=self.training.seed,
            dtype=self.dtype,
        )

    def _output(self, dataset: Dataset) -> tuple[Any, Any]:
        """The output layer: what is set, or what suits the rows."""
        if self.output is None:
            return dataset.output, dataset.cost if self.cost is None else self.cost
        return self.output, partner(self.output) if self.cost is None else self.cost

    @property
    def first_weights(self) -> Any:
        """The initializer or the weights that are set, or the initializer that suits the activations."""
        if isinstance(self.initializer, np.ndarray):
            return self.initializer
        return TableSettings(
            hidden=self.hidden or (), activation=list(self.activation), initializer=self.initializer
        ).first_weights

    def document(self) -> dict[str, Any]:
        """The settings as plain data, which `changed` takes."""
        t = self.training
        values: dict[str, Any] = {"hidden": list(self.hidden), "activation": [_plain(each) for each in self.activation]}
        values |= {name: _plain(getattr(self, name)) for name in NETWORK[2:]}
        return values | {name: _plain(getattr(t, name)) for name in TRAINING}


def _hidden(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The sizes of the hidden layers, bounded."""
    if len(sizes) > MOST_LAYERS or sum(sizes) > MOST_NEURONS:
        raise SettingError(
            f"hidden has {len(sizes)} layers of {sum(sizes):,} neurons together, but must have at most {MOST_LAYERS} "
            f"layers of {MOST_NEURONS:,}"
        )
    return tuple(sizes)


def _per_layer(choice: Any, count: int) -> tuple[Any, ...]:
    """An activation for each of `count` layers: those that are given, the last one again for layers that are added."""
    several = list(choice) if isinstance(choice, list | tuple) else [choice]
    several = [ACTIVATIONS.get(each) for each in several] or [ACTIVATIONS.get("tanh")]
    return tuple(several[min(k, len(several) - 1)] for k in range(count))


def bounds_of(clip: Clip) -> dict[str, float]:
    """The bounds that are set, by name."""
    bounds = {field.name: getattr(clip, field.name) for field in dataclasses.fields(Clip)}
    return {name: bound for name, bound in bounds.items() if bound and math.isfinite(bound)}


def _clip(bounds: Mapping[str, Any]) -> Clip | None:
    """The bounds of the gradient that are set; None where none is."""
    allowed = [field.name for field in dataclasses.fields(Clip)]
    unknown = [name for name in bounds if name not in allowed]
    if unknown:
        raise SettingError(f"clip has {shown(unknown[0])}, but must have some of {', '.join(allowed)}")
    there = {name: bound for name, bound in bounds.items() if bound}
    return Clip(**there) if there else None


def _plain(value: Any) -> Any:
    """A setting as plain data; weights that were given have no name."""
    if isinstance(value, np.ndarray):
        return None
    if isinstance(value, Clip):
        return bounds_of(value)
    if hasattr(value, "document"):
        return value.document()
    return list(value) if isinstance(value, tuple) else value
