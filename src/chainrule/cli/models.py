"""Model files as the commands take them."""

from pathlib import Path

from chainrule.errors import ModelFileError
from chainrule.files import load
from chainrule.model import Model

__all__ = ["load_model"]


def load_model(path: Path) -> Model:
    """The model of a file. Raises ModelFileError for a file that holds a bare network, which knows no columns."""
    found = load(path)
    if not isinstance(found, Model):
        raise ModelFileError(f"{str(path)!r}: it holds a network without columns: use it from Python, with cr.load")
    return found
