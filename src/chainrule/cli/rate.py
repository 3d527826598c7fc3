"""`chainrule rate`: find a learning rate for a table by the range test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter

from chainrule.cli import values
from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.files import check_output, is_file
from chainrule.cli.options import AsJson, ConfigFile
from chainrule.cli.streams import print_note
from chainrule.cli.training_options import RateOptions, TableToTrain, TargetColumns, training_on
from chainrule.plots import check_picture
from chainrule.text import number
from chainrule.training import RangeTest

__all__ = ["rate"]

LINES = 12  # rates in the table

_DEFAULTS = RateOptions()


def rate(
    data: TableToTrain,
    /,
    *,
    target: TargetColumns,
    lowest: Annotated[float, Parameter(help="Learning rate of the first update.")] = 1e-6,
    highest: Annotated[float, Parameter(help="Learning rate of the last update.")] = 10.0,
    updates: Annotated[int, Parameter(help="Number of updates, from 10.", converter=values.count())] = 200,
    options: Annotated[RateOptions, Parameter(name="*")] = _DEFAULTS,
    plot: Annotated[
        Path | None, Parameter(help="Plot cost over learning rate into this file: .png, .svg or .pdf.", negative="")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Find a learning rate for a table: the range test."""
    if plot is not None:
        check_output(plot, data, *(Path(name) for name in target if is_file(name)), option="--plot")
        check_picture(plot)
    training = training_on(data, target, options)
    test = training.find_learning_rate(lowest, highest, updates)
    if config:
        print_note(f"options from {config}")
    if plot is not None:
        test.plot(plot)
    if as_json:
        numbers = {"rates": test.rates, "costs": test.costs, "smooth": test.smooth}
        write_json({"suggestion": test.suggestion, **numbers, "plot": None if plot is None else str(plot)})
    else:
        for note in training.notes:
            say(note)
        _show(test, training.settings.rule.name, updates, plot)
        if training.settings.start == "linear":
            say(
                "training begins from the best linear model, where the cost has little left to fall: more --updates, or"
            )
            say("--start random, make the suggestion steadier")
    return 0 if test.suggestion is not None else 1


def _show(test: RangeTest, rule: str, updates: int, plot: Path | None) -> None:
    """Write some of the rates with their costs, and the suggestion."""
    made = len(test.rates)
    say(f"{made} of {updates} updates by {rule}" + (", until the cost exploded" if made < updates else ""))
    show_table(("learning rate", "cost", ""), _lines(test), 0)
    if plot is not None:
        say(f"curve plotted in {plot}")
    if test.suggestion is None:
        say("no suggestion: the cost only rises, so try a smaller --lowest")
    else:
        rate = f"{test.suggestion:.2g}"
        say(
            f"suggestion: {rate}, where the cost falls most steeply; use it by --learning-rate {rate}, all else as here"
        )


def _lines(test: RangeTest) -> Iterator[tuple[str, str, str]]:
    """Some rates, evenly from the first to the last, and the suggested one, with their averaged costs."""
    suggested = [] if test.suggestion is None else [test.rates.index(test.suggestion)]
    some = np.linspace(0, len(test.rates) - 1, min(LINES, len(test.rates))).round().astype(int)
    smooth: list[Any] = test.smooth
    for k in sorted({*some.tolist(), *suggested}):
        yield f"{test.rates[k]:.2g}", number(smooth[k]), "steepest" if k in suggested else ""
