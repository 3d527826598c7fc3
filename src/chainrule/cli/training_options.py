"""The settings of training as options of `train`: one for each field of the record that has a group."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter, Token

from chainrule.cli import values
from chainrule.cli.files import open_table
from chainrule.cli.values import matching_columns, matching_kinds
from chainrule.engines import ENGINES
from chainrule.fields import (
    AUTO,
    ByLayer,
    Choice,
    Choices,
    Flag,
    Folder,
    Kind,
    Names,
    Number,
    Seconds,
    Setting,
    Sizes,
    Text,
    Whole,
    Word,
    settings_of,
)
from chainrule.model import TableSettings, TableTraining
from chainrule.model.kinds import ClassWeights, ColumnKinds, Levels, MetricChoice, ShareOrTable, ThresholdRule
from chainrule.optimizers import Clip

__all__ = [
    "STOP_AND_GO_ON",
    "KindsOption",
    "RateOptions",
    "TableToTrain",
    "TargetColumns",
    "TrainOptions",
    "TuneOptions",
    "listed",
    "settings_of_table",
    "training_on",
]

GROUPS = {
    name: Group.create_ordered(name)
    for name in ("Data", "Network", "Descent", "End", "Penalties", "How sure", "Machine", "Stop and go on")
}
STOP_AND_GO_ON = GROUPS["Stop and go on"]

BOUNDS = {  # the options that make the setting `clip`
    "clip_norm": "Greatest Euclidean length of the gradient.",
    "clip_value": "Greatest absolute value of an element of the gradient.",
    "clip_example": "Greatest Euclidean length of the gradient of a single row.",
    "clip_noise": "Normal noise in the sum of a batch's gradients, in units of --clip-example, for privacy.",
}
OPTIONS = {"kinds": "--as"}  # settings whose option has another name
NAMES = {"engine": (AUTO, *ENGINES)}  # of a setting of text: engines are above the settings, which do not know them

_UNDERSCORED = re.compile(r"\b[a-z]+_[a-z]+\b")  # a setting in the text of another, which is an option here
_READERS: dict[type[Kind], values.Converter] = {  # what reads an ordinary value of a kind
    Seconds: values.duration,
    ByLayer: values.by_layer,
    Number: values.real,
    Sizes: values.sizes,
    Folder: lambda _, tokens: Path(tokens[-1].value),
    ShareOrTable: values.share_or_file,
    ClassWeights: values.class_weight,
    ColumnKinds: values.column_kinds,
    MetricChoice: lambda _, tokens: [name for token in tokens for name in values.words(token.value)],
    Levels: values.levels,
    ThresholdRule: lambda _, tokens: tokens[-1].value,
}


def listed(text: str, metavar: str, converter: Any = values.columns, **more: Any) -> Parameter:
    """An option that takes several values, separated by commas or in repeated options."""
    shown = {"show_default": lambda default: ",".join(str(value) for value in default) or "none"}
    plain = {"converter": converter, "n_tokens": 1, "negative": "", "metavar": metavar, "help": text}
    return Parameter(**(plain | shown | more))


TableToTrain = Annotated[
    Path,
    Parameter(help="A table: CSV, Parquet, Arrow, NumPy, idx, JSON, JSON lines or Excel, or a folder of such files."),
]

TargetColumns = Annotated[
    tuple[str, ...],
    listed("Column to predict, or several separated by commas; or a file with the target of each row.", "COLUMN|FILE"),
]


def option_of(name: str, each: Setting) -> Any:
    """The type of a setting's field as an option: `Annotated[type, Parameter]`."""
    kind = each.kind
    shared: dict[str, Any] = {"group": GROUPS[each.group], "negative": ""}
    shared |= {"name": OPTIONS[name]} if name in OPTIONS else {}
    shared |= {"show_default": lambda default: default or "none"} if isinstance(kind, ColumnKinds) else {}
    if isinstance(kind, Names):
        return Annotated[tuple[str, ...], listed(_help(each), "COLUMN,COLUMN", **shared)]
    if isinstance(kind, Flag):
        return Annotated[bool, Parameter(help=_help(each), **shared)]
    shared |= {"help": _help(each), "metavar": _metavar(kind)}
    words = kind.choices if isinstance(kind, Word) and not isinstance(kind, MetricChoice) else NAMES.get(name)
    if words or isinstance(kind, Text):
        return Annotated[str | None, Parameter(choices=words, **shared)]
    shared |= {"converter": _converter(kind), "n_tokens": 1, "completer": _completer(kind)}
    return Annotated[_type(kind), Parameter(**shared)]


def _help(each: Setting) -> str:
    """The text of a setting, with what its special words mean, and the names of its registry."""
    meanings = [f"; '{special.word}' for {special.meaning}" for special in each.kind.specials if special.meaning]
    names = f" [{', '.join(_names(each.kind))}]" if _names(each.kind) else ""
    units = ", such as 90s, 10m or 1h30m" if isinstance(each.kind, Seconds) else ""
    text = each.with_values(units + ("" if isinstance(each.kind, Word) else "".join(meanings)))
    return _UNDERSCORED.sub(lambda match: _as_option(match[0]), text) + names


def _as_option(word: str) -> str:
    """The option of a setting; any other word as it is."""
    return f"--{word.replace('_', '-')}" if word in settings_of(TableSettings) else word


class _NotChecked:
    """Beside a type: pydantic takes any value. cyclopts asks it wherever it is imported, and "auto" is not a tuple."""

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: Any) -> Any:
        return {"type": "any"}


