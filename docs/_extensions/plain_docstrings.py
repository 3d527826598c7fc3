"""Our docstrings are plain text; this makes them reStructuredText in which every letter means what it says.

A `name` becomes code, or a link if it is public. Paragraphs that begin with `>>>` are examples; indented ones stand as
they are.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any


def restructured(lines: list[str], public: set[str]) -> Iterator[str]:
    """The lines of a docstring as reStructuredText.

    >>> list(restructured(["2 w* x, where `Adam` has `w`."], public={"Adam"}))
    ['2 w\\\\* x, where :py:obj:`~chainrule.Adam` has ``w``.', '']
    """
    for filled, part in groupby(lines, key=lambda line: bool(line.strip())):
        if filled:
            yield from _paragraph(list(part), public)
            yield ""


def _paragraph(lines: list[str], public: set[str]) -> Iterator[str]:
    if lines[0].startswith(">>>"):
        yield from lines
    elif lines[0].startswith("    "):
        yield from ("::", "", *lines)
    elif lines[0].startswith("- "):
        yield from (line[:2] + _text(line[2:], public) for line in lines)
    else:
        yield _text(" ".join(lines), public)


def _text(text: str, public: set[str]) -> str:
    parts = re.split(r"`([^`]+)`", text)
    escaped = [re.sub(r"([\\*_|])", r"\\\1", part) for part in parts[::2]]
    quoted = [_code(part, public) for part in parts[1::2]]
    return "".join(part for pair in zip(escaped, [*quoted, ""], strict=True) for part in pair)


def _code(code: str, public: set[str]) -> str:
    name = code.removeprefix("cr.").removeprefix("chainrule.")
    return f":py:obj:`~chainrule.{name}`" if name in public else f"``{code}``"


def setup(app: Any) -> dict[str, bool]:
    """Have autodoc read our docstrings this way."""
    import chainrule

    def process(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
        lines[:] = restructured(lines, set(chainrule.__all__))

    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
