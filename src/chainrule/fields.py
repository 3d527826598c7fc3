"""Settings as data: frozen records whose fields say which values they take, what they mean and what depends on them.

    epochs: int = setting(10, Whole(1), "Passes over the rows, at most.")

A record checks and converts its fields when it is made. What else needs to know a setting reads the same field: an
option of the command line its kind and its text, a checkpoint whether bits depend on it, a docstring both.
"""

import dataclasses
import inspect
import math
import os
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from chainrule.registry import Registry, require

__all__ = [
    "AUTO",
    "Choice",
    "Choices",
    "Flag",
    "Instance",
    "Kind",
    "Names",
    "Number",
    "Passed",
    "Record",
    "Seconds",
    "Setting",
    "Shares",
    "Sizes",
    "Special",
    "Whole",
    "Word",
    "by_preset",
    "documented",
    "is_auto",
    "is_number",
    "is_whole",
    "setting",
    "settings_of",
    "signature_with",
]

F = TypeVar("F", bound=Callable[..., Any])

AUTO = "auto"

_NUMBER = int | float | np.integer | np.floating


def is_auto(value: Any) -> bool:
    """Whether a value is the word "auto"."""
    return isinstance(value, str) and value == AUTO


def is_number(value: Any) -> bool:
    """Whether a value is a real number and not a truth value."""
    return isinstance(value, _NUMBER) and not isinstance(value, bool)


