"""`chainrule evaluate`: compare the answers of a model with the true values in a table."""

import math
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.answers import answering
from chainrule.cli.console import say, write_json
from chainrule.cli.mistakes import show_mistakes
from chainrule.cli.options import AsJson, Interval, RowsWithTargets, Sets, StoredModel, TrueTargets
from chainrule.cli.training_options import listed
from chainrule.cli.values import words as names_in
from chainrule.model.scores import METRICS
from chainrule.model.uncertain import Certainty
from chainrule.text import counted, number, short, words

__all__ = ["evaluate", "show_scores", "show_targets"]


def evaluate(
    model: StoredModel,
    data: RowsWithTargets,
    /,
    *,
    target: TrueTargets = None,
    weight: Annotated[
        str | None,
        Parameter(
            help="Column of the weights of the rows, numbers from 0, by which the scores count them.",
            metavar="COLUMN",
            negative="",
        ),
    ] = None,
    metric: Annotated[
        tuple[str, ...],
        listed(f"More scores of a model. [{', '.join(METRICS)}]", "NAME,NAME", completer=lambda context: [*METRICS]),
    ] = (),
    interval: Interval = None,
    sets: Sets = None,
    as_json: AsJson = False,
) -> int:
    """Compare the answers of a model with the true values in a table."""
    answers, more = answering(model), [name for text in metric for name in names_in(text)]
    scores = answers.scores(data, target, weight, more, Certainty(interval, sets))
    if as_json:
        write_json(scores)
        return 0
    show_scores(scores)
    if drift := answers.drift():
        say("")
        say(str(drift))
    return 0


def show_scores(scores: dict[str, Any]) -> None:
    """Write the number of rows, one line of scores for each target, then the mistakes."""
    without = scores["without_target"]
    more = [f"{without:,} more without a target"] if without else []
    more += [f"{scores['weightless']:,} more of weight 0"] if scores.get("weightless") else []
    say(f"{counted(scores['rows'], 'row')}" + (f" ({', '.join(more)})" if more else ""))
    show_targets(scores)
    _show_coverage(scores.get("coverage", {}))
    show_mistakes(scores["mistakes"])


def show_targets(scores: dict[str, Any]) -> None:
    """Write one line for each target, and one for all number targets together; undefined scores are left out."""
    overall = {"overall": scores["overall"]} if "overall" in scores else {}
    for name, values in [*scores["targets"].items(), *overall.items()]:
        defined = {label: value for label, value in values.items() if not math.isnan(value)}
        say(f"{short(name)}: " + ", ".join(f"{words(label)} {number(value)}" for label, value in defined.items()))


def _show_coverage(coverage: dict[str, Any]) -> None:
    """Write a line for the intervals, or the sets, of each target."""
    for name, said in coverage.items():
        for what, values in said.items():
            size = (
                f"mean width {number(values['width'])}" if what == "interval" else f"{values['size']:.2f} classes each"
            )
            promised, real = f"{100 * values['promised']:g}%", f"{100 * values['coverage']:.1f}%"
            say(f"{short(name)}: {promised} {what}s have the true value in {real} of the rows, {size}")
