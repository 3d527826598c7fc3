"""Writes a file completely or not at all: into a temporary file in the same folder, then one rename."""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["atomic_write", "check_target", "discard_unfinished"]

_unfinished: set[Path] = set()  # temporary files of this process that are being written


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a binary file that replaces `path` when the block ends, and never before.

    After an exception the old file is unchanged. After a kill it is unchanged too, but a hidden `.chainrule-*.tmp`
    remains. The new file has the permissions of the old one, or those of the umask. A symbolic link is kept: the file
    that it points to is replaced. A device or pipe is written to directly.

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
            with Path(path).open("wb") as stream:
                yield stream
            return
        with _replacing(Path(os.path.realpath(path)), old) as stream:
            yield stream


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the OSError that `atomic_write` would raise, before hours of work: no such folder, or the path is a folder.

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


def discard_unfinished() -> None:
    """Remove the unfinished temporary files of a process that is about to exit without cleanup."""
    for temporary in list(_unfinished):
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def _replacing(target: Path, old: os.stat_result | None) -> Iterator[BinaryIO]:
    """Give a new file in the target's folder: renamed to it on success, removed on any exception."""
    temporary = _temporary(target)
    _unfinished.add(temporary)
    try:
        with _create(temporary, target) as stream:
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
    """An unused name in the folder of the target."""
    return target.parent / f".chainrule-{secrets.token_hex(8)}.tmp"


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
