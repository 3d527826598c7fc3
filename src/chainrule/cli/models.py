"""Model files as the commands take them."""

from pathlib import Path

from chainrule.errors import ModelFileError, SettingError
from chainrule.files import load
from chainrule.files.atomic import check_target
from chainrule.model import Model

__all__ = ["check_output", "load_model"]


def check_output(out: Path, *inputs: Path, option: str = "--out") -> None:
    """Raise before any work is done if `out` cannot be written, or is one of the files that are read."""
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise SettingError(f"{option} is {str(out)!r}, which is read too: name another file")
    check_target(out)


def load_model(path: Path) -> Model:
    """The model of a file. Raises ModelFileError for a file that holds a bare network, which knows no columns."""
    found = load(path)
    if not isinstance(found, Model):
        raise ModelFileError(f"{str(path)!r}: it holds a network without columns: use it from Python, with cr.load")
    return found
