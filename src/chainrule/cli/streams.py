"""Standard input, output and errors as a command finds them: a terminal, a pipe, a full disk, or closed.

A failure to write names standard output like any other file, and nothing is tried again when Python ends.
"""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from chainrule.text import printable

__all__ = ["complain", "finish", "prepare"]

NAME = "standard output"


class _Output(io.BufferedWriter):
    """A buffer of stdout whose errors say what they are about.

    It stands above the descriptor's own writing, which a signal then finds done or not begun, never done and forgotten:
    that would be written twice.
    """

    def write(self, data: Any, /) -> int:
        with _naming():
            return super().write(data)

    def flush(self) -> None:
        with _naming():
            super().flush()


@contextlib.contextmanager
def _naming() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = NAME
        raise


def prepare() -> None:
    """Make the three streams usable; a letter that a terminal does not have is written as its code.

    A closed one is opened first, so that no file of ours gets its number: output then fails as on a full disk,
    errors go nowhere.
    """
    for number, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        if _is_closed(number):
            os.open(os.devnull, mode)  # takes the lowest number that is free
    sys.stderr = sys.stderr or _text(io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8")
    if sys.stdout is None or (_is_descriptor(sys.stdout, 1) and os.name == "posix"):  # elsewhere a console is special
        sys.stdout = _text(_Output(io.FileIO(1, "w", closefd=False)), sys.stdout.encoding if sys.stdout else "utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def finish() -> None:
    """Let what could not be written to stdout go, so that the end of the process does not try once more."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        if _is_descriptor(sys.stdout, 1):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def complain(text: str, debug: bool = False) -> None:
    """One line on stderr, after the traceback of the error at hand with `debug`; nobody may be there to read it."""
    with contextlib.suppress(OSError, ValueError):
        if debug:
            traceback.print_exc()
        print(f"chainrule: {printable(text)}", file=sys.stderr)


def _text(buffer: io.BufferedWriter, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(buffer, encoding, line_buffering=buffer.isatty())


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def _is_descriptor(stream: Any, number: int) -> bool:
    """Whether it writes to this descriptor of the process: what stands in for it, in a test, does not."""
    try:
        return isinstance(stream, io.TextIOWrapper) and stream.fileno() == number
    except (OSError, ValueError):
        return False
