"""`chainrule predict`: an answer for each row of a table."""

import sys
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

from cyclopts import Parameter

from chainrule.cli.console import say, write_json
from chainrule.cli.files import check_output, load_model
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
        write = _write_lines if as_json else _write_to(sys.stdout.buffer)
        for answers in _answers(load_model(model), data, probabilities):
            write(answers)
        return 0
    check_output(out, model, data)
    found, rows, columns = load_model(model), 0, []
    with atomic_write(out) as stream:
        write = _write_to(stream)
        for answers in _answers(found, data, probabilities):
            write(answers)
            rows, columns = rows + len(next(iter(answers.values()))), list(answers)
    if as_json:
        write_json({"rows": rows, "columns": columns, "out": str(out)})
    else:
        say(f"{rows:,} answers ({', '.join(columns)}) in {out}")
    return 0


def _answers(model: "Model", data: Path, probabilities: bool) -> Iterator[dict[str, Any]]:
    """The columns to write, by name, some rows at a time: a table may be larger than memory."""
    for outputs in model.outputs_by_block(data):
        answers, chances = model.targets.decode(outputs), model.targets.probabilities(outputs) if probabilities else {}
        twice = sorted(answers.keys() & chances.keys())
        if twice:
            raise SettingError(f"two columns would be named {twice[0]!r}: add --no-probabilities")
        yield {**answers, **chances}


def _write_lines(columns: dict[str, Any]) -> None:
    """One JSON object for each row."""
    for row in zip(*(values.tolist() for values in columns.values()), strict=True):
        write_json(dict(zip(columns, row, strict=True)))


def _write_to(stream: BinaryIO) -> Callable[[dict[str, Any]], None]:
    """What writes some rows as CSV after those before; the first ones with the line of names."""
    from pyarrow import csv

    lines_of_names = chain([True], repeat(False))

    def write(columns: dict[str, Any]) -> None:
        csv.write_csv(_table(columns), stream, csv.WriteOptions(include_header=next(lines_of_names)))
        stream.flush()

    return write


def _table(columns: dict[str, Any]) -> Any:
    import pyarrow as pa

    return pa.table({name: pa.array(values) for name, values in columns.items()})
