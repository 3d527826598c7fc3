"""Files as the commands take them: tables with their targets, model files, and files to be written."""

from collections.abc import Sequence
from pathlib import Path

from chainrule.cli.values import named
from chainrule.errors import ModelFileError, SettingError
from chainrule.files import load
from chainrule.files.atomic import check_target
from chainrule.model import Model
from chainrule.tables.sources import Source, as_source, with_target

__all__ = ["check_output", "load_model", "open_table"]


def open_table(data: Path, target: Sequence[str]) -> tuple[Source, list[str]]:
    """The rows, and the columns that `--target` names.

    A name that is not a column but an existing file means that file; its only column becomes the target.
    """
    source, names = as_source(data), []
    for choice in target:
        if choice not in source.names and Path(choice).is_file():
            source = with_target(source, as_source(Path(choice)))
            names.append(source.names[-1])
        else:
            names += named([choice], source.names)
    return source, names


def load_model(path: Path) -> Model:
    """The model of a file. Raises ModelFileError for a file that holds a bare network, which has no columns."""
    model = load(path)
    if not isinstance(model, Model):
        raise ModelFileError(f"{str(path)!r}: it holds a network without columns: use it from Python, with cr.load")
    return model


def check_output(out: Path, *inputs: Path, option: str = "--out") -> None:
    """Raise before any work is done if `out` cannot be written, or is one of the files that are read."""
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise SettingError(f"{option} is {str(out)!r}, which is read too: name another file")
    check_target(out)
