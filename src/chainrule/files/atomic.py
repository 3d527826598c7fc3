"""Writes a file completely or not at all: into a temporary file in the same folder, then one rename."""

import contextlib
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from chainrule.paths import NotRegularError, kind_of

try:
    import fcntl
except ImportError:  # on Windows a file that is open cannot be removed, so no lock is needed there
    fcntl = None  # type: ignore[assignment]

__all__ = ["atomic_write", "check_target", "discard_unfinished"]

_unfinished: set[Path] = set()  # temporary files of this process that are being written


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a binary file that replaces `path` when the block ends, and never before.

    After an exception the old file is unchanged. After a kill it is unchanged too, but a hidden `.chainrule-*.tmp`
    remains, which the next write of the same path removes. The new file has the permissions of the old one, or those of
    the umask. A symbolic link is kept: the file that it points to is replaced. A device, and a pipe that somebody
    reads, are written to directly.

    Raises OSError with the path where nothing can be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.bin")
    ...     with atomic_write(path) as stream:
    ...         _ = stream.write(b"every byte")
    ...     path.read_bytes()
    b'every byte'
    """
    with _errors_name_path(path):
        old = _status(path)
        if old is not None and not stat.S_ISREG(old.st_mode):
            with _open_special(path, old) as stream:
                yield stream
            return
        with _replacing(Path(os.path.realpath(path)), old) as stream:
            yield stream


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the OSError that `atomic_write` would raise, before hours of work: no such folder, or the path is a folder.

    A named pipe, a socket and a disk are refused, because whoever reads a pipe may be gone when the work is done.

    >>> check_target("no/such/folder/model.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] its folder does not exist, create it first: ...
    """
    with _errors_name_path(path):
        old = _status(path)
        if old is None or stat.S_ISREG(old.st_mode):
            target = Path(os.path.realpath(path))
            temporary = _temporary(target)
            _create(temporary, target).close()
            temporary.unlink()
        elif not _takes_bytes(path, old):
            raise NotRegularError(path, kind_of(old.st_mode))


def discard_unfinished() -> None:
    """Remove the unfinished temporary files of a process that is about to exit without cleanup."""
    for temporary in list(_unfinished):
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def _replacing(target: Path, old: os.stat_result | None) -> Iterator[BinaryIO]:
    """Give a new file in the target's folder: renamed to it on success, removed on any exception."""
    _remove_leftovers(target)
    temporary = _temporary(target)
    _unfinished.add(temporary)
    try:
        with _create_locked(temporary, target) as stream:
            _copy_mode(temporary, old)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    finally:
        _unfinished.discard(temporary)
    _sync_folder(target.parent)


def _status(path: str | os.PathLike[str]) -> os.stat_result | None:
    """The status of the file at the path, None if there is none; raises OSError for a folder or a read-only file."""
    try:
        status = Path(path).stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder, name a file in it", os.fspath(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only, choose another name", os.fspath(path))
    return status


def _temporary(target: Path) -> Path:
    """An unused name in the folder of the target, by which leftovers of the same target are known."""
    return target.parent / f"{_prefix(target)}{secrets.token_hex(8)}.tmp"


def _prefix(target: Path) -> str:
    return f".chainrule-{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]}-"


def _remove_leftovers(target: Path) -> None:
    """Remove the temporary files of this target that no process writes any more: those that are not locked."""
    with contextlib.suppress(OSError):
        for leftover in target.parent.glob(f"{_prefix(target)}*.tmp"):
            with contextlib.suppress(OSError), leftover.open("rb") as stream:
                if fcntl is not None:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an OSError where it is locked
                leftover.unlink()


def _create_locked(temporary: Path, target: Path) -> BinaryIO:
    """Open a new file that is locked until it is closed, or its process ends, where the file system has locks."""
    stream = _create(temporary, target)
    with contextlib.suppress(OSError):
        if fcntl is not None:
            fcntl.flock(stream, fcntl.LOCK_EX)
    if os.fstat(stream.fileno()).st_nlink:
        return stream
    stream.close()  # another process took it for a leftover before it was locked
    return _create_locked(temporary, target)


def _takes_bytes(path: str | os.PathLike[str], status: os.stat_result) -> bool:
    """Whether it is a device such as the null device, or a pipe that is open already, such as /dev/stdout."""
    is_open = stat.S_ISFIFO(status.st_mode) and not Path(os.path.realpath(path)).exists()
    return stat.S_ISCHR(status.st_mode) or is_open


def _open_special(path: str | os.PathLike[str], status: os.stat_result) -> BinaryIO:
    """Open a device or a pipe at once; raises OSError for a pipe that nobody reads, instead of waiting for ever."""
    if stat.S_ISBLK(status.st_mode) or stat.S_ISSOCK(status.st_mode):
        raise NotRegularError(path, kind_of(status.st_mode))
    try:
        descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise NotRegularError(path, "a pipe that nobody reads") from None
        raise
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb")


def _create(temporary: Path, target: Path) -> BinaryIO:
    """Open a new file; an error names the target, not the temporary file."""
    try:
        return temporary.open("xb")
    except FileNotFoundError as error:
        reason = "its folder does not exist, create it first"
        raise FileNotFoundError(error.errno, reason, str(target)) from None
    except OSError as error:
        reason = f"no file can be created in its folder ({error.strerror})"
        raise OSError(error.errno, reason, str(target)) from None


def _copy_mode(temporary: Path, old: os.stat_result | None) -> None:
    """Give the temporary file the permissions of the file that it will replace."""
    if old is not None and stat.S_IMODE(temporary.stat().st_mode) != old.st_mode & 0o777:
        temporary.chmod(old.st_mode & 0o777)


def _sync_folder(folder: Path) -> None:
    """Make the rename durable; where a file system cannot, the file is complete all the same."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _errors_name_path(path: str | os.PathLike[str]) -> Iterator[None]:
    """Add the path to an OSError without a file name, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise
