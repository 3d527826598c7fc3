"""The native core as a library: where it is, its C ABI (native/api.h) in ctypes, and its errors as ours."""

import ctypes
import functools
import sys
from ctypes import POINTER, c_char, c_char_p, c_double, c_int32, c_int64, c_uint64, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import EngineError

__all__ = [
    "ABI",
    "ACTIVATIONS",
    "COSTS",
    "ERROR_BYTES",
    "KINDS",
    "PRECISIONS",
    "RULES",
    "ArchitectureStruct",
    "BlockStruct",
    "EntryStruct",
    "ExamplesStruct",
    "Library",
    "MaskStruct",
    "MatrixStruct",
    "PredictCall",
    "SettingsStruct",
    "StepCall",
    "error_of",
    "library_path",
    "load",
    "matrix",
    "sparse_matrix",
]

ABI = 4  # CHAINRULE_ABI of native/api.h: the version of its structs and functions
ACTIVATIONS, COSTS, RULES = range(3)  # kinds of entry, for chainrule_has
OK, ARGUMENT, LACKS, MEMORY, BUSY, DROPPED = range(6)  # what a function that can fail returns
KINDS = {"float32": 1, "float64": 2, "int32": 3}
_KIND_OF = {np.dtype(name): kind for name, kind in KINDS.items()}  # of this machine's byte order
PRECISIONS = {None: 0, "bf16": 1}  # of the operands of matrix products

ERROR_BYTES = 256  # of an error's line
_ErrorLine = ctypes.c_char * ERROR_BYTES


class _Sized(ctypes.Structure):
    """A struct that begins with its own size."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(size=ctypes.sizeof(type(self)), **fields)


class EntryStruct(ctypes.Structure):
    """chainrule_entry: the name of an activation or a cost, and its parameter."""

    _fields_ = [("name", c_char * 32), ("parameter", c_double)]


class BlockStruct(ctypes.Structure):
    """chainrule_block: neurons start..stop-1 of the output layer."""

    _fields_ = [("activation", EntryStruct), ("cost", EntryStruct), ("start", c_int64), ("stop", c_int64)]


class MaskStruct(ctypes.Structure):
    """chainrule_mask: a byte for each weight."""

    _fields_ = [("data", c_void_p), ("bytes", c_int64)]


class ArchitectureStruct(_Sized):
    """chainrule_architecture."""

    _fields_ = [
        *(("size", c_int64), ("dtype", c_int64), ("layers", c_int64), ("sizes", POINTER(c_int64))),
        *(("hidden", POINTER(EntryStruct)), ("masks", POINTER(MaskStruct)), ("blocks", c_int64)),
        ("block", POINTER(BlockStruct)),
    ]


class SettingsStruct(_Sized):
    """chainrule_settings."""

    _fields_ = [
        *(("size", c_int64), ("rule", c_char * 32), ("parameter", c_double * 6), ("batch", c_int64)),
        *(("divisor", c_double), ("alpha", c_double), ("l1", c_double), ("dropout", POINTER(c_double))),
        *(("clip_norm", c_double), ("clip_value", c_double), ("clip_example", c_double)),
        *(("seed", c_uint64), ("threads", c_int64), ("rates", POINTER(c_double))),
        ("precision", c_int64),
    ]


class MatrixStruct(ctypes.Structure):
    """chainrule_matrix: an array with any strides; all zero means no array."""

    _fields_ = [
        *(("data", c_void_p), ("kind", c_int64), ("rows", c_int64), ("columns", c_int64)),
        *(("row_stride", c_int64), ("column_stride", c_int64), ("begin", c_void_p), ("bytes", c_int64)),
        *(("offsets", c_void_p), ("places", c_void_p), ("entries", c_int64)),
    ]


class ExamplesStruct(ctypes.Structure):
    """chainrule_examples."""

    _fields_ = [("X", MatrixStruct), ("T", MatrixStruct), ("weight", MatrixStruct), ("by_term", c_int64)]


class StepCall(_Sized):
    """chainrule_step_call."""

    _fields_ = [
        *(("size", c_int64), ("examples", ExamplesStruct), ("order", c_void_p), ("rows", c_int64), ("rates", c_void_p)),
        *(("updates", c_int64), ("epoch", c_int64), ("first_batch", c_int64), ("seconds", c_double)),
        *(("costs", c_void_p), ("theta", c_void_p), ("theta_bytes", c_int64), ("made", c_int64)),
    ]


class PredictCall(_Sized):
    """chainrule_predict_call."""

    _fields_ = [
        *(("size", c_int64), ("X", MatrixStruct), ("finite", c_int64), ("threads", c_int64)),
        *(("out", c_void_p), ("out_bytes", c_int64)),
    ]


_LINE = (c_void_p, c_int64)  # a buffer for an error's line, and its size

# The types of each function: what it returns, then its arguments.
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "abi": (c_int64,),
    "instructions": (c_char_p, c_void_p, c_int64),
    "runnable": (None, c_void_p, c_int64),
    "half": (c_char_p, c_void_p, c_int64),
    "threads": (c_int64,),
    "has": (c_int64, c_int64, c_char_p),
    "make": (c_int32, POINTER(ArchitectureStruct), POINTER(SettingsStruct), c_int64, POINTER(c_uint64), *_LINE),
    "drop": (c_int32, c_uint64, *_LINE),
    "set_theta": (c_int32, c_uint64, c_void_p, c_int64, *_LINE),
    "steps": (c_int32, c_uint64, c_void_p, *_LINE),
    "get_slots": (c_int32, c_uint64, c_void_p, c_int64, POINTER(c_int64), *_LINE),
    "set_slots": (c_int32, c_uint64, c_void_p, c_int64, c_int64, *_LINE),
    "predict": (c_int32, c_uint64, c_void_p, *_LINE),
    "cost": (c_int32, c_uint64, POINTER(ExamplesStruct), c_int64, POINTER(c_double), *_LINE),
    "gradient": (
        c_int32,
        c_uint64,
        POINTER(ExamplesStruct),
        c_double,
        c_double,
        c_double,
        c_int64,
        c_void_p,
        c_int64,
        *_LINE,
    ),
    "second_moments": (c_int32, c_uint64, POINTER(ExamplesStruct), c_int64, c_void_p, c_int64, *_LINE),
    "norms": (c_int32, c_uint64, POINTER(ExamplesStruct), c_int64, c_void_p, c_int64, *_LINE),
    "ledger": (
        c_int32,
        c_uint64,
        POINTER(ExamplesStruct),
        c_int64,
        c_int64,
        c_int64,
        c_void_p,
        c_int64,
        c_void_p,
        c_int64,
        *_LINE,
    ),
}


def library_path() -> Path | None:
    """The shared library beside this module; None in an installation without it (docs/decisions/0009)."""
    path = Path(__file__).with_name(f"libchainrule_core{'.dll' if sys.platform == 'win32' else '.so'}")
    return path if path.exists() else None


def load() -> ctypes.CDLL | None:
    """The shared library; None in an installation without it.

    Raises EngineError for one that is damaged, or that belongs to another version of this package.
    """
    path = library_path()
    if path is None:
        return None
    try:
        library = ctypes.CDLL(str(path))
        library.chainrule_abi.restype = c_int64
        version = library.chainrule_abi()
    except (OSError, AttributeError) as error:
        raise EngineError(f"the native core does not load, install chainrule again: {error}") from error
    if version != ABI:
        raise EngineError(f"the native core has interface {version}, but {ABI} is needed: install chainrule again")
    return library


class Library:
    """The functions of the core by name; `instructions` is the instruction set that it uses.

    Raises EngineError where this machine runs none of its instruction sets, or not the one that CHAINRULE_ISA names.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library, self._has = library, dict[tuple[int, str], bool]()
        for name, (result, *arguments) in _FUNCTIONS.items():
            function = self.function(name)
            function.restype, function.argtypes = result, arguments
        text = ctypes.create_string_buffer(ERROR_BYTES)
        instructions = self.function("instructions")(text, ERROR_BYTES)
        if instructions is None:
            raise EngineError(text.value.decode())
        self.instructions: str = instructions.decode()

    def function(self, name: str) -> Any:
        """The C function chainrule_<name>; one that can fail returns a code."""
        return getattr(self._library, f"chainrule_{name}")

    def has(self, kind: int, name: str) -> bool:
        """Whether the core has the entry of that name; `kind` is ACTIVATIONS, COSTS or RULES."""
        if (kind, name) not in self._has:
            self._has[kind, name] = bool(self.function("has")(kind, name.encode()))
        return self._has[kind, name]

    @functools.cached_property
    def half(self) -> tuple[str | None, str]:
        """The kernels of half precision, by name, and why there are none."""
        text = ctypes.create_string_buffer(ERROR_BYTES)
        name = self.function("half")(text, ERROR_BYTES)
        return (None if name is None else name.decode()), text.value.decode()

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that can fail. Raises MemoryError or EngineError with the core's line."""
        text = _ErrorLine()
        code = self.function(name)(*arguments, text, ERROR_BYTES)
        if code:
            raise error_of(code, text.value)


def error_of(code: int, line: bytes) -> MemoryError | EngineError:
    """The exception for a code other than OK, with the core's line as its message."""
    return (MemoryError if code == MEMORY else EngineError)(line.decode(errors="replace"))


def matrix(array: Array) -> MatrixStruct:
    """The struct of an array (n,) or (n, k) of float32, float64 or int32. The caller keeps the array alive.

    Raises EngineError for another dtype or number of dimensions.
    """
    kind = _KIND_OF.get(array.dtype)
    if kind is None:
        raise EngineError(f"an array has dtype {array.dtype}, but must be one of {', '.join(KINDS)}")
    if array.ndim not in (1, 2):
        raise EngineError(f"an array has {array.ndim} dimensions, but must have 1 or 2")
    low, high = np.lib.array_utils.byte_bounds(array)
    columns, stride = (array.shape[1], array.strides[1]) if array.ndim == 2 else (1, array.itemsize)
    data = array.__array_interface__["data"][0]
    return MatrixStruct(data, kind, len(array), columns, array.strides[0], stride, low, high - low)


def sparse_matrix(values: Array, places: Array, offsets: Array, columns: int) -> MatrixStruct:
    """The struct of sparse rows, of the parts of `examples.Compressed`. The caller keeps the arrays alive.

    Raises EngineError for arrays of other types.
    """
    kinds = values.dtype.name, places.dtype.name, offsets.dtype.name
    if kinds[0] not in ("float32", "float64") or kinds[1:] != ("int32", "int64"):
        raise EngineError(f"sparse rows have types {kinds}, but must have floating point, int32 and int64")
    if not all(array.flags.c_contiguous for array in (values, places, offsets)):
        raise EngineError("sparse rows must be contiguous")
    data, entries = values.ctypes.data, min(len(values), len(places))
    where = offsets.ctypes.data, places.ctypes.data, entries
    return MatrixStruct(data, KINDS[kinds[0]], len(offsets) - 1, columns, 0, 0, data, values.nbytes, *where)