def is_whole(value: Any, least: float = -math.inf) -> bool:
    """Whether a value is a whole number, and at least `least`."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= least)


@dataclasses.dataclass(frozen=True)
class Special:
    """A value beside the ordinary ones: `word` on the command line, `value` in Python, and what it means."""

    word: str
    value: Any
    meaning: str = ""

    @property
    def text(self) -> str:
        """The value as an error and a docstring show it."""
        shown = "None" if self.value is None else repr(self.value)
        return f"{shown} for {self.meaning}" if self.meaning else shown


NONE = Special("none", None)
BY_PRESET = Special(AUTO, AUTO)


# ------------------------------------------------------------------------------------------- kinds of values


@dataclasses.dataclass(frozen=True)
class Kind:
    """Which values a setting takes: those of the kind, and the `specials`."""

    specials: tuple[Special, ...] = dataclasses.field(default=(), kw_only=True)
    metavar: str = dataclasses.field(default="", kw_only=True)  # of the option; the kind's own if empty

    def clean(self, name: str, value: Any) -> Any:
        """The value as the record keeps it. Raises SettingError in one line for any other."""
        for special in self.specials:
            if value is special.value or (isinstance(value, str) and value == special.value):
                return value
        return self.convert(name, value)

    def convert(self, name: str, value: Any) -> Any:
        """The same for an ordinary value."""
        raise TypeError(f"{type(self).__name__} does not define convert")

    @property
    def words(self) -> str:
        """The ordinary values in words."""
        raise TypeError(f"{type(self).__name__} does not define words")

    @property
    def allowed(self) -> str:
        """All values in words.

        >>> Whole(1, specials=(Special("all", None, "all rows"),)).allowed
        'a whole number from 1, or None for all rows'
        """
        *rest, last = [self.words, *(special.text for special in self.specials)]
        return f"{', '.join(rest)}, or {last}" if rest else last


@dataclasses.dataclass(frozen=True)
class Number(Kind):
    """A finite number from `low` to `high`; `above` and `below` leave the bound itself out.

    >>> Number(0, 1, below=True).allowed
    'a number from 0 to below 1'
    """

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    below: bool = False

    def convert(self, name: str, value: Any) -> float:
        require(is_number(value) and self.contains(float(value)), name, value, self.allowed)
        return float(value)

    def contains(self, value: float) -> bool:
        """Whether a number lies within the bounds."""
        low = value > self.low if self.above else value >= self.low
        high = value < self.high if self.below else value <= self.high
        return math.isfinite(value) and low and high

    @property
    def words(self) -> str:
        start = "" if self.low == -math.inf else f" {'above' if self.above else 'from'} {self.low:g}"
        end = "" if self.high == math.inf else f" to {'below ' if self.below else ''}{self.high:g}"
        return f"{self.noun}{start}{end}"

    @property
    def noun(self) -> str:
        """What the number is."""
        return "a number"


@dataclasses.dataclass(frozen=True)
class Seconds(Number):
    """A duration in seconds; on the command line also such as 90s, 10m, 1h30m."""

    @property
    def noun(self) -> str:
        return "a number of seconds"


@dataclasses.dataclass(frozen=True)
class Shares(Number):
    """One number within the bounds, or a sequence with one for each hidden layer (then a tuple)."""

    def convert(self, name: str, value: Any) -> float | tuple[float, ...]:  # type: ignore[override]
        if isinstance(value, list | tuple):
            return tuple(super(Shares, self).convert(name, part) for part in value)
        return super().convert(name, value)


@dataclasses.dataclass(frozen=True)
class Whole(Kind):
    """A whole number from `least`."""

    least: int = 0

    def convert(self, name: str, value: Any) -> int:
        require(is_whole(value, self.least), name, value, self.allowed)
        return int(value)

    @property
    def words(self) -> str:
        return f"a whole number from {self.least}"


@dataclasses.dataclass(frozen=True)
class Flag(Kind):
    """True or False."""

    def convert(self, name: str, value: Any) -> bool:
        require(isinstance(value, bool | np.bool_), name, value, self.allowed)
        return bool(value)

    @property
    def words(self) -> str:
        return "True or False"


@dataclasses.dataclass(frozen=True)
class Word(Kind):
    """One of some words."""

    choices: tuple[str, ...] = ()

    def convert(self, name: str, value: Any) -> str:
        require(isinstance(value, str) and value in self.choices, name, value, self.allowed)
        return str(value)

    @property
    def words(self) -> str:
        return f"one of {', '.join(self.choices)}"


@dataclasses.dataclass(frozen=True)
class Choice(Kind):
    """An entry of a registry: a name, a document, an object, or a callable where the registry takes those."""

    registry: Registry[Any] | None = None

    def convert(self, name: str, value: Any) -> Any:
        assert self.registry is not None, "a choice is from a registry"
        return self.registry.get(value)

    @property
    def words(self) -> str:
        assert self.registry is not None, "a choice is from a registry"
        return f"{self.registry.kind}: a name ({', '.join(self.registry.names())}), a document or an object"


@dataclasses.dataclass(frozen=True)
class Choices(Choice):
    """One entry of a registry, or a sequence with one for each layer (then a list)."""

    def convert(self, name: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [super(Choices, self).convert(name, part) for part in value]
        return super().convert(name, value)


@dataclasses.dataclass(frozen=True)
class Sizes(Kind):
    """Whole numbers from 1, one for each layer: a sequence, or one number for one layer (a tuple in any case)."""

    def convert(self, name: str, value: Any) -> tuple[int, ...]:
        sizes = (value,) if is_whole(value) else value
        sequence = isinstance(sizes, Sequence | np.ndarray) and not isinstance(sizes, str)
        require(sequence and all(is_whole(size, 1) for size in sizes), name, value, self.allowed)
        return tuple(int(size) for size in sizes)

    @property
    def words(self) -> str:
        return "whole numbers from 1"


@dataclasses.dataclass(frozen=True)
class Names(Kind):
    """Names of columns: a sequence, or one name (a tuple in any case)."""

    def convert(self, name: str, value: Any) -> tuple[str, ...]:
        names = (value,) if isinstance(value, str) else value
        sequence = isinstance(names, Sequence | np.ndarray)
        require(sequence and all(isinstance(each, str) for each in names), name, value, self.allowed)
        return tuple(names)

    @property
    def words(self) -> str:
        return "names of columns"


@dataclasses.dataclass(frozen=True)
class Instance(Kind):
    """An instance of some types, described by `noun`."""

    types: tuple[type, ...] = ()
    noun: str = ""

    def convert(self, name: str, value: Any) -> Any:
        require(isinstance(value, self.types), name, value, self.allowed)
        return os.fspath(value) if isinstance(value, os.PathLike) else value

    @property
    def words(self) -> str:
        return self.noun


@dataclasses.dataclass(frozen=True)
class Passed(Kind):
    """Whatever a function of the value, which raises SettingError, lets pass; `noun` says what that is."""

    check: Callable[[Any], Any] = lambda value: value
    noun: str = ""

    def convert(self, name: str, value: Any) -> Any:
        return self.check(value)

    @property
    def words(self) -> str:
        return self.noun


# ------------------------------------------------------------------------------------------- fields and records


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a field of a record says of a setting.

    `text` is one sentence or two, for the docstring and the help of its option; `bits` whether results depend on it,
    so that a checkpoint of another value is refused; `group` the heading of its option, "" for none on the command
    line.
    """

    kind: Kind
    text: str
    bits: bool = True
    group: str = ""


