"""A training that goes on from a model: it has the model's columns, targets and network, and begins with its weights.

What the model has is not chosen again: neither the encoder with its words and statistics, nor the scale of the targets,
nor the layers. The optimizer and its schedule begin anew.
"""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from chainrule.errors import SettingError
from chainrule.files import load
from chainrule.model.heads import Head
from chainrule.model.model import Model
from chainrule.model.settings import TableSettings
from chainrule.registry import require
from chainrule.text import shown

__all__ = ["heads_of", "model_to_go_on_from", "settings_to_go_on"]

FIXED = ("task", "drop", "keep", "kinds", "hidden", "activation", "output", "cost", "initializer", "members", "start")


def model_to_go_on_from(start_from: Any, targets: Sequence[str]) -> Model | None:
    """The model, from itself or its file; None for None.

    Raises SettingError where it is not a model or has other targets, ModelFileError for a file that cannot be read.
    """
    if start_from is None:
        return None
    is_path = isinstance(start_from, str | os.PathLike)
    model = load(start_from) if is_path else start_from
    what = f"{shown(os.fspath(start_from))}: it has a" if is_path else "start_from is a"
    if not isinstance(model, Model):
        raise SettingError(f"{what} {type(model).__name__}, but training on a table goes on from a model: give one")
    require(list(targets) == model.targets.names, "target", list(targets), f"{model.targets.names}, as in the model")
    return model


def settings_to_go_on(settings: TableSettings, model: Model) -> TableSettings:
    """The settings with what the model has. Raises SettingError where the user has set any of it otherwise."""
    defaults, network = TableSettings(), model.network
    for name in FIXED:
        value = getattr(settings, name)
        if value != getattr(defaults, name):
            raise SettingError(
                f"{name} is {shown(value)}, but training goes on from a model, which has its own: leave it out"
            )
    dtype = network.dtype.name
    require(settings.dtype in (defaults.dtype, dtype), "dtype", settings.dtype, f"{dtype}, as in the model")
    hidden = tuple(network.sizes[1:-1])
    return dataclasses.replace(settings, hidden=hidden, members=1, start="random", dtype=dtype)


def heads_of(model: Model) -> dict[str, Head]:
    """The head of each kind of target in the model."""
    blocks = zip(model.targets.blocks, model.network.architecture.blocks, strict=True)
    return {target.kind: Head(block.activation, block.cost) for target, block in blocks}
