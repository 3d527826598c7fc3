"""The bytes of a file, read once they begin as a safetensors file does; else a word on what it is."""

import os
import stat
import struct
from pathlib import Path

from chainrule.errors import ModelFileError

MAX_HEADER = 16 * 2**20  # bytes
SMALLEST = 10  # bytes: a header's length and {}
_KNOWN_STARTS = {
    b"PK\x03\x04": "a zip archive (.npz, .pt, .keras)",
    b"\x80": "a pickle (.pkl, .joblib, .pt)",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"\x89HDF": "an HDF5 file (.h5)",
    b"PAR1": "a Parquet table",
    b"\x1f\x8b": "a gzip archive",
}


def read_raw(source: str | os.PathLike[str]) -> bytes:
    """Return the whole of a regular file, having looked at its first bytes before reading the rest.

    Raises ModelFileError for a folder, a device and what is no safetensors file; OSError where reading fails.
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
    """Return the byte at which the header ends and the tensors begin.

    >>> data_start(bytes([56, 0, 0, 0, 0, 0, 0, 0]) + b"{}")
    64
    """
    return 8 + int(struct.unpack_from("<Q", raw)[0])


def _check_start(start: bytes, size: int) -> None:
    """Refuse what is no safetensors file by its first bytes: the header's length, then a brace."""
    if size < SMALLEST or len(start) < SMALLEST:
        raise ModelFileError(f"it has {size} bytes, fewer than any model: it is empty or was cut short")
    end = data_start(start)
    if end > 8 + MAX_HEADER or start[8:9] != b"{":
        raise ModelFileError(f"it is {_likeness(start)}, not a safetensors file: name a model that chainrule saved")
    if end > size:
        raise ModelFileError(f"its header ends at byte {end} and the file at {size}: it was cut short")


def _likeness(start: bytes) -> str:
    """Say what the file looks like, for someone who named the wrong one."""
    for magic, words in _KNOWN_STARTS.items():
        if start.startswith(magic):
            return words
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in start):
        return "text (such as CSV or JSON)"
    return f"something that starts with {start[:8]!r}"
