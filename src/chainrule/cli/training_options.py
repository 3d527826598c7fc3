"""The settings of training as options of `train`: one for each field of the record that has a group."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from chainrule.cli import values
from chainrule.engines import ENGINES
from chainrule.fields import (
    AUTO,
    Choice,
    Choices,
    Instance,
    Kind,
    Names,
    Number,
    Passed,
    Seconds,
    Setting,
    Shares,
    Sizes,
    Whole,
    Word,
    settings_of,
)
from chainrule.model import TableSettings
from chainrule.model.scores import METRICS
from chainrule.optimizers import OPTIMIZERS, Clip
from chainrule.registry import Registry

__all__ = ["STOP_AND_GO_ON", "TrainOptions", "listed"]

GROUPS = {
    name: Group.create_ordered(name)
    for name in ("Data", "Network", "Descent", "End", "Penalties", "Machine", "Stop and go on")
}
STOP_AND_GO_ON = GROUPS["Stop and go on"]

BOUNDS = {
    "clip_norm": "Longest gradient, as a Euclidean norm.",
    "clip_value": "Greatest element of the gradient.",
    "clip_example": "Longest gradient of a single row.",
}

_RATES = ", ".join(f"{rule.learning_rate:g} for {rule.name}" for rule in OPTIMIZERS.classes() if not rule.line_search)
_MORE = {"learning_rate": f" The optimizers' own are {_RATES}."}  # what only the command line says
_WORDS = {"engine": (AUTO, *ENGINES), "metric": tuple(METRICS), "dtype": ("float32", "float64")}
_PLAIN = {"weight": str | None, "cache": Path | None}  # what is taken as it was written


def listed(text: str, metavar: str, converter: Any = values.columns, **more: Any) -> Parameter:
    """An option that takes several values, separated by commas or by giving it again and again."""
    shown = {"show_default": lambda default: ",".join(str(value) for value in default) or "none"}
    plain = {"converter": converter, "n_tokens": 1, "negative": "", "metavar": metavar, "help": text}
    return Parameter(**(plain | shown | more))


def option_of(name: str, each: Setting) -> Any:
    """The type of a setting's field as an option: `Annotated[type, Parameter]`."""
    kind = each.kind
    common: dict[str, Any] = {"group": GROUPS[each.group], "negative": ""}
    text = _help(name, each)
    if isinstance(kind, Names):
        return Annotated[tuple[str, ...], listed(text, "COLUMN,COLUMN", **common)]
    if name in _PLAIN:
        return Annotated[_PLAIN[name], Parameter(help=text, metavar=kind.metavar or None, **common)]
    words = _WORDS.get(name) or (kind.choices if isinstance(kind, Word) else ())
    if words:
        return Annotated[str if kind.specials == () else str | None, Parameter(help=text, choices=words, **common)]
    converter = _converter(name, kind)
    several = tuple[Any, ...] if isinstance(kind, Sizes | Choices) else Any
    completer = _completer(kind)
    return Annotated[
        several,
        Parameter(help=text, converter=converter, n_tokens=1, metavar=_metavar(kind), completer=completer, **common),
    ]


def _help(name: str, each: Setting) -> str:
    """The text of a setting, with the words that stand for special values, and the names of a registry."""
    meanings = [f"'{s.word}': {s.meaning}" for s in each.kind.specials if s.meaning and s.word != AUTO]
    text = each.text.removesuffix(".") + "".join(f"; {meaning}" for meaning in meanings) + "."
    names = (
        f" [{', '.join(each.kind.registry.names())}]" if isinstance(each.kind, Choice) and each.kind.registry else ""
    )
    return f"{text}{_MORE.get(name, '')}{names}"


def _metavar(kind: Kind) -> str:
    if kind.metavar:
        return kind.metavar
    return "NAME[:KEY=VALUE,...]" if isinstance(kind, Choice) else "FLOAT" if isinstance(kind, Number) else "INT"


def _completer(kind: Kind) -> Callable[[Any], list[str]] | None:
    if not isinstance(kind, Choice) or kind.registry is None:
        return None
    words, registry = [special.word for special in kind.specials], kind.registry
    return lambda context: [*words, *registry.names()]


def _converter(name: str, kind: Kind) -> Any:
    """What turns the text of an option into a value of this kind."""
    specials = {special.word: special.value for special in kind.specials}
    if name == "seed" or isinstance(kind, Whole):
        return values.count(**specials)
    if isinstance(kind, Choice):
        read = values.choices if isinstance(kind, Choices) else values.choice
        return values.either(read(_registry(kind)), **specials)
    readers: Mapping[type, Any] = {
        Seconds: values.duration,
        Number: values.real,
        Shares: values.real,
        Sizes: values.sizes,
        Passed: values.class_weight if name == "class_weight" else values.share_or_file,
        Instance: None,
    }
    return values.either(readers[type(kind)], **specials)


def _registry(kind: Choice) -> Registry[Any]:
    assert kind.registry is not None, "a choice is from a registry"
    return kind.registry


def _fields() -> list[tuple[str, Any, Any]]:
    """The fields of `TrainOptions`: each setting with a group as an option, the others hidden; the bounds of `clip`."""
    hidden = Parameter(parse=False, show=False)  # what only Python can set
    options = [
        (
            field.name,
            option_of(field.name, each) if each.group and field.name != "clip" else Annotated[Any, hidden],
            dataclasses.field(default=field.default, metadata=field.metadata),
        )
        for field in dataclasses.fields(TableSettings)
        for each in [settings_of(TableSettings)[field.name]]
    ]
    bounds = [
        (name, Annotated[float | None, Parameter(help=text, group=GROUPS["Descent"], negative="")], None)
        for name, text in BOUNDS.items()
    ]
    return [*options, *((name, kind, dataclasses.field(default=default)) for name, kind, default in bounds)]


def _with_bounds(self: Any) -> None:
    """Make `clip` of the three bounds, and one activation of a list of one."""
    if isinstance(self.activation, tuple) and len(self.activation) == 1:
        object.__setattr__(self, "activation", self.activation[0])
    bounds = [getattr(self, name) for name in BOUNDS]
    if any(bound is not None for bound in bounds):
        object.__setattr__(self, "clip", Clip(*(math.inf if bound is None else bound for bound in bounds)))
    TableSettings.__post_init__(self)


TrainOptions: Any = dataclasses.make_dataclass(
    "TrainOptions", _fields(), bases=(TableSettings,), frozen=True, namespace={"__post_init__": _with_bounds}
)
TrainOptions.__module__, TrainOptions.__doc__ = __name__, "The settings of a training run, as options."
