"""Values as plain data and tensors, and back, for a file: what a file holds is looked up here, never run or imported.

Numbers, text, None and booleans stand for themselves, a list for a list; anything else is {"is": kind, "of": content}.
Arrays are tensors, as they are where the container has their dtype, else as bytes; text and mixed values are lists.
"""

import dataclasses
import math
import re
import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.arrays import Array
from chainrule.costs import COSTS
from chainrule.errors import ModelFileError, SettingError
from chainrule.initializers import INITIALIZERS
from chainrule.optimizers import OPTIMIZERS, Clip
from chainrule.registry import Entry, Registry
from chainrule.schedules import SCHEDULES

__all__ = ["pack", "unpack"]

REGISTRIES: dict[str, Registry[Any]] = {
    found.kind: found for found in (ACTIVATIONS, COSTS, OPTIMIZERS, SCHEDULES, INITIALIZERS)
}
_STORED = ("float32", "float64", "int32", "int64", "uint8", "bool")  # dtypes of tensors as they are
_AS_BYTES = re.compile(r"u?int(8|16|32|64)|float16|(datetime|timedelta)64(\[\w{1,8}\])?")


def pack(value: Any, tensors: dict[str, Array], name: str) -> Any:
    """The value as data for JSON; its arrays become tensors of this name and of names that begin with it.

    >>> tensors = {}
    >>> pack({"sizes": (5, 2), "rule": cr.Adam(0.1), "W": np.ones(3)}, tensors, "p")["of"][0]
    ['sizes', {'is': 'tuple', 'of': [5, 2]}]
    >>> tensors
    {'p.W': array([1., 1., 1.])}

    Raises SettingError for what is no data, such as a function of your own.
    """
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, np.timedelta64):  # for NumPy it is an integer
        return _object(value, tensors, name)
    if isinstance(value, int | np.integer):
        return _integer(int(value), name)
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {"is": "float", "of": str(number)}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list):
        return _packed(value, tensors, name)
    if isinstance(value, tuple):
        return {"is": "tuple", "of": _packed(value, tensors, name)}
    if isinstance(value, Mapping):
        pairs = value.items()
        return {"is": "dict", "of": [[pack(k, tensors, name), pack(v, tensors, f"{name}.{k}")] for k, v in pairs]}
    if isinstance(value, np.ndarray):
        return _packed_array(value, tensors, name)
    return _object(value, tensors, name)


def unpack(value: Any, tensors: Mapping[str, Array]) -> Any:
    """What `pack` was given. Raises ModelFileError for data that it did not make.

    >>> unpack({"is": "tuple", "of": [5, {"is": "float", "of": "inf"}]}, {})
    (5, inf)
    """
    if isinstance(value, list):
        return [unpack(part, tensors) for part in value]
    if not isinstance(value, dict):
        return value
    kind, of = value.get("is"), value.get("of")
    if not isinstance(kind, str) or (kind not in _KINDS and kind not in REGISTRIES):
        raise ModelFileError(f"it has a value of kind {reprlib.repr(kind)}, which this version does not know")
    try:
        return REGISTRIES[kind].get(of) if kind in REGISTRIES else _KINDS[kind](of, tensors)
    except ModelFileError:
        raise
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        reason = " ".join(f"{error}".split())
        raise ModelFileError(f"it has a {kind} that makes no sense ({reason})") from None


# ---------------------------------------------------------------------------------------------- packing


def _integer(value: int, name: str) -> int:
    if not -(2**63) <= value < 2**64:
        raise SettingError(f"{name} is {value}, and a file holds whole numbers of 64 bits: give a smaller one")
    return value


def _packed(values: Any, tensors: dict[str, Array], name: str) -> list[Any]:
    return [pack(part, tensors, f"{name}.{k}") for k, part in enumerate(values)]


def _packed_array(array: Array, tensors: dict[str, Array], name: str) -> dict[str, Any]:
    dtype = array.dtype.newbyteorder("=")
    shape = list(array.shape)
    if dtype.kind in "OUS":
        if dtype.kind == "S":
            raise SettingError(f"{name} is an array of bytes, which a file cannot hold: decode it to text")
        parts = _packed(array.ravel().tolist(), tensors, name)
        return {
            "is": "array",
            "of": {"dtype": "object" if dtype.kind == "O" else "text", "shape": shape, "values": parts},
        }
    if dtype.name in _STORED:
        tensors[name] = array.astype(dtype, order="C")
        return {"is": "array", "of": {"dtype": dtype.name, "tensor": name}}
    if not _AS_BYTES.fullmatch(dtype.name):
        raise SettingError(f"{name} is an array of {dtype}, which a file cannot hold")
    tensors[name] = np.frombuffer(array.astype(dtype.newbyteorder("<"), order="C").tobytes(), np.uint8)
    return {"is": "array", "of": {"dtype": dtype.name, "shape": shape, "tensor": name}}


def _object(value: Any, tensors: dict[str, Array], name: str) -> dict[str, Any]:
    if isinstance(value, Clip):
        bounds = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"is": "clip", "of": {key: pack(bound, tensors, key) for key, bound in bounds.items()}}
    if isinstance(value, Entry):
        kind = next((kind for kind, registry in REGISTRIES.items() if registry.holds(value)), None)
        if kind is not None:
            return {"is": kind, "of": REGISTRIES[kind].document(value)}
    words = getattr(value, "__name__", None) or type(value).__name__
    raise SettingError(
        f"{name} is {words!r}, and a file holds data only: give a name, a number, or an object of chainrule"
    )


# ---------------------------------------------------------------------------------------------- unpacking


def _float(of: Any, tensors: Mapping[str, Array]) -> float:
    if of not in ("inf", "-inf", "nan"):
        raise ValueError(f"{of!r} is no number")
    return float(of)


def _dict(of: Any, tensors: Mapping[str, Array]) -> dict[Any, Any]:
    return {unpack(key, tensors): unpack(part, tensors) for key, part in of}


def _array(of: Any, tensors: Mapping[str, Array]) -> Array:
    dtype = of["dtype"]
    if dtype in ("object", "text"):
        return _of_values(dtype, of["shape"], unpack(of["values"], tensors))
    found = tensors[of["tensor"]]
    if dtype in _STORED:
        if found.dtype.name != dtype:
            raise ValueError(f"a tensor of {found.dtype}, not {dtype}")
        return np.array(found, dtype=found.dtype.newbyteorder("="))
    if not isinstance(dtype, str) or not _AS_BYTES.fullmatch(dtype) or found.dtype != np.uint8:
        raise ValueError(f"an array of {dtype!r}")
    return np.frombuffer(found.tobytes(), np.dtype(dtype).newbyteorder("<")).reshape(of["shape"]).astype(dtype)


def _of_values(dtype: str, shape: Any, values: Any) -> Array:
    if not isinstance(values, list) or math.prod(shape) != len(values) or min(shape, default=0) < 0:
        raise ValueError(f"{len(values)} values for the shape {shape}")
    if dtype == "text":
        if not all(isinstance(value, str) for value in values):
            raise TypeError("a text that is none")
        return np.array(values, dtype=np.str_).reshape(shape)
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found.reshape(shape)


_KINDS: dict[str, Callable[[Any, Mapping[str, Array]], Any]] = {
    "float": _float,
    "tuple": lambda of, tensors: tuple(unpack(part, tensors) for part in of),
    "dict": _dict,
    "array": _array,
    "clip": lambda of, tensors: Clip(**{key: unpack(bound, tensors) for key, bound in of.items()}),
}
