"""Converts the text of options to values: lists, choices with parameters, durations, numbers or a special word.

A converter gets the type of the option and its tokens from cyclopts, and raises a ValueError in one line.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cyclopts import Token

from chainrule.registry import Registry
from chainrule.tables.column_kinds import FORMS_OF_KINDS
from chainrule.text import shown

__all__ = [
    "choice",
    "choices",
    "class_weight",
    "column_kinds",
    "columns",
    "count",
    "duration",
    "either",
    "matching_columns",
    "matching_kinds",
    "number",
    "real",
    "share_or_file",
    "sizes",
    "words",
]

_KIND = re.compile(
    r"\s*,?(?P<name>.+?)=(?P<kind>\s*(?:category|number|date|text|labels(?::(?:,|[^,]))?|ordered(?::[^,]*)?)\s*)(?:,|$)",
    re.DOTALL,
)
_NUMBER = re.compile(r"\s*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?\s*")
Converter = Callable[[Any, Sequence[Token]], Any]


def matching_columns(texts: Sequence[str], columns: list[str]) -> list[str]:
    """The columns that options name: each text is one name, or several separated by commas, with commas in them too.

    Of the names that fit at a place the longest is meant.

    >>> matching_columns(["a,b", "c, d,price, net"], ["a,b", "c", " d", "price, net"])
    ['a,b', 'c', ' d', 'price, net']
    """
    known = {column.strip(): column for column in columns} | {column: column for column in columns}
    names: list[str] = []
    for text in texts:
        parts = text.split(",")
        while parts:
            several = (",".join(parts[:count]) for count in range(len(parts), 0, -1))
            named = next((each for each in several if each in known or each.strip() in known), parts[0])
            parts = parts[named.count(",") + 1 :]
            names += [known.get(named, known.get(named.strip(), named.strip()))] if named.strip() else []
    return names


def columns(kind: Any, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Names of columns as they were written; `matching_columns` resolves them when the table is known."""
    return tuple(token.value for token in tokens)


def words(text: str) -> list[str]:
    """The parts between commas, without spaces around them.

    >>> words("64, 32,")
    ['64', '32']
    """
    return [part.strip() for part in text.split(",") if part.strip()]


def sizes(kind: Any, tokens: Sequence[Token]) -> tuple[int, ...]:
    """Whole numbers: "64,32"; "" for none."""
    return tuple(_whole(part) for token in tokens for part in words(token.value))


def levels(kind: Any, tokens: Sequence[Token]) -> tuple[float, ...]:
    """Numbers: "0.1,0.5,0.9"; "" for none."""
    return tuple(real(kind, [Token(value=part)]) for token in tokens for part in words(token.value))


