"""`chainrule predict`: predict the target for each row of a table."""

import sys
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from cyclopts import Parameter

from chainrule.cli.answers import answering
from chainrule.cli.console import say, write_json
from chainrule.cli.files import check_output
from chainrule.cli.options import AsJson, StoredModel
from chainrule.files.atomic import atomic_write

__all__ = ["predict"]


def predict(
    model: StoredModel,
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
    data
        A table with the columns that the model was trained on, in any order. A network, or an estimator that was fitted
        to an array, takes all columns in their order.
    """
    if out is None:
        write = _write_lines if as_json else _write_to(sys.stdout.buffer)
        for answers in answering(model).answers(data, probabilities):
            write(answers)
        return 0
    check_output(out, model, data)
    predictor, rows, columns = answering(model), 0, []
    with atomic_write(out) as stream:
        write = _write_to(stream)
        for answers in predictor.answers(data, probabilities):
            write(answers)
            rows, columns = rows + len(next(iter(answers.values()))), list(answers)
    if as_json:
        write_json({"rows": rows, "columns": columns, "out": str(out)})
    else:
        say(f"{rows:,} answers ({', '.join(columns)}) in {out}")
    return 0


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
