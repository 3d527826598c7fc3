"""The safetensors container of a model: a document and tensors in one file, sealed by a digest.

    | 8 bytes: n | n bytes: JSON header, spaces at its end | tensors, no holes | 32 bytes: SHA-256 of all before |
                                                           ^ 8 + n is a multiple of 64

Numbers are little-endian and rows lie in C order. The header is what the safetensors format asks for; its
`__metadata__` holds {"chainrule": document}, the document being compact sorted ASCII JSON. The digest is an
ordinary tensor, `chainrule.sha256`, so that any reader of the format reads the file. It finds damage; it is
no signature. Nothing in a file is ever executed or imported.
"""

import hashlib
import itertools
import json
import math
import os
import reprlib
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np
import numpy.typing as npt

from chainrule._version import __version__
from chainrule.errors import ModelFileError
from chainrule.files.atomic import atomic_write
from chainrule.files.raw import MAX_HEADER, data_start, read_raw
from chainrule.files.strict_json import check_text, parse

Array = npt.NDArray[Any]

SCHEMA = 1
DIGEST = "chainrule.sha256"
METADATA = "__metadata__"
DTYPES = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8", "U8": "|u1", "BOOL": "|b1"}
MAX_RANK = 32  # dimensions of a tensor
ALIGNMENT = 64  # bytes
_SEAL = 32  # bytes of a SHA-256
_LARGEST = np.iinfo(np.intp).max  # bytes that an array's shape may stand for
_NAMES = {dtype[1:]: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Container:
    """What a file holds: its document, and its tensors by name in the file's order, read-only."""

    document: dict[str, Any]
    tensors: dict[str, Array]


def write(path: str | os.PathLike[str], kind_document: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
    """Write the document and the tensors, in the mapping's order, as one file: whole or not at all.

    The document is JSON with an integer "schema" of 1 to `SCHEMA`. Raises ModelFileError for what the format
    cannot hold and OSError where the path cannot be written.

    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.safetensors")
    ...     write(path, {"schema": 1, "kind": "network"}, {"b": np.array([0.5, 1.0])})
    ...     read(path)
    Container(document={'kind': 'network', 'schema': 1}, tensors={'b': array([0.5, 1. ])})
    """
    with atomic_write(path) as stream:
        for piece in _pieces(kind_document, tensors):
            stream.write(piece)


def to_bytes(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> bytes:
    """Return the bytes that `write` writes; the same input gives the same bytes. Raises ModelFileError.

    >>> file = to_bytes({"schema": 1}, {"b": np.zeros(2, np.float32)})
    >>> len(file) % 64, file[8:60]
    (40, b'{"__metadata__":{"chainrule":"{\\\\"schema\\\\":1}"},"b":{')
    """
    return b"".join(_pieces(document, tensors))


def read(source: str | os.PathLike[str], verify: bool = True) -> Container:
    """Read a file, trusting nothing in it; the arrays share one buffer and cannot be written to.

    The digest is compared before the header is parsed. `verify=False` leaves that out, which admits a file
    that another tool has rewritten; every other check stays. Raises ModelFileError, in one line, for every
    file that cannot be read, a missing one too.
    """
    try:
        raw = read_raw(source)
        if verify:
            _check_digest(raw)
        return _unpack(raw, verify)
    except ModelFileError as error:
        reason = str(error)
    except FileNotFoundError:
        reason = "there is no such file, check the path"
    except MemoryError:
        reason = "it does not fit in memory: read it on a larger machine"
    except (OSError, ValueError, RecursionError, OverflowError) as error:
        reason = f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})"
    raise ModelFileError(f"{os.fspath(source)!r}: {reason}")


# ---------------------------------------------------------------------------------------------- writing


def _pieces(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> Iterator[bytes]:
    """Yield the header, each tensor's bytes, then the SHA-256 of all that."""
    arrays = {name: np.asarray(tensor) for name, tensor in tensors.items()}
    digest = hashlib.sha256()
    for piece in itertools.chain([_header(document, arrays)], map(_data, arrays.values())):
        digest.update(piece)
        yield piece
    yield digest.digest()


def _header(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """Return the length and the JSON header, padded so that data start at a multiple of `ALIGNMENT`."""
    entries: dict[str, Any] = {METADATA: {"chainrule": _document_text(document)}}
    begin = 0
    for name, array in arrays.items():
        entries[_checked_name(name)] = _entry(_dtype_name(name, array), array.shape, begin)
        begin += array.nbytes
    entries[DIGEST] = _entry("U8", (_SEAL,), begin)
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    if len(text) > MAX_HEADER:
        raise ModelFileError(f"the header would take {len(text)} bytes: at most {MAX_HEADER}, shorten the document")
    return struct.pack("<Q", len(text)) + text


def _entry(dtype: str, shape: tuple[int, ...], begin: int) -> dict[str, Any]:
    """Return a tensor's line of the header; offsets count bytes from the start of the data."""
    size = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, begin + size]}


def _checked_name(name: object) -> str:
    """Return a tensor's name, which must be text that JSON can carry and that no other meaning has."""
    if not isinstance(name, str) or name in (DIGEST, METADATA):
        raise ModelFileError(f"a tensor is named {reprlib.repr(name)}: give it text, not {DIGEST} or {METADATA}")
    check_text(name)
    return name


def _dtype_name(name: str, array: Array) -> str:
    """Return the format's word for the array's dtype, byte order apart."""
    if array.dtype.str[1:] not in _NAMES or array.ndim > MAX_RANK:
        came = f"tensor {reprlib.repr(name)} is {array.dtype} with {array.ndim} dimensions"
        raise ModelFileError(f"{came}: allowed are {', '.join(DTYPES)} with at most {MAX_RANK}, convert it")
    return _NAMES[array.dtype.str[1:]]


def _data(array: Array) -> bytes:
    """Return the elements in C order, little-endian."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _document_text(document: Mapping[str, Any]) -> str:
    """Return the document as compact sorted ASCII JSON, having read it back under the reader's own rules."""
    try:
        text = json.dumps(dict(document), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise ModelFileError(f"the document is not JSON ({error}): use finite numbers, text and lists") from None
    _checked_schema(parse(text))
    return text


# ---------------------------------------------------------------------------------------------- reading


def _check_digest(raw: bytes) -> None:
    """Compare the last 32 bytes with the SHA-256 of all before; nothing is parsed to say what is wrong."""
    if hashlib.sha256(memoryview(raw)[:-_SEAL]).digest() == raw[-_SEAL:]:
        return
    if b'"chainrule"' not in raw[: data_start(raw)]:
        raise ModelFileError("it is a safetensors file of another program: name a model that chainrule saved")
    came = "its SHA-256 does not match, it was damaged or rewritten by another tool"
    raise ModelFileError(f"{came}: take the original, or verify=False to read it as it is")


def _unpack(raw: bytes, verify: bool) -> Container:
    """Parse the header and lay the arrays over the bytes."""
    header = _parsed_header(raw)
    document = _document(header.pop(METADATA, None))
    tensors = _tensors(header, raw)
    seal = _entry("U8", (_SEAL,), len(raw) - data_start(raw) - _SEAL)
    if verify and list(header.items())[-1:] != [(DIGEST, seal)]:
        came = f"its last tensor is not {DIGEST}, it was rewritten by another tool"
        raise ModelFileError(f"{came}: take the original, or verify=False to read it as it is")
    tensors.pop(DIGEST, None)
    return Container(document, tensors)


def _parsed_header(raw: bytes) -> dict[str, Any]:
    """Return the header's entries in their order."""
    try:
        text = raw[8 : data_start(raw)].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"its header is not UTF-8 at byte {8 + error.start}: it was damaged") from None
    return parse(text)


def _document(metadata: object) -> dict[str, Any]:
    """Return the document of the metadata, when its schema is one that this version reads."""
    text = metadata.get("chainrule") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFileError("its metadata has no chainrule document: name a model that chainrule saved")
    return _checked_schema(parse(text))


def _checked_schema(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document, whose "schema" must be an integer from 1 to `SCHEMA`."""
    schema = document.get("schema")
    if type(schema) is not int or schema < 1:
        raise ModelFileError(f"its schema is {reprlib.repr(schema)}: allowed is an integer from 1 to {SCHEMA}")
    if schema > SCHEMA:
        came = f"its schema is {schema} and chainrule {__version__} reads up to {SCHEMA}"
        raise ModelFileError(f"{came}: install the newer chainrule that wrote it")
    return document


def _tensors(header: Mapping[str, Any], raw: bytes) -> dict[str, Array]:
    """Lay every tensor over the bytes; together they fill the file with no hole and no overlap."""
    start = cursor = data_start(raw)
    tensors = {}
    for name, entry in header.items():
        dtype, shape = _checked_entry(name, entry, cursor - start, len(raw) - start)
        tensors[name] = np.ndarray(shape, dtype, raw, cursor)
        cursor += tensors[name].nbytes
        _check_booleans(name, tensors[name])
    if cursor != len(raw):
        raise ModelFileError(f"its tensors end at byte {cursor} and the file at {len(raw)}: it was damaged")
    return tensors


def _checked_entry(name: str, entry: object, begin: int, available: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return a tensor's dtype and shape, when its offsets are [begin, begin + its bytes] within the data."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _refusal(name, "entry", entry, "dtype, shape and data_offsets")
    dtype = _checked_dtype(name, entry["dtype"])
    shape = _checked_shape(name, entry["shape"], dtype.itemsize)
    end = begin + math.prod(shape) * dtype.itemsize
    if not _integers(entry["data_offsets"]) or entry["data_offsets"] != [begin, end]:
        raise _refusal(name, "data_offsets", entry["data_offsets"], f"[{begin}, {end}]")
    if end > available:
        raise _refusal(name, "end", end, f"at most the {available} bytes of data")
    return dtype, shape


def _checked_dtype(name: str, dtype: object) -> np.dtype[Any]:
    """Return the dtype of one of the format's words that are used here."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _refusal(name, "dtype", dtype, ", ".join(DTYPES))
    return np.dtype(DTYPES[dtype])


def _checked_shape(name: str, shape: object, itemsize: int) -> tuple[int, ...]:
    """Return a shape that an array can have; the sizes beside a 0 count as well."""
    if not _integers(shape) or len(shape) > MAX_RANK or min(shape, default=0) < 0:
        raise _refusal(name, "shape", shape, f"at most {MAX_RANK} integers from 0")
    if math.prod(max(size, 1) for size in shape) * itemsize > _LARGEST:
        raise _refusal(name, "shape", shape, f"at most {_LARGEST} bytes")
    return tuple(shape)


def _integers(value: object) -> TypeGuard[list[int]]:
    """Whether the value is a list of integers; true and 1.0 are none."""
    return isinstance(value, list) and all(type(item) is int for item in value)


def _check_booleans(name: str, array: Array) -> None:
    """Refuse a boolean that is neither 0 nor 1: arithmetic on one is undefined."""
    if array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
        raise _refusal(name, "booleans", int(array.view(np.uint8).max()), "0 and 1")


def _refusal(name: str, what: str, came: object, allowed: str) -> ModelFileError:
    """Return the error of one tensor's entry: what came and what is allowed."""
    words = f"its tensor {reprlib.repr(name)} has {what} {reprlib.repr(came)}"
    return ModelFileError(f"{words}: allowed is {allowed}, it was damaged or made by hand")
