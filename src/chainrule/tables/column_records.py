"""Columns to and from plain data for model files. Files are untrusted: everything is checked on reading.

A column is a frozen dataclass of a named kind. Its texts and flags go into a document, but for those that have their
default; its floats go into float64 tensors, one for each name (`mean`, `scale`, ...), so that no decimal rounding
touches them. Of a list of floats, such as `edges`, the document has the number. Reading
returns what was written or raises ModelFileError in one line.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import ModelFileError

__all__ = ["demand", "read_columns", "statistics_of", "write_columns"]

C = TypeVar("C")  # a column's class
_ALWAYS = ("mean", "scale")  # tensors that every file has, be they empty
_POSITIVE = ("scale", "unit")
_LIST = "tuple[float, ...]"
_FLOATS = ("float", _LIST)
_MOST = 8000  # numbers of a list


def write_columns(columns: Sequence[Any], kinds: Mapping[str, type[Any]]) -> dict[str, Any]:
    """The columns, each of one of the `kinds`: `{"columns": [{"kind": ..., "name": ..., ...}, ...]}`."""
    names = {kind: name for name, kind in kinds.items()}
    return {"columns": [{"kind": names[type(column)], **_written(column)} for column in columns]}


def statistics_of(columns: Sequence[Any], prefix: str) -> dict[str, NDArray[np.float64]]:
    """The tensors `prefix.mean`, `prefix.scale` and others, each of the columns that have such a number, in order."""
    names = dict.fromkeys([*_ALWAYS, *(name for column in columns for name in _floats(type(column)))])
    return {
        f"{prefix}.{name}": np.array(
            [x for c in columns if name in _floats(type(c)) for x in _numbers_of(c, name)], np.float64
        )
        for name in names
    }


def read_columns(document: Any, tensors: Mapping[str, Any], prefix: str, kinds: Mapping[str, type[C]]) -> tuple[C, ...]:
    """The columns that `write_columns` and `statistics_of` wrote, each of one of the `kinds`."""
    stored = _entries(_record(document, ["columns"], prefix)["columns"], prefix)
    classes = [_kind_of(column, kinds, prefix) for column in stored]
    statistics = _statistics(tensors, prefix, _counts(classes, stored, prefix))
    read = [_read(kind, column, statistics, prefix) for kind, column in zip(classes, stored, strict=True)]
    _texts([column["name"] for column in stored], prefix)
    return tuple(read)


def demand(ok: bool, what: str, value: object, wanted: str) -> None:
    """Raise a ModelFileError in one line unless `ok`.

    >>> demand(False, "encoder", [1] * 50, "true or false")
    Traceback (most recent call last):
    chainrule.errors.ModelFileError: the file's encoder has [1, 1, 1, 1, 1, 1, ...] where true or false must be
    """
    if not ok:
        raise ModelFileError(f"the file's {what} has {reprlib.repr(value)} where {wanted} must be")


def _written(column: Any) -> dict[str, Any]:
    kept = {name: getattr(column, name) for name in _kept(type(column))}
    kept = {name: value for name, value in kept.items() if value != _defaults(type(column)).get(name)}
    lists = {name: len(getattr(column, name)) for name in _lists(type(column))}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in kept.items()} | lists


def _read(kind: type[C], stored: Any, statistics: Mapping[str, Iterator[float]], what: str) -> C:
    readers = _kept(kind)
    readers = {name: read for name, read in readers.items() if name in stored or name not in _defaults(kind)}
    _record(stored, ["kind", *readers, *_lists(kind)], what)
    values = {name: read(stored[name], what) for name, read in readers.items()}
    floats = {name: next(statistics[name]) for name in _floats(kind) if name not in _lists(kind)}
    lists = {name: tuple(islice(statistics[name], stored[name])) for name in _lists(kind)}
    return kind(**values, **floats, **lists)


def _kept(kind: Any) -> dict[str, Callable[[Any, str], Any]]:
    """The fields of a column's class that a document keeps, and how each is read."""
    return {f.name: _READERS[f.type] for f in dataclasses.fields(kind) if f.type not in _FLOATS}


def _defaults(kind: Any) -> dict[str, Any]:
    return {f.name: f.default for f in dataclasses.fields(kind) if f.default is not dataclasses.MISSING}


