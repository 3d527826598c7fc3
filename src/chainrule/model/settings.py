"""How a table is trained on: the settings of training, and those of the network, the columns and the rows."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

from chainrule.activations import ACTIVATIONS
from chainrule.arrays import DTYPES
from chainrule.costs import COSTS
from chainrule.errors import SettingError
from chainrule.fields import (
    AUTO,
    Choice,
    Choices,
    Flag,
    Folder,
    Names,
    Number,
    Sizes,
    Special,
    Text,
    Whole,
    Word,
    by_preset,
    documented,
    is_auto,
    setting,
)
from chainrule.initializers import INITIALIZERS
from chainrule.model.kinds import (
    FOLDS,
    ClassWeights,
    ColumnKinds,
    Dtype,
    Levels,
    ShareOrTable,
    ThresholdRule,
    is_folds,
)
from chainrule.model.preset import tabular
from chainrule.model.scores import METRIC, check_mode
from chainrule.optimizers import OPTIMIZERS, AdamW, Optimizer
from chainrule.random import MOST_DROPPED
from chainrule.registry import require
from chainrule.settings import TrainingSettings
from chainrule.tables.column_kinds import FORMS_OF_KINDS, ColumnKind
from chainrule.tables.targets.choose import TASKS
from chainrule.text import counted

__all__ = ["LEAST_ROWS", "TableSettings"]

LEAST_ROWS = 10  # below this no rows are held out for validation

_AUTO, _NONE = Special(AUTO, AUTO), Special("none", None)
_MEMORY = "memory, or a temporary folder if the rows need more than a quarter of the available memory"
_RATES = ", ".join(f"{rule.learning_rate:g} for {rule.name}" for rule in OPTIMIZERS.classes() if not rule.line_search)


@documented
@dataclasses.dataclass(frozen=True)
class TableSettings(TrainingSettings):
    """How a model is trained on a table: the settings of training, and those of columns, rows and network.

    {settings}

    "auto" stands for the value that suits the table (see `chainrule.model.preset`). A mapping has a name and
    parameters, such as {"name": "elu", "alpha": 2.0}.

    >>> settings = TableSettings(hidden=(64, 64), drop="id", optimizer={"name": "sgd", "momentum": 0.9})
    >>> settings.hidden, settings.drop, settings.epochs
    ((64, 64), ('id',), 'auto')

    Raises SettingError in one line where a value is not allowed, and where two settings contradict each other;
    UnknownNameError where a name is not registered.
    """

    task: str = setting(AUTO, Word(TASKS), "What the target is. 'auto' decides by its values.", group="Data")
    drop: Sequence[str] = setting((), Names(), "Columns to leave out.", group="Data")
    keep: Sequence[str] = setting(
        (), Names(), "Columns that are the inputs, in place of all columns but the targets.", group="Data"
    )
    kinds: Any = setting(
        (),
        ColumnKinds(metavar="COLUMN=KIND,..."),
        f"What columns are, where their cells do not say it: {FORMS_OF_KINDS}.",
        group="Data",
    )
    weight: str | None = setting(
        None,
        Text("the name of a column", specials=(_NONE,), metavar="COLUMN"),
        "Column of the weights of the rows, numbers from 0. It is not an input; a row of weight 0 is left out.",
        group="Data",
    )
    class_weight: Any = setting(
        None,
        ClassWeights(specials=(_NONE,), metavar="CLASS=NUMBER,..."),
        "Weights of classes, by which the weights of their rows are multiplied. 0 leaves a class out; 'balanced' gives "
        "all classes the same total weight.",
        group="Data",
    )
    validation: Any = setting(
        AUTO,
        ShareOrTable(specials=(Special(FOLDS, FOLDS), _AUTO), metavar="SHARE|FILE"),
        "Rows held out to choose the epoch whose weights are kept. 0 holds no row out; with 'folds' each member of the "
        "ensemble is validated on the fold that it does not train on.",
        group="Data",
    )
    test_every: int | None = setting(
        None,
        Whole(2, specials=(_NONE,), metavar="K"),
        "Hold out every K-th row, beginning with the first, as a test; with a group every K-th group, with a "
        "time_column the latest of K rows. Nothing is learned from these rows, and the model is scored on them at the "
        "end.",
        group="Data",
    )
    group: str | None = setting(
        None,
        Text("the name of a column", specials=(_NONE,), metavar="COLUMN"),
        "Column whose equal cells stay together wherever rows are held out: validation, test, folds. It is not an "
        "input.",
        group="Data",
    )
    time_column: str | None = setting(
        None,
        Text("the name of a column", specials=(_NONE,), metavar="COLUMN"),
        "Column of times or numbers: the latest rows are held out, and nothing is learned from rows later than those "
        "that it is validated or tested with. It is an input too, unless it is dropped.",
        group="Data",
    )

    hidden: Any = setting(
        AUTO,
        Sizes(specials=(_AUTO,), metavar="64,64"),
        "Number of neurons in each hidden layer, from input to output. An empty list ('' as an option) makes a linear "
        "model.",
        group="Network",
    )
    activation: Any = setting(
        AUTO,
        Choices(ACTIVATIONS, specials=(_AUTO,), metavar="NAME,NAME"),
        "Activation of the hidden layers, one for all or one for each.",
        group="Network",
    )
    output: Any = setting(
        None,
        Choice(ACTIVATIONS, specials=(Special("none", None, "the one that suits targets and cost"),)),
        "Activation of the output layer.",
        group="Network",
    )
    cost: Any = setting(
        None,
        Choice(COSTS, specials=(Special("none", None, "the one that suits targets and output"),)),
        "Cost to minimise.",
        group="Network",
    )
    initializer: Any = setting(
        None,
        Choice(INITIALIZERS, specials=(Special("none", None, "the one that suits the activation"),)),
        "How the first weights are drawn.",
        group="Network",
    )
    members: Any = setting(
        AUTO,
        Whole(1, specials=(_AUTO,), metavar="COUNT"),
        "Number of networks in the ensemble. Each leaves out one fold of the rows; at the end they are merged into one "
        "network. It is 1 if hidden layers or validation are set.",
        group="Network",
    )
    start: Literal["auto", "linear", "random"] = setting(
        AUTO,
        Word(("auto", "linear", "random")),
        "First weights, those of the best linear model or random ones.",
        group="Network",
    )

    optimizer: Any = by_preset(TrainingSettings, "optimizer")
    learning_rate: float | None = setting(
        None,
        Number(0, above=True, specials=(Special("none", None, "that of the preset or of the optimizer"),)),
        f"Learning rate. The optimizers have {_RATES}.",
        group="Descent",
    )
    schedule: Any = by_preset(TrainingSettings, "schedule")
    batch_size: Any = by_preset(TrainingSettings, "batch_size")
    epochs: Any = by_preset(TrainingSettings, "epochs")
    patience: Any = by_preset(TrainingSettings, "patience", " With 'auto' there is none if epochs is set.")
    dropout: Any = setting(
        AUTO,
        Number(0, MOST_DROPPED, specials=(_AUTO,), metavar="SHARE"),
        "Probability of dropping a neuron of a hidden layer.",
        group="Penalties",
    )
    metric: Any = setting(
        None,
        dataclasses.replace(METRIC, specials=(Special("none", None, "the cost"),)),
        "Score on the held-out rows that chooses the best epoch and decides when to stop. Of several the first one "
        "does; all are computed after each epoch.",
        group="End",
    )
    mode: Literal["min", "max"] | None = setting(
        None,
        Word(("min", "max"), specials=(_NONE,)),
        "Which value of the metric, of several the first, is better. It must be set if that is a function.",
    )

    quantiles: tuple[float, ...] = setting(
        (),
        Levels(metavar="0.1,0.5,0.9"),
        "Levels of the quantiles to predict of targets of numbers, each with the pinball cost; the answer is the one "
        "nearest to the median.",
        group="How sure",
    )
    calibrate: bool = setting(
        False,
        Flag(),
        "Whether the probabilities of classes get a temperature that is fitted on answers out of fold. It makes them "
        "worse where many labels are wrong.",
        group="How sure",
    )
    threshold: Any = setting(
        None,
        ThresholdRule(specials=(_NONE,), metavar="P|RULE"),
        "The least probability of the second of two classes at which it is the answer, or a rule that chooses it on "
        "answers out of fold.",
        group="How sure",
    )

    cache: Any = setting(
        None,
        Folder(specials=(Special("none", None, _MEMORY),), metavar="PATH"),
        "Folder for the file of encoded rows, for tables larger than memory. The file is deleted at the end.",
        bits=False,
        group="Machine",
    )
    dtype: str = setting("float32", Dtype(DTYPES), "Floating point type to compute in.", group="Machine")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_mode(self.metric, self.mode)
        self._check_layers()
        self._check_members()
        self._check_division()
        odd = None if not self.quantiles or self.cost is None or self.cost.name == "quantile" else self.cost.name
        require(odd is None, "cost", odd, "'quantile', or left out, with quantiles")
        _ = self.rule, self.first_weights

    def _check_layers(self) -> None:
        """Raise SettingError for a list of activations that is not as long as the hidden layers are many."""
        several, layers = isinstance(self.activation, list), None if is_auto(self.hidden) else len(self.hidden)
        if several and layers is not None and len(self.activation) != layers:
            text = f"{len(self.activation)} activations came for {layers} hidden layers: give one, or one for each"
            raise SettingError(text)

    def _check_members(self) -> None:
        """Raise SettingError for several members without folds, and for folds without several members."""
        if is_auto(self.members):
            return
        folds = isinstance(self.validation, str) and self.validation in (AUTO, FOLDS)
        require(self.members == 1 or folds, "validation", self.validation, "'folds' for several members")
        wrong = self.members == 1 and is_folds(self.validation)
        require(not wrong, "validation", FOLDS, "a share or a table for 1 member")

    def _check_division(self) -> None:
        """Raise SettingError where what a column of times says contradicts another setting."""
        if self.time_column is None:
            return
        if self.group is not None:
            raise SettingError("time_column fixes the order of the rows: leave out group")
        several = not is_auto(self.members) and self.members > 1
        if several or is_folds(self.validation):
            what = f"members is {self.members}" if several else "validation is 'folds'"
            raise SettingError(f"{what}, but folds learn from later rows than they are validated with: leave it out")

    @property
    def metrics(self) -> tuple[Any, ...]:
        """The metrics that are set, that which chooses the epoch first."""
        return self.metric if isinstance(self.metric, tuple) else () if self.metric is None else (self.metric,)

    @property
    def more_inputs(self) -> bool:
        """Whether a number may become several inputs, which a linear model would no longer be linear in."""
        return is_auto(self.hidden) or len(self.hidden) > 0

    @property
    def column_kinds(self) -> dict[str, ColumnKind]:
        """What the user says that columns are, by their names."""
        return {name: ColumnKind.of(text) for name, text in self.kinds.items()}

    @property
    def activations(self) -> list[Any]:
        """The activations of the hidden layers that are named: none, one for all, or one for each."""
        if is_auto(self.activation):
            return []
        return list(self.activation) if isinstance(self.activation, list) else [self.activation]

    def resolved(self, rows: int, inputs: int, outputs: int = 1, groups: int | None = None) -> "TableSettings":
        """The settings with values in place of "auto" (see `chainrule.model.preset.tabular` for the other arguments).

        - groups: the number of groups of the rows; without a setting there are at most as many members.

        >>> settings = TableSettings(epochs=5).resolved(150, 4)
        >>> settings.members, settings.epochs, TableSettings(hidden=8).resolved(150, 4).members
        (8, 5, 1)
        """
        alone = not is_auto(self.hidden) or not (is_auto(self.validation) or is_folds(self.validation))
        alone = alone or self.time_column is not None or self.is_sharded
        members = 1 if is_auto(self.members) and (alone or rows < LEAST_ROWS) else self.members
        preset = tabular(rows, inputs, None if is_auto(members) else int(members), outputs)
        if is_auto(members) and groups is not None and groups < preset["members"]:
            preset = tabular(rows, inputs, groups, outputs)
        if is_folds(self.validation) and is_auto(self.members) and preset["members"] == 1:
            raise SettingError(
                f"validation is 'folds', but one network is trained on {counted(rows, 'row')} with these settings: set "
                "members, such as 5, or give a share of the rows or a table"
            )
        chosen = {name: value for name, value in preset.items() if is_auto(getattr(self, name))}
        if isinstance(self.activation, list) and "hidden" in chosen:
            chosen["hidden"] = (preset["hidden"][0],) * len(self.activation)
        if not is_auto(self.optimizer) and self.rule.full_batch:
            chosen |= {name: value for name, value in {"schedule": None, "batch_size": None}.items() if name in chosen}
        if not is_auto(self.epochs) and is_auto(self.patience):
            chosen["patience"] = None
        if (self.initializer is not None or self.is_sharded) and is_auto(self.start):
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
        """The settings of training alone; of resolved settings only."""
        names = [field.name for field in dataclasses.fields(TrainingSettings)]
        values = {name: getattr(self, name) for name in names}
        return TrainingSettings(**{**values, "optimizer": self.rule})

    @property
    def head_cost(self) -> Any:
        """The cost of targets: the one that is set, or that of quantiles; None for the usual one."""
        return COSTS.get("quantile") if self.quantiles and self.cost is None else self.cost

    @property
    def first_weights(self) -> Any:
        """The initializer: the one that is set, the one that suits all hidden activations, or else Glorot's."""
        suited = {activation.initializer for activation in self.activations}
        return self.initializer or INITIALIZERS.get(suited.pop() if len(suited) == 1 else "glorot_uniform")
