"""`chainrule predict`: an answer for each row of a table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

from cyclopts import Parameter

from chainrule.cli.console import say, write_json
from chainrule.cli.models import check_output, load_model
from chainrule.cli.options import AsJson
from chainrule.errors import SettingError
from chainrule.files.atomic import atomic_write

if TYPE_CHECKING:
    from chainrule.model import Model

__all__ = ["predict"]


def predict(
    model: Path,
    data: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Where the CSV goes; stdout without it.", negative="")] = None,
    probabilities: Annotated[bool, Parameter(help="Add a column for each class with its probability.")] = True,
    as_json: AsJson = False,
) -> int:
    """Answer for each row of a table, as CSV: the target's column, then the probability of each class.

    Parameters
    ----------
    model
        A model file that chainrule wrote.
    data
        A table with the columns that the model was trained on, in any order.
    """
    if out is None:
        answers = _answers(load_model(model), data, probabilities)
        if as_json:
            _write_lines(answers)
        else:
            _write(answers, sys.stdout.buffer)
        return 0
    check_output(out, model, data)
    columns = _answers(load_model(model), data, probabilities)
    with atomic_write(out) as stream:
        _write(columns, stream)
    rows = len(next(iter(columns.values())))
    if as_json:
        write_json({"rows": rows, "columns": list(columns), "out": str(out)})
    else:
        say(f"{rows:,} answers ({', '.join(columns)}) in {out}")
    return 0


def _answers(model: "Model", data: Path, probabilities: bool) -> dict[str, Any]:
    """The columns to write, by name."""
    outputs = model.outputs(data)
    answers, chances = model.targets.decode(outputs), model.targets.probabilities(outputs) if probabilities else {}
    twice = sorted(answers.keys() & chances.keys())
    if twice:
        raise SettingError(f"two columns would be named {twice[0]!r}: add --no-probabilities")
    return {**answers, **chances}


def _write_lines(columns: dict[str, Any]) -> None:
    """One JSON object for each row."""
    for row in zip(*(values.tolist() for values in columns.values()), strict=True):
        write_json(dict(zip(columns, row, strict=True)))


def _write(columns: dict[str, Any], stream: BinaryIO) -> None:
    import pyarrow as pa
    from pyarrow import csv

    csv.write_csv(pa.table({name: pa.array(values) for name, values in columns.items()}), stream)
    stream.flush()
