"""Writes settings as a `chainrule.toml`, from which the command line reads them as options."""

import dataclasses
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.fields import settings_of
from chainrule.files.atomic import atomic_write
from chainrule.model.settings import TableSettings
from chainrule.text import shown

__all__ = ["check_option_file", "write_options"]

FIRST = "# Written by chainrule tune"


def check_option_file(path: str | os.PathLike[str]) -> None:
    """Raise SettingError for a file that is there and that was not written by `write_options`."""
    file = Path(path)
    if not file.exists():
        return
    try:
        with file.open(encoding="utf-8") as stream:
            ours = stream.readline(len(FIRST)).startswith(FIRST)
    except UnicodeDecodeError:
        ours = False
    if not ours:
        raise SettingError(f"{file}: it is there already, with options of your own: name another file")


def write_options(path: str | os.PathLike[str], command: str, settings: Mapping[str, Any], line: str) -> None:
    """Write settings as the options of a command.

    - path: the file; an older one is replaced if it is from here.
    - command: the name of the command.
    - settings: "target" and settings of a table that have an option.
    - line: a comment for the top.

    Raises SettingError for a setting that has no option, or a value that cannot be written, such as a function or a
    table in memory; OSError where the file cannot be written.
    """
    check_option_file(path)
    lines = [f"{FIRST}, {line}", "", f"[{command}]"]
    for name, value in settings.items():
        lines += [f"{key.replace('_', '-')} = {_text(name, part)}" for key, part in _options(name, value).items()]
    with atomic_write(path) as file:
        file.write(("\n".join(lines) + "\n").encode())


def _options(name: str, value: Any) -> dict[str, Any]:
    """The options that make a setting: `clip` has one for each bound. Raises SettingError where there is none."""
    if name == "clip" and dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f"clip_{bound}": part for bound, part in dataclasses.asdict(value).items() if 0 < part < math.inf}
    known = settings_of(TableSettings)
    if name != "target" and (name not in known or not known[name].group):
        raise SettingError(f"{name} is {shown(value)}, which has no option: the settings cannot be written to a file")
    return {name: value}


def _text(name: str, value: Any) -> str:
    """A value as TOML."""
    if value is None:
        return '"none"' if name != "batch_size" else '"all"'
    if isinstance(value, str | os.PathLike):
        return _quoted(os.fspath(value))
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if name in ("class_weight", "rates") and isinstance(value, Mapping):
        return _quoted(json.dumps(value) if name == "class_weight" else _pairs(value))
    if isinstance(value, list | tuple) and all(isinstance(part, str | int) for part in value):
        return _quoted("") if not value else "[" + ", ".join(_text(name, part) for part in value) + "]"
    document = value.document() if hasattr(value, "document") else value
    if isinstance(document, Mapping) and "name" in document:
        parameters = {key: part for key, part in document.items() if key != "name"}
        if all(isinstance(part, bool | int | float) for part in parameters.values()):
            return _quoted(document["name"] + (f":{_pairs(parameters)}" if parameters else ""))
    raise SettingError(f"{name} is {shown(value)}, which no option can say: the settings cannot be written to a file")


def _pairs(values: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={json.dumps(value)}" for name, value in values.items())


def _quoted(text: str) -> str:
    """A text as TOML writes it, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
