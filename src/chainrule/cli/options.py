"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["AsJson", "ConfigFile", "Interval", "RowsWithTargets", "Sets", "StoredModel", "TrueTargets"]

StoredModel = Annotated[
    Path, Parameter(help="A file that `train` or cr.save wrote: a model, an estimator or a network.")
]

RowsWithTargets = Annotated[
    Path,
    Parameter(help="A table with the target and the columns that the model was trained on, in any order."),
]

TrueTargets = Annotated[
    str | None,
    Parameter(
        name="--target",
        help="A file with the targets, if the table has none. For an estimator or a network, whose file does not "
        "name its targets, also a column of the table, or several separated by commas.",
        metavar="COLUMN|FILE",
        negative="",
        show_default=False,
    ),
]

AsJson = Annotated[
    bool,
    Parameter(name="--json", negative="", show_default=False, help="Write JSON for programs, one object on each line."),
]

Interval = Annotated[
    float | None,
    Parameter(
        help="For numbers: the ends of an interval that has the true number in this share of new rows, such as 0.9.",
        metavar="SHARE",
        negative="",
        show_default=False,
    ),
]

Sets = Annotated[
    float | None,
    Parameter(
        help="For classes: a set of classes that has the true class in this share of new rows, such as 0.9.",
        metavar="SHARE",
        negative="",
        show_default=False,
    ),
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