def setting(default: Any, kind: Kind, text: str, *, bits: bool = True, group: str = "") -> Any:
    """A field of a record of settings, with its default."""
    return dataclasses.field(default=default, metadata={"setting": Setting(kind, text, bits, group)})


def by_preset(of: Any, name: str) -> Any:
    """The field `name` of the record `of` with "auto", the choice of a preset, as one more value and the default."""
    s = settings_of(of)[name]
    specials = s.kind.specials if BY_PRESET in s.kind.specials else (*s.kind.specials, BY_PRESET)
    kind = dataclasses.replace(s.kind, specials=specials)
    return dataclasses.field(default=AUTO, metadata={"setting": dataclasses.replace(s, kind=kind)})


def settings_of(record: Any) -> dict[str, Setting]:
    """The settings of a record, or of its class, by name."""
    return {f.name: f.metadata["setting"] for f in dataclasses.fields(record) if "setting" in f.metadata}


@dataclasses.dataclass(frozen=True)
class Record:
    """The base of a record of settings: every field is checked, and kept as its kind converts it."""

    def __post_init__(self) -> None:
        for name, each in settings_of(self).items():
            object.__setattr__(self, name, each.kind.clean(name, getattr(self, name)))

    @classmethod
    def of(cls, **values: Any) -> Any:
        """The record with these values. Raises SettingError for a name that is not a setting."""
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            require(name in names, "a setting", name, f"one of {', '.join(names)}")
        return cls(**values)


def documented(cls: type) -> type:
    """Add a bullet for each setting of a record to its docstring, where it says `{settings}` (a class decorator)."""
    cls.__doc__ = _with_bullets(cls.__doc__, cls)
    return cls


def _with_bullets(text: str | None, record: type) -> str | None:
    """A docstring with a bullet for each setting of the record in place of its line `{settings}`."""
    if text is None:
        return None
    indent = "" if re.search(r"^\{settings\}", text, re.MULTILINE) else "    "  # Python 3.13 strips it
    return text.replace(f"{indent}{{settings}}", textwrap.indent("\n".join(_bullets(record)), indent))


def _bullets(record: type) -> Iterator[str]:
    for name, each in settings_of(record).items():
        specials = ", or ".join(special.text for special in each.kind.specials)
        values = specials if isinstance(each.kind, Choice | Flag) else each.kind.allowed
        line = f"- {name}: {each.text[:1].lower()}{each.text[1:].removesuffix('.')}{f' ({values})' if values else ''}."
        yield textwrap.fill(line, 114, subsequent_indent="  ", break_on_hyphens=False)


def signature_with(record: type) -> Callable[[F], F]:
    """Show the fields of a record where a function takes them as `**settings` (a decorator).

    They are in its signature, and as bullets in its docstring where it says `{settings}`.
    """

    def decorated(function: F) -> F:
        own = inspect.signature(function)
        plain = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
        more = [
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
            for field in dataclasses.fields(record)
        ]
        function.__signature__ = own.replace(parameters=[*plain, *more])  # type: ignore[attr-defined]
        function.__doc__ = _with_bullets(function.__doc__, record)
        return function

    return decorated
