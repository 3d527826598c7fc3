"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["AsJson", "ConfigFile"]

AsJson = Annotated[
    bool,
    Parameter(name="--json", negative="", show_default=False, help="Write JSON for programs, one object on each line."),
]

ConfigFile = Annotated[
    Path | None,
    Parameter(
        name="--config",
        negative="",
        help="A file with more options. Default: chainrule.toml in this folder or the nearest one above; "
        "'none' reads no file.",
    ),
]
