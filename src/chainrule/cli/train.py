"""`chainrule train`: a table in, a model file out."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.checkpointing import NO_CHECKPOINT, CheckpointOptions, Rescue, stopped_line
from chainrule.cli.console import say, write_json
from chainrule.cli.evaluate import show_targets
from chainrule.cli.files import check_output, open_table
from chainrule.cli.options import AsJson, ConfigFile
from chainrule.cli.signals import Interrupt
from chainrule.cli.streams import complain
from chainrule.cli.training_options import TrainOptions, listed
from chainrule.cli.values import named
from chainrule.errors import SettingError, TrainingError
from chainrule.model import Model, TableTraining
from chainrule.plots import check_picture
from chainrule.text import number, words
from chainrule.training import Checkpoint, EpochEnd, History, Started
from chainrule.training.display import Display

__all__ = ["run_training", "show_findings", "train", "worth_saving"]


_DEFAULTS = TrainOptions()


def train(
    data: Path,
    /,
    *,
    target: Annotated[
        tuple[str, ...],
        listed("Column to predict; several separated by commas; or a file of its own, row by row.", "COLUMN|FILE"),
    ],
    out: Annotated[Path, Parameter(help="Where the model goes.")] = Path("model.safetensors"),
    options: Annotated[TrainOptions, Parameter(name="*")] = _DEFAULTS,
    plot: Annotated[
        Path | None,
        Parameter(help="A picture of cost and metrics, epoch by epoch: .png, .svg or .pdf.", negative=""),
    ] = None,
    keeping: Annotated[CheckpointOptions, Parameter(name="*")] = NO_CHECKPOINT,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Train a model on a table and save it.

    All columns but the target are inputs: numbers are scaled, words and dates become inputs of their own, missing
    values are flagged. Ctrl-C stops at the next update and saves the best weights so far.

    Parameters
    ----------
    data
        A table: CSV, Parquet, Arrow, NumPy or idx, or a folder of parts.
    """
    inputs = [data, *_files(target, options.validation)]
    check_output(out, *inputs)
    _check_plot(plot, out, *inputs)
    checkpoint = keeping.asked(out, data)
    source, targets = open_table(data, target)
    drop, keep = (tuple(named(columns, source.names)) for columns in (options.drop, options.keep))
    settings = dataclasses.replace(options, drop=drop, keep=keep)
    training = TableTraining(source, targets, settings)
    for note in () if as_json else [*([f"options from {config}"] if config else []), *training.notes]:
        say(note)
    with Interrupt() as interrupt:
        run_training(training, as_json, interrupt, Rescue(training, out, checkpoint), checkpoint)
        if worth_saving(training, checkpoint):
            training.model.save(out)
            _report(training, out, as_json, checkpoint)
            _draw(training, plot, as_json)
    return interrupt.code


def _check_plot(plot: Path | None, out: Path, *inputs: Path) -> None:
    """Raise before any work is done if the picture cannot be drawn, or would take another file's place."""
    if plot is None:
        return
    if plot.resolve() == out.resolve():
        raise SettingError(f"--plot is {str(plot)!r}, which is --out too: name another file")
    check_output(plot, *inputs, option="--plot")
    check_picture(plot)


def _draw(training: TableTraining, plot: Path | None, as_json: bool) -> None:
    if plot is None or training.model.history is None:
        return
    training.model.history.plot(plot)
    if as_json:
        write_json({"event": "plot", "plot": str(plot)})
    else:
        say(f"curves drawn in {plot}")


def _files(target: tuple[str, ...], validation: Any) -> list[Path]:
    """What is read beside the data."""
    return [Path(name) for name in (*target, validation) if isinstance(name, str | Path) and Path(name).is_file()]


def worth_saving(training: TableTraining, checkpoint: Checkpoint | None = None) -> bool:
    """Whether there are weights worth a file: those of a finished epoch with a finite cost. Says so if there are not.

    Raises TrainingError where it was not the user who ended it.
    """
    history = training.model.history
    if history is None or history.best_epoch >= 0:
        return True
    if history.stopped != "cancelled":
        why = history.message or _never(history)
        raise TrainingError(f"nothing was learned and nothing is saved: {why}")
    complain(stopped_line(0, None, checkpoint))
    return False


def _never(history: History) -> str:
    if history.monitor == "cost":
        return "the validation cost was never finite: try a smaller learning rate"
    return f"{words(history.monitor)} was never a number on the rows held out: hold out more, or choose another metric"


def run_training(
    training: TableTraining,
    as_json: bool,
    interrupt: Interrupt,
    rescue: Rescue,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Run it to its end or to a signal, showing how it goes."""
    s = training.settings
    may_end = s.patience is not None or s.rule.full_batch
    with Display(silent=as_json, lines=False, time=s.time, may_end=may_end, scores=training.scores) as display:
        for event in training.events(interrupt.asked, checkpoint):
            if isinstance(event, Started):
                interrupt.hold(rescue)
                for note in () if as_json else event.notes:
                    say(note)
            rescue.saw(event)
            display.show(event)
            if as_json and isinstance(event, EpochEnd):
                write_json({"event": "epoch", **_epoch(event)})


def _epoch(event: EpochEnd) -> dict[str, Any]:
    found: dict[str, Any] = {"epoch": event.epoch + 1, "cost": event.cost, "best": event.best}
    if event.validation is not None:
        found |= {"validation_cost": event.validation, **event.metrics}
    return {**found, "seconds": round(event.seconds, 3)}


def _report(training: TableTraining, out: Path, as_json: bool, checkpoint: Checkpoint | None) -> None:
    model = training.model
    history = model.history
    assert history is not None, "the events have been read to their end"
    if as_json:
        kept = {"checkpoint": str(checkpoint.path)} if checkpoint else {}
        told = {"seconds": round(history.seconds, 3), "notes": training.notes}
        findings = {"findings": [finding.document() for finding in training.findings()]}
        write_json({"event": "end", "model": str(out), **kept, **told, **model.summary, **findings})
        return
    if history.stopped == "cancelled":
        complain(stopped_line(history.epochs, out, checkpoint))
        return
    if history.stopped:
        say(f"stopped: {history.message}")
    say(summary_line(model))
    if "test" in model.summary:
        say(f"on the {model.summary['test']['rows']:,} rows held out for the test:")
        show_targets(model.summary["test"])
    show_findings(training)
    say(f"trained in {history.seconds:.1f} s by the {history.engine} engine; model saved in {out}")


def show_findings(training: TableTraining) -> None:
    """What is wrong with the training, if anything is, and the change that mends it: two lines for each finding."""
    for finding in training.findings():
        say(f"{finding.name}: {finding.words}")
        say(f"  to mend it: {finding.change}")


def summary_line(model: Model) -> str:
    """The state of training in one line: epochs, and the scores at the best one."""
    s = model.summary
    scores = ", ".join(f"{words(name)} {number(value)}" for name, value in s["at_best_epoch"].items())
    epochs = f"{s['epochs']} epoch{'s' * (s['epochs'] != 1)}"
    return f"{epochs}, weights of epoch {s['best_epoch']}: {scores}"
