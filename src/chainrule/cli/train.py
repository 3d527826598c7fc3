"""`chainrule train`: train a model on a table and save it in a file."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.checkpointing import NO_CHECKPOINT, CheckpointOptions, EmergencySave, stopped_line
from chainrule.cli.console import say, write_json
from chainrule.cli.evaluate import show_targets
from chainrule.cli.files import check_output, is_file
from chainrule.cli.hosts import ALONE, HostOptions
from chainrule.cli.options import AsJson, ConfigFile
from chainrule.cli.signals import Interrupt
from chainrule.cli.streams import print_error, print_note
from chainrule.cli.training_options import TableToTrain, TargetColumns, TrainOptions, training_on
from chainrule.errors import SettingError, TrainingError
from chainrule.model import Model, TableTraining
from chainrule.model.trials import Watch
from chainrule.plots import check_picture
from chainrule.text import counted, number, short, words
from chainrule.training import Checkpoint, EpochEnd, History, Started
from chainrule.training.display import Display
from chainrule.training.events import document

__all__ = ["run_training", "show_findings", "train", "worth_saving"]


_DEFAULTS = TrainOptions()


def train(
    data: TableToTrain,
    /,
    *,
    target: TargetColumns,
    out: Annotated[Path, Parameter(help="The model file to write.")] = Path("model.safetensors"),
    start_from: Annotated[
        Path | None,
        Parameter(
            name="--from",
            help="A model file to go on from, with its columns, targets and network, on the same or other rows.",
            negative="",
        ),
    ] = None,
    options: Annotated[TrainOptions, Parameter(name="*")] = _DEFAULTS,
    plot: Annotated[
        Path | None,
        Parameter(help="Plot cost and metrics of each epoch into this file: .png, .svg or .pdf.", negative=""),
    ] = None,
    checkpoint_options: Annotated[CheckpointOptions, Parameter(name="*")] = NO_CHECKPOINT,
    host_options: Annotated[HostOptions, Parameter(name="*")] = ALONE,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Train a model on a table and save it.

    All columns but the target are inputs: numbers are scaled, words and dates are turned into numeric inputs, missing
    values are flagged. Ctrl-C stops at the next update and saves the best weights so far.

    """
    link = host_options.join()
    if not link.alone:
        options = dataclasses.replace(options, hosts=host_options.chosen)
    if link.first:
        inputs = [data, *_files(target, options.validation), *([] if start_from is None else [start_from])]
        check_output(out, *inputs)
        _check_plot(plot, out, *inputs)
    checkpoint = checkpoint_options.checkpoint_for(out, data, writes=link.first)
    watch = Watch() if as_json else Watch(begin=lambda: say("short trainings choose inputs and settings"))
    training = training_on(data, target, options, start_from=start_from, watch=watch)
    if as_json and config:
        print_note(f"options from {config}")
    for note in () if as_json else [*([f"options from {config}"] if config else []), *training.notes]:
        say(note)
    with Interrupt() as interrupt:
        run_training(training, as_json, interrupt, EmergencySave(training, out, checkpoint, link.first), checkpoint)

        def finish() -> int:
            if worth_saving(training, checkpoint):
                training.model.save(out)
                _report(training, out, as_json, checkpoint)
                _draw(training, plot, as_json)
            return interrupt.code or (143 if link.is_asked_to_stop else 0)

        interrupt.code = link.share(finish)  # host 0 writes while the others wait, and fails for all
    return interrupt.code


def _check_plot(plot: Path | None, out: Path, *inputs: Path) -> None:
    """Raise SettingError, before any work is done, if the plot cannot be written or would replace another file."""
    if plot is None:
        return
    if plot.resolve() == out.resolve():
        raise SettingError(f"--plot is {str(plot)!r}, which is also --out: name another file")
    check_output(plot, *inputs, option="--plot")
    check_picture(plot)


def _draw(training: TableTraining, plot: Path | None, as_json: bool) -> None:
    if plot is None or training.model.history is None:
        return
    training.model.history.plot(plot)
    if as_json:
        write_json({"event": "plot", "plot": str(plot)})
    else:
        say(f"curves plotted in {plot}")


