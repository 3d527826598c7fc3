"""How the text of an option becomes a value: lists, choices with parameters, numbers with a word for none, durations.

A converter takes what cyclopts found for an option: its type and its tokens. It raises a ValueError in one line.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cyclopts import Token

from chainrule.registry import Registry

__all__ = [
    "choice",
    "choices",
    "class_weight",
    "columns",
    "count",
    "duration",
    "either",
    "named",
    "number",
    "real",
    "share_or_file",
    "sizes",
    "words",
]

Converter = Callable[[Any, Sequence[Token]], Any]


def named(given: Sequence[str], columns: list[str]) -> list[str]:
    """The columns that options name: each choice is a column's exact name, or several names separated by commas.

    >>> named(["a,b", "c, d"], ["a,b", "c", " d"])
    ['a,b', 'c', ' d']
    """
    trimmed = {column.strip(): column for column in columns}
    found: list[str] = []
    for text in given:
        parts = [text] if text in columns else [part for part in text.split(",") if part.strip()]
        found += [part if part in columns else trimmed.get(part.strip(), part.strip()) for part in parts]
    return found


def columns(kind: Any, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Names of columns as they were given: `named` reads them once the table is known."""
    return tuple(token.value for token in tokens)


def words(text: str) -> list[str]:
    """The parts between commas, without space around them.

    >>> words("64, 32,")
    ['64', '32']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def sizes(kind: Any, tokens: Sequence[Token]) -> tuple[int, ...]:
    """Whole numbers: "64,32"; "" for none."""
    return tuple(whole(part) for token in tokens for part in words(token.value))


def whole(text: str) -> int:
    """A whole number."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def count(**others: Any) -> Converter:
    """A whole number, or one of the other words for what it stands for.

    >>> count(none=None)(int, [Token(value="none")]), count(all=None, auto="auto")(int, [Token(value="auto")])
    (None, 'auto')
    """

    def convert(kind: Any, tokens: Sequence[Token]) -> Any:
        text = tokens[-1].value.strip()
        if text.lower() in others:
            return others[text.lower()]
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise ValueError(f"{text!r} is no whole number" + "".join(f" and not {word!r}" for word in others))
        return int(text)

    return convert


def either(converter: Converter, **others: Any) -> Converter:
    """What a converter makes, or one of the words for what it stands for.

    >>> either(sizes, auto="auto")(tuple, [Token(value="auto")]), either(real, auto="auto")(float, [Token(value=".5")])
    ('auto', 0.5)
    """

    def convert(kind: Any, tokens: Sequence[Token]) -> Any:
        text = tokens[-1].value.strip().lower()
        return others[text] if text in others else converter(kind, tokens)

    return convert


def real(kind: Any, tokens: Sequence[Token]) -> float:
    """A number."""
    try:
        return float(tokens[-1].value)
    except ValueError:
        raise ValueError(f"{tokens[-1].value!r} is no number") from None


def number(text: str) -> int | float | bool:
    """A number, true or false.

    >>> number("3"), number("1e-3"), number("true")
    (3, 0.001, True)
    """
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number, true or false") from None


def choice(registry: Registry[Any]) -> Converter:
    """One entry of a registry by name, its parameters after a colon: "sgd:momentum=0.9,nesterov=true"."""

    def convert(kind: Any, tokens: Sequence[Token]) -> Any:
        found = _entries(tokens[-1].value, registry)
        if len(found) != 1:
            raise ValueError(f"{tokens[-1].value!r} are {len(found)} names: give one {registry.kind}")
        return found[0]

    return convert


def choices(registry: Registry[Any]) -> Converter:
    """Entries of a registry, one or several separated by commas: "elu:alpha=2,tanh"."""

    def convert(kind: Any, tokens: Sequence[Token]) -> tuple[Any, ...]:
        return tuple(entry for token in tokens for entry in _entries(token.value, registry))

    return convert


def _entries(text: str, registry: Registry[Any]) -> list[Any]:
    """Each entry as its name, or as a document where it has parameters; a part with = but no : belongs to the last."""
    found: list[dict[str, Any]] = []
    for part in words(text):
        name, colon, first = part.partition(":")
        if "=" in name:
            name, first = "", part
        if name:
            found.append({"name": name.strip()})
        if not found or (colon and not first.strip()):
            raise ValueError(f"{text!r} is no {registry.kind}: write NAME or NAME:PARAMETER=VALUE,PARAMETER=VALUE")
        if first.strip():
            found[-1].update([_parameter(first)])
    for document in found:
        registry.get(document)  # what is wrong with it is best said here, where the option is known
    return [document if len(document) > 1 else document["name"] for document in found]


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or name.strip() in ("", "name"):
        raise ValueError(f"{text!r} is no parameter: write PARAMETER=VALUE")
    return name.strip().replace("-", "_"), number(value.strip())


_DURATION = re.compile(r"(?:([0-9.]+)h)?(?:([0-9.]+)m(?:in)?)?(?:([0-9.]+)s?)?")


def duration(kind: Any, tokens: Sequence[Token]) -> float:
    """Seconds, from hours, minutes and seconds: "90", "10m", "1h30m".

    >>> [duration(float, [Token(value=text)]) for text in ("90", "10m", "1h30m", "1.5h")]
    [90.0, 600.0, 5400.0, 5400.0]
    """
    text = tokens[-1].value.replace(" ", "").lower()
    found = _DURATION.fullmatch(text)
    try:
        parts = [float(part or 0) for part in found.groups()] if text and found else []
    except ValueError:
        parts = []
    if not parts:
        raise ValueError(f"{text!r} is no time: write seconds, or such as 90s, 10m, 1h30m")
    return 3600 * parts[0] + 60 * parts[1] + parts[2]


def share_or_file(kind: Any, tokens: Sequence[Token]) -> float | str | Path:
    """A number, a word that stands for itself, or else the path of a file."""
    text = tokens[-1].value
    if text.strip().lower() in ("auto", "folds"):
        return text.strip().lower()
    try:
        return float(text)
    except ValueError:
        return Path(text)


def class_weight(kind: Any, tokens: Sequence[Token]) -> str | dict[str, float]:
    """A word, such as `balanced`, or weights by class: "yes=5,no=1"."""
    text = tokens[-1].value
    pairs = [part.rpartition("=") for part in words(text)]
    return {name.strip(): number(value.strip()) for name, _, value in pairs} if "=" in text else text
