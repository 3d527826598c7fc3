"""`chainrule report`: all that can be said of a model, in one HTML file."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from chainrule.cli.console import say, write_json
from chainrule.cli.files import check_output
from chainrule.cli.options import AsJson
from chainrule.errors import DataError, SettingError
from chainrule.files import load
from chainrule.model import Model
from chainrule.tables.sources import as_source, with_target

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
            "they learn from four fifths of TABLE and answer the fifth, five times.",
            negative="",
            show_default=False,
        ),
    ] = None,
    test_every: Annotated[
        int | None,
        Parameter(
            help="As in train, for the table of the training: every K-th row (or group, or the latest rows, as in the "
            "training) is judged, and the others are those that were trained on.",
            negative="",
            show_default=False,
        ),
    ] = None,
    target: Annotated[
        Path | None,
        Parameter(help="A file with the targets, if the table has none.", negative="", show_default=False),
    ] = None,
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
        A file that `train` wrote.
    data
        A table with the target, best with rows that the model was not trained on. Without it no answer is judged.
    """
    stored, path = load(model), model.with_suffix(".html") if out is None else out
    if not isinstance(stored, Model):
        kind = type(stored).__name__
        raise SettingError(f"{str(model)!r}: it has a {kind}, which does not know the columns of a table: give a model")
    check_output(path, *(each for each in (model, data, train, target, notes) if each is not None))
    said = "" if notes is None else _text(notes)
    source = None if data is None else as_source(data)
    if target is not None and source is not None:
        source = with_target(source, as_source(target))
    stored.report(path, source, train=train, test_every=test_every, title=title, notes=said, seed=seed)
    if as_json:
        write_json({"report": str(path), "bytes": path.stat().st_size})
    else:
        say(f"wrote {path}")
    return 0


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
