"""`chainrule tune`: search for the settings that suit a table, and write them to a `chainrule.toml`."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from chainrule.cli.config import FILE
from chainrule.cli.console import say, show_table, write_json
from chainrule.cli.files import check_output, is_file, open_table
from chainrule.cli.options import AsJson, ConfigFile
from chainrule.cli.signals import Interrupt
from chainrule.cli.streams import print_error, print_note
from chainrule.cli.training_options import TableToTrain, TargetColumns, TuneOptions, listed, settings_of_table
from chainrule.cli.values import count, duration, words
from chainrule.errors import SettingError
from chainrule.model import TableSettings, Tuning
from chainrule.model import tune as search_settings
from chainrule.model.option_file import check_option_file
from chainrule.model.search_space import SEARCHED
from chainrule.model.tuning import TRIALS, Trial, value_text
from chainrule.text import counted, number
from chainrule.text import words as in_words
from chainrule.training import EpochEnd, Event
from chainrule.training.display import Board

__all__ = ["tune"]

_DEFAULTS = TuneOptions()
SHOWN = 5  # trials in the table at the end


def tune(
    data: TableToTrain,
    /,
    *,
    target: TargetColumns,
    trials: Annotated[
        Any,
        Parameter(
            converter=count(none=None),
            n_tokens=1,
            help=f"Number of trials in all. Default: {TRIALS}, or without limit if there is a --time.",
            metavar="INT",
            negative="",
        ),
    ] = None,
    time: Annotated[
        float | None,
        Parameter(converter=duration, help="Time of the search: 90s, 10m, 1h30m.", metavar="TIME", negative=""),
    ] = None,
    study: Annotated[
        Path | None,
        Parameter(help="A file that keeps the trials; a search that finds it there goes on from it.", negative=""),
    ] = None,
    search: Annotated[
        tuple[str, ...],
        listed(
            f"Settings that are searched, of those that are not set. [{', '.join(SEARCHED)}]",
            "NAME,NAME",
            completer=lambda context: [*SEARCHED],
            show_default=lambda default: ",".join(default) or "all",
        ),
    ] = (),
    out: Annotated[Path, Parameter(help="The file of options to write, for `train`.")] = Path(FILE),
    options: Annotated[TuneOptions, Parameter(name="*")] = _DEFAULTS,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> int:
    """Search for the settings with which a model of a table is best, and write them to a file of options."""
    check_output(out, data, *(Path(name) for name in target if is_file(name)))
    check_option_file(out)
    source, targets = open_table(data, target)
    if [*targets] != [*target]:
        names = [name for text in target for name in words(text)]
        if names != targets:
            raise SettingError("--target is a file, which no file of options can name: put the target into the table")
    if config:
        print_note(f"options from {config}")
    with Interrupt() as interrupt:
        display = _Display(trials, time, as_json)
        interrupt.defer(lambda: _save(display.latest, out, study))
        with display:
            tuning = search_settings(
                source,
                targets,
                trials=trials,
                time=time,
                study=study,
                search=[name.replace("-", "_") for text in search for name in words(text)] or None,
                callback=display.show,
                cancel=interrupt.signalled,
                **_settings(options, source.names),
            )
        _finish(tuning, out, study, as_json)
    return interrupt.code


def _settings(options: Any, columns: list[str]) -> dict[str, Any]:
    """The settings that differ from their defaults."""
    values, defaults = settings_of_table(options, columns), TableSettings()
    return {name: value for name, value in values.items() if name != "time" and value != getattr(defaults, name)}


def _finish(tuning: Tuning, out: Path, study: Path | None, as_json: bool) -> None:
    """Write the file of options, and show the best trials."""
    kept = "" if study is None else f"; the same command goes on from {study}"
    if tuning.best is None:
        print_error(f"no trial is complete, so nothing is written{kept}")
        return
    tuning.write(out)
    if as_json:
        write_json({"event": "end", "out": str(out), **tuning.document(), "settings": _shown(tuning.settings)})
        return
    if tuning.stopped:
        say(f"stopped after {counted(len(tuning.trials), 'trial')}{kept}")
    best = sorted((t for t in tuning.trials if t.ended == "complete"), key=_order(tuning))
    names = list(best[0].settings)
    rows = [(str(t.number), number(t.score), *(value_text(t.settings[name]) for name in names)) for t in best[:SHOWN]]
    show_table(("trial", in_words(tuning.metric), *map(in_words, names)), rows, 0)
    for line in str(tuning).splitlines():
        say(line)
    say(f"options written to {out}: `chainrule train` takes them with --config {out}")


def _save(tuning: Tuning | None, out: Path, study: Path | None) -> str:
    """Write what there is when the search cannot end in time; returns the line that says so."""
    kept = "" if study is None else f"; the same command goes on from {study}"
    if tuning is None or tuning.best is None:
        return f"stopped: no trial is complete, so nothing is written{kept}"
    tuning.write(out)
    return f"stopped after {counted(len(tuning.trials), 'trial')}: options written to {out}{kept}"


def _order(tuning: Tuning) -> Any:
    sign = -1 if tuning.mode == "max" else 1
    return lambda trial: sign * trial.score


def _shown(settings: dict[str, Any]) -> dict[str, str]:
    return {name: value_text(value) if not isinstance(value, bool) else str(value) for name, value in settings.items()}


class _Display:
    """A bar of the trials on a terminal, or a line of JSON for each trial; a context manager."""

    def __init__(self, trials: int | None, time: float | None, as_json: bool) -> None:
        self._json, self._board, self._done = as_json, Board(silent=as_json), -1
        self._board.state.total = trials or (0 if time else TRIALS)
        self.latest: Tuning | None = None

    def __enter__(self) -> "_Display":
        self._board.begin()
        return self

    def __exit__(self, *error: Any) -> None:
        self._board.end()

    def show(self, tuning: Tuning, event: Event | None) -> None:
        """Show the search so far; `event` is one of training, or None after a trial."""
        done, state, self.latest = len(tuning.trials), self._board.state, tuning
        if event is None and self._json and done > self._done:
            write_json({"event": "trial", **_document(tuning.trials[-1])})
        if event is None:
            self._done = done
        if event is None or isinstance(event, EpochEnd):
            of = f" of {state.total}" if state.total else ""
            state.done, state.place = done, f"trial {min(done + 1, state.total or done + 1)}{of}"
            best = tuning.best
            state.cost = (
                "" if best is None else f"best {in_words(tuning.metric)} {best.score:.4g} (trial {best.number})"
            )
            self._board.show()


def _document(trial: Trial) -> dict[str, Any]:
    return {**dataclasses.asdict(trial), "settings": _shown(dict(trial.settings))}
