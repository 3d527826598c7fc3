"""The compiled core: where it is, and loading it."""

import ctypes
import sys
from pathlib import Path

from chainrule.errors import EngineError

__all__ = ["ABI", "library_path", "load"]

ABI = 1  # CHAINRULE_ABI of native/api.h: how its functions are called


def library_path() -> Path | None:
    """The shared library beside this module; None in an installation without it (docs/decisions/0009)."""
    path = Path(__file__).with_name(f"libchainrule_core{'.dll' if sys.platform == 'win32' else '.so'}")
    return path if path.exists() else None


def load() -> ctypes.CDLL | None:
    """The library; None in an installation without it.

    Raises EngineError for one that is damaged, or that belongs to another version of this package.
    """
    path = library_path()
    if path is None:
        return None
    try:
        library = ctypes.CDLL(str(path))
        library.chainrule_abi.restype = ctypes.c_int64
        abi = library.chainrule_abi()
    except (OSError, AttributeError) as error:
        raise EngineError(f"the native core does not load, install chainrule again: {error}") from error
    if abi != ABI:
        raise EngineError(f"the native core has interface {abi}, but {ABI} is needed: install chainrule again")
    return library
