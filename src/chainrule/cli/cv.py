"""`chainrule cv`: how good a model of a table is, on rows that it has not seen, beside other models."""

from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.files import open_table
from chainrule.cli.options import AsJson, ConfigFile
from chainrule.cli.streams import print_note
from chainrule.cli.training_options import TableToTrain, TargetColumns, TrainOptions, settings_of_table
from chainrule.cli.values import either, words
from chainrule.errors import SettingError
from chainrule.model import cross_validate
from chainrule.model.baselines import BASELINES
from chainrule.text import short

__all__ = ["cv"]

_DEFAULTS = TrainOptions()


def cv(
    data: TableToTrain,
    /,
    *,
    target: TargetColumns,
    folds: Annotated[int, Parameter(help="Number of parts; each is tested once.")] = 5,
    repeats: Annotated[int, Parameter(help="How often the rows are divided anew.")] = 1,
    compare: Annotated[
        Any,
        Parameter(
            converter=either(lambda _, tokens: tuple(name for t in tokens for name in words(t.value)), none=()),
            n_tokens=1,
            completer=lambda context: ["none", *BASELINES],
            help=f"Other models for the same rows, to compare with; 'none' for none. [{', '.join(BASELINES)}]",
            metavar="NAME,NAME",
            negative="",
            show_default=",".join,
        ),
    ] = tuple(BASELINES),
    options: Annotated[TrainOptions, Parameter(name="*")] = _DEFAULTS,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show how good a model of a table is on rows that it has not seen, beside a linear model and boosting."""
    source, targets = open_table(data, target)
    if not targets:
        raise SettingError("no target came: add --target COLUMN")
    if config:
        print_note(f"options from {config}")
    scores = cross_validate(
        source,
        targets,
        folds=folds,
        repeats=repeats,
        compare=compare,
        progress=None if as_json else _show_progress,
        **settings_of_table(options, source.names),
    )
    if as_json:
        write_json(scores.document())
        return 0
    say(f"{scores.rows:,} rows, {scores.how}; mean ± standard deviation, differences with 95% intervals")
    for name in scores.scores["network"]:
        if len(targets) > 1:
            say(short(name))
        show_table(scores.heads(), scores.table(name), 1)
    return 0


def _show_progress(done: int, count: int) -> Any:
    print_note(f"training {done + 1} of {count}")
