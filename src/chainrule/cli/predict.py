"""`chainrule predict`: predict the target for each row of a table."""

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
    out: Annotated[Path | None, Parameter(help="The CSV file to write. Default: stdout.", negative="")] = None,
    probabilities: Annotated[bool, Parameter(help="Add a column for each class with its probability.")] = True,
    as_json: AsJson = False,
) -> int:
    """Predict the target for each row of a table, as CSV: the target's column, then the probability of each class.

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
    predictor, rows, columns = load_model(model), 0, []
    with atomic_write(out) as stream:
        write = _write_to(stream)
        for answers in _answers(predictor, data, probabilities):
            write(answers)
            rows, columns = rows + len(next(iter(answers.values()))), list(answers)
    if as_json:
        write_json({"rows": rows, "columns": columns, "out": str(out)})
    else:
        say(f"{rows:,} answers ({', '.join(columns)}) in {out}")
    return 0


def _answers(model: "Model", data: Path, probabilities: bool) -> Iterator[dict[str, Any]]:
    """The columns to write, by name, one block of rows at a time, because a table may be larger than memory."""
    for outputs in model.outputs_by_block(data):
        answers, chances = model.targets.decode(outputs), model.targets.probabilities(outputs) if probabilities else {}
        duplicates = sorted(answers.keys() & chances.keys())
        if duplicates:
            raise SettingError(f"two columns would be named {duplicates[0]!r}: add --no-probabilities")
        yield {**answers, **chances}


def _write_lines(columns: dict[str, Any]) -> None:
    """Write one JSON object for each row."""
    for row in zip(*(values.tolist() for values in columns.values()), strict=True):
        write_json(dict(zip(columns, row, strict=True)))


def _write_to(stream: BinaryIO) -> Callable[[dict[str, Any]], None]:
    """A function that writes a block of rows as CSV; the first block gets the header."""
    from pyarrow import csv

    with_header = chain([True], repeat(False))

    def write(columns: dict[str, Any]) -> None:
        csv.write_csv(_table(columns), stream, csv.WriteOptions(include_header=next(with_header)))
        stream.flush()

    return write


def _table(columns: dict[str, Any]) -> Any:
    import pyarrow as pa

    return pa.table({name: pa.array(values) for name, values in columns.items()})
