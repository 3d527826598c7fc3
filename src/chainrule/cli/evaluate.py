"""`chainrule evaluate`: compare the answers of a model with the true values in a table."""

import math
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.answers import answering
from chainrule.cli.console import say, write_json
from chainrule.cli.mistakes import show_mistakes
from chainrule.cli.options import AsJson
from chainrule.text import counted, number, short, words

__all__ = ["evaluate", "show_scores", "show_targets"]


def evaluate(
    model: Path,
    data: Path,
    /,
    *,
    target: Annotated[
        str | None,
        Parameter(
            help="A file with the targets, if the table has none. For an estimator or a network, whose file does not "
            "name its targets, also a column of the table, or several separated by commas.",
            negative="",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Compare the answers of a model with the true values in a table.

    Parameters
    ----------
    model
        A file that `train` or cr.save wrote: a model, an estimator or a network.
    data
        A table with the target and the columns that the model was trained on, in any order.
    """
    scores = answering(model).scores(data, target)
    if as_json:
        write_json(scores)
    else:
        show_scores(scores)
    return 0


def show_scores(scores: dict[str, Any]) -> None:
    """Write the number of rows, one line of scores for each target, then the mistakes."""
    without = scores["without_target"]
    more = f" ({without:,} more without a target)" if without else ""
    say(f"{counted(scores['rows'], 'row')}{more}")
    show_targets(scores)
    show_mistakes(scores["mistakes"])


def show_targets(scores: dict[str, Any]) -> None:
    """Write one line for each target, and one for all number targets together; undefined scores are left out."""
    overall = {"overall": scores["overall"]} if "overall" in scores else {}
    for name, values in [*scores["targets"].items(), *overall.items()]:
        defined = {label: value for label, value in values.items() if not math.isnan(value)}
        say(f"{short(name)}: " + ", ".join(f"{words(label)} {number(value)}" for label, value in defined.items()))
