"""`chainrule.toml`: options in a file, for the commands that take `--config`.

    [train]
    target = "price"
    hidden = [64, 64]
    learning-rate = 0.01

Each table has the name of a command, each key the name of an option. A value is written as on the command line; a list
repeats the option; weights of classes and kinds of columns may be a table.

The file is the one that `--config` names, else the first `chainrule.toml` in the current folder and its parents. An
option on the command line overrides the file. Options that name a file to write are not taken from a folder above.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cyclopts import App, ArgumentCollection, Token
from cyclopts.argument import Argument

from chainrule.cli.streams import print_note
from chainrule.errors import SettingError
from chainrule.paths import open_regular
from chainrule.text import LONGEST, shortened, shown

__all__ = ["FILE", "Config"]

FILE = "chainrule.toml"
OPTION = "--config"
WRITING = {"out", "plot", "checkpoint"}  # options that name a file to write
OF_TABLES = {"--class-weight", "--as"}  # options whose value may be a table
LARGEST = 1 << 16  # bytes of the file
MOST_POINTS = 200  # in a line: Python takes time that is quadratic in those of a key
MOST_BITS = 1024  # of a whole number, which is then below the largest float64


class Config:
    """Takes the options that the command line leaves out from a file."""

    def __init__(self, commands: Iterable[str]) -> None:
        self._commands = list(commands)
        self._path, self._keys = "", ""

    def with_source(self, text: str) -> str:
        """An error about options, with the file and the keys that some of the options come from."""
        return text if not self._keys or self._path in text else f"{text} (from {self._path}: {self._keys})"

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        """Add the file's options to the arguments of a command (cyclopts calls it)."""
        option = next((argument for argument in arguments if OPTION in argument.names), None)
        named = bool(option and option.tokens)
        path = option and _path(option)
        if not option or not path:
            return
        table = _table(_read(path), path, commands[-1], self._commands)
        if not named and path.parent != Path.cwd():
            table = _without_writing(table, path, arguments)
        missing = {key: value for key, value in table.items() if not _argument(arguments, key, path).tokens}
        for key, value in missing.items():
            _fill(_argument(arguments, key, path), key, value, path)
        option.tokens = [Token(keyword=OPTION, value=str(path), source="cli")] if missing else []
        self._path, self._keys = str(path), ", ".join(missing)


def _path(option: Argument) -> Path | None:
    """The file that `--config` names, else the nearest one; None for `--config none`, or if there is no file."""
    if option.tokens:
        name = option.tokens[-1].value
        option.tokens = []
        return None if name.lower() == "none" else Path(name)
    try:
        here = Path.cwd()
    except OSError:  # the folder was removed
        return None
    return next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)


def _without_writing(table: dict[str, Any], path: Path, arguments: ArgumentCollection) -> dict[str, Any]:
    """The table of a file above the current folder without options that would write; a line names them."""
    ignored = [key for key in table if key in WRITING]
    unset = [key for key in ignored if not _argument(arguments, key, path).tokens]
    if unset:
        print_note(
            f"{path}: {', '.join(unset)} ignored: a file to write is named on the command line or in a {FILE} of the "
            "current folder"
        )
    return {key: value for key, value in table.items() if key not in ignored}


def _read(path: Path) -> dict[str, Any]:
    with open_regular(path) as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise SettingError(f"{path}: it has more than {LARGEST >> 10} KiB, but must be a TOML file of some options")
    if any(line.count(b".") > MOST_POINTS for line in content.splitlines()):
        raise SettingError(f"{path}: a line has more than {MOST_POINTS} points: a key is the name of an option")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: it is not a TOML file in UTF-8: {shortened(str(error))}") from None
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else "a number with too many digits"
        raise SettingError(f"{path}: a value in it is {what}: a value is text, a number or a list of these") from None


def _table(document: dict[str, Any], path: Path, command: str, names: list[str]) -> dict[str, Any]:
    """The table of the command; every table must have the name of a command."""
    for name, value in document.items():
        if name not in names or not isinstance(value, dict):
            raise SettingError(
                f"{path}: there is no table [{shortened(name)}]: put the options of {command} into [{command}]"
            )
    return document.get(command, {})


def _argument(arguments: ArgumentCollection, key: str, path: Path) -> Argument:
    """The option that a key names, with - or _ between words."""
    by_name = {name: argument for argument in arguments for name in argument.positives if name != OPTION}
    options = {name.removeprefix("--"): argument for name, argument in by_name.items() if name.startswith("--")}
    option = options.get(key.replace("_", "-"))
    if option is None:
        close = difflib.get_close_matches(key[:LONGEST], options, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "a key is the name of an option, without the leading dashes"
        raise SettingError(f"{path}: there is no option {shown(key)}: {hint}")
    return option


def _fill(option: Argument, key: str, value: Any, path: Path) -> None:
    for token in _tokens(option, value):
        if token is None:
            allowed = "true or false" if option.is_flag() else "text or a number"
            raise SettingError(f"{path}: {key} is {shown(value)}, but must be {allowed}")
        option.append(token.evolve(keyword=f"{key} in {path}", source="cli"))


def _tokens(option: Argument, value: Any) -> Iterator[Token | None]:
    """The tokens that the command line would make of a value; None for a value that cannot be written there."""
    if option.is_flag():
        yield Token(implicit_value=value) if isinstance(value, bool) else None
    elif isinstance(value, list) and _takes_several(option):
        yield from (token for part in value or [""] for token in _tokens(option, part))
    elif isinstance(value, dict) and OF_TABLES & set(option.names):
        yield Token(value=json.dumps(value, default=str))
    else:
        plain = isinstance(value, str | int | float) and not isinstance(value, bool)
        plain = plain and not (isinstance(value, int) and value.bit_length() > MOST_BITS)
        yield Token(value=str(value)) if plain else None


def _takes_several(option: Argument) -> bool:
    return getattr(option.hint, "__origin__", None) is tuple
