"""Arrow's extension types: what their cells mean, in plain types, instead of the storage behind them.

bool8             booleans
uuid              their text, `123e4567-...`
json              its text
pandas.period     the text that pandas gives a period: `2020-01`, `2020Q1`; years are numbers
pandas.interval   the text that pandas gives an interval: `(0.5, 1.0]`

A file names the type in the metadata of a column. Types of other names are taken as their storage where that has a
meaning of its own (text, booleans, times); else they are kept, so that whoever uses the column refuses it by its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc

__all__ = ["extension_of", "meaning_of", "unknown"]

_NAME, _PARAMETERS = b"ARROW:extension:name", b"ARROW:extension:metadata"
_HYPHENS = (8, 13, 18, 23)  # their places in the text of a UUID
_UNITS = {"D": "D", "h": "h", "min": "m", "s": "s", "ms": "ms", "us": "us", "ns": "ns"}  # of NumPy, by pandas' names
_UNITS |= {"H": "h", "T": "m", "S": "s", "L": "ms", "U": "us", "N": "ns"}  # names before pandas 2.2
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def extension_of(field: pa.Field) -> tuple[str, bytes] | None:
    """The name of a column's extension type and its parameters; None for an ordinary column."""
    kind = field.type
    if isinstance(kind, pa.OpaqueType):
        return kind.type_name, b""
    if isinstance(kind, pa.BaseExtensionType):
        serialize = getattr(kind, "__arrow_ext_serialize__", bytes)  # the types of Arrow itself lack it
        return kind.extension_name, serialize()
    about = field.metadata or {}
    return (about[_NAME].decode(errors="replace"), about.get(_PARAMETERS, b"")) if _NAME in about else None


def meaning_of(storage: pa.Array, name: str, parameters: bytes) -> pa.Array:
    """The cells of an extension type in a plain type, by the array that stores them."""
    try:
        read = _MEANINGS.get(name)
        plain = None if read is None else read(storage, _document(parameters))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, pa.ArrowException):
        plain = None  # parameters or a storage that the type does not have
    return _by_storage(storage, name) if plain is None else plain


def _by_storage(storage: pa.Array, name: str) -> pa.Array:
    kind = storage.type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_boolean, pa.types.is_temporal, pa.types.is_null)
    if name not in _MEANINGS and any(test(kind) for test in tests):
        return storage
    return unknown(storage, name)


def unknown(storage: pa.Array, name: str) -> pa.Array:
    """A column that no one can read, by the name of its type; its missing cells are known."""
    return pa.ExtensionArray.from_storage(pa.opaque(storage.type, name, ""), storage)


def _document(parameters: bytes) -> dict[str, Any]:
    document = json.loads(parameters) if parameters else {}
    return document if isinstance(document, dict) else {}


def _bool8(storage: pa.Array, _: dict[str, Any]) -> pa.Array:
    return pc.not_equal(storage, 0) if pa.types.is_int8(storage.type) else None


def _json(storage: pa.Array, _: dict[str, Any]) -> pa.Array:
    return storage if pa.types.is_string(storage.type) or pa.types.is_large_string(storage.type) else None


def _uuid(storage: pa.Array, _: dict[str, Any]) -> pa.Array:
    """Thirty-two hexadecimal digits and four hyphens for each cell."""
    if storage.type != pa.binary(16):
        return None
    n = len(storage)
    whole = np.frombuffer(storage.buffers()[1] or b"", np.uint8)[16 * storage.offset :][: 16 * n].reshape(n, 16)
    digits = np.frombuffer(whole.tobytes().hex().encode(), np.uint8).reshape(n, 32)
    text = np.insert(digits, [place - k for k, place in enumerate(_HYPHENS)], ord("-"), axis=1)
    offsets = pa.py_buffer(np.arange(0, 36 * (n + 1), 36, dtype=np.int64))
    words = pa.Array.from_buffers(pa.large_string(), n, [None, offsets, pa.py_buffer(text.tobytes())])
    return _null_as(storage, words)


def _period(storage: pa.Array, parameters: dict[str, Any]) -> pa.Array:
    """Periods, stored as their number since 1970; a multiple of a frequency (`2M`) counts single ones."""
    parts = re.fullmatch(r"\d*([A-Za-z]+)(?:-([A-Z]{3}))?", str(parameters["freq"]))
    if parts is None or not pa.types.is_int64(storage.type):
        return None
    unit, anchor = parts[1], parts[2] or ""
    numbers = storage.fill_null(0).to_numpy(zero_copy_only=False)
    if unit in ("Y", "A"):
        return pc.add(storage, 1970)
    if unit == "M":
        return _null_as(storage, _dates(numbers, "M"))
    if unit == "Q":
        years = _text(1970 + numbers // 4)
        return _null_as(storage, _joined(years, "Q", _text(numbers % 4 + 1)))
    if unit == "W":
        last = 7 * numbers - 4 + _WEEKDAYS.index(anchor or "SUN")
        return _null_as(storage, _joined(_dates(last - 6, "D"), "/", _dates(last, "D")))
    return _null_as(storage, _dates(numbers, _UNITS[unit]))


def _interval(storage: pa.Array, parameters: dict[str, Any]) -> pa.Array:
    closed = parameters["closed"]
    first, last = "[" if closed in ("left", "both") else "(", "]" if closed in ("right", "both") else ")"
    pairs = zip(*(storage.field(side).to_pylist() for side in ("left", "right")), strict=True)
    words = [f"{first}{low}, {high}{last}" for low, high in pairs]
    return _null_as(storage, pa.array(words, pa.large_string()))


def _dates(numbers: NDArray[np.int64], unit: str) -> pa.Array:
    """Counts of a unit since 1970 as `2020-01`, `2020-01-31`, `2020-01-31 18:30`."""
    times: Any = numbers.astype(f"datetime64[{unit}]")
    text = np.datetime_as_string(times, unit="m" if unit == "h" else unit)  # type: ignore[call-overload]
    return pc.replace_substring(pa.array(text, pa.large_string()), "T", " ")


def _joined(first: pa.Array, between: str, second: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(first, second, pa.scalar(between, first.type))


def _text(numbers: NDArray[np.int64]) -> pa.Array:
    return pa.array(numbers).cast(pa.large_string())


def _null_as(storage: pa.Array, words: pa.Array) -> pa.Array:
    """The words, null where the storage is."""
    return pc.if_else(storage.is_valid(), words, pa.scalar(None, words.type))


_MEANINGS: dict[str, Callable[[pa.Array, dict[str, Any]], pa.Array]] = {
    "arrow.bool8": _bool8,
    "arrow.json": _json,
    "arrow.uuid": _uuid,
    "pandas.interval": _interval,
    "pandas.period": _period,
}
