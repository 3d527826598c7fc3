"""`chainrule train`: a table in, a model file out."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from chainrule.activations import ACTIVATIONS
from chainrule.cli.console import Board, number, say, words, write_json
from chainrule.cli.options import AsJson
from chainrule.cli.signals import Interrupt
from chainrule.data.choosing import TASKS
from chainrule.engines import ENGINES
from chainrule.errors import TrainingError
from chainrule.files.atomic import check_target
from chainrule.model import Model, Settings, TableTraining
from chainrule.optimizers import OPTIMIZERS
from chainrule.training import EpochEnd

__all__ = ["TrainOptions", "check_learned", "names", "run_training", "train"]


def names(kind: Any, tokens: list[Token]) -> tuple[str, ...]:
    """The parts of values separated by commas, in order."""
    return tuple(part.strip() for token in tokens for part in token.value.split(",") if part.strip())


def _sizes(kind: Any, tokens: list[Token]) -> tuple[int, ...]:
    return tuple(int(part) for part in names(kind, tokens))


def _listed(text: str, metavar: str, converter: Any = names) -> Parameter:
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
    batch_size: Annotated[int, Parameter(help="Rows of one update.")] = Settings.batch_size
    epochs: Annotated[int, Parameter(help="Passes over the rows.")] = Settings.epochs
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
    seed: Annotated[int | None, Parameter(help="Fixes every random choice; 'none' draws one.", negative="")] = (
        Settings.seed
    )
    dtype: Annotated[str, Parameter(choices=("float32", "float64"), help="Type to compute in.")] = Settings.dtype
    engine: Annotated[str, Parameter(choices=("auto", *ENGINES), help="What computes.")] = Settings.engine
    threads: Annotated[int | None, Parameter(help="Threads, where the engine has a choice.", negative="")] = (
        Settings.threads
    )


def train(
    data: Path,
    /,
    *,
    target: Annotated[tuple[str, ...], _listed("Column to predict; several separated by commas.", "COLUMN")],
    out: Annotated[Path, Parameter(help="Where the model goes.")] = Path("model.safetensors"),
    options: Annotated[TrainOptions, Parameter(name="*")] = TrainOptions(),
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
    check_target(out)
    training = TableTraining(data, list(target), options)
    for note in () if as_json else training.notes:
        say(note)
    code = run_training(training, as_json)
    check_learned(training)
    training.model.save(out)
    _report(training, out, as_json)
    return code


def check_learned(training: TableTraining) -> None:
    """Raise a TrainingError if the cost was lost before one epoch was finished: such weights are not worth a file."""
    history = training.model.history
    if history is not None and history.epochs == 0 and history.stopped == "diverged":
        raise TrainingError(f"nothing was learned and nothing is saved: {history.message}")


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
    if not scores:
        return "no epoch was finished: these are the weights as they stood"
    epochs = f"{s['epochs']} epoch{'s' * (s['epochs'] != 1)}"
    return f"{epochs}, weights of epoch {s['best_epoch']}: {scores}"
