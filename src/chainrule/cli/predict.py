"""`chainrule predict`: predict the target for each row of a table."""

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from cyclopts import Parameter

from chainrule.cli.answer_columns import Choice, Threshold, rule_of
from chainrule.cli.answers import Answering, answering
from chainrule.cli.console import say, write_json
from chainrule.cli.files import check_output
from chainrule.cli.options import AsJson, Interval, Sets, StoredModel
from chainrule.cli.parts import answer_parts, digest_of_file, place_among_hosts
from chainrule.cli.streams import print_note
from chainrule.cli.training_options import listed
from chainrule.errors import SettingError
from chainrule.files.atomic import atomic_write
from chainrule.model.uncertain import Certainty
from chainrule.tables.sources import as_source, open_stream

__all__ = ["predict"]


def predict(
    model: StoredModel,
    data: Path,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="The CSV file to write. Default: stdout.", negative="")] = None,
    ids: Annotated[
        tuple[str, ...],
        listed(
            "Columns of the table to write before the answers, such as the number of a customer.",
            "COLUMN,COLUMN",
            name="--id",
        ),
    ] = (),
    threshold: Annotated[
        str | None,
        Parameter(
            help="For a target of two classes: the least probability of the second class at which it is the answer, or "
            "CLASS=PROBABILITY for one by name; or a rule, as for --threshold of `train`. Default: what the model was "
            "trained with, or else the class that is more probable.",
            negative="",
            metavar="P|CLASS=P|RULE",
            show_default=False,
        ),
    ] = None,
    probabilities: Annotated[bool, Parameter(help="Add a column for each class with its probability.")] = True,
    interval: Interval = None,
    sets: Sets = None,
    sets_by: Annotated[
        Literal["lac", "aps", "raps"],
        Parameter(
            help="How sets are made: lac for the smallest ones, aps for larger ones where rows are harder, raps with "
            "fewer large ones.",
            negative="",
        ),
    ] = "lac",
    spread: Annotated[
        bool,
        Parameter(help="Add a column for each target with how far the members of the model are apart.", negative=""),
    ] = False,
    by_part: Annotated[
        bool,
        Parameter(
            help="Answer each file of a folder in a file of its own in the folder --out. Answers that are there and "
            "newer than their part are kept, so that the same command goes on where another ended.",
            negative="",
        ),
    ] = False,
    host: Annotated[
        str | None,
        Parameter(
            help="With --by-part, the parts of host I of N alone, from 0; 'auto' for what mpirun, srun or the "
            "variables JAX_NUM_PROCESSES and JAX_PROCESS_ID say.",
            metavar="auto|I/N",
            negative="",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Predict the target for each row of a table, as CSV: the target's column, then the probability of each class.

    Parameters
    ----------
    data
        A table with the columns that the model was trained on, in any order; - reads CSV or JSON lines from standard
        input. A network, or an estimator that was fitted to an array, takes all columns in their order, except those of
        --id.
    """
    rule, certainty = rule_of(threshold), Certainty(interval, sets, sets_by, spread)
    _check_parts(by_part, host, out)
    choice = Choice(ids, probabilities, Threshold.of(threshold) if threshold and not rule else None, certainty)
    predictor = answering(model) if rule is None else answering(model).deciding(rule)
    if by_part and out is not None:
        made_by: dict[str, Any] = {
            "model": digest_of_file(model),
            "ids": ids,
            "threshold": threshold,
            "probabilities": probabilities,
        }
        made_by |= {"interval": interval, "sets": sets, "sets by": sets_by, "spread": spread}
        answers_of = partial(_answers, predictor, choice=choice)
        answer_parts(data, out, place_among_hosts(host), made_by, answers_of, _write_to, as_json)
        _note_drift(predictor)
        return 0
    if out is None:
        write = _write_lines if as_json else _write_to(sys.stdout.buffer)
        for block in _answers(predictor, data, choice):
            write(block)
        _note_drift(predictor)
        return 0
    check_output(out, model, data)
    answers, rows, names = _answers(predictor, data, choice), 0, []
    with atomic_write(out) as stream:
        write = _write_to(stream)
        for block in answers:
            write(block)
            rows, names = rows + len(next(iter(block.values()))), list(block)
    if as_json:
        drift = predictor.drift()
        known = {} if drift is None else {"drift": drift.document()}
        write_json({"rows": rows, "columns": names, "out": str(out), **known})
    else:
        say(f"{rows:,} answers ({', '.join(names)}) in {out}")
        _note_drift(predictor)
    return 0


def _check_parts(by_part: bool, host: str | None, out: Path | None) -> None:
    """Raise SettingError where the options for parts lack one another."""
    if host is not None and not by_part:
        raise SettingError("--host shares the parts of a folder: add --by-part")
    if by_part and out is None:
        raise SettingError("--by-part writes a file for each part: add --out FOLDER")


def _note_drift(predictor: Answering) -> None:
    """Write a line to stderr if the rows differ from those of training."""
    if drift := predictor.drift():
        print_note(str(drift))


def _answers(predictor: Answering, data: Path, choice: Choice) -> Iterator[dict[str, Any]]:
    """The columns to write, a block of rows at a time; what cannot be answered at all is refused at once."""
    return predictor.answers(open_stream(data) or as_source(data), choice)


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

    return pa.table({name: pa.array(_cells(values)) for name, values in columns.items()})


def _cells(values: Any) -> Any:
    """The cells of a column; lists of classes as one text, with ; between them."""
    if not len(values) or not isinstance(values[0], list):
        return values
    return [";".join(str(each).lower() if isinstance(each, bool) else str(each) for each in row) for row in values]
