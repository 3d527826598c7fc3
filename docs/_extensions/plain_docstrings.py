"""Our docstrings are plain text; this makes them reStructuredText in which every letter means what it says.

A `name` becomes code, or a link if it is public; docs/page.md becomes a link to the page; an argument in front of a
colon becomes bold. Paragraphs that begin with `>>>` are examples; indented ones, and trees, stand as they are.
"""

import inspect
import re
from collections.abc import Collection, Iterator
from itertools import groupby
from typing import Any


def restructured(lines: list[str], public: Collection[str], arguments: Collection[str] = ()) -> Iterator[str]:
    """The lines of a docstring as reStructuredText.

    >>> list(restructured(["w: 2 w* x, where `Adam` has `w`."], public={"Adam"}, arguments={"w"}))
    ['**w**: 2 w\\\\* x, where :py:obj:`~chainrule.Adam` has ``w``.', '']
    """
    for filled, part in groupby(lines, key=lambda line: bool(line.strip())):
        if filled:
            yield from _paragraph(list(part), public, arguments)
            yield ""


def _paragraph(lines: list[str], public: Collection[str], arguments: Collection[str]) -> Iterator[str]:
    if lines[0].startswith(">>>"):
        yield from lines
    elif lines[0].startswith("    ") or any(line.startswith(("├", "└")) for line in lines):
        yield from ("::", "", *("    " + line for line in lines))
    elif lines[0].startswith("- "):
        yield from (line[:2] + _text(line[2:], public, arguments) for line in lines)
    else:
        yield _text(" ".join(lines), public, arguments)


def _text(text: str, public: Collection[str], arguments: Collection[str]) -> str:
    parts = re.split(r"`([^`]+)`", text)
    plain = [_plain(part, arguments) for part in parts[::2]]
    quoted = [_code(part, public) for part in parts[1::2]]
    return "".join(part for pair in zip(plain, [*quoted, ""], strict=True) for part in pair)


def _plain(text: str, arguments: Collection[str]) -> str:
    """What means something in reStructuredText escaped, and `names, of arguments:` in bold."""
    escaped = re.sub(r"([\\*_|])", r"\\\1", text)

    def bold(found: re.Match[str]) -> str:
        names = re.findall(r"[\w\\]+(?=,|:| and )", found[0])
        named = all(name.replace("\\", "") in arguments for name in names)
        return re.sub(r"([\w\\]+)(?=,|:| and )", r"**\1**", found[0]) if named else found[0]

    linked = re.sub(r"docs/([\w-]+)\.md", r":doc:`/\1`", escaped)
    return re.sub(r"(?<![\w\\.])(?:[\w\\]+(?:, | and ))*[\w\\]+:(?=\s)", bold, linked)


def _code(code: str, public: Collection[str]) -> str:
    name = code.removeprefix("cr.").removeprefix("chainrule.")
    return f":py:obj:`~chainrule.{name}`" if name in public else f"``{code}``"


def setup(app: Any) -> dict[str, bool]:
    """Have autodoc read our docstrings this way."""
    import chainrule

    def process(_app: Any, _what: str, _name: str, documented: Any, _options: Any, lines: list[str]) -> None:
        try:
            arguments = set(inspect.signature(documented).parameters)
        except (TypeError, ValueError):
            arguments = set()
        lines[:] = restructured(lines, chainrule.__all__, arguments)

    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True}
