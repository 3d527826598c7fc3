"""The settings of training as options of `train`."""

import dataclasses
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from chainrule.activations import ACTIVATIONS
from chainrule.cli import values
from chainrule.costs import COSTS
from chainrule.engines import ENGINES
from chainrule.initializers import INITIALIZERS
from chainrule.model import Settings
from chainrule.model.preset import AUTO
from chainrule.model.scores import METRICS
from chainrule.optimizers import OPTIMIZERS, Clip
from chainrule.registry import Registry
from chainrule.schedules import SCHEDULES
from chainrule.tables.targets.choose import TASKS

__all__ = ["STOP_AND_GO_ON", "TrainOptions", "listed"]

_DATA = Group.create_ordered("Data")
_NETWORK = Group.create_ordered("Network")
_DESCENT = Group.create_ordered("Descent")
_END = Group.create_ordered("End")
_PENALTIES = Group.create_ordered("Penalties")
_MACHINE = Group.create_ordered("Machine")
STOP_AND_GO_ON = Group.create_ordered("Stop and go on")

_COUNT, _COUNT_OR_NONE = values.count(), values.count(none=None)
_HIDDEN = Parameter(parse=False, show=False)  # what only Python can give


def listed(text: str, metavar: str, converter: Any = values.columns, **more: Any) -> Parameter:
    """An option that takes several values, separated by commas or by giving it again and again."""
    shown = {"show_default": lambda found: ",".join(str(value) for value in found) or "none"}
    return Parameter(converter=converter, n_tokens=1, negative="", metavar=metavar, help=text, **(shown | more))


def _entry(text: str, registry: Registry[Any], group: Group, **others: Any) -> Parameter:
    """An option that takes a name of a registry, with parameters, or another word for what it stands for."""
    return Parameter(
        converter=values.either(values.choice(registry), **others),
        n_tokens=1,
        negative="",
        metavar="NAME",
        help=f"{text} {_one_of(registry)}",
        group=group,
        completer=lambda context: [*others, *registry.names()],
    )


def _one_of(registry: Registry[Any]) -> str:
    return f"[{', '.join(registry.names())}]"


def _plain(text: str, group: Group, converter: Any = None, **more: Any) -> Parameter:
    return Parameter(help=text, group=group, negative="", converter=converter, **more)


_RATES = ", ".join(f"{rule.learning_rate:g} for {rule.name}" for rule in OPTIMIZERS.classes() if not rule.line_search)


