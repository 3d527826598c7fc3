"""How a table is trained on: one set of settings for Python and the command line."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.arrays import as_dtype
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.training import as_dropout, check_settings

__all__ = ["Settings"]


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
        sizes = all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 1 for n in self.hidden)
        require(sizes, "hidden", self.hidden, "whole numbers from 1")
        require(isinstance(self.dropout, int | float), "dropout", self.dropout, "one number")
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
