"""Options of the benchmarks' commands: what is not allowed is refused in one line."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from chainrule.errors import ChainruleError
from chainrule.text import shown

__all__ = ["chosen", "numbers", "one_line", "whole", "writable"]


def whole(name: str, text: str | float, least: int) -> int:
    """A whole number from `least` on.

    >>> whole("--rounds", "5", 1)
    5
    """
    with contextlib.suppress(ValueError, OverflowError):
        if int(text) >= least:
            return int(text)
    raise SystemExit(f"{name} is {shown(text)}, but must be a whole number from {least} on")


def numbers(name: str, text: str, least: int) -> list[int]:
    """Whole numbers from `least` on, with commas between them.

    >>> numbers("--threads", "1,2", 1)
    [1, 2]
    """
    try:
        return [whole(name, part, least) for part in text.split(",")]
    except SystemExit:
        raise SystemExit(f"{name} is {shown(text)}, but must be whole numbers from {least} on, such as 1,2") from None


def chosen(name: str, names: Sequence[str], known: Sequence[str]) -> list[str]:
    """The names, each of which must be known; in their order."""
    if unknown := [each for each in names if each not in known]:
        raise SystemExit(f"{name} has {', '.join(map(shown, unknown))}: choose from {', '.join(known)}")
    return list(names)


def writable(name: str, path: Path) -> Path:
    """A file to write, whose folder is made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a"):
            return path
    except OSError as error:
        raise SystemExit(f"{name} is {path}, which cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Errors of chainrule as one line, in place of a traceback."""
    try:
        yield
    except ChainruleError as error:
        raise SystemExit(str(error)) from None
