"""`chainrule.toml`: options in a file, for the commands that take `--config`.

    [train]
    target = "price"
    hidden = [64, 64]
    learning-rate = 0.01

A table is named after its command, a key after its option; a value is what the command line would take, a list is the
option given again and again. The file is the one that `--config` names, else the first `chainrule.toml` in the current
folder and those above it. What the command line gives, the file does not.
"""

import difflib
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection, Token
from cyclopts.argument import Argument

from chainrule.errors import SettingError

__all__ = ["FILE", "Config"]

FILE = "chainrule.toml"
OPTION = "--config"


class Config:
    """Fills in the options that the command line left out."""

    def __init__(self, commands: Iterable[str]) -> None:
        self._commands = list(commands)
        self._path, self._keys = "", ""

    def named(self, text: str) -> str:
        """What is wrong with the options, with the file that some of them came from."""
        return text if not self._keys or self._path in text else f"{text} (from {self._path}: {self._keys})"

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        """Add to a command's arguments what its file has for them (cyclopts calls it)."""
        option = next((argument for argument in arguments if OPTION in argument.names), None)
        path = option and _chosen(option)
        if not option or not path:
            return
        table = _table(_read(path), path, commands[-1], self._commands)
        found = {key: value for key, value in table.items() if not _argument(arguments, key, path).tokens}
        for key, value in found.items():
            _fill(_argument(arguments, key, path), key, value, path)
        option.tokens = [Token(keyword=OPTION, value=str(path), source="cli")] if found else []
        self._path, self._keys = str(path), ", ".join(found)


def _chosen(option: Argument) -> Path | None:
    """The file that was asked for, or the nearest one; None for `--config none`, or where there is none."""
    if option.tokens:
        asked = option.tokens[-1].value
        option.tokens = []
        return None if asked.lower() == "none" else Path(asked)
    here = Path.cwd()
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: it is no TOML file in UTF-8: {error}") from None


def _table(document: dict[str, Any], path: Path, command: str, names: list[str]) -> dict[str, Any]:
    """The command's own table; all others must be those of commands."""
    for name, value in document.items():
        if name not in names or not isinstance(value, dict):
            raise SettingError(f"{path}: there is no table [{name}]: options of a command go in its own, [{command}]")
    return document.get(command, {})


def _argument(arguments: ArgumentCollection, key: str, path: Path) -> Argument:
    """The option that a key names, with - or _ between words."""
    named = {name: argument for argument in arguments for name in argument.positives if name != OPTION}
    options = {name.removeprefix("--"): argument for name, argument in named.items() if name.startswith("--")}
    found = options.get(key.replace("_", "-"))
    if found is None:
        close = difflib.get_close_matches(key, options, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "keys are the options' names, without dashes in front"
        raise SettingError(f"{path}: there is no option {key!r}: {hint}")
    return found


def _fill(option: Argument, key: str, value: Any, path: Path) -> None:
    for token in _tokens(option, value):
        if token is None:
            allowed = "true or false" if option.is_flag() else "a text or a number"
            raise SettingError(f"{path}: {key} is {value!r}, but must be {allowed}")
        option.append(token.evolve(keyword=f"{key} in {path}", source="cli"))


def _tokens(option: Argument, value: Any) -> Iterator[Token | None]:
    """What the command line would have made of a value; None for one that it could not have given."""
    if option.is_flag():
        yield Token(implicit_value=value) if isinstance(value, bool) else None
    elif isinstance(value, list) and _takes_several(option):
        yield from (token for part in value or [""] for token in _tokens(option, part))
    else:
        plain = isinstance(value, str | int | float) and not isinstance(value, bool)
        yield Token(value=str(value)) if plain else None


def _takes_several(option: Argument) -> bool:
    return getattr(option.hint, "__origin__", None) is tuple
