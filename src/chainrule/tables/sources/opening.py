"""Opening files: plain or compressed, by the end of the name; and why one cannot be read, in words."""

from __future__ import annotations

import contextlib
import gzip
import importlib
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from chainrule.errors import DataError
from chainrule.paths import NotRegularError, open_regular
from chainrule.tables.arrow import pa

__all__ = ["PACKED", "UNREADABLE", "open_bytes", "open_first", "unpacked_name", "why_unreadable"]

try:
    from lzma import LZMAError
except ImportError:  # not every build of Python has it
    LZMAError = EOFError  # type: ignore[assignment, misc]

UNREADABLE = (OSError, EOFError, zlib.error, LZMAError)


class _Packing(NamedTuple):
    name: str
    magic: bytes
    open: Any


def _open_zstd(raw: IO[bytes]) -> Any:
    return pa.input_stream(raw, compression="zstd")


def _open_by(module: str, raw: IO[bytes]) -> Any:
    """`bz2.open` or `lzma.open`: modules that not every build of Python has."""
    return importlib.import_module(module).open(raw)


PACKED = {
    ".gz": _Packing("gzip", b"\x1f\x8b", gzip.open),
    ".bz2": _Packing("bzip2", b"BZh", partial(_open_by, "bz2")),
    ".xz": _Packing("xz", b"\xfd7zXZ\0", partial(_open_by, "lzma")),
    ".zst": _Packing("zstd", b"\x28\xb5\x2f\xfd", _open_zstd),
}


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of the file, unpacked if its name ends in `.gz`, `.bz2`, `.xz` or `.zst`."""
    with open_regular(path) as raw, _unpacked(path, raw) as file:
        yield file


@contextlib.contextmanager
def open_first(path: Path) -> Iterator[IO[bytes]]:
    """The same for a file that was not opened before.

    Raises DataError if it cannot be opened or unpacked, and if it is compressed otherwise than its name says.
    """
    try:
        with open_regular(path) as raw:
            _require_packing(path, raw.read(8))
            raw.seek(0)
            with _unpacked(path, raw) as file:
                yield file
    except UNREADABLE as error:
        raise DataError(why_unreadable(path, error)) from None


def _unpacked(path: Path, raw: IO[bytes]) -> contextlib.AbstractContextManager[IO[bytes]]:
    packing = PACKED.get(path.suffix.lower())
    if packing is None:
        return contextlib.nullcontext(raw)
    try:
        return packing.open(raw)
    except ImportError as error:
        module = error.name
        raise DataError(f"{str(path)!r} needs Python's module {module}, which this Python lacks: unpack it") from None


def unpacked_name(path: Path) -> str:
    """The file's name in lower case, without the ending of its compression.

    >>> unpacked_name(Path("data/Train.CSV.gz"))
    'train.csv'
    """
    name = path.name.lower()
    return name[: -len(path.suffix)] if path.suffix.lower() in PACKED else name


def _require_packing(path: Path, head: bytes) -> None:
    """Raise DataError unless a file that begins with `head` is compressed as its name says."""
    ending = path.suffix.lower()
    packing = PACKED.get(ending)
    if packing is not None and head and not packing.magic.startswith(head[: len(packing.magic)]):
        raise DataError(
            f"{str(path)!r} is not compressed with {packing.name}, though its name ends in {ending}: rename it"
        )
    for other, actual in PACKED.items():
        if packing is None and head.startswith(actual.magic):
            raise DataError(
                f"{str(path)!r} is compressed with {actual.name}, but its name does not end in {other}: rename it"
            )


def why_unreadable(path: Path, error: Exception) -> str:
    """The error of opening or unpacking a file, in one line."""
    if isinstance(error, FileNotFoundError):
        return f"there is no file {str(path)!r}: check the name and the folder"
    if isinstance(error, IsADirectoryError):
        return f"{str(path)!r} is a folder: name a file in it"
    if isinstance(error, NotRegularError):
        return f"{str(path)!r} is {error.kind}, but a table is read several times: write it to a regular file first"
    damaged = isinstance(error, EOFError | zlib.error | LZMAError | gzip.BadGzipFile)
    if damaged or (path.suffix.lower() in PACKED and getattr(error, "errno", None) is None):
        return f"{str(path)!r} is damaged, its compressed data break off or do not unpack: get a new copy"
    return f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}"
