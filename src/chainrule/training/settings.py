"""The settings of training, checked before anything is computed."""

import math
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.random import MOST_DROPPED
from chainrule.registry import require

__all__ = ["as_dropout", "check_settings"]

_NUMBER = int | float | np.integer | np.floating


def check_settings(batch_size: Any, epochs: Any, alpha: Any, l1: Any, threads: Any) -> None:
    """Raise a SettingError for settings that no training could have."""
    whole = batch_size is None or _is_count(batch_size)
    require(whole, "batch_size", batch_size, "a whole number from 1, or None for all rows")
    require(_is_count(epochs), "epochs", epochs, "a whole number from 1")
    require(threads is None or _is_count(threads), "threads", threads, "a whole number from 1, or None")
    for name, value in {"alpha": alpha, "l1": l1}.items():
        require(isinstance(value, _NUMBER) and bool(0 <= value < math.inf), name, value, "a number from 0")


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= 1


def as_dropout(dropout: Any, hidden: int) -> tuple[float, ...]:
    """The probability of dropping a neuron for each hidden layer, from one number or one for each."""
    given = list(dropout) if isinstance(dropout, list | tuple) else [dropout] * hidden
    if len(given) != hidden:
        raise SettingError(f"{len(given)} dropout probabilities came for {hidden} hidden layers: give one for each")
    for p in given:
        require(isinstance(p, _NUMBER) and 0 <= float(p) <= MOST_DROPPED, "dropout", p, f"from 0 to {MOST_DROPPED}")
    return tuple(float(p) for p in given)
