"""Reads the bytes of a safetensors file; for another kind of file, the error says what the file seems to be."""

import os
import stat
import struct
from pathlib import Path

from chainrule.errors import ModelFileError

MAX_HEADER = 16 * 2**20  # bytes
SMALLEST = 10  # bytes: the length of the header, then {}
_KNOWN_STARTS = {
    b"PK\x03\x04": "a zip archive (.npz, .pt, .keras)",
    b"\x80": "a pickle (.pkl, .joblib, .pt)",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x89HDF": "an HDF5 file (.h5)",
    b"PAR1": "a Parquet table",
    b"\x1f\x8b": "a gzip archive",
}


def read_raw(source: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file; the first ones are checked before the rest is read.

    Raises ModelFileError for a folder, a device or another kind of file; OSError where reading fails.
    """
    if not stat.S_ISREG(Path(source).stat().st_mode):
        raise ModelFileError("it is a folder or a device: name a model file")
    with Path(source).open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        _check_start(stream.read(256), size)
        stream.seek(0)
        raw = stream.read(size)
    if len(raw) != size:
        raise ModelFileError(f"it shrank from {size} to {len(raw)} bytes while it was read: try again")
    return raw


def data_start(raw: bytes) -> int:
    """The position of the byte where the header ends and the tensors begin.

    >>> data_start(bytes([56, 0, 0, 0, 0, 0, 0, 0]) + b"{}")
    64
    """
    return 8 + int(struct.unpack_from("<Q", raw)[0])


def _check_start(start: bytes, size: int) -> None:
    """Check the first bytes of a safetensors file: the length of the header, then a brace."""
    if size < SMALLEST or len(start) < SMALLEST:
        raise ModelFileError(f"it has {size} bytes, fewer than any model: it is empty or was cut short")
    end = data_start(start)
    if end > 8 + MAX_HEADER or start[8:9] != b"{":
        raise ModelFileError(f"it is {_likely_kind(start)}, not a safetensors file: name a model that chainrule saved")
    if end > size:
        raise ModelFileError(f"its header ends at byte {end}, but the file at {size}: it was cut short")


def _likely_kind(start: bytes) -> str:
    """The kind of file that the first bytes suggest, in words."""
    for magic, kind in _KNOWN_STARTS.items():
        if start.startswith(magic):
            return kind
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in start):
        return "text (such as CSV or JSON)"
    return f"something that starts with {start[:8]!r}"
