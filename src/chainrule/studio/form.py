"""What can be chosen, for the page to offer: the entries with their parameters, and the texts of the settings."""

from __future__ import annotations

import dataclasses
from typing import Any

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.costs import COSTS
from chainrule.errors import ChainruleError
from chainrule.export import FORMATS
from chainrule.fields import Number, settings_of
from chainrule.initializers import INITIALIZERS
from chainrule.model import TableSettings
from chainrule.optimizers import OPTIMIZERS
from chainrule.registry import Registry
from chainrule.schedules import SCHEDULES
from chainrule.settings import TrainingSettings
from chainrule.studio.design import NETWORK, TRAINING
from chainrule.studio.playground import FEATURES, SETS

__all__ = ["form"]


def form() -> dict[str, Any]:
    """All choices as plain data: sets, features, entries by kind, the costs of each output, the settings."""
    entries = {
        "activations": _entries(ACTIVATIONS),
        "costs": _entries(COSTS),
        "optimizers": _entries(OPTIMIZERS),
        "schedules": _entries(SCHEDULES),
        "initializers": _entries(INITIALIZERS),
    }
    formats = [{"name": each.name, "ending": each.ending, "title": each.title} for each in FORMATS.values()]
    return {
        "sets": list(SETS),
        "features": list(FEATURES),
        **entries,
        "costs_of": {output: _costs_of(output) for output in ACTIVATIONS.names()},
        "settings": _settings(),
        "formats": formats,
    }


def _entries(registry: Registry[Any]) -> list[dict[str, Any]]:
    """The entries that can be made without arguments: name, first line of the docstring, parameters with defaults."""
    entries = []
    for kind in registry.classes():
        try:
            parameters = {field.name: getattr(kind(), field.name) for field in dataclasses.fields(kind)}
        except TypeError:
            continue
        plain = {name: value for name, value in parameters.items() if isinstance(value, bool | int | float)}
        text = (kind.__doc__ or "").partition("\n")[0]
        entries.append({"name": kind.name, "text": text, "parameters": plain})
    return entries


def _costs_of(output: str) -> list[str]:
    """The costs that an output activation can have."""
    names = []
    for cost in COSTS.names():
        try:
            Architecture.of([1, 1], output=output, cost=cost)
        except (ChainruleError, TypeError):
            continue
        names.append(cost)
    return names


def _settings() -> dict[str, dict[str, Any]]:
    """The text and the allowed values of each setting."""
    records = {**settings_of(TableSettings), **settings_of(TrainingSettings)}
    texts = {}
    for name in (*NETWORK, *TRAINING):
        each = records[name]
        bounds = {}
        if isinstance(each.kind, Number):
            bounds = {"low": _finite(each.kind.low), "high": _finite(each.kind.high)}
        texts[name] = {"text": each.text, "allowed": each.kind.allowed, **bounds}
    return texts


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
