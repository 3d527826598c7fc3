"""Opens the model file of a command, and checks the file that it will write."""

from pathlib import Path

from chainrule.errors import ModelFileError, SettingError
from chainrule.files import load
from chainrule.files.atomic import check_target
from chainrule.model import Model

__all__ = ["check_output", "load_model"]


def check_output(out: Path, *inputs: Path, option: str = "--out") -> None:
    """Raise SettingError, before any work is done, if `out` cannot be written or is one of the input files."""
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise SettingError(f"{option} is {str(out)!r}, which is also an input: name another file")
    check_target(out)


def load_model(path: Path) -> Model:
    """The model in a file. Raises ModelFileError for a file that contains only a network, without columns."""
    model = load(path)
    if not isinstance(model, Model):
        raise ModelFileError(f"{str(path)!r}: it contains a network without columns: use it in Python, with cr.load")
    return model
