"""Networks of other libraries: weights go over bit by bit, outputs agree to rounding. Nothing here is a dependency.

`steps` is what all of them have in common; each library has a module of its own, imported when it is asked for.
"""

from typing import Any

from chainrule.errors import SettingError

__all__ = ["with_torch"]


def with_torch() -> Any:
    """The module `pytorch`. Raises SettingError where that is not installed."""
    try:
        from chainrule.exchange import pytorch
    except ImportError as error:
        if error.name != "torch":
            raise
        raise SettingError("this needs PyTorch, which is not installed: pip install torch") from None
    return pytorch
