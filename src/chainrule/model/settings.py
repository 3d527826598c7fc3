"""How a table is trained on: the settings of training, and those of the network, the columns and the rows."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, Literal

from chainrule.activations import ACTIVATIONS
from chainrule.arrays import DTYPES, as_dtype
from chainrule.costs import COSTS
from chainrule.errors import SettingError
from chainrule.fields import (
    AUTO,
    Choice,
    Choices,
    Instance,
    Names,
    Number,
    Passed,
    Sizes,
    Special,
    Whole,
    Word,
    by_preset,
    documented,
    is_auto,
    setting,
)
from chainrule.initializers import INITIALIZERS
from chainrule.model.class_weight import check_class_weight
from chainrule.model.preset import tabular
from chainrule.model.scores import METRICS, check_metric
from chainrule.optimizers import AdamW, Optimizer
from chainrule.registry import require
from chainrule.settings import TrainingSettings
from chainrule.tables.targets.choose import TASKS

__all__ = ["FOLDS", "LEAST_ROWS", "TableSettings", "is_folds"]

LEAST_ROWS = 10  # below this no rows are held out for validation
FOLDS = "folds"

_AUTO, _NONE = Special(AUTO, AUTO), Special("none", None)


def is_folds(validation: Any) -> bool:
    """Whether each member of an ensemble is validated on the rows that it leaves out."""
    return isinstance(validation, str) and validation == FOLDS


def _dtype(value: Any) -> str:
    return as_dtype(value).name


def _class_weight(value: Any) -> Any:
    check_class_weight(value)
    return value


def _validation(value: Any) -> Any:
    """A share, or anything that may be a table. Raises SettingError for a share out of range."""
    if isinstance(value, int | float):
        require(0 <= value < 1, "validation", value, "a share from 0 to below 1, a table, 'folds' or 'auto'")
    return value


@documented
@dataclasses.dataclass(frozen=True)
class TableSettings(TrainingSettings):
    """How a table is trained on. A choice is a name, a mapping such as {"name": "elu", "alpha": 2.0}, or an object.

    "auto" is what suits the table (see `chainrule.model.preset`); anything else takes its place, and the settings of a
    training show what ran.

    {settings}

    Raises SettingError in one line for a value that no training could have, and for two that contradict each other.
    """

    task: str = setting("auto", Word(TASKS), "What the target is; auto decides from its values.", group="Data")
    drop: Sequence[str] = setting((), Names(), "Columns to leave out.", group="Data")
    keep: Sequence[str] = setting((), Names(), "The only columns that are inputs, if any are named.", group="Data")
    weight: str | None = setting(
        None,
        Instance((str,), "the name of a column", specials=(_NONE,), metavar="COLUMN"),
        "Column of the weights of rows, numbers from 0, which is not an input; 0 leaves a row out.",
        group="Data",
    )
    class_weight: Any = setting(
        None,
        Passed(
            _class_weight,
            "'balanced', or weights by class such as {'yes': 5}, with several targets by target",
            specials=(_NONE,),
            metavar="CLASS=NUMBER,...",
        ),
        "Weights of classes, times the weight of the row; 0 leaves a class out, 'balanced' makes all classes weigh the "
        "same.",
        group="Data",
    )
    validation: Any = setting(
        AUTO,
        Passed(
            _validation,
            "a share from 0 to below 1, a table of such rows, or 'folds'",
            specials=(Special(FOLDS, FOLDS), _AUTO),
            metavar="SHARE|FILE",
        ),
        "Share of rows held out to choose the best epoch's weights, 0 for none; or a table of such rows; or 'folds': "
        "each member of the ensemble is validated on the fold that it does not train on.",
        group="Data",
    )
    test_every: int | None = setting(
        None,
        Whole(2, specials=(_NONE,), metavar="K"),
        "Hold out every K-th row, from the first on, from all that is learned, and score those.",
        group="Data",
    )

    hidden: Any = setting(
        AUTO,
        Sizes(specials=(_AUTO,), metavar="64,64"),
        "Neurons of each hidden layer, from input to output; an empty list ('' as an option) makes a linear model.",
        group="Network",
    )
    activation: Any = setting(
        AUTO,
        Choices(registry=ACTIVATIONS, specials=(_AUTO,), metavar="NAME,NAME"),
        "Activation of the hidden layers: one, or one for each.",
        group="Network",
    )
    output: Any = setting(
        None,
        Choice(registry=ACTIVATIONS, specials=(Special("none", None, "what suits target and cost"),)),
        "Activation of the output layer.",
        group="Network",
    )
    cost: Any = setting(
        None,
        Choice(registry=COSTS, specials=(Special("none", None, "what suits target and output"),)),
        "What is minimised.",
        group="Network",
    )
    initializer: Any = setting(
        None,
        Choice(registry=INITIALIZERS, specials=(Special("none", None, "what suits the activation"),)),
        "How the first weights are drawn.",
        group="Network",
    )
    members: Any = setting(
        AUTO,
        Whole(1, specials=(_AUTO,), metavar="COUNT"),
        "Size of the ensemble. Each member leaves out one fold of the rows; the members are merged into one network at "
        "the end. 1 if hidden layers or validation are given.",
        group="Network",
    )
    start: Literal["auto", "linear", "random"] = setting(
        AUTO,
        Word(("auto", "linear", "random")),
        "First weights: those of the best linear model, or random ones.",
        group="Network",
    )

    optimizer: Any = by_preset(TrainingSettings, "optimizer")
    learning_rate: float | None = setting(
        None,
        Number(0, above=True, specials=(Special("none", None, "what suits the table, or the optimizer's own"),)),
        "Learning rate.",
        group="Descent",
    )
    schedule: Any = by_preset(TrainingSettings, "schedule")
    batch_size: Any = by_preset(TrainingSettings, "batch_size")
    epochs: Any = by_preset(TrainingSettings, "epochs")
    patience: Any = by_preset(TrainingSettings, "patience")
    dropout: Any = by_preset(TrainingSettings, "dropout")
    metric: Any = setting(
        None,
        Passed(lambda metric: metric, f"a name ({', '.join(METRICS)}) or a function of (y_true, y_pred)"),
        "Score on the rows held out that is shown, chooses the best epoch and stops, in place of the cost.",
        group="End",
    )
    mode: Literal["min", "max"] | None = setting(
        None,
        Word(("min", "max"), specials=(_NONE,)),
        "Which value of a metric of your own is better; needed with a function.",
    )

    cache: Any = setting(
        None,
        Instance((str, os.PathLike), "the path of a folder", specials=(Special("none", None, "memory, or the system's "
        "folder for large temporary files where the rows take more than a quarter of the available memory"),),
        metavar="PATH"),
        "Folder for the file of encoded rows, for tables larger than memory; the file is gone when the training is.",
        bits=False,
        group="Machine",
    )  # fmt: skip
    dtype: str = setting("float32", Passed(_dtype, " or ".join(DTYPES)), "Type to compute in.", group="Machine")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_metric(self.metric, self.mode)
        self._check_layers()
        self._check_members()
        _ = self.rule, self.first_weights

    def _check_layers(self) -> None:
        """Raise for numbers of activations that the hidden layers do not have, and for a dropout by layer."""
        require(not isinstance(self.dropout, tuple), "dropout", self.dropout, "one number")
        layers = isinstance(self.activation, list) and not is_auto(self.hidden)
        if layers and len(self.activation) != len(self.hidden):
            raise SettingError(
                f"{len(self.activation)} activations came for {len(self.hidden)} hidden layers: give one, or one for "
                "each"
            )

    def _check_members(self) -> None:
        """Raise for members that have nothing to be validated with."""
        if is_auto(self.members):
            return
        folds = isinstance(self.validation, str) and self.validation in (AUTO, FOLDS)
        require(self.members == 1 or folds, "validation", self.validation, "'folds' where there are several members")
        require(
            self.members > 1 or not is_folds(self.validation), "validation", FOLDS, "a share or a table for 1 member"
        )

    @property
    def activations(self) -> list[Any]:
        """The activations of the hidden layers that are named: none, one for all, or one for each."""
        if is_auto(self.activation):
            return []
        return list(self.activation) if isinstance(self.activation, list) else [self.activation]

    def resolved(self, rows: int, inputs: int, outputs: int = 1) -> "TableSettings":
        """The same with what suits such a table (see `chainrule.model.preset.tabular`) in place of "auto".

        >>> settings = TableSettings(epochs=5).resolved(150, 4)
        >>> settings.members, settings.epochs, TableSettings(hidden=8).resolved(150, 4).members
        (8, 5, 1)
        """
        alone = not is_auto(self.hidden) or not (is_auto(self.validation) or is_folds(self.validation))
        members = 1 if is_auto(self.members) and (alone or rows < LEAST_ROWS) else self.members
        preset = tabular(rows, inputs, None if is_auto(members) else int(members), outputs)
        chosen = {name: value for name, value in preset.items() if is_auto(getattr(self, name))}
        if isinstance(self.activation, list) and "hidden" in chosen:
            chosen["hidden"] = (preset["hidden"][0],) * len(self.activation)
        if not is_auto(self.optimizer) and self.rule.full_batch:
            chosen |= {name: value for name, value in {"schedule": None, "batch_size": None}.items() if name in chosen}
        if not is_auto(self.epochs) and is_auto(self.patience):
            chosen["patience"] = None
        if self.initializer is not None and is_auto(self.start):
            chosen["start"] = "random"
        return dataclasses.replace(self, **chosen)

    @property
    def rule(self) -> Optimizer:
        """The optimizer with its learning rate."""
        rule: Optimizer = AdamW() if is_auto(self.optimizer) else self.optimizer
        if self.learning_rate is None:
            return rule
        return dataclasses.replace(rule, learning_rate=self.learning_rate)

    @property
    def training(self) -> TrainingSettings:
        """The settings of training alone, once they are resolved."""
        names = [field.name for field in dataclasses.fields(TrainingSettings)]
        values = {name: getattr(self, name) for name in names}
        return TrainingSettings(**{**values, "optimizer": self.rule})

    @property
    def first_weights(self) -> Any:
        """The initializer: the one that was set, that of all hidden activations, or else Glorot's."""
        suited = {activation.initializer for activation in self.activations}
        return self.initializer or INITIALIZERS.get(suited.pop() if len(suited) == 1 else "glorot_uniform")