def _floats(kind: Any) -> list[str]:
    """The fields of a column's class that are tensors."""
    return [f.name for f in dataclasses.fields(kind) if f.type in _FLOATS]


def _lists(kind: Any) -> list[str]:
    """Those of them that are lists, of which the document has the length."""
    return [f.name for f in dataclasses.fields(kind) if f.type == _LIST]


def _numbers_of(column: Any, name: str) -> tuple[float, ...]:
    """The numbers of a column that go into a tensor."""
    value = getattr(column, name)
    return value if isinstance(value, tuple) else (value,)


def _record(value: Any, keys: Sequence[str], what: str) -> dict[str, Any]:
    """`value` as a mapping with exactly these keys."""
    demand(isinstance(value, dict) and set(value) == set(keys), what, value, f"a record of {', '.join(keys)}")
    return dict(value)


def _entries(value: Any, what: str) -> list[Any]:
    demand(isinstance(value, list) and bool(value), what, value, "a list with entries")
    return list(value)


def _kind_of(value: Any, kinds: Mapping[str, type[C]], what: str) -> type[C]:
    demand(isinstance(value, dict) and isinstance(value.get("kind"), str), what, value, "a record with a kind")
    kind = str(value["kind"])
    if kind not in kinds:
        shown = reprlib.repr(kind)
        raise ModelFileError(f"the file's {what} uses {shown}, unknown to this version: a newer chainrule may know it")
    return kinds[kind]


def _text(value: Any, what: str) -> str:
    """`value` as text that is not empty and can be written in UTF-8."""
    encodable = isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
    demand(encodable and bool(value), what, value, "text")
    return str(value)


def _flag(value: Any, what: str) -> bool:
    demand(isinstance(value, bool), what, value, "true or false")
    return bool(value)


def _texts(value: Any, what: str) -> tuple[str, ...]:
    """`value` as one text or more, none of them twice."""
    texts = tuple(_text(v, what) for v in _entries(value, what))
    repeated = [text for text, times in Counter(texts).items() if times > 1]
    demand(not repeated, what, repeated, "no text more than once")
    return texts


def _probability(value: Any, what: str) -> float:
    """`value` as a number of float32 above 0, at most 1."""
    demand(
        isinstance(value, float) and 0 < value <= 1 and float(np.float32(value)) == value, what, value, "a threshold"
    )
    return float(value)


_READERS: dict[Any, Callable[[Any, str], Any]] = {
    "str": _text,
    "bool": _flag,
    "tuple[str, ...]": _texts,
    "float | None": _probability,
}


def _counts(kinds: Sequence[Any], stored: Sequence[Any], what: str) -> Counter[str]:
    """How many numbers the tensor of each name has."""
    counts = Counter(dict.fromkeys(_ALWAYS, 0))
    for kind, column in zip(kinds, stored, strict=True):
        for name in _floats(kind):
            counts[name] += _length(column.get(name), what) if name in _lists(kind) else 1
    return counts


def _length(value: Any, what: str) -> int:
    """`value` as the length of a list of two numbers or more."""
    demand(type(value) is int and 2 <= value <= _MOST, what, value, f"a number from 2 to {_MOST}")
    return int(value)


def _statistics(tensors: Mapping[str, Any], prefix: str, counts: Mapping[str, int]) -> dict[str, Iterator[float]]:
    """For each name the numbers of the columns that have one, in their order."""
    numbers = {name: _finite(tensors, f"{prefix}.{name}", count) for name, count in counts.items()}
    for name in (name for name in _POSITIVE if name in numbers):
        demand(bool((numbers[name] > 0).all()), f"tensor {prefix}.{name}", numbers[name].tolist(), "values above 0")
    return {name: iter(values.tolist()) for name, values in numbers.items()}


def _finite(tensors: Mapping[str, Any], name: str, count: int) -> NDArray[np.float64]:
    array = tensors.get(name)
    if not isinstance(array, np.ndarray):
        raise ModelFileError(f"the file lacks the tensor {name} of {count} float64 values")
    shaped = array.dtype == np.float64 and array.shape == (count,)
    demand(shaped, f"tensor {name}", f"{array.dtype} {array.shape}", f"float64 ({count},)")
    demand(bool(np.isfinite(array).all()), f"tensor {name}", array.tolist(), "finite values")
    return array
