"""`chainrule suspects`: the rows of a table that may have a wrong label or odd values."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.options import AsJson, ConfigFile
from chainrule.cli.streams import print_note
from chainrule.cli.train import worth_saving
from chainrule.cli.training_options import TrainOptions, listed, training_on
from chainrule.errors import SettingError
from chainrule.fields import Whole
from chainrule.files import load
from chainrule.model import Model
from chainrule.text import counted, number, short
from chainrule.training.display import Display

__all__ = ["suspects"]

_DEFAULTS = TrainOptions()


def suspects(
    file: Path,
    data: Path | None = None,
    /,
    *,
    target: Annotated[
        tuple[str, ...],
        listed("Column whose cells may be wrong, or several; or a file with the target of each row.", "COLUMN|FILE"),
    ] = (),
    count: Annotated[int, Parameter(name=["--count", "-n"], help="Number of rows to show, at most.")] = 20,
    options: Annotated[TrainOptions, Parameter(name="*")] = _DEFAULTS,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Show the rows of a table that may have a wrong label or odd values, the most suspect first.

    Parameters
    ----------
    file
        A table as for `train`, with --target; or a model that `train` wrote, with DATA.
    data
        With a model: a table with the target and the columns that the model was trained on. Its rows should not be
        those of the training.
    """
    count = Whole(1).clean("n", count)
    if data is not None:
        if target or options != _DEFAULTS:
            raise SettingError("a model knows its target and is not trained again: leave out --target and its settings")
        document, held_out = _model_in(file).suspicious(count, data), 0
    else:
        if not target:
            raise SettingError("no target came: add --target COLUMN after the table, or give a model and a table")
        document, held_out = _of_training(file, target, options, count, as_json, config)
    if as_json:
        write_json(document)
    else:
        _show(document, held_out)
    return 0


def _model_in(path: Path) -> Model:
    """The model in a file. Raises SettingError where it has something else."""
    stored = load(path)
    if not isinstance(stored, Model):
        kind = type(stored).__name__
        raise SettingError(f"{str(path)!r}: it has a {kind}, which does not know the columns of a table: give a model")
    return stored


def _of_training(
    data: Path, target: tuple[str, ...], options: Any, count: int, as_json: bool, config: Path | None
) -> tuple[dict[str, Any], int]:
    """The suspects by a training on the table, and how many rows it held out."""
    training = training_on(data, target, options, self_influence=True)
    if config:
        print_note(f"options from {config}")
    for note in () if as_json else training.notes:
        say(note)
    s = training.settings
    may_end = s.patience is not None or s.tolerance is not None or s.rule.full_batch
    with Display(silent=as_json, lines=False, time=s.time, may_end=may_end, scores=training.scores) as display:
        for event in training.events():
            display.show(event)
    worth_saving(training)  # raises where nothing was learned
    return training.model.suspicious(count), 0 if training.held_out is None else len(training.held_out.X)


def _show(document: Mapping[str, Any], held_out: int) -> None:
    """Write the number of rows and the method, then a line for each suspect, whose rows count from 1."""
    say(f"{counted(document['rows'], 'row')}, scored by {document['method']}; the most suspect first")
    if held_out:
        say(f"{counted(held_out, 'row')} held out for validation without a score: --members 5 scores all rows")
    suspects = document["suspects"]
    heads = [head for name, cell in suspects[0]["targets"].items() for head in (short(name), *_heads(cell))]
    rows = [(number(each["row"] + 1), number(each["score"]), *_cells(each["targets"])) for each in suspects]
    show_table(("row", "score", *heads), rows, 0)


def _heads(cell: Mapping[str, Any]) -> tuple[str, ...]:
    return ("predicted", "probability") if "probability" in cell else ("predicted",)


def _cells(targets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The true value and the prediction for each target, and the probability of a class."""
    for cell in targets.values():
        if "said" in cell:
            yield from (short(cell["true"]), short(cell["said"]))
            yield from (f"{cell['probability']:.3f}",) if "probability" in cell else ()
        else:
            yield from (number(cell["true"]), number(cell["answer"]))
