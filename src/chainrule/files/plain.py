"""Converts Python values to plain data and tensors for a file, and back. Nothing in a file is run or imported.

Numbers, text, None, booleans and lists stay as they are; any other value is {"is": kind, "of": content}. An array
becomes a tensor, of its own dtype if the container has it, else of bytes; arrays of text or objects become lists.
"""

import dataclasses
import math
import re
import reprlib
from collections.abc import Callable, Mapping, Sequence
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
    registry.kind: registry for registry in (ACTIVATIONS, COSTS, OPTIMIZERS, SCHEDULES, INITIALIZERS)
}
_STORED = ("float32", "float64", "int32", "int64", "uint8", "bool")  # dtypes that the container has
_AS_BYTES = re.compile(r"u?int(8|16|32|64)|float16|(datetime|timedelta)64(\[\w{1,8}\])?")


def pack(value: Any, tensors: dict[str, Array], name: str) -> Any:
    """The value as data for JSON; its arrays become tensors whose names begin with `name`.

    >>> tensors = {}
    >>> pack({"sizes": (5, 2), "rule": cr.Adam(0.1), "W": np.ones(3)}, tensors, "p")["of"][0]
    ['sizes', {'is': 'tuple', 'of': [5, 2]}]
    >>> tensors
    {'p.W': array([1., 1., 1.])}

    Raises SettingError for a value that is not data, such as a custom function.
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
    """The value that `pack` turned into this data. Raises ModelFileError for data that `pack` cannot produce.

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
        raise ModelFileError(f"it has a {kind} that is not valid ({reason})") from None


# ---------------------------------------------------------------------------------------------- packing


def _integer(value: int, name: str) -> int:
    if not -(2**63) <= value < 2**64:
        raise SettingError(f"{name} is {value}, but a file stores whole numbers of 64 bits: give a smaller one")
    return value


def _packed(values: Any, tensors: dict[str, Array], name: str) -> list[Any]:
    return [pack(part, tensors, f"{name}.{k}") for k, part in enumerate(values)]


def _packed_array(array: Array, tensors: dict[str, Array], name: str) -> dict[str, Any]:
    dtype = array.dtype.newbyteorder("=")
    shape = list(array.shape)
    if dtype.kind in "OUS":
        if dtype.kind == "S":
            raise SettingError(f"{name} is an array of bytes, which a file cannot store: decode it to text")
        if dtype.kind == "U" and _is_sparse_text(array.ravel().tolist()):
            raise SettingError(f"{name} has one text far longer than the others: make it an array of objects")
        parts = _packed(array.ravel().tolist(), tensors, name)
        return {
            "is": "array",
            "of": {"dtype": "object" if dtype.kind == "O" else "text", "shape": shape, "values": parts},
        }
    if dtype.name in _STORED:
        tensors[name] = array.astype(dtype, order="C")
        return {"is": "array", "of": {"dtype": dtype.name, "tensor": name}}
    if not _AS_BYTES.fullmatch(dtype.name):
        raise SettingError(f"{name} is an array of {dtype}, which a file cannot store")
    tensors[name] = np.frombuffer(array.astype(dtype.newbyteorder("<"), order="C").tobytes(), np.uint8)
    return {"is": "array", "of": {"dtype": dtype.name, "shape": shape, "tensor": name}}


def _object(value: Any, tensors: dict[str, Array], name: str) -> dict[str, Any]:
    if isinstance(value, Clip):
        bounds = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if not value.noise:
            del bounds["noise"]  # so that files without it are as before there was noise
        return {"is": "clip", "of": {key: pack(bound, tensors, key) for key, bound in bounds.items()}}
    if isinstance(value, Entry):
        kind = next((kind for kind, registry in REGISTRIES.items() if registry.holds(value)), None)
        if kind is not None:
            return {"is": kind, "of": REGISTRIES[kind].document(value)}
    label = getattr(value, "__name__", None) or type(value).__name__
    raise SettingError(
        f"{name} is {label!r}, but a file stores only data: give a name, a number, or an object of chainrule"
    )


# ---------------------------------------------------------------------------------------------- unpacking


def _float(of: Any, tensors: Mapping[str, Array]) -> float:
    if of not in ("inf", "-inf", "nan"):
        raise ValueError(f"{of!r} is not a number")
    return float(of)


def _dict(of: Any, tensors: Mapping[str, Array]) -> dict[Any, Any]:
    return {unpack(key, tensors): unpack(part, tensors) for key, part in of}


def _array(of: Any, tensors: Mapping[str, Array]) -> Array:
    dtype = of["dtype"]
    if dtype in ("object", "text"):
        return _array_from_list(dtype, of["shape"], unpack(of["values"], tensors))
    tensor = tensors[of["tensor"]]
    if dtype in _STORED:
        if tensor.dtype.name != dtype:
            raise ValueError(f"a tensor of {tensor.dtype}, not {dtype}")
        return np.array(tensor, dtype=tensor.dtype.newbyteorder("="))
    if not isinstance(dtype, str) or not _AS_BYTES.fullmatch(dtype) or tensor.dtype != np.uint8:
        raise ValueError(f"an array of {dtype!r}")
    return np.frombuffer(tensor.tobytes(), np.dtype(dtype).newbyteorder("<")).reshape(of["shape"]).astype(dtype)


def _array_from_list(dtype: str, shape: Any, values: Any) -> Array:
    if not isinstance(values, list) or math.prod(shape) != len(values) or min(shape, default=0) < 0:
        raise ValueError(f"{len(values)} values for the shape {shape}")
    if dtype == "text":
        if not all(isinstance(value, str) for value in values):
            raise TypeError("an array of text with values that are not text")
        if _is_sparse_text(values):
            raise ValueError(f"a text of {max(map(len, values))} characters among {len(values)} short ones")
        return np.array(values, dtype=np.str_).reshape(shape)
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def _is_sparse_text(values: Sequence[str]) -> bool:
    """Whether an array of text, in which each has the length of the longest, takes far more memory than the texts."""
    return len(values) * max(map(len, values), default=0) > 2**22 + 64 * sum(map(len, values))


_KINDS: dict[str, Callable[[Any, Mapping[str, Array]], Any]] = {
    "float": _float,
    "tuple": lambda of, tensors: tuple(unpack(part, tensors) for part in of),
    "dict": _dict,
    "array": _array,
    "clip": lambda of, tensors: Clip(**{key: unpack(bound, tensors) for key, bound in of.items()}),
}
