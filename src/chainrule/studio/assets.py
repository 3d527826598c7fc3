"""The files of the view: modules and styles, joined into one script and one style, so that the page opens at once."""

from __future__ import annotations

import functools
import re
from pathlib import Path

__all__ = ["VIEW", "asset", "assets", "script", "style"]

VIEW = Path(__file__).parent / "view"
STYLES = (
    "vendor/uPlot.min.css", "style/base.css", "style/layout.css", "style/controls.css", "style/picture.css",
    "style/panels.css",
)  # fmt: skip

_IMPORT = re.compile(r"^import (\{[^}]*\}|\w+) from \"\./([\w./]+)\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
_DEFAULT = re.compile(r"^export \{ (\w+) as default \};\n?", re.MULTILINE)


def asset(name: str) -> tuple[bytes, str] | None:
    """A file of the page and its type; None for a name that there is not."""
    return assets().get(name)


@functools.cache
def assets() -> dict[str, tuple[bytes, str]]:
    """What the page loads, by name, with its type: a path is never made of what a request says."""
    return {
        "index.html": ((VIEW / "index.html").read_bytes(), "text/html"),
        "icon.svg": ((VIEW / "icon.svg").read_bytes(), "image/svg+xml"),
        "studio.css": (style().encode(), "text/css"),
        "studio.js": (script("main.js").encode(), "text/javascript"),
    }


def style() -> str:
    """All styles, joined."""
    return "\n".join((VIEW / name).read_text("utf-8") for name in STYLES)


def script(entry: str) -> str:
    """A module with all that it imports as one script: each module is a function that runs once, after its imports."""
    return "\n".join(_module(name) for name in joined(entry))


def joined(entry: str) -> list[str]:
    """The modules that an entry needs, in order, itself last."""
    order: list[str] = []

    def visit(name: str) -> None:
        for _, needed in _IMPORT.findall((VIEW / name).read_text("utf-8")):
            if needed not in order:
                visit(needed)
        if name not in order:
            order.append(name)

    visit(entry)
    return order


def _module(name: str) -> str:
    """A module as a function that is called at once: it takes what it imports and returns what it exports."""
    text = (VIEW / name).read_text("utf-8")
    taken = [
        f"const {names if names.startswith('{') else '{ default: ' + names + ' }'} = {_variable(source)};\n"
        for names, source in _IMPORT.findall(text)
    ]
    default = _DEFAULT.search(text)
    exports = [f"default: {default[1]}"] if default else _EXPORT.findall(text)
    body = _DEFAULT.sub(
        "", re.sub(r"^export (?=async|function|const|let|class)", "", _IMPORT.sub("", text), flags=re.M)
    )
    return f"const {_variable(name)} = (() => {{\n{''.join(taken)}{body}\nreturn {{ {', '.join(exports)} }};\n}})();"


def _variable(name: str) -> str:
    return "module_" + re.sub(r"\W", "_", name)
