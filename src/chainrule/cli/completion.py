"""`chainrule completion`: the script that makes a shell complete commands, options, their choices and file names."""

import os
from pathlib import PurePath
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from chainrule.errors import SettingError

__all__ = ["completion"]

Shell = Literal["bash", "zsh", "fish"]


def completion(
    shell: Annotated[Shell | None, Parameter(help="The shell; without it the one of $SHELL.", negative="")] = None,
    /,
) -> int:
    """Print the script that makes the shell complete commands, options, their choices and file names."""
    from chainrule.cli import build

    print(build().generate_completion(prog_name="chainrule", shell=shell or _own()), end="")
    return 0


def _own() -> Shell:
    """The shell that people log in with."""
    name = PurePath(os.environ.get("SHELL", "")).name
    for known in get_args(Shell):
        if name == known:
            return known
    raise SettingError(f"the shell is {name or 'not known'!r}: name one of {', '.join(get_args(Shell))}")
