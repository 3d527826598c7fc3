"""Writes and reads the safetensors container of a model: a document and tensors in one file, ended by a digest.

    | 8 bytes: n | n bytes: JSON header, padded with spaces | tensors, no gaps | 32 bytes: SHA-256 of all before |
                                                            ^ 8 + n is a multiple of 64

Numbers are little-endian, arrays are in C order. The header follows the safetensors format; its `__metadata__` is
{"chainrule": document}, and the document is compact sorted ASCII JSON. The digest is an ordinary tensor,
`chainrule.sha256`, so that every safetensors reader can read the file. It detects damage, but it is not a signature.
Nothing in a file is ever executed or imported.
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
UNVERIFIED = ": use the original, or verify=False to read it as it is"  # what to do where the digest does not match
_DIGEST_BYTES = 32  # of a SHA-256
_LARGEST = np.iinfo(np.intp).max  # bytes of an array
_NAMES = {dtype[1:]: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class Container:
    """The content of a file: its document, and its read-only tensors by name, in the order of the file."""

    document: dict[str, Any]
    tensors: dict[str, Array]


def write(path: str | os.PathLike[str], kind_document: Mapping[str, Any], tensors: Mapping[str, Array]) -> None:
    """Write the document and the tensors, in the order of the mapping, as one file, completely or not at all.

    The document is JSON with an integer "schema" from 1 to `SCHEMA`. Raises ModelFileError for data that the format
    cannot contain, OSError where the path cannot be written.

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
    """The bytes that `write` writes; the same input gives the same bytes. Raises ModelFileError as `write` does.

    >>> file = to_bytes({"schema": 1}, {"b": np.zeros(2, np.float32)})
    >>> len(file) % 64, file[8:60]
    (40, b'{"__metadata__":{"chainrule":"{\\\\"schema\\\\":1}"},"b":{')
    """
    return b"".join(_pieces(document, tensors))


def read(source: str | os.PathLike[str], verify: bool = True) -> Container:
    """Read an untrusted file; the arrays share one read-only buffer.

    The digest is checked before the header is parsed. `verify=False` skips only this check, and so accepts a file that
    another tool has rewritten. Raises ModelFileError, in one line, for every file that is missing or cannot be read.
    """
    try:
        raw = read_raw(source)
        if verify:
            _check_digest(raw)
        return _unpack(raw, verify)
    except ModelFileError as error:
        reason = str(error)
    except FileNotFoundError:
        reason = "there is no such file: check the path"
    except MemoryError:
        reason = "it does not fit in memory: read it on a larger machine"
    except (OSError, ValueError, RecursionError, OverflowError) as error:
        reason = f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})"
    raise ModelFileError(f"{os.fspath(source)!r}: {reason}")


def from_bytes(raw: bytes) -> Container:
    """What `to_bytes` wrote; the arrays share the bytes. Raises ModelFileError where they are damaged.

    >>> from_bytes(to_bytes({"schema": 1}, {"b": np.zeros(2, np.float32)})).document
    {'schema': 1}
    """
    _check_digest(raw)
    return _unpack(raw, verify=True)


# ---------------------------------------------------------------------------------------------- writing


def _pieces(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> Iterator[bytes]:
    """Yield the header, the bytes of each tensor, then the SHA-256 of all these bytes."""
    arrays = {name: np.asarray(tensor) for name, tensor in tensors.items()}
    digest = hashlib.sha256()
    for piece in itertools.chain([_header(document, arrays)], map(_data, arrays.values())):
        digest.update(piece)
        yield piece
    yield digest.digest()


def _header(document: Mapping[str, Any], arrays: Mapping[str, Array]) -> bytes:
    """The length of the header and the JSON header, padded so that the data start at a multiple of `ALIGNMENT`."""
    entries: dict[str, Any] = {METADATA: {"chainrule": _document_text(document)}}
    begin = 0
    for name, array in arrays.items():
        entries[_checked_name(name)] = _entry(_dtype_name(name, array), array.shape, begin)
        begin += array.nbytes
    entries[DIGEST] = _entry("U8", (_DIGEST_BYTES,), begin)
    text = json.dumps(entries, separators=(",", ":")).encode("ascii")
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    if len(text) > MAX_HEADER:
        raise ModelFileError(
            f"the header has {len(text)} bytes, at most {MAX_HEADER} are allowed: shorten the document"
        )
    return struct.pack("<Q", len(text)) + text


def _entry(dtype: str, shape: tuple[int, ...], begin: int) -> dict[str, Any]:
    """The entry of a tensor in the header; offsets count bytes from the start of the data."""
    size = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, begin + size]}


def _checked_name(name: object) -> str:
    """The name of a tensor: text that JSON can represent, and not a reserved name."""
    if not isinstance(name, str) or name in (DIGEST, METADATA):
        raise ModelFileError(f"a tensor is named {reprlib.repr(name)}: use text other than {DIGEST} and {METADATA}")
    check_text(name)
    return name


def _dtype_name(name: str, array: Array) -> str:
    """The name of the array's dtype in the format, whatever its byte order."""
    if array.dtype.str[1:] not in _NAMES or array.ndim > MAX_RANK:
        problem = f"tensor {reprlib.repr(name)} is {array.dtype} with {array.ndim} dimensions"
        raise ModelFileError(f"{problem}: convert it to one of {', '.join(DTYPES)} with at most {MAX_RANK}")
    return _NAMES[array.dtype.str[1:]]


