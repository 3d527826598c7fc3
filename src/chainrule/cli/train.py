"""`chainrule train`: a table in, a model file out."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from chainrule.activations import ACTIVATIONS
from chainrule.cli.console import Board, number, say, words, write_json
from chainrule.cli.models import check_output
from chainrule.cli.options import AsJson, ConfigFile
from chainrule.cli.signals import Interrupt
from chainrule.cli.streams import complain
from chainrule.data.choosing import TASKS
from chainrule.data.tables import read_table
from chainrule.engines import ENGINES
from chainrule.errors import TrainingError
from chainrule.model import Model, Settings, TableTraining
from chainrule.optimizers import OPTIMIZERS
from chainrule.training import EpochEnd

__all__ = ["TrainOptions", "named", "run_training", "train", "worth_saving"]


def named(choices: Sequence[str], columns: list[str]) -> list[str]:
    """The columns that options name: each choice is a column's exact name, or several names separated by commas.

    >>> named(["a,b", "c, d"], ["a,b", "c", " d"])
    ['a,b', 'c', ' d']
    """
    trimmed = {column.strip(): column for column in columns}
    found: list[str] = []
    for choice in choices:
        parts = [choice] if choice in columns else [part for part in choice.split(",") if part.strip()]
        found += [part if part in columns else trimmed.get(part.strip(), part.strip()) for part in parts]
    return found


def _words(kind: Any, tokens: list[Token]) -> tuple[str, ...]:
    return tuple(token.value for token in tokens)


def _sizes(kind: Any, tokens: list[Token]) -> tuple[int, ...]:
    parts = [part.strip() for token in tokens for part in token.value.split(",") if part.strip()]
    return tuple(_whole(part) for part in parts)


def _whole(text: str) -> int:
    if not text.lstrip("-").isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _count(kind: Any, tokens: list[Token]) -> int | None:
    text = tokens[0].value
    return None if text.lower() == "none" else _whole(text)


def _listed(text: str, metavar: str, converter: Any = _words) -> Parameter:
    return Parameter(converter=converter, n_tokens=1, negative="", metavar=metavar, help=text, show_default=_joined)


def _joined(values: tuple[Any, ...]) -> str:
    return ",".join(str(value) for value in values) or "none"


_RATES = ", ".join(f"{rule.learning_rate:g} for {rule.name}" for rule in OPTIMIZERS.classes())


@dataclasses.dataclass(frozen=True)
class TrainOptions(Settings):
    """The settings of a training run, as options."""

    hidden: Annotated[
        tuple[int, ...], _listed("Neurons of each hidden layer, from input to output; '' for none.", "64,64", _sizes)
    ] = tuple(Settings.hidden)
    activation: Annotated[
        str, Parameter(choices=ACTIVATIONS.names(), help="Activation function of the hidden layers.")
    ] = Settings.activation
    optimizer: Annotated[str, Parameter(choices=OPTIMIZERS.names(), help="Rule that updates the weights.")] = (
        Settings.optimizer
    )
    learning_rate: Annotated[float | None, Parameter(help=f"Learning rate; without it {_RATES}.", negative="")] = (
        Settings.learning_rate
    )
    batch_size: Annotated[int, Parameter(help="Rows of one update.", converter=_count)] = Settings.batch_size
    epochs: Annotated[int, Parameter(help="Passes over the rows.", converter=_count)] = Settings.epochs
    validation: Annotated[
        float, Parameter(help="Share of rows held out to choose the best epoch's weights; 0 holds out none.")
    ] = Settings.validation
    alpha: Annotated[float, Parameter(help="Penalty on squared weights, alpha/(2S) sum W².")] = Settings.alpha
    l1: Annotated[float, Parameter(help="Penalty on absolute weights, l1/S sum |W|.")] = Settings.l1
    dropout: Annotated[float, Parameter(help="Probability of dropping a hidden neuron.")] = Settings.dropout
    task: Annotated[str, Parameter(choices=TASKS, help="What the target is; auto decides from its values.")] = (
        Settings.task
    )
    drop: Annotated[tuple[str, ...], _listed("Columns to leave out.", "COLUMN,COLUMN")] = tuple(Settings.drop)
    seed: Annotated[
        int | None, Parameter(help="Fixes every random choice; 'none' draws one.", negative="", converter=_count)
    ] = Settings.seed
    dtype: Annotated[str, Parameter(choices=("float32", "float64"), help="Type to compute in.")] = Settings.dtype
    engine: Annotated[str, Parameter(choices=("auto", *ENGINES), help="What computes.")] = Settings.engine
    threads: Annotated[
        int | None, Parameter(help="Threads, where the engine has a choice.", negative="", converter=_count)
    ] = Settings.threads


def train(
    data: Path,
    /,
    *,
    target: Annotated[tuple[str, ...], _listed("Column to predict; several separated by commas.", "COLUMN")],
    out: Annotated[Path, Parameter(help="Where the model goes.")] = Path("model.safetensors"),
    options: Annotated[TrainOptions, Parameter(name="*")] = TrainOptions(),
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Train a model on a table and save it.

    All columns but the target are inputs. Words become one input each, numbers are standardised, missing values are
    flagged. Ctrl-C stops at the next update and saves the best weights so far.

    Parameters
    ----------
    data
        A table: .csv or .csv.gz.
    """
    check_output(out, data)
    table = read_table(data)
    drop = named(options.drop, table.column_names)
    training = TableTraining(table, named(target, table.column_names), dataclasses.replace(options, drop=tuple(drop)))
    for note in () if as_json else [*([f"options from {config}"] if config else []), *training.notes]:
        say(note)
    code = run_training(training, as_json)
    if not worth_saving(training):
        return code
    training.model.save(out)
    _report(training, out, as_json)
    return code


