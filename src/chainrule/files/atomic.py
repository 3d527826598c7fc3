"""Writing a file whole or not at all: a temporary file beside it, then one rename."""

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
    """Give a binary file that takes the place of `path` when the block ends, and never before.

    What an exception leaves behind is the old file, byte for byte; what a killed process leaves behind is
    that and a hidden `.chainrule-*.tmp`. The new file has the old one's permissions, or the umask's. A link
    is written through to the file that it names. A device or pipe is written to directly.

    Raises OSError, naming the path, where nothing can be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "model.bin")
    ...     with atomic_write(path) as stream:
    ...         _ = stream.write(b"every byte")
    ...     path.read_bytes()
    b'every byte'
    """
    with _naming(path):
        old = _status(path)
        if old is not None and not stat.S_ISREG(old.st_mode):
            with Path(path).open("wb") as stream:
                yield stream
            return
        with _replacing(Path(os.path.realpath(path)), old) as stream:
            yield stream


def check_target(path: str | os.PathLike[str]) -> None:
    """Raise the OSError that `atomic_write` would raise at once, before hours of work: a folder in the way, no folder.

    >>> check_target("no/such/folder/model.safetensors")
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] its folder does not exist, create that first: ...
    """
    with _naming(path):
        old = _status(path)
        if old is None or stat.S_ISREG(old.st_mode):
            target = Path(os.path.realpath(path))
            temporary = _temporary(target)
            _create(temporary, target).close()
            temporary.unlink()


def discard_unfinished() -> None:
    """Remove the temporary files that are being written, for a process that is about to end without unwinding."""
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
    """Return what lies at the path, None for nothing; a folder and a read-only file raise OSError."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder is in the way, name a file in it", os.fspath(path))
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "the file is read-only, choose another name", os.fspath(path))
    return found


def _temporary(target: Path) -> Path:
    """Return a name in the target's folder that nothing else uses."""
    return target.parent / f".chainrule-{secrets.token_hex(8)}.tmp"


def _create(temporary: Path, target: Path) -> BinaryIO:
    """Open a file that was not there before; where that fails the error names the target, not the temporary."""
    try:
        return temporary.open("xb")
    except FileNotFoundError as error:
        words = "its folder does not exist, create that first"
        raise FileNotFoundError(error.errno, words, str(target)) from None
    except OSError as error:
        words = f"its folder takes no new file ({error.strerror})"
        raise OSError(error.errno, words, str(target)) from None


def _copy_mode(temporary: Path, old: os.stat_result | None) -> None:
    """Give the temporary file the permissions of the file that it will replace."""
    if old is not None and stat.S_IMODE(temporary.stat().st_mode) != old.st_mode & 0o777:
        temporary.chmod(old.st_mode & 0o777)


def _sync_folder(folder: Path) -> None:
    """Ask the folder to keep the rename; the file is whole already where a file system cannot."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Add the path to an OSError that names no file, such as a full disk's."""
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename is None:
            error.filename = os.fspath(path)
        raise
