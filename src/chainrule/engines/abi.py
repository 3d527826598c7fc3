"""The C ABI of the native core (native/api.h) in ctypes: its structs, its functions, and its errors as ours."""

import ctypes
from ctypes import POINTER, c_char, c_char_p, c_double, c_int32, c_int64, c_uint64, c_void_p
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import EngineError

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "KINDS",
    "RULES",
    "ArchitectureStruct",
    "Block",
    "Entry",
    "Examples",
    "Library",
    "Mask",
    "Matrix",
    "PredictCall",
    "SettingsStruct",
    "StepCall",
    "error_of",
    "matrix",
]

ACTIVATIONS, COSTS, RULES = range(3)  # what chainrule_has is asked about
OK, ARGUMENT, LACKS, MEMORY, BUSY, DROPPED = range(6)  # codes
KINDS = {"float32": 1, "float64": 2, "int32": 3}

ROOM = 256  # bytes for an error's line


class _Sized(ctypes.Structure):
    """A struct that begins with its own size."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


class Entry(ctypes.Structure):
    """chainrule_entry: a name, and the parameter of what it names."""

    _fields_ = [("name", c_char * 32), ("parameter", c_double)]


class Block(ctypes.Structure):
    """chainrule_block: neurons start..stop-1 of the output layer."""

    _fields_ = [("activation", Entry), ("cost", Entry), ("start", c_int64), ("stop", c_int64)]


class Mask(ctypes.Structure):
    """chainrule_mask: a byte for each weight."""

    _fields_ = [("data", c_void_p), ("bytes", c_int64)]


class ArchitectureStruct(_Sized):
    """chainrule_architecture."""

    _fields_ = [
        *(("size", c_int64), ("dtype", c_int64), ("layers", c_int64), ("sizes", POINTER(c_int64))),
        *(("hidden", POINTER(Entry)), ("masks", POINTER(Mask)), ("blocks", c_int64)),
        ("block", POINTER(Block)),
    ]


class SettingsStruct(_Sized):
    """chainrule_settings."""

    _fields_ = [
        *(("size", c_int64), ("rule", c_char * 32), ("parameter", c_double * 6), ("batch", c_int64)),
        *(("divisor", c_double), ("alpha", c_double), ("l1", c_double), ("dropout", POINTER(c_double))),
        *(("clip_norm", c_double), ("clip_value", c_double), ("clip_example", c_double)),
        *(("seed", c_uint64), ("threads", c_int64)),
    ]


class Matrix(ctypes.Structure):
    """chainrule_matrix: an array anywhere in memory; without data it is none."""

    _fields_ = [
        *(("data", c_void_p), ("kind", c_int64), ("rows", c_int64), ("columns", c_int64)),
        *(("row_stride", c_int64), ("column_stride", c_int64), ("begin", c_void_p), ("bytes", c_int64)),
    ]


class Examples(ctypes.Structure):
    """chainrule_examples."""

    _fields_ = [("X", Matrix), ("T", Matrix), ("weight", Matrix), ("by_term", c_int64)]


class StepCall(_Sized):
    """chainrule_step_call."""

    _fields_ = [
        *(("size", c_int64), ("examples", Examples), ("order", c_void_p), ("rows", c_int64), ("rates", c_void_p)),
        *(("updates", c_int64), ("epoch", c_int64), ("first_batch", c_int64), ("seconds", c_double)),
        *(("costs", c_void_p), ("theta", c_void_p), ("theta_bytes", c_int64), ("made", c_int64)),
    ]


class PredictCall(_Sized):
    """chainrule_predict_call."""

    _fields_ = [
        *(("size", c_int64), ("X", Matrix), ("finite", c_int64), ("threads", c_int64)),
        *(("out", c_void_p), ("out_bytes", c_int64)),
    ]


_LINE = (c_void_p, c_int64)  # where an error's line goes

# What each returns, and what it takes.
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "abi": (c_int64,),
    "instructions": (c_char_p, c_void_p, c_int64),
    "runnable": (None, c_void_p, c_int64),
    "threads": (c_int64,),
    "has": (c_int64, c_int64, c_char_p),
    "make": (c_int32, POINTER(ArchitectureStruct), POINTER(SettingsStruct), c_int64, POINTER(c_uint64), *_LINE),
    "drop": (c_int32, c_uint64, *_LINE),
    "set_theta": (c_int32, c_uint64, c_void_p, c_int64, *_LINE),
    "steps": (c_int32, c_uint64, c_void_p, *_LINE),
    "get_slots": (c_int32, c_uint64, c_void_p, c_int64, POINTER(c_int64), *_LINE),
    "set_slots": (c_int32, c_uint64, c_void_p, c_int64, c_int64, *_LINE),
    "predict": (c_int32, c_uint64, c_void_p, *_LINE),
    "cost": (c_int32, c_uint64, POINTER(Examples), c_int64, POINTER(c_double), *_LINE),
    "gradient": (
        c_int32,
        c_uint64,
        POINTER(Examples),
        c_double,
        c_double,
        c_double,
        c_int64,
        c_void_p,
        c_int64,
        *_LINE,
    ),
    "norms": (c_int32, c_uint64, POINTER(Examples), c_int64, c_void_p, c_int64, *_LINE),
}


class Library:
    """The core: its functions by name; `instructions` is the set that it computes with.

    Raises EngineError where CHAINRULE_ISA names a set that this machine does not run, or there is none at all.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library, self._has = library, dict[tuple[int, str], bool]()
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = self.function(name)
            function.restype, function.argtypes = result, arguments
        text = ctypes.create_string_buffer(ROOM)
        found = self.function("instructions")(text, ROOM)
        if found is None:
            raise EngineError(text.value.decode())
        self.instructions: str = found.decode()

    def function(self, name: str) -> Any:
        """chainrule_<name>; those that can fail return a code."""
        return getattr(self._library, f"chainrule_{name}")

    def has(self, what: int, name: str) -> bool:
        """Whether the core has the activation, cost or rule of that name."""
        if (what, name) not in self._has:
            self._has[what, name] = bool(self.function("has")(what, name.encode()))
        return self._has[what, name]

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that can fail; its error becomes ours: MemoryError, or EngineError in one line."""
        text = ctypes.create_string_buffer(ROOM)
        code = self.function(name)(*arguments, text, ROOM)
        if code:
            raise error_of(code, text.value)


def error_of(code: int, line: bytes) -> MemoryError | EngineError:
    """The error of a code other than 0."""
    return (MemoryError if code == MEMORY else EngineError)(line.decode(errors="replace"))


def matrix(array: Array) -> Matrix:
    """An array (n,) or (n, k) of float32, float64 or int32 as the core takes it; the caller keeps the array alive.

    Raises EngineError for another type.
    """
    kind = KINDS.get(array.dtype.name) if array.dtype.isnative else None
    if kind is None:
        raise EngineError(f"an array has dtype {array.dtype}, but must be one of {', '.join(KINDS)}")
    if array.ndim not in (1, 2):
        raise EngineError(f"an array has {array.ndim} dimensions, but must have 1 or 2")
    low, high = np.lib.array_utils.byte_bounds(array)
    columns, stride = (array.shape[1], array.strides[1]) if array.ndim == 2 else (1, array.itemsize)
    data = array.__array_interface__["data"][0]
    return Matrix(data, kind, len(array), columns, array.strides[0], stride, low, high - low)