def worth_saving(training: TableTraining) -> bool:
    """Whether there are weights worth a file: those of a finished epoch with a finite cost. Says so if there are not.

    Raises TrainingError where it was not the user who ended it.
    """
    history = training.model.history
    if history is None or history.best_epoch >= 0:
        return True
    if history.stopped != "cancelled":
        why = history.message or "the validation cost was never finite: try a smaller learning rate"
        raise TrainingError(f"nothing was learned and nothing is saved: {why}")
    complain("stopped in the first epoch: nothing is saved")
    return False


def run_training(training: TableTraining, as_json: bool) -> int:
    """Run it to its end or to a signal, showing how it goes; 0, or the exit code of the signal."""
    with Interrupt() as interrupt, Board(silent=as_json) as board:
        for event in training.events(cancel=interrupt.asked):
            board.show(event)
            if as_json and isinstance(event, EpochEnd):
                write_json({"event": "epoch", **_epoch(event)})
    return interrupt.code


def _epoch(event: EpochEnd) -> dict[str, Any]:
    found: dict[str, Any] = {"epoch": event.epoch + 1, "cost": event.cost, "best": event.best}
    if event.validation is not None:
        found |= {"validation_cost": event.validation, **event.metrics}
    return {**found, "seconds": round(event.seconds, 3)}


def _report(training: TableTraining, out: Path, as_json: bool) -> None:
    model = training.model
    history = model.history
    assert history is not None, "the events have been read to their end"
    if as_json:
        seconds = round(history.seconds, 3)
        write_json({"event": "end", "model": str(out), "seconds": seconds, "notes": training.notes, **model.summary})
        return
    if history.stopped:
        say(f"stopped: {history.message}")
    say(summary_line(model))
    say(f"trained in {history.seconds:.1f} s by the {history.engine} engine; model saved in {out}")


def summary_line(model: Model) -> str:
    """The state of training in one line: epochs, and the scores at the best one."""
    s = model.summary
    scores = ", ".join(f"{words(name)} {number(value)}" for name, value in s["at_best_epoch"].items())
    epochs = f"{s['epochs']} epoch{'s' * (s['epochs'] != 1)}"
    return f"{epochs}, weights of epoch {s['best_epoch']}: {scores}"
