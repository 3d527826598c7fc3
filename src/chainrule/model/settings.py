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
from chainrule.model.class_weight import check_class_weight
from chainrule.model.preset import AUTO, tabular
from chainrule.model.scores import check_metric
from chainrule.optimizers import OPTIMIZERS, AdamW, Clip, Optimizer
from chainrule.random import as_seed
from chainrule.registry import require
from chainrule.schedules import SCHEDULES
from chainrule.training import as_dropout, check_settings, check_stopping

__all__ = ["LEAST_ROWS", "Settings", "is_folds"]

LEAST_ROWS = 10  # below this no rows are held out for validation
FOLDS = "folds"


def is_auto(value: Any) -> bool:
    """Whether a setting is left to the preset."""
    return isinstance(value, str) and value == AUTO


def is_folds(validation: Any) -> bool:
    """Whether each row is held out from a member, in place of rows held out from all."""
    return isinstance(validation, str) and validation == FOLDS


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a table is trained on. A choice is a name, a mapping such as {"name": "elu", "alpha": 2.0}, or an object.

    "auto" is what suits the table (see `chainrule.model.preset`); anything else takes its place, and the settings of a
    training show what ran.

    hidden: neurons of each hidden layer. activation: of the hidden layers, one or a list with one each. output, cost:
    None for those that suit the target (see `chainrule.model.heads`). initializer: None for the one that suits the
    activation. members: networks that are trained together and made one in the end (see `chainrule.model.ensemble`), 1
    where the hidden layers or the validation are given. start: "linear", from the best linear model (see
    `chainrule.model.warm_start`), or "random".

    optimizer; learning_rate: None for the optimizer's own; schedule: what the learning rate is multiplied with over
    time, None for nothing. batch_size: rows of an update, None for all. epochs: passes over the rows. patience: epochs
    without a gain of more than min_delta after which training stops; None, which "auto" is where epochs are given, for
    no such end. time: seconds after which it does. metric: what is compared on the rows held out in place of the cost:
    a name of `METRICS`, or a function of (y_true, y_pred) with a mode, "max" where greater is better, or "min". alpha,
    l1: penalties on squared and absolute weights. dropout: the probability of dropping a hidden neuron. clip: bounds
    for the gradient. task: auto, classification or regression. seed: fixes every random choice; None draws one.

    What columns mean. drop: those to leave out. keep: the only ones that are inputs, where any are named. weight: one
    that holds the weights of the rows, numbers from 0, and is no input; a row of weight 0 is as if it were not there.
    class_weight: "balanced", so that each class of a target weighs the same in total, or the weight of each class that
    is to have another than 1, such as {"yes": 5} (with several targets by target, {"sick": {"yes": 5}}); it multiplies
    the weight of the row.

    What rows mean. validation: the share of rows held out, which say which epoch's weights to keep, 0 for none; or a
    table of such rows, anything that `train_table` takes, with the column of weights or without; or "folds", the rest
    of the rows of each member. test_every: k holds
    out the rows whose number in the table, from 0, is a multiple of k: from targets, statistics, weights and
    validation; the scores on them, by the final weights, go into the model's summary.

    cache: the folder of the file in which the encoded rows lie while they are trained on; None keeps them in memory, or
    in the system's folder for large temporary files where they take more than a quarter of the available memory. The
    file is gone when the training is. No bit depends on it.
    """

    hidden: Any = AUTO
    activation: Any = AUTO
    output: Any = None
    cost: Any = None
    initializer: Any = None
    members: Any = AUTO
    start: Literal["auto", "linear", "random"] = AUTO
    optimizer: Any = AUTO
    learning_rate: float | None = None
    schedule: Any = AUTO
    batch_size: Any = AUTO
    epochs: Any = AUTO
    patience: Any = AUTO
    min_delta: float = 0.0
    time: float | None = None
    validation: Any = AUTO
    metric: Any = None
    mode: Literal["min", "max"] | None = None
    alpha: float = 0.0
    l1: float = 0.0
    dropout: Any = AUTO
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
        require(share, "validation", self.validation, "a share from 0 to below 1, a table, 'folds' or 'auto'")
        for name in ("drop", "keep"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))
        check_settings(self.batch_size, 1 if is_auto(self.epochs) else self.epochs, self.alpha, self.l1, self.threads)
        check_stopping(None if is_auto(self.patience) else self.patience, self.min_delta, self.time)
        require(
            self.clip is None or isinstance(self.clip, Clip), "clip", self.clip, "a Clip, such as cr.Clip(norm=1.0)"
        )
        self._check_layers()
        as_seed(self.seed)
        as_dtype(self.dtype)
        check_metric(self.metric, self.mode)
        self._check_choices()
        self._check_rows()
        self._check_members()

    def _check_layers(self) -> None:
        """Raise for hidden layers and dropout that no network could have."""
        if not is_auto(self.hidden):
            object.__setattr__(self, "hidden", (self.hidden,) if isinstance(self.hidden, int) else tuple(self.hidden))
            sizes = all(isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 1 for n in self.hidden)
            require(sizes, "hidden", self.hidden, "whole numbers from 1")
        if not is_auto(self.dropout):
            require(isinstance(self.dropout, int | float), "dropout", self.dropout, "one number")
            as_dropout(self.dropout, 1)

    def _check_members(self) -> None:
        """Raise for members that have nothing to be validated with."""
        require(self.start in (AUTO, "linear", "random"), "start", self.start, "auto, linear or random")
        if is_auto(self.members):
            return
        whole = isinstance(self.members, int) and not isinstance(self.members, bool) and self.members >= 1
        require(whole, "members", self.members, "a whole number from 1, or 'auto'")
        folds = isinstance(self.validation, str) and self.validation in (AUTO, FOLDS)
        require(self.members == 1 or folds, "validation", self.validation, "'folds' where there are several members")
        require(
            self.members > 1 or not is_folds(self.validation), "validation", FOLDS, "a share or a table for 1 member"
        )

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
        layers = isinstance(self.activation, list | tuple) and not is_auto(self.hidden)
        if layers and len(activations) != len(self.hidden):
            raise SettingError(
                f"{len(activations)} activations came for {len(self.hidden)} hidden layers: give one, or one for each"
            )
        for registry, choice in ((ACTIVATIONS, self.output), (COSTS, self.cost), (SCHEDULES, self.schedule)):
            _ = choice is None or is_auto(choice) or registry.get(choice)
        _ = self.rule, INITIALIZERS.get(self.first_weights)

    def _activations(self) -> list[Any]:
        given = self.activation
        names = given if isinstance(given, list | tuple) else [] if is_auto(given) else [given]
        return [ACTIVATIONS.get(choice) for choice in names]

    def resolved(self, rows: int, inputs: int, outputs: int = 1) -> "Settings":
        """The same with what suits such a table (see `chainrule.model.preset.tabular`) in place of "auto".

        >>> found = Settings(epochs=5).resolved(150, 4)
        >>> found.members, found.epochs, Settings(hidden=8).resolved(150, 4).members
        (8, 5, 1)
        """
        alone = not is_auto(self.hidden) or not (is_auto(self.validation) or is_folds(self.validation))
        members = 1 if is_auto(self.members) and (alone or rows < LEAST_ROWS) else self.members
        preset = tabular(rows, inputs, None if is_auto(members) else int(members), outputs)
        asked = {name: value for name, value in preset.items() if is_auto(getattr(self, name))}
        if isinstance(self.activation, list | tuple) and "hidden" in asked:
            asked["hidden"] = (preset["hidden"][0],) * len(self.activation)
        if not is_auto(self.optimizer) and self.rule.full_batch:
            asked |= {name: value for name, value in {"schedule": None, "batch_size": None}.items() if name in asked}
        if not is_auto(self.epochs) and is_auto(self.patience):
            asked["patience"] = None
        if self.initializer is not None and is_auto(self.start):
            asked["start"] = "random"
        return dataclasses.replace(self, **asked)

    @property
    def rule(self) -> Optimizer:
        """The optimizer with its learning rate."""
        found = AdamW() if is_auto(self.optimizer) else OPTIMIZERS.get(self.optimizer)
        if self.learning_rate is None:
            return found
        return dataclasses.replace(found, learning_rate=self.learning_rate)

    @property
    def first_weights(self) -> Any:
        """The initializer: the one that was asked for, that of all hidden activations, or else Glorot's."""
        suited = {activation.initializer for activation in self._activations()}
        return self.initializer or (suited.pop() if len(suited) == 1 else "glorot_uniform")
