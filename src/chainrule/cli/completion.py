"""`chainrule completion`: the script that lets a shell complete commands, options, their choices and file names."""

import os
from pathlib import PurePath
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from chainrule.errors import SettingError

__all__ = ["completion"]

Shell = Literal["bash", "zsh", "fish"]


def completion(
    shell: Annotated[Shell | None, Parameter(help="The shell; by default the one in $SHELL.", negative="")] = None,
    /,
) -> int:
    """Print the script that lets the shell complete commands, options, their choices and file names."""
    from chainrule.cli import build

    print(build().generate_completion(prog_name="chainrule", shell=shell or _login_shell()), end="")
    return 0


def _login_shell() -> Shell:
    """The user's login shell, from $SHELL."""
    name = PurePath(os.environ.get("SHELL", "")).name
    for shell in get_args(Shell):
        if name == shell:
            return shell
    raise SettingError(f"the shell is {name or 'not known'!r}: name one of {', '.join(get_args(Shell))}")
