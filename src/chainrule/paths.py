"""What is at a path: a regular file can be read at once and again, a pipe, a device or a socket cannot."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = [
    "STDIN",
    "FileStamp",
    "NotRegularError",
    "descriptor_of",
    "kind_of",
    "open_regular",
    "require_regular",
    "stamp_of",
]

STDIN = Path("/dev/stdin")  # by this name on every system
_DESCRIPTORS = (Path("/dev/fd"), Path("/proc/self/fd"))
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegularError(OSError):
    """A path that is not a regular file; `kind` says what it is, in words."""

    def __init__(self, path: str | os.PathLike[str], kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}: name a regular file", os.fspath(path))
        self.kind = kind


class FileStamp(NamedTuple):
    """What differs once a file was replaced, appended to, truncated or written again."""

    device: int
    inode: int
    size: int
    modified_ns: int


def kind_of(mode: int) -> str:
    """What has this `st_mode`, in words; "" for a regular file.

    >>> kind_of(0o010644), kind_of(0o100644)
    ('a pipe', '')
    """
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "not a file")


def require_regular(path: str | os.PathLike[str], status: os.stat_result) -> None:
    """Raise NotRegularError unless the status is that of a regular file."""
    kind = kind_of(status.st_mode)
    if kind:
        raise NotRegularError(path, kind)


def descriptor_of(path: str | os.PathLike[str]) -> int | None:
    """The number of the stream of this process that a path names, such as standard input; None for any other path.

    >>> descriptor_of("/dev/stdin"), descriptor_of("/dev/fd/63"), descriptor_of("table.csv")
    (0, 63, None)
    """
    path = Path(path)
    if path == STDIN:
        return 0
    number = path.name
    return int(number) if path.parent in _DESCRIPTORS and number.isascii() and number.isdigit() else None


def stamp_of(path: str | os.PathLike[str]) -> FileStamp:
    """The stamp of the file at the path, which is not opened.

    Raises NotRegularError for anything but a regular file, OSError where there is none.
    """
    status = Path(path).stat()
    require_regular(path, status)
    return FileStamp(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, opened to be read. Nothing else is opened, because to open a pipe may wait for ever.

    Raises NotRegularError for anything but a regular file, OSError where there is none.
    """
    require_regular(path, Path(path).stat())
    stream = Path(path).open("rb")  # noqa: SIM115 - the caller closes it
    try:
        require_regular(path, os.fstat(stream.fileno()))  # it may have been replaced in between
    except NotRegularError:
        stream.close()
        raise
    return stream
