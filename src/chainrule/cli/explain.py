"""`chainrule explain`: which columns a model uses, why it answers a row as it does, and how it depends on a column."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.options import AsJson
from chainrule.errors import SettingError
from chainrule.files import load
from chainrule.model import Model
from chainrule.tables.chunks import one_row, with_file_name, with_row_numbers
from chainrule.tables.names import require_columns
from chainrule.tables.sources import Source, as_source
from chainrule.text import number, short

__all__ = ["explain"]

MOST = 20  # columns that are shown


def explain(
    model: Path,
    data: Path,
    /,
    *,
    row: Annotated[
        int | None, Parameter(help="Explain the answer for one row, numbered from 1, against the table's mean row.")
    ] = None,
    column: Annotated[
        str | None, Parameter(help="Show the mean answer for values of this column.", negative="")
    ] = None,
    group: Annotated[
        tuple[str, ...],
        Parameter(
            help="Columns whose cells are permuted together, as a+b; repeat the option for more.",
            negative="",
            n_tokens=1,
        ),
    ] = (),
    repeats: Annotated[int, Parameter(help="Number of permutations of each column.")] = 5,
    seed: Annotated[int, Parameter(help="Seed of the permutations.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Show which columns a model uses, why it answers a row as it does, or how its answer depends on a column.

    Parameters
    ----------
    model
        A file that `train` wrote.
    data
        A table with the columns that the model was trained on; without --row and --column also with the target.
    """
    stored, source = load(model), as_source(data)
    if not isinstance(stored, Model):
        kind = type(stored).__name__
        raise SettingError(f"{str(model)!r}: it has a {kind}, which does not know the columns of a table: give a model")
    if row is not None and column is not None:
        raise SettingError("--row explains one answer, --column all of them: give one of the two")
    if row is not None:
        _row(stored, source, row, as_json)
    elif column is not None:
        _column(stored, source, column, as_json)
    else:
        groups = {name: name.split("+") for name in group}
        _importance(stored, source, groups, repeats, seed, as_json)
    return 0


def _importance(model: Model, source: Source, groups: Any, repeats: int, seed: int, as_json: bool) -> None:
    importance = model.importance(source, groups=groups, repeats=repeats, seed=seed)
    if as_json:
        write_json(importance.document())
        return
    say(f"{importance.rows:,} rows; how much worse each score is when the cells of a column are permuted")
    for target in model.targets.names:
        if len(model.targets.names) > 1:
            say(short(target))
        table = importance.table(target)
        show_table(importance.heads(target), table[:MOST], 1)
        _say_more(len(table))


def _row(model: Model, source: Source, row: int, as_json: bool) -> None:
    names = model.encoder.columns
    require_columns(source.names, names, "input", source.hint)
    with with_file_name(source), with_row_numbers(np.array([row - 1])):
        contributions = model.contributions(one_row(source, names, row), background=source)
    if as_json:
        write_json(contributions.document())
        return
    for j, name in enumerate(contributions.outputs):
        answer, base = contributions.answer[j], contributions.base[j]
        say(f"{short(name)}: {number(answer)}, for the mean row {number(base)}")
        rows = [
            (short(column), short(contributions.cells[column]), f"{value:+.4g}")
            for column, value in contributions.ranked(name)
        ]
        show_table(("column", "cell", "contribution"), rows[:MOST], 2)
        _say_more(len(rows))


def _column(model: Model, source: Source, column: str, as_json: bool) -> None:
    dependence = model.dependence(source, column)
    if as_json:
        write_json(dependence.document())
        return
    say(f"mean answers over {len(dependence.curves):,} rows, by {short(column)}")
    means = dependence.mean
    rows = [(short(value), *(number(mean) for mean in means[k])) for k, value in enumerate(dependence.values)]
    show_table((short(column), *map(short, dependence.outputs)), rows, 1)


def _say_more(count: int) -> None:
    if count > MOST:
        say(f"and {count - MOST} more; --json has all")
