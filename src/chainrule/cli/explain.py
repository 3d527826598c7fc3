"""`chainrule explain`: which columns a model uses, why it answers a row as it does, and what other cells would do."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.explaining import Explaining, explaining
from chainrule.cli.options import AsJson, TrueTargets
from chainrule.errors import SettingError
from chainrule.model.dependence import HIGH, LOW
from chainrule.text import counted, number, short, shown

__all__ = ["explain"]

MOST = 20  # lines that are shown


def explain(
    model: Path,
    data: Path,
    /,
    *,
    row: Annotated[
        int | None,
        Parameter(help="Explain the answer for one row, numbered from 1, against the table's mean row.", metavar="N"),
    ] = None,
    what_if: Annotated[
        tuple[str, ...],
        Parameter(
            help="With --row: the answers with other cells, as age=20,40,60; repeat the option for more columns, whose "
            "values are combined.",
            metavar="COLUMN=CELL,CELL",
            negative="",
            n_tokens=1,
        ),
    ] = (),
    column: Annotated[
        str | None, Parameter(help="Show the mean answer for values of this column.", metavar="COLUMN", negative="")
    ] = None,
    group: Annotated[
        tuple[str, ...],
        Parameter(
            help="Columns whose cells are permuted together, as a+b; repeat the option for more.",
            metavar="COLUMN+COLUMN",
            negative="",
            n_tokens=1,
        ),
    ] = (),
    target: TrueTargets = None,
    repeats: Annotated[int, Parameter(help="Number of permutations of each column.")] = 5,
    seed: Annotated[int, Parameter(help="Seed of the permutations.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Show which columns a model uses, why it answers a row as it does, or how its answer depends on a column.

    Parameters
    ----------
    model
        A file that `train` or cr.save wrote: a model or an estimator.
    data
        A table with the columns that the model was trained on; without --row and --column also with the target.
    """
    explained = explaining(model, data, target)
    if row is not None and column is not None:
        raise SettingError("--row explains one answer, --column all of them: give one of the two")
    if what_if and row is None:
        raise SettingError("--what-if changes the cells of one row: add --row N")
    if what_if:
        values = dict(_values(text, explained.columns) for text in what_if)
        _what_if(explained.what_if(_number(row), values), as_json)
    elif row is not None:
        _row(explained.contributions(row), as_json)
    elif column is not None:
        _column(explained.dependence(column), as_json)
    else:
        groups = {name: name.split("+") for name in group}
        _importance(explained, groups, repeats, seed, as_json)
    return 0


def _number(row: int | None) -> int:
    assert row is not None, "the caller has checked it"
    return row


def _values(text: str, columns: Sequence[str]) -> tuple[str, list[str]]:
    """The column and the values of `age=20,40,60`, where a name may have = in it, and a value with commas is quoted.

    >>> _values('a=b=1,"2,5",', ["a=b"])
    ('a=b', ['1', '2,5', ''])
    """
    known = [name for name in columns if text.startswith(f"{name}=")]
    name = max(known, key=len, default=text.partition("=")[0])
    if not text.startswith(f"{name}="):
        raise SettingError(f"--what-if is {shown(text)}, but must be a column and its values, such as age=20,40,60")
    return name, next(csv.reader([text[len(name) + 1 :]]), [""])


def _importance(explained: Explaining, groups: Any, repeats: int, seed: int, as_json: bool) -> None:
    importance = explained.importance(groups=groups, repeats=repeats, seed=seed)
    if as_json:
        write_json(importance.document())
        return
    say(f"{counted(importance.rows, 'row')}; how much worse each score is when the cells of a column are permuted")
    for target in importance.scores:
        if len(importance.scores) > 1:
            say(short(target))
        table = importance.table(target)
        show_table(importance.heads(target), table[:MOST], 1)
        _say_more(len(table))


def _row(contributions: Any, as_json: bool) -> None:
    if as_json:
        write_json(contributions.document())
        return
    for j, name in enumerate(contributions.outputs):
        answer, base = contributions.answer[j], contributions.base[j]
        say(f"{short(name)}: {number(answer)}, for the mean row {number(base)}")
        rows = [
            (short(column), short(contributions.cells[column]), _signed(value))
            for column, value in contributions.ranked(name)
        ]
        show_table(("column", "cell", "contribution"), rows[:MOST], 2)
        _say_more(len(rows))
    say(f"contributions add up to the differences, but for {contributions.gap:.1g}")


def _what_if(changes: Any, as_json: bool) -> None:
    if as_json:
        write_json(changes.document())
        return
    heads = (*map(short, changes.columns), "answer", *(f"by {short(name)}" for name in changes.columns))
    for j, name in enumerate(changes.outputs):
        say(f"{short(name)}: {number(changes.answer[j])} as it is")
        rows = list(_changed(changes.cells, changes.answers[:, j], changes.contributions, j))
        show_table(heads, rows[:MOST], len(changes.columns))
        _say_more(len(rows))
    say(f"contributions add up to the differences, but for {changes.gap:.1g}")


def _changed(cells: Any, answers: Any, contributions: Mapping[str, Any], j: int) -> Iterator[tuple[str, ...]]:
    """A line for each combination: its cells, the answer, and how far each of them moves it."""
    for k, own in enumerate(cells):
        moved = (_signed(by_output[k, j]) for by_output in contributions.values())
        yield (*map(short, own), number(answers[k]), *moved)


def _signed(value: float) -> str:
    """A difference as the numbers beside it are written.

    >>> _signed(224812.34), _signed(-0.5)
    ('+224,812.3', '-0.5')
    """
    return f"{'+' if value >= 0 else ''}{number(value)}"


def _column(dependence: Any, as_json: bool) -> None:
    if as_json:
        write_json(dependence.document())
        return
    count, column = counted(len(dependence.curves), "row"), short(dependence.column)
    say(f"mean answers over {count}, by {column}; in brackets eight in ten")
    parts = dependence.mean, dependence.quantile(LOW), dependence.quantile(HIGH)
    rows = [
        (short(value), *(f"{number(m)} ({number(low)} to {number(high)})" for m, low, high in zip(*own, strict=True)))
        for value, own in zip(dependence.values, zip(*parts, strict=True), strict=True)
    ]
    show_table((column, *map(short, dependence.outputs)), rows, 1)


def _say_more(count: int) -> None:
    if count > MOST:
        say(f"and {count - MOST} more; --json has all")
