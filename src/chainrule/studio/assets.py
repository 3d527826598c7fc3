"""The files of the view, one by one for the server, joined into one script and one style for others."""

from __future__ import annotations

import functools
import re
from pathlib import Path

__all__ = ["TYPES", "VIEW", "asset", "script", "style"]

VIEW = Path(__file__).parent / "view"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}

_IMPORT = re.compile(r"^import (\{[^}]*\}|\w+) from \"\./([\w./]+)\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
_DEFAULT = re.compile(r"^export \{ (\w+) as default \};\n?", re.MULTILINE)


def asset(name: str) -> tuple[bytes, str] | None:
    """A file of the view and its type; None for a name that there is not."""
    return _assets().get(name)


@functools.cache
def _assets() -> dict[str, tuple[bytes, str]]:
    """Every file by its name: a path is never made of what a request says."""
    files = [path for path in VIEW.rglob("*") if path.is_file() and path.suffix in TYPES]
    return {path.relative_to(VIEW).as_posix(): (path.read_bytes(), TYPES[path.suffix]) for path in files}


def style() -> str:
    """All styles, joined."""
    return "\n".join((VIEW / name).read_text("utf-8") for name in _styles())


def _styles() -> list[str]:
    return re.findall(r'href="(style/[\w.-]+\.css|vendor/[\w.-]+\.css)"', (VIEW / "index.html").read_text("utf-8"))


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