@dataclasses.dataclass(frozen=True)
class TrainOptions(Settings):
    """The settings of a training run, as options."""

    task: Annotated[str, _plain("What the target is; auto decides from its values.", _DATA, choices=TASKS)] = (
        Settings.task
    )
    drop: Annotated[tuple[str, ...], listed("Columns to leave out.", "COLUMN,COLUMN", group=_DATA)] = tuple(
        Settings.drop
    )
    keep: Annotated[tuple[str, ...], listed("The only columns that are inputs.", "COLUMN,COLUMN", group=_DATA)] = tuple(
        Settings.keep
    )
    weight: Annotated[
        str | None, _plain("Column of the weights of rows; 0 leaves a row out.", _DATA, metavar="COLUMN")
    ] = Settings.weight
    class_weight: Annotated[
        Any,
        _plain(
            "Weights of classes; 'balanced' makes all classes weigh the same.",
            _DATA,
            values.class_weight,
            n_tokens=1,
            metavar="CLASS=NUMBER,...",
        ),
    ] = Settings.class_weight
    validation: Annotated[
        Any,
        _plain(
            "Share of rows held out to choose the best epoch's weights, 0 for none; or a table of such rows; or "
            "'folds', the rest of each member.",
            _DATA,
            values.share_or_file,
            n_tokens=1,
            metavar="SHARE|FILE",
        ),
    ] = Settings.validation
    test_every: Annotated[
        int | None,
        _plain("Hold out every K-th row, from the first on, and score those.", _DATA, _COUNT_OR_NONE, metavar="K"),
    ] = Settings.test_every

    hidden: Annotated[
        tuple[int, ...],
        listed(
            "Neurons of each hidden layer, from input to output; '' for none.",
            "64,64",
            values.either(values.sizes, auto=AUTO),
            group=_NETWORK,
            show_default=True,
        ),
    ] = AUTO  # type: ignore[assignment]
    activation: Annotated[
        tuple[Any, ...],
        listed(
            f"Activation of the hidden layers: one, or one for each, such as elu:alpha=2,tanh. {_one_of(ACTIVATIONS)}",
            "NAME,NAME",
            values.either(values.choices(ACTIVATIONS), auto=AUTO),
            group=_NETWORK,
            show_default=True,
            completer=lambda context: [AUTO, *ACTIVATIONS.names()],
        ),
    ] = Settings.activation
    output: Annotated[
        Any,
        _entry("Activation of the output layer; without it the one that suits target and cost.", ACTIVATIONS, _NETWORK),
    ] = Settings.output
    cost: Annotated[
        Any,
        _entry("What is minimised, such as quantile:q=0.9; without it what suits target and output.", COSTS, _NETWORK),
    ] = Settings.cost
    initializer: Annotated[
        Any, _entry("How the first weights are drawn; without it what suits the activation.", INITIALIZERS, _NETWORK)
    ] = Settings.initializer
    members: Annotated[
        Any,
        _plain(
            "Networks trained together, each without a fold of the rows, made one in the end; 1 where hidden layers or "
            "validation are given.",
            _NETWORK,
            values.count(auto=AUTO),
            n_tokens=1,
            metavar="COUNT",
        ),
    ] = Settings.members
    start: Annotated[
        Literal["auto", "linear", "random"],
        _plain(
            "First weights: the best linear model's, or random ones.", _NETWORK, choices=("auto", "linear", "random")
        ),
    ] = Settings.start

    optimizer: Annotated[
        Any,
        _entry(
            "Rule that updates the weights, such as sgd:momentum=0.9,nesterov=true.", OPTIMIZERS, _DESCENT, auto=AUTO
        ),
    ] = Settings.optimizer
    learning_rate: Annotated[
        float | None, _plain(f"Learning rate; without it what suits the table, or the optimizer: {_RATES}.", _DESCENT)
    ] = Settings.learning_rate
    schedule: Annotated[
        Any,
        _entry(
            "What the learning rate is multiplied with over time, such as cosine:warmup=5.",
            SCHEDULES,
            _DESCENT,
            auto=AUTO,
            none=None,
        ),
    ] = Settings.schedule
    batch_size: Annotated[
        Any,
        _plain(
            "Rows of one update; 'all' for all of them.",
            _DESCENT,
            values.count(all=None, auto=AUTO),
            metavar="ROWS",
        ),
    ] = Settings.batch_size
    clip_norm: Annotated[float | None, _plain("Longest gradient, as a Euclidean norm.", _DESCENT)] = None
    clip_value: Annotated[float | None, _plain("Greatest element of the gradient.", _DESCENT)] = None
    clip_example: Annotated[float | None, _plain("Longest gradient of a single row.", _DESCENT)] = None

    epochs: Annotated[
        Any, _plain("Passes over the rows, at most.", _END, values.count(auto=AUTO), n_tokens=1, metavar="EPOCHS")
    ] = Settings.epochs
    patience: Annotated[
        Any,
        _plain(
            "Epochs without a gain after which to stop; 'none' for no such end, which auto is where --epochs is given.",
            _END,
            values.count(none=None, auto=AUTO),
            n_tokens=1,
            metavar="EPOCHS",
        ),
    ] = Settings.patience
    min_delta: Annotated[float, _plain("Least gain that patience counts.", _END)] = Settings.min_delta
    time: Annotated[
        float | None, _plain("Time after which to stop: 90s, 10m, 1h30m.", _END, values.duration, metavar="TIME")
    ] = Settings.time
    metric: Annotated[
        str | None,
        _plain(
            "Score on the rows held out that is shown, chooses the best epoch and stops, in place of the cost.",
            _END,
            choices=tuple(METRICS),
        ),
    ] = Settings.metric

    alpha: Annotated[float, _plain("Penalty on squared weights, alpha/(2S) sum W².", _PENALTIES)] = Settings.alpha
    l1: Annotated[float, _plain("Penalty on absolute weights, l1/S sum |W|.", _PENALTIES)] = Settings.l1
    dropout: Annotated[
        Any,
        _plain(
            "Probability of dropping a hidden neuron.",
            _PENALTIES,
            values.either(values.real, auto=AUTO),
            n_tokens=1,
            metavar="SHARE",
        ),
    ] = Settings.dropout

    seed: Annotated[int | None, _plain("Fixes every random choice; 'none' draws one.", _MACHINE, _COUNT_OR_NONE)] = (
        Settings.seed
    )
    dtype: Annotated[str, _plain("Type to compute in.", _MACHINE, choices=("float32", "float64"))] = Settings.dtype
    engine: Annotated[str, _plain("What computes.", _MACHINE, choices=("auto", *ENGINES))] = Settings.engine
    threads: Annotated[int | None, _plain("Threads, where the engine has a choice.", _MACHINE, _COUNT_OR_NONE)] = (
        Settings.threads
    )
    cache: Annotated[
        Path | None, _plain("Folder for the file of encoded rows, for tables larger than memory.", _MACHINE)
    ] = Settings.cache

    mode: Annotated[Any, _HIDDEN] = Settings.mode
    clip: Annotated[Clip | None, _HIDDEN] = Settings.clip

    def __post_init__(self) -> None:
        if isinstance(self.activation, tuple) and len(self.activation) == 1:
            object.__setattr__(self, "activation", self.activation[0])
        bounds = (self.clip_norm, self.clip_value, self.clip_example)
        if any(bound is not None for bound in bounds):
            object.__setattr__(self, "clip", Clip(*(math.inf if bound is None else bound for bound in bounds)))
        super().__post_init__()
