"""Options that all commands share."""

from typing import Annotated

from cyclopts import Parameter

__all__ = ["AsJson"]

AsJson = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Write for programs: one JSON object a line.")
]
