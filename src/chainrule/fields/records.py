"""Records of settings: a field carries its kind, its text and what depends on it; a record checks itself when made."""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from chainrule.errors import SettingError
from chainrule.fields.kind import AUTO, Kind, Special

__all__ = ["Record", "Setting", "by_preset", "documented", "setting", "settings_of", "signature_with"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a field of a record says about a setting.

    - kind: which values it takes.
    - text: what it means, in a sentence or more, for the docstring and the help of its option.
    - bits: whether results depend on it, so that a checkpoint with another value is refused.
    - group: the heading of its option, "" for none on the command line.
    """

    kind: Kind
    text: str
    bits: bool = True
    group: str = ""

    def with_values(self, values: str) -> str:
        """The text with `values` at the end of its first sentence.

        >>> from chainrule.fields import Whole
        >>> Setting(Whole(1), "Rows of one update. A power of two is fastest.").with_values(" (from 1)")
        'Rows of one update (from 1). A power of two is fastest.'
        """
        first, stop, rest = self.text.partition(". ")
        return f"{first.removesuffix('.')}{values}.{stop[1:]}{rest}"


def setting(default: Any, kind: Kind, text: str, *, bits: bool = True, group: str = "") -> Any:
    """A field of a record of settings, with its default."""
    return dataclasses.field(default=default, metadata={"setting": Setting(kind, text, bits, group)})


def by_preset(record: Any, name: str, more: str = "") -> Any:
    """The field `name` of a record, where "auto" means the choice of a preset, and is the default; `more` text."""
    inherited = settings_of(record)[name]
    others = (special for special in inherited.kind.specials if special.word != AUTO)
    kind = dataclasses.replace(inherited.kind, specials=(*others, Special(AUTO, AUTO)))
    return dataclasses.field(
        default=AUTO, metadata={"setting": dataclasses.replace(inherited, kind=kind, text=inherited.text + more)}
    )


def settings_of(record: Any) -> dict[str, Setting]:
    """The settings of a record, or of its class, by name."""
    return {f.name: f.metadata["setting"] for f in dataclasses.fields(record) if "setting" in f.metadata}


@dataclasses.dataclass(frozen=True)
class Record:
    """The base of a record of settings: each field is checked and converted by its kind."""

    def __post_init__(self) -> None:
        for name, each in settings_of(self).items():
            object.__setattr__(self, name, each.kind.clean(name, getattr(self, name)))

    @classmethod
    def of(cls, **values: Any) -> Any:
        """The record with these values. Raises SettingError for a name that is not a setting."""
        names = [field.name for field in dataclasses.fields(cls)]
        for name in values:
            if name not in names:
                raise SettingError(f"there is no setting {name!r}: choose from {', '.join(names)}")
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
        text = each.with_values(f" ({each.kind.allowed})")
        line = f"- {name}: {text[:1].lower()}{text[1:]}"
        yield textwrap.fill(line, 114, subsequent_indent="  ", break_on_hyphens=False)


def signature_with(record: type, passed_to: Callable[..., Any] | None = None) -> Callable[[F], F]:
    """Show the fields of a record where a function takes them as `**settings` (a decorator).

    They are in its signature, and as bullets in its docstring where it says `{settings}`. If the function passes all of
    `**settings` to another one, `passed_to`, the signature has the keywords of that one too.
    """

    def decorated(function: F) -> F:
        own = inspect.signature(function)
        shown = {name: p for name, p in own.parameters.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
        others = {} if passed_to is None else inspect.signature(passed_to).parameters
        shown |= {name: p for name, p in others.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
        shown |= {
            field.name: inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
            )
            for field in dataclasses.fields(record)
        }
        function.__signature__ = own.replace(parameters=list(shown.values()))  # type: ignore[attr-defined]
        function.__doc__ = _with_bullets(function.__doc__, record)
        return function

    return decorated
