"""Prepares stdin, stdout and stderr, which may be a terminal, a pipe, a file on a full disk, or closed.

An error in writing names standard output like a file, and the write is not tried again when Python exits.
"""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from chainrule.text import printable

__all__ = [
    "error_descriptor",
    "finish",
    "has_said",
    "keep",
    "last_error",
    "only_errors",
    "prepare",
    "print_error",
    "print_note",
    "print_warning",
]

NAME = "standard output"
_errors: list[Any] = []  # where errors go, if nothing else is written
_kept: list[Any] = []  # the streams of `keep`
_said: list[str] = []  # the error lines of this process, or the line that says why it stops


class _Output(io.BufferedWriter):
    """A buffer of stdout whose errors name standard output.

    It writes to an unbuffered descriptor, so that a signal comes before or after a write is recorded. A write that is
    done but not recorded would be repeated.
    """

    def write(self, data: Any, /) -> int:
        with _errors_name_stdout():
            return super().write(data)

    def flush(self) -> None:
        with _errors_name_stdout():
            super().flush()


@contextlib.contextmanager
def _errors_name_stdout() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = NAME
        raise


def prepare() -> None:
    """Make the three streams usable; a character that the encoding lacks is written as its code.

    A closed descriptor is first opened on the null device, so that none of our files gets its number. Output to it then
    fails as on a full disk; errors are lost.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        if _is_closed(number):
            os.open(os.devnull, mode)  # takes the lowest free number
    sys.stderr = sys.stderr or _text(io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8")
    if sys.stdout is None or (_is_descriptor(sys.stdout, 1) and os.name == "posix"):  # Windows consoles need their own
        sys.stdout = _text(_Output(io.FileIO(1, "w", closefd=False)), sys.stdout.encoding if sys.stdout else "utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def finish() -> None:
    """Discard output that could not be written to stdout, so that Python does not try again when it exits."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        if _is_descriptor(sys.stdout, 1):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def print_error(text: str, debug: bool = False) -> None:
    """Write one line to stderr if it is open; with `debug`, the traceback of the current error comes first."""
    with contextlib.suppress(OSError, ValueError):
        if debug:
            traceback.print_exc()
        _said.append(text)
        print(f"chainrule: {printable(text)}", file=_errors[-1] if _errors else sys.stderr, flush=True)


def only_errors() -> None:
    """From now on write nothing but the lines of `print_error`, as a host does that is not the first."""
    _errors.append(sys.stderr)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def print_note(text: str) -> None:
    """Write one line to stderr if it is open, and go on."""
    with contextlib.suppress(OSError, ValueError):
        print(f"chainrule: {printable(text)}", file=sys.stderr)


def print_warning(message: Warning | str, *details: Any, **more: Any) -> None:
    """A warning as one line, in place of `warnings.showwarning`, which shows the path and the code of a library."""
    print_note(f"warning: {' '.join(str(message).split())}")


def has_said() -> bool:
    """Whether `print_error` has written a line."""
    return bool(_said)


def last_error() -> str:
    """The last line of `print_error`, "" if there is none."""
    return _said[-1] if _said else ""


def error_descriptor() -> int:
    """The descriptor that errors are written to."""
    return _errors[-1].fileno() if _errors else sys.stderr.fileno() if _kept else 2


def keep() -> None:
    """Write to stdout and stderr as they are now, and give other code of the process the null device in their place."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            kept = open(os.dup(number), "w", encoding=stream.encoding, errors="backslashreplace", buffering=1)  # noqa: SIM115, PTH123
            setattr(sys, name, kept)
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            _kept.append(kept)


def _text(buffer: io.BufferedWriter, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(buffer, encoding, line_buffering=buffer.isatty())


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _is_descriptor(stream: Any, number: int) -> bool:
    """Whether the stream writes to this descriptor of the process. A replacement, as in a test, does not."""
    try:
        return isinstance(stream, io.TextIOWrapper) and stream.fileno() == number
    except (OSError, ValueError):
        return False