def _whole(text: str, *specials: str) -> int:
    """A whole number; the error also names the special words that are allowed."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(f"{text!r} is not {' or '.join(['a whole number', *map(repr, specials)])}")
    return int(text)


def count(**specials: Any) -> Converter:
    """A converter for a whole number, or for a special word, which stands for its value in `specials`.

    >>> count(none=None)(int, [Token(value="none")]), count(all=None, auto="auto")(int, [Token(value="auto")])
    (None, 'auto')
    """
    return either(lambda kind, tokens: _whole(tokens[-1].value.strip(), *specials), **specials)


def either(converter: Converter, **specials: Any) -> Converter:
    """A converter that also takes special words: each stands for its value in `specials`.

    >>> either(sizes, auto="auto")(tuple, [Token(value="auto")]), either(real, auto="auto")(float, [Token(value=".5")])
    ('auto', 0.5)
    """

    def convert(kind: Any, tokens: Sequence[Token]) -> Any:
        text = tokens[-1].value.strip().lower()
        return specials[text] if text in specials else converter(kind, tokens)

    return convert


def real(kind: Any, tokens: Sequence[Token]) -> float:
    """A number."""
    try:
        return float(tokens[-1].value)
    except ValueError:
        raise ValueError(f"{tokens[-1].value!r} is not a number") from None


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
        raise ValueError(f"{text!r} is not a number, true or false") from None


def choice(registry: Registry[Any]) -> Converter:
    """One entry of a registry by name, its parameters after a colon: "sgd:momentum=0.9,nesterov=true"."""

    def convert(kind: Any, tokens: Sequence[Token]) -> Any:
        entries = _entries(tokens[-1].value, registry)
        if len(entries) != 1:
            raise ValueError(f"{tokens[-1].value!r} has {len(entries)} names: give one {registry.kind}")
        return entries[0]

    return convert


def choices(registry: Registry[Any]) -> Converter:
    """Entries of a registry, one or several separated by commas: "elu:alpha=2,tanh"."""

    def convert(kind: Any, tokens: Sequence[Token]) -> tuple[Any, ...]:
        return tuple(entry for token in tokens for entry in _entries(token.value, registry))

    return convert


def _entries(text: str, registry: Registry[Any]) -> list[Any]:
    """Each entry as its name, or as a document if it has parameters; a part with = but no : goes to the last entry."""
    documents: list[dict[str, Any]] = []
    for part in words(text):
        name, colon, first = part.partition(":")
        if "=" in name:
            name, first = "", part
        if name:
            documents.append({"name": name.strip()})
        if not documents or (colon and not first.strip()):
            raise ValueError(f"{registry.kind} is {text!r}, but must be NAME or NAME:PARAMETER=VALUE,PARAMETER=VALUE")
        if first.strip():
            documents[-1].update([_parameter(first)])
    for document in documents:
        registry.get(document)  # an error raised here can name the option
    return [document if len(document) > 1 else document["name"] for document in documents]


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or name.strip() in ("", "name"):
        raise ValueError(f"{text!r} is not a parameter: write PARAMETER=VALUE")
    return name.strip().replace("-", "_"), number(value.strip())


_DURATION = re.compile(r"(?:([0-9.]+)h)?(?:([0-9.]+)m(?:in)?)?(?:([0-9.]+)s?)?")


def duration(kind: Any, tokens: Sequence[Token]) -> float:
    """Seconds, from hours, minutes and seconds: "90", "10m", "1h30m".

    >>> [duration(float, [Token(value=text)]) for text in ("90", "10m", "1h30m", "1.5h")]
    [90.0, 600.0, 5400.0, 5400.0]
    """
    text = tokens[-1].value.replace(" ", "").lower()
    match = _DURATION.fullmatch(text)
    try:
        parts = [float(part or 0) for part in match.groups()] if text and match else []
    except ValueError:
        parts = []
    if not parts:
        raise ValueError(f"{text!r} is not a time: write seconds, or for example 90s, 10m, 1h30m")
    return 3600 * parts[0] + 60 * parts[1] + parts[2]


def share_or_file(kind: Any, tokens: Sequence[Token]) -> float | str | Path:
    """A number, the word "auto" or "folds", or else the path of a file."""
    text = tokens[-1].value
    if text.strip().lower() in ("auto", "folds"):
        return text.strip().lower()
    try:
        return float(text)
    except ValueError:
        return Path(text)


def class_weight(kind: Any, tokens: Sequence[Token]) -> Any:
    """A word such as `balanced`, or weights by class: "yes=5,no=1", or as JSON, for any names and several targets.

    >>> class_weight(None, [Token(value="yes, often=1,no=2")]), class_weight(None, [Token(value='{"a=1, b": 2}')])
    ({'yes, often': 1, 'no': 2}, {'a=1, b': 2})
    """
    text = tokens[-1].value
    if text.lstrip().startswith("{"):
        return _object(text)
    return dict(_weights(text)) if "=" in text else text


def column_kinds(kind: Any, tokens: Sequence[Token]) -> dict[str, str]:
    """What columns are, by name: "zip=category,size=ordered:S<M<L", or as JSON, for any names and words.

    >>> column_kinds(None, [Token(value="a,b=number,tags=labels:,"), Token(value='{"x=1": "date"}')])
    {'a,b': 'number', 'tags': 'labels:,', 'x=1': 'date'}
    """
    named: dict[str, str] = {}
    for token in tokens:
        text = token.value
        if text.lstrip().startswith("{"):
            named |= {name: str(value) for name, value in _object(text).items()}
            continue
        while text.strip(" ,"):
            match = _KIND.match(text)
            if match is None:
                raise ValueError(f"{shown(text)} is not a list such as zip=category: {FORMS_OF_KINDS}")
            named[match["name"].strip()] = match["kind"].strip()
            text = text[match.end() :]
    return named


def matching_kinds(kinds: Mapping[str, str], columns: list[str]) -> dict[str, str]:
    """The same for the columns of a table, whose names may have spaces around them."""
    trimmed = {column.strip(): column for column in columns}
    return {name if name in columns else trimmed.get(name.strip(), name): kind for name, kind in kinds.items()}


def by_layer(kind: Any, tokens: Sequence[Token]) -> Any:
    """Numbers by the numbers of layers: "2=0,3=0.1".

    >>> by_layer(None, [Token(value="2=0,3=0.1")])
    {'2': 0, '3': 0.1}
    """
    return {layer.strip(): value for layer, value in _weights(tokens[-1].value)}


def _object(text: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise ValueError(f'{shown(text)} is not a JSON object, such as {{"yes": 5, "no": 1}}') from None


def _weights(text: str) -> Iterator[tuple[str, Any]]:
    """The classes with their weights. Text before a comma is part of a name unless it ends in = and a number."""
    pending = ""
    for part in text.split(","):
        pending = f"{pending},{part}" if pending else part
        name, equals, value = pending.rpartition("=")
        if equals and _NUMBER.fullmatch(value):
            yield name.strip(), number(value.strip())
            pending = ""
    if pending.strip():
        number(pending.rpartition("=")[2].strip())
        raise ValueError(f"{shown(text)} is not a list such as yes=5,no=1")
