"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["AsJson", "ConfigFile"]

AsJson = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Write for programs: one JSON object a line.")
]

ConfigFile = Annotated[
    Path | None,
    Parameter(
        name="--config",
        negative="",
        help="A file with more options; without it chainrule.toml, here or in the nearest folder above; "
        "'none' reads none.",
    ),
]