def _data(array: Array) -> bytes:
    """The elements in C order, little-endian."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _document_text(document: Mapping[str, Any]) -> str:
    """The document as compact sorted ASCII JSON, checked by reading it back with the rules of the reader."""
    try:
        text = json.dumps(dict(document), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise ModelFileError(f"the document is not JSON ({error}): use finite numbers, text and lists") from None
    _checked_schema(parse(text))
    return text


# ---------------------------------------------------------------------------------------------- reading


def _check_digest(raw: bytes) -> None:
    """Compare the last 32 bytes with the SHA-256 of all bytes before them, without parsing anything."""
    if hashlib.sha256(memoryview(raw)[:-_DIGEST_BYTES]).digest() == raw[-_DIGEST_BYTES:]:
        return
    if b'"chainrule"' not in raw[: data_start(raw)]:
        raise ModelFileError("it is a safetensors file of another program: name a model that chainrule saved")
    problem = "its SHA-256 does not match, it was damaged or rewritten by another tool"
    raise ModelFileError(f"{problem}{UNVERIFIED}")


def _unpack(raw: bytes, verify: bool) -> Container:
    """Parse the header, and make the arrays as views of the bytes."""
    header = _parsed_header(raw)
    document = _document(header.pop(METADATA, None))
    tensors = _tensors(header, raw)
    digest_entry = _entry("U8", (_DIGEST_BYTES,), len(raw) - data_start(raw) - _DIGEST_BYTES)
    if verify and list(header.items())[-1:] != [(DIGEST, digest_entry)]:
        problem = f"its last tensor is not {DIGEST}, it was rewritten by another tool"
        raise ModelFileError(f"{problem}{UNVERIFIED}")
    tensors.pop(DIGEST, None)
    return Container(document, tensors)


def _parsed_header(raw: bytes) -> dict[str, Any]:
    """The entries of the header, in their order."""
    try:
        text = raw[8 : data_start(raw)].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFileError(f"its header is not UTF-8 at byte {8 + error.start}: it was damaged") from None
    return parse(text)


def _document(metadata: object) -> dict[str, Any]:
    """The document in the metadata, if this version reads its schema."""
    text = metadata.get("chainrule") if isinstance(metadata, dict) else None
    if not isinstance(text, str):
        raise ModelFileError("its metadata has no chainrule document: name a model that chainrule saved")
    return _checked_schema(parse(text))


def _checked_schema(document: dict[str, Any]) -> dict[str, Any]:
    """The document; its "schema" must be an integer from 1 to `SCHEMA`."""
    schema = document.get("schema")
    if type(schema) is not int or schema < 1:
        raise ModelFileError(f"its schema is {reprlib.repr(schema)}: allowed is an integer from 1 to {SCHEMA}")
    if schema > SCHEMA:
        problem = f"its schema is {schema}, but chainrule {__version__} reads up to {SCHEMA}"
        raise ModelFileError(f"{problem}: install the newer chainrule that wrote it")
    return document


def _tensors(header: Mapping[str, Any], raw: bytes) -> dict[str, Array]:
    """Make every tensor as a view of the bytes; together they fill the file without gaps or overlaps."""
    start = cursor = data_start(raw)
    tensors = {}
    for name, entry in header.items():
        dtype, shape = _checked_entry(name, entry, cursor - start, len(raw) - start)
        tensors[name] = np.ndarray(shape, dtype, raw, cursor)
        cursor += tensors[name].nbytes
        _check_booleans(name, tensors[name])
    if cursor != len(raw):
        raise ModelFileError(f"its tensors end at byte {cursor}, but the file at {len(raw)}: it was damaged")
    return tensors


def _checked_entry(name: str, entry: object, begin: int, available: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The dtype and shape of a tensor, if its offsets are [begin, begin + its bytes] within the data."""
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
    """The dtype for a name of the format, if it is in `DTYPES`."""
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise _refusal(name, "dtype", dtype, ", ".join(DTYPES))
    return np.dtype(DTYPES[dtype])


def _checked_shape(name: str, shape: object, itemsize: int) -> tuple[int, ...]:
    """A shape that an array can have; if one size is 0, the others are checked all the same."""
    if not _integers(shape) or len(shape) > MAX_RANK or min(shape, default=0) < 0:
        raise _refusal(name, "shape", shape, f"at most {MAX_RANK} integers from 0")
    if math.prod(max(size, 1) for size in shape) * itemsize > _LARGEST:
        raise _refusal(name, "shape", shape, f"at most {_LARGEST} bytes")
    return tuple(shape)


def _integers(value: object) -> TypeGuard[list[int]]:
    """Whether the value is a list of integers; true and 1.0 are not integers."""
    return isinstance(value, list) and all(type(item) is int for item in value)


def _check_booleans(name: str, array: Array) -> None:
    """Raise ModelFileError for a boolean other than 0 and 1, because arithmetic with it is undefined."""
    if array.dtype == np.bool_ and array.view(np.uint8).max(initial=0) > 1:
        raise _refusal(name, "booleans", int(array.view(np.uint8).max()), "0 and 1")


def _refusal(name: str, field: str, value: object, allowed: str) -> ModelFileError:
    """The error for the entry of one tensor: its value and the allowed values."""
    problem = f"its tensor {reprlib.repr(name)} has {field} {reprlib.repr(value)}"
    return ModelFileError(f"{problem}: allowed is {allowed}, it was damaged or made by hand")
