"""How a table is trained on: one set of settings for Python and the command line."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.arrays import as_dtype
from chainrule.costs import COSTS
from chainrule.errors import SettingError
from chainrule.initializers import INITIALIZERS
from chainrule.model.scores import check_metric
from chainrule.model.weighting import check_class_weight
from chainrule.optimizers import OPTIMIZERS, Clip, Optimizer
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.schedules import SCHEDULES
from chainrule.training import as_dropout, check_settings, check_stopping

__all__ = ["Settings"]

_INITIALIZERS = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "softplus"), "he_uniform"),
    "selu": "lecun_normal",
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a table is trained on. A choice is a name, a mapping such as {"name": "elu", "alpha": 2.0}, or an object.

    hidden: neurons of each hidden layer. activation: of the hidden layers, one or a list with one each. output, cost:
    None for those that suit the target (see `chainrule.model.outputs`). initializer: None for the one that suits the
    activation. optimizer; learning_rate: None for the optimizer's own; schedule: what the learning rate is multiplied
    with over time. batch_size: rows of an update, None for all, "auto" for 32, or all where the optimizer needs them.
    epochs: passes over the rows. patience: epochs without a gain of more than min_delta after which training stops.
    time: seconds after which it does. metric: what is compared on the rows held out in place of the cost: a name of
    `METRICS`, or a function of (y_true, y_pred) with a mode, "max" where greater is better, or "min". alpha, l1:
    penalties on squared and absolute weights. dropout: the probability of dropping a hidden neuron. clip: bounds for
    the gradient. task: auto, classification or regression. seed: fixes every random choice; None draws one.

    What columns mean. drop: those to leave out. keep: the only ones that are inputs, where any are named. weight: one
    that holds the weights of the rows, numbers from 0, and is no input; a row of weight 0 is as if it were not there.
    class_weight: "balanced", so that each class of a target weighs the same in total, or the weight of each class that
    is to have another than 1, such as {"yes": 5} (with several targets by target, {"sick": {"yes": 5}}); it multiplies
    the weight of the row.

    What rows mean. validation: the share of rows held out, which say which epoch's weights to keep, 0 for none; or a
    table of such rows, anything that `train_table` takes, with the column of weights or without. test_every: k holds
    out the rows whose number in the table, from 0, is a multiple of k: from targets, statistics, weights and
    validation; the scores on them, by the final weights, go into the model's summary.

    cache: the folder of the file in which the encoded rows lie while they are trained on; None keeps them in memory, or
    in the system's folder for large temporary files where they take more than a quarter of the available memory. The
    file is gone when the training is. No bit depends on it.
    """

    hidden: Sequence[int] = (100,)
    activation: Any = "relu"
    output: Any = None
    cost: Any = None
    initializer: Any = None
    optimizer: Any = "adam"
    learning_rate: float | None = None
    schedule: Any = None
    batch_size: int | Literal["auto"] | None = "auto"
    epochs: int = 100
    patience: int | None = None
    min_delta: float = 0.0
    time: float | None = None
    validation: Any = 0.1
    metric: Any = None
    mode: Literal["min", "max"] | None = None
    alpha: float = 0.0
    l1: float = 0.0
    dropout: float = 0.0
    clip: Clip | None = None
    task: str = "auto"
    drop: Sequence[str] = ()
    keep: Sequence[str] = ()
    weight: str | None = None
    class_weight: Any = None
    test_every: int | None = None
    cache: Any = None
    seed: int | None = 0
    dtype: str = "float32"
    engine: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        share = not isinstance(self.validation, int | float) or 0 <= self.validation < 1
        require(share, "validation", self.validation, "a share from 0 to below 1, or a table")
        object.__setattr__(self, "hidden", (self.hidden,) if isinstance(self.hidden, int) else tuple(self.hidden))
        for name in ("drop", "keep"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))
        sizes = all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 1 for n in self.hidden)
        require(sizes, "hidden", self.hidden, "whole numbers from 1")
        require(isinstance(self.dropout, int | float), "dropout", self.dropout, "one number")
        check_settings(self.batch_size, self.epochs, self.alpha, self.l1, self.threads)
        check_stopping(self.patience, self.min_delta, self.time)
        require(
            self.clip is None or isinstance(self.clip, Clip), "clip", self.clip, "a Clip, such as cr.Clip(norm=1.0)"
        )
        as_dropout(self.dropout, len(self.hidden))
        as_seed(self.seed)
        as_dtype(self.dtype)
        check_metric(self.metric, self.mode)
        self._check_choices()
        self._check_rows()

    def _check_rows(self) -> None:
        """Raise for what no table could mean."""
        require(self.weight is None or isinstance(self.weight, str), "weight", self.weight, "the name of a column")
        check_class_weight(self.class_weight)
        every = self.test_every
        whole = every is None or (isinstance(every, int | np.integer) and not isinstance(every, bool) and every >= 2)
        require(whole, "test_every", every, "a whole number from 2, or None")
        folder = self.cache is None or isinstance(self.cache, str | os.PathLike)
        require(folder, "cache", self.cache, "the path of a folder, or None")

    def _check_choices(self) -> None:
        """Raise for a choice that no registry has, while nothing has been read yet."""
        activations = self._activations()
        if isinstance(self.activation, list | tuple) and len(activations) != len(self.hidden):
            raise SettingError(
                f"{len(activations)} activations came for {len(self.hidden)} hidden layers: give one, or one for each"
            )
        for registry, choice in ((ACTIVATIONS, self.output), (COSTS, self.cost), (SCHEDULES, self.schedule)):
            _ = choice is None or registry.get(choice)
        _ = self.rule, INITIALIZERS.get(self.first_weights)

    def _activations(self) -> list[Any]:
        given = self.activation
        return [ACTIVATIONS.get(choice) for choice in (given if isinstance(given, list | tuple) else [given])]

    @property
    def rule(self) -> Optimizer:
        """The optimizer with its learning rate."""
        found = OPTIMIZERS.get(self.optimizer)
        if self.learning_rate is None:
            return found
        return dataclasses.replace(found, learning_rate=self.learning_rate)

    @property
    def first_weights(self) -> Any:
        """The initializer: the one that was asked for, that of all hidden activations, or else Glorot's."""
        suited = {_INITIALIZERS.get(activation.name, "glorot_uniform") for activation in self._activations()}
        return self.initializer or (suited.pop() if len(suited) == 1 else "glorot_uniform")
