"""`chainrule report`: all that can be said of a model, in one HTML file."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from chainrule.cli.answers import OfEstimator, answering
from chainrule.cli.console import say, write_json
from chainrule.cli.files import check_output, is_file
from chainrule.cli.options import AsJson, TrueTargets
from chainrule.errors import DataError, SettingError
from chainrule.estimators.reported import subject_of
from chainrule.files import load
from chainrule.model import Model
from chainrule.model.report import Subject, write_report
from chainrule.tables.sources import Source, as_source, with_target

__all__ = ["report"]

LONGEST = 2**20  # bytes of notes


def report(
    model: Path,
    data: Path | None = None,
    /,
    *,
    out: Annotated[
        Path | None,
        Parameter(help="The file to write. Default: the model's name with .html.", negative="", show_default=False),
    ] = None,
    train: Annotated[
        Path | None,
        Parameter(
            help="The table that the model was trained on: a linear model and boosting learn from it too. Default: "
            "they learn from four fifths of DATA and answer the fifth, five times.",
            negative="",
            show_default=False,
        ),
    ] = None,
    test_every: Annotated[
        int | None,
        Parameter(
            help="As in train, for the table of the training: every K-th row (or group, or the latest rows, as in the "
            "training) is judged, and the others are those that were trained on.",
            metavar="K",
            negative="",
            show_default=False,
        ),
    ] = None,
    target: TrueTargets = None,
    title: Annotated[
        str | None, Parameter(help="The title of the page. Default: it names the targets.", negative="")
    ] = None,
    notes: Annotated[
        Path | None,
        Parameter(
            help="A file of text with what you say of the model: what it is for, where it must not be used.",
            negative="",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Seed of permutations and of the other models.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Write one HTML file with all that can be said of a model.

    Parameters
    ----------
    model
        A file that `train` or cr.save wrote: a model or an estimator.
    data
        A table with the target, best with rows that the model was not trained on. Without it no answer is judged.
    """
    path = model.with_suffix(".html") if out is None else out
    files = [Path(target)] if target is not None and is_file(target) else []
    check_output(path, *(each for each in (model, data, train, notes, *files) if each is not None))
    subject, source = _subject_with_rows(model, data, target)
    said = "" if notes is None else _text(notes)
    write_report(subject, path, source, train=train, test_every=test_every, title=title, notes=said, seed=seed)
    if as_json:
        write_json({"report": str(path), "bytes": path.stat().st_size})
    else:
        say(f"wrote {path}")
    return 0


def _subject_with_rows(model: Path, data: Path | None, target: str | None) -> tuple[Subject, Source | None]:
    """What a file holds, and the rows to judge it by. Raises SettingError for a network, and without a target."""
    stored = load(model)
    if isinstance(stored, Model):
        source = None if data is None else as_source(data)
        if source is not None and target is not None:
            source = with_target(source, as_source(Path(target)))
        return Subject.of_model(stored), source
    answers = answering(model)
    if not isinstance(answers, OfEstimator):
        raise SettingError(
            f"{str(model)!r}: it has a Network, which does not know the columns of a table: give a model"
        )
    if data is None:
        return subject_of(stored, None), None
    source, columns, targets = answers.columns_with_targets(data, target)
    return subject_of(answers.named(columns), targets), source


def _text(path: Path) -> str:
    """The text of a file. Raises DataError where it is not text."""
    with path.open("rb") as stream:
        text = stream.read(LONGEST + 1)
    if len(text) > LONGEST:
        raise DataError(f"{str(path)!r} has more than {LONGEST:,} bytes: notes are a page or two of text")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{str(path)!r} is not text in UTF-8: write the notes as plain text") from None
