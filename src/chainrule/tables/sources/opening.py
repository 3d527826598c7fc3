"""Opening files: plain or compressed, by the end of the name; and why one cannot be read, in words."""

from __future__ import annotations

import gzip
import importlib
import zlib
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from chainrule.errors import DataError
from chainrule.tables.arrow import pa

__all__ = ["PACKED", "UNREADABLE", "open_bytes", "require_packing", "unpacked_name", "why_unreadable"]

try:
    from lzma import LZMAError
except ImportError:  # not every build of Python has it
    LZMAError = EOFError  # type: ignore[assignment, misc]

UNREADABLE = (OSError, EOFError, zlib.error, LZMAError)


class _Packing(NamedTuple):
    name: str
    magic: bytes
    open: Any


def _open_by(module: str, path: Path) -> Any:
    """`bz2.open` or `lzma.open`: modules that not every build of Python has."""
    try:
        return importlib.import_module(module).open(path)
    except ImportError:
        raise DataError(f"{str(path)!r} needs Python's module {module}, which this Python lacks: unpack it") from None


def _open_zstd(path: Path) -> Any:
    return pa.input_stream(str(path), compression="zstd")


PACKED = {
    ".gz": _Packing("gzip", b"\x1f\x8b", gzip.open),
    ".bz2": _Packing("bzip2", b"BZh", partial(_open_by, "bz2")),
    ".xz": _Packing("xz", b"\xfd7zXZ\0", partial(_open_by, "lzma")),
    ".zst": _Packing("zstd", b"\x28\xb5\x2f\xfd", _open_zstd),
}


def open_bytes(path: Path) -> IO[bytes]:
    """The bytes of the file, unpacked if its name ends in `.gz`, `.bz2`, `.xz` or `.zst`."""
    packing = PACKED.get(path.suffix.lower())
    return path.open("rb") if packing is None else packing.open(path)


def unpacked_name(path: Path) -> str:
    """The file's name in lower case, without the ending of its compression.

    >>> unpacked_name(Path("data/Train.CSV.gz"))
    'train.csv'
    """
    name = path.name.lower()
    return name[: -len(path.suffix)] if path.suffix.lower() in PACKED else name


def require_packing(path: Path) -> None:
    """Raise DataError for a file that cannot be opened, or is compressed otherwise than its name says."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DataError(why_unreadable(path, error)) from None
    said = PACKED.get(path.suffix.lower())
    if said is not None and head and not said.magic.startswith(head[: len(said.magic)]):
        ending = path.suffix.lower()
        raise DataError(
            f"{str(path)!r} is not compressed with {said.name}, though its name ends in {ending}: rename it"
        )
    for ending, packing in PACKED.items():
        if said is None and head.startswith(packing.magic):
            raise DataError(
                f"{str(path)!r} is compressed with {packing.name}, but its name does not end in {ending}: rename it"
            )


def why_unreadable(path: Path, error: Exception) -> str:
    """The error of opening or unpacking a file, in one line."""
    if isinstance(error, FileNotFoundError):
        return f"there is no file {str(path)!r}: check the name and the folder"
    if isinstance(error, IsADirectoryError):
        return f"{str(path)!r} is a folder: name a file in it"
    damaged = isinstance(error, EOFError | zlib.error | LZMAError | gzip.BadGzipFile)
    if damaged or (path.suffix.lower() in PACKED and getattr(error, "errno", None) is None):
        return f"{str(path)!r} is damaged, its compressed data break off or do not unpack: get a new copy"
    return f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}"
