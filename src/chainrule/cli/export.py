"""`chainrule export`: write a model as a program that runs without chainrule."""

import dataclasses
import math
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from chainrule.cli.console import say, write_json
from chainrule.cli.files import check_output
from chainrule.cli.options import AsJson
from chainrule.errors import SettingError
from chainrule.export import FORMATS, Comparison, Program, check, format_of, input_columns, program_of_network
from chainrule.export import export as write
from chainrule.files import load
from chainrule.network import Network
from chainrule.tables.sources import Source, as_source

__all__ = ["export"]


def export(
    model: Path,
    /,
    *,
    to: Annotated[
        str | None,
        Parameter(help=f"The format: {', '.join(FORMATS)}. Default: by the ending of --out.", negative=""),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(help="The file to write. Default: the model's name with the ending of the format.", negative=""),
    ] = None,
    check_with: Annotated[
        Path | None,
        Parameter(
            name="--check",
            help="A table: run what was written on it, where this machine can, and show how its answers differ.",
            negative="",
        ),
    ] = None,
    dtype: Annotated[
        Literal["float32", "float64"] | None,
        Parameter(help="The type to compute in. Default: that of the model.", negative=""),
    ] = None,
    weights: Annotated[
        Literal["float16", "int8"] | None,
        Parameter(help="A smaller type to store the weights in, for C; --check shows what that costs.", negative=""),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write a model as a program that runs without chainrule: the preprocessing, the network, and the answers.

    Parameters
    ----------
    model
        A file that `train` or cr.save wrote: a model, an estimator or a network.
    """
    path = _beside(model, to) if out is None else out
    chosen = format_of(path, to)
    check_output(path, model, *([] if check_with is None else [check_with]))
    program = _program(model)
    table = None if check_with is None else _table(program, check_with)
    written = write(program, path, chosen.name, dtype=dtype, weights=weights)
    if not as_json:
        say(f"{path}: {chosen.title}, {path.stat().st_size:,} bytes")
    checked = None
    if table is not None:
        checked = check(program, written, chosen.runner(path, written), table)
        checked = checked if weights is None else [dataclasses.replace(each, allowed=math.inf) for each in checked]
    if as_json:
        write_json(_document(path, chosen.name, checked))
    elif checked is not None:
        for line in checked:
            say(str(line))
    return 0 if checked is None or all(each.ok for each in checked) else 1


def _beside(model: Path, to: str | None) -> Path:
    """The model's name with a format's ending. Raises SettingError without a format, and for a file that exists."""
    if to is None:
        raise SettingError(f"there is no format: name one with --to ({', '.join(FORMATS)}), or a file with --out")
    path = model.with_suffix(format_of("", to).ending)
    if path.exists():
        raise SettingError(f"{str(path)!r} exists: remove it, or name the file to write with --out")
    return path


def _program(model: Path) -> Program:
    """What the object in a file computes for a row."""
    stored = load(model)
    if isinstance(stored, Network):
        return program_of_network(stored.architecture, stored.theta).with_digest_of(stored)
    program: Program = stored.program
    return program


def _table(program: Program, path: Path) -> Source:
    """A table for --check. Raises DataError, before anything is written, for one without the inputs."""
    table = as_source(path)
    input_columns(program, table)
    return table


def _document(path: Path, format_name: str, checked: list[Comparison] | None) -> dict[str, object]:
    document: dict[str, object] = {"out": str(path), "format": format_name, "bytes": path.stat().st_size}
    if checked is not None:
        document["check"] = [
            {"target": c.target, "rows": c.rows, "labels": c.labels, "doubtful": c.doubtful, "largest": c.largest}
            | {"allowed": c.allowed, "ok": c.ok}
            for c in checked
        ]
    return document