def _files(target: tuple[str, ...], validation: Any) -> list[Path]:
    """The files that are read in addition to the data."""
    return [Path(name) for name in (*target, validation) if isinstance(name, str | Path) and is_file(name)]


def worth_saving(training: TableTraining, checkpoint: Checkpoint | None = None) -> bool:
    """Whether there are weights to save: a finished epoch with a finite cost. Without one, prints a line that says so.

    Raises TrainingError where there are no weights although the user did not stop the training.
    """
    history = training.model.history
    if history is None or history.best_epoch >= 0:
        return True
    if history.stopped != "cancelled":
        why = history.message or _never_finite(history)
        raise TrainingError(f"nothing was learned and nothing is saved: {why}")
    print_error(stopped_line(0, None, checkpoint))
    return False


def _never_finite(history: History) -> str:
    if history.monitor == "cost":
        return "the validation cost was never finite: try a smaller learning rate"
    return f"{words(history.monitor)} was never a number on the held-out rows: hold out more, or choose another metric"


def run_training(
    training: TableTraining,
    as_json: bool,
    interrupt: Interrupt,
    emergency_save: EmergencySave,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Run a training to its end or to a signal, and show its progress."""
    s = training.settings
    may_end = s.patience is not None or s.tolerance is not None or s.rule.full_batch
    with Display(silent=as_json, lines=False, time=s.time, may_end=may_end, scores=training.scores) as display:
        for event in training.events(interrupt.signalled, checkpoint):
            if isinstance(event, Started):
                interrupt.defer(emergency_save)
                for note in () if as_json else event.notes:
                    say(note)
            if emergency_save.writes:
                emergency_save.observe(event)
            display.show(event)
            if as_json and isinstance(event, EpochEnd):
                write_json(document(event))


def _report(training: TableTraining, out: Path, as_json: bool, checkpoint: Checkpoint | None) -> None:
    model = training.model
    history = model.history
    assert history is not None, "the events have been read to their end"
    if as_json:
        files = {"model": str(out)} | ({"checkpoint": str(checkpoint.path)} if checkpoint else {})
        run = {"seconds": round(history.seconds, 3), "notes": training.notes}
        findings = {"findings": [finding.document() for finding in training.findings()]}
        write_json({"event": "end", **files, **run, **model.summary, **findings})
        return
    if history.stopped == "cancelled":
        print_error(stopped_line(history.epochs, out, checkpoint))
        return
    if history.stopped:
        say(f"stopped: {history.message}")
    say(summary_line(model))
    _show_decisions(model)
    if "test" in model.summary:
        say(f"on the {counted(model.summary['test']['rows'], 'row')} held out for the test:")
        show_targets(model.summary["test"])
    show_findings(training)
    say(f"trained in {history.seconds:.1f} s by the {history.engine} engine; model saved in {out}")


def _show_decisions(model: Model) -> None:
    """Write a line for each temperature and for the threshold."""
    for name, temperature in model.summary.get("temperature", {}).items():
        say(f"temperature of {short(name)}: {number(temperature)}")
    if "threshold" in model.summary:
        t = model.summary["threshold"]
        scores = ", ".join(f"{name} {number(t[name])}" for name in ("precision", "recall", "rate") if name in t)
        say(f"{short(t['class'])} is the answer from probability {number(t['least'])} on; out of fold: {scores}")


def show_findings(training: TableTraining) -> None:
    """Write two lines for each finding of the training doctor: what is wrong, and which change repairs it."""
    for finding in training.findings():
        say(f"{finding.name}: {finding.words}")
        say(f"  to fix it: {finding.change}")


def summary_line(model: Model) -> str:
    """The number of epochs, and the best epoch with its scores, in one line."""
    s = model.summary
    scores = ", ".join(f"{words(name)} {number(value)}" for name, value in s["at_best_epoch"].items())
    return f"{counted(s['epochs'], 'epoch')}, weights of epoch {s['best_epoch']}: {scores}"