def _type(kind: Kind) -> Any:
    """The type of an option with a converter: cyclopts collects the values of a tuple, and completes paths."""
    if isinstance(kind, Sizes | Choices | ColumnKinds | MetricChoice | Levels):
        return Annotated[tuple[Any, ...], _NotChecked]
    return Path | None if isinstance(kind, Folder) else Any


def _metavar(kind: Kind) -> str | None:
    """What help shows for a value; None for what cyclopts shows for the type."""
    usual = {Choice: "NAME[:KEY=VALUE,...]", Number: "FLOAT", Whole: "INT"}
    return kind.metavar or next((word for cls, word in usual.items() if isinstance(kind, cls)), None)


def _names(kind: Kind) -> Sequence[str]:
    """The names that one or several of can be chosen: those of a registry or of the metrics."""
    return kind.registry.names() if isinstance(kind, Choice) else kind.choices if isinstance(kind, MetricChoice) else ()


def _completer(kind: Kind) -> Callable[[Any], list[str]] | None:
    """What completes the value in a shell: the names and the special words."""
    if not _names(kind):
        return None
    words = [special.word for special in kind.specials]
    return lambda context: [*words, *_names(kind)]


def _converter(kind: Kind) -> values.Converter:
    """What turns the text of an option into a value of this kind: an ordinary one, or a special one by its word."""
    specials = {special.word: special.value for special in kind.specials}
    if isinstance(kind, Whole):
        return values.count(**specials)  # whose error names the special words too
    if isinstance(kind, Choices):
        return values.either(_one_or_several(values.choices(kind.registry)), **specials)
    if isinstance(kind, Choice):
        return values.either(values.choice(kind.registry), **specials)
    return values.either(next(read for cls, read in _READERS.items() if isinstance(kind, cls)), **specials)


def _one_or_several(converter: values.Converter) -> values.Converter:
    """A converter to a tuple, but for a single value to this value, which is for all layers."""

    def convert(kind: Any, tokens: Sequence[Token]) -> Any:
        several = converter(kind, tokens)
        return several[0] if len(several) == 1 else several

    return convert


def training_on(data: Path, target: Sequence[str], options: Any, **more: Any) -> TableTraining:
    """The training on a table that options ask for, ready to run.

    - target: columns, or a file with the target of each row.
    - options: a `TrainOptions`.
    - more: arguments of `TableTraining`.
    """
    source, targets = open_table(data, target)
    return TableTraining(source, targets, _with_columns_of(options, source.names), **more)


def settings_of_table(options: Any, columns: list[str]) -> dict[str, Any]:
    """The settings that options ask for, by name, with the columns of a table in place of the names that they give."""
    chosen = _with_columns_of(options, columns)
    return {name: getattr(chosen, name) for name in settings_of(TableSettings)}


def _with_columns_of(options: Any, columns: list[str]) -> Any:
    """The options with the columns of a table in place of the names that they give."""
    named = {name: tuple(matching_columns(getattr(options, name), columns)) for name in ("drop", "keep")}
    return dataclasses.replace(options, **named, kinds=matching_kinds(options.kinds, columns))


def _fields(left_out: Callable[[str, Setting], bool]) -> list[tuple[str, Any, Any]]:
    """The fields of the options: each setting with a group as an option, the others hidden; the bounds of `clip`."""
    hidden = Annotated[Any, Parameter(parse=False, show=False)]  # what only Python can set
    settings = settings_of(TableSettings)

    def option(name: str) -> Any:
        each = settings[name]
        return option_of(name, each) if each.group and not left_out(name, each) else hidden

    options = [
        (field.name, option(field.name), dataclasses.field(default=field.default, metadata=field.metadata))
        for field in dataclasses.fields(TableSettings)
    ]
    bounds = [
        (
            name,
            Annotated[float | None, Parameter(help=text, group=GROUPS["Descent"], negative="")],
            dataclasses.field(default=None),
        )
        for name, text in BOUNDS.items()
    ]
    return [*options, *bounds]


def _with_bounds(self: Any) -> None:
    """Make `clip` of the bounds that are set, and check the settings."""
    bounds = {name.removeprefix("clip_"): getattr(self, name) for name in BOUNDS}
    if any(bound is not None for bound in bounds.values()):
        clip = Clip(**{name: bound for name, bound in bounds.items() if bound is not None})
        object.__setattr__(self, "clip", clip)
    TableSettings.__post_init__(self)


def _options(name: str, doc: str, left_out: Callable[[str, Setting], bool] = lambda name, each: False) -> Any:
    """A class of options: the settings of a table but those that are left out."""
    members = {"__post_init__": _with_bounds, "__doc__": doc, "__module__": __name__}
    return dataclasses.make_dataclass(name, _fields(left_out), bases=(TableSettings,), frozen=True, namespace=members)


KindsOption: Any = option_of("kinds", settings_of(TableSettings)["kinds"])
TrainOptions: Any = _options("TrainOptions", "The settings of a training run, as options.")
RateOptions: Any = _options(
    "RateOptions",
    "The settings of a search for a learning rate, as options: neither schedule nor end.",
    lambda name, each: each.group == "End" or name in ("learning_rate", "schedule"),
)
TuneOptions: Any = _options(
    "TuneOptions",
    "The settings that all trials of a search share, as options: the time is that of the search.",
    lambda name, each: name == "time",
)
