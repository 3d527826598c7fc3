"""What a training is of: the settings and data that must be the same for going on with it to give the same bits."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.architecture import Architecture
from chainrule.engines import Engine
from chainrule.examples import digest_of, digests
from chainrule.fields import settings_of
from chainrule.network import Network
from chainrule.registry import Entry
from chainrule.training.loop import Training

__all__ = ["Fingerprint", "differences", "fingerprint_of"]


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """`settings` as plain data by name, the digests of the `data`, and what computes (`maker`: engine, versions)."""

    settings: Mapping[str, Any]
    data: Mapping[str, str]
    maker: Mapping[str, str]


def fingerprint_of(training: Training, also: Mapping[str, Any]) -> Fingerprint:
    """The identity of a training; `also` are settings that it does not know.

    Threads and time are none of it, epochs only where the schedule looks ahead. Functions of your own are known by
    their names alone.
    """
    dtype = training.net.dtype
    data = digests(training.examples, dtype)
    if training.validation is not None:
        data |= {f"validation {name}": digest for name, digest in digests(training.validation, dtype).items()}
    settings = {**also, **_of_network(training.net), **_of_training(training), **also}
    return Fingerprint(_plain(settings), data, _maker(training.engine))


def differences(came: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    """What is not the same in two sets of settings or digests, by name.

    >>> differences({"seed": 1, "alpha": 0.5}, {"seed": 2, "alpha": 0.5})
    ['seed']
    """
    names = dict.fromkeys([*came, *stored])
    return [name for name in names if name not in came or name not in stored or came[name] != stored[name]]


def _of_network(net: Network) -> dict[str, Any]:
    a = net.architecture
    return {
        "sizes": list(a.sizes),
        "activation": [str(activation) for activation in a.hidden],
        "output": [f"{block.activation} {block.width}" for block in a.blocks],
        "cost": [str(block.cost) for block in a.blocks],
        "masks": _masks(a),
        "dtype": str(net.dtype),
    }


def _masks(architecture: Architecture) -> list[str | None]:
    return [None if mask is None else digest_of(mask, None, mask.dtype) for mask in architecture.masks]


def _of_training(training: Training) -> dict[str, Any]:
    """The settings that bits depend on, what chooses the weights, and `epochs` where the schedule looks ahead."""
    s, monitor = training.settings, training.monitor
    values = {name: getattr(s, name) for name, each in settings_of(s).items() if each.bits}
    if not s.schedule.looks_ahead:
        values.pop("epochs")
    clip = None if s.clip is None else [s.clip.norm, s.clip.value, s.clip.example]
    return {**values, "clip": clip, "metrics": list(monitor.metrics), "monitor": monitor.name, "mode": monitor.mode}


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON has them; an entry's parameters become settings of their own."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Entry):
            found[name] = value.name
            found |= {f"{f.name} of {value.name}": _value(getattr(value, f.name)) for f in dataclasses.fields(value)}
        else:
            found[name] = _value(value)
    return found


def _value(value: Any) -> Any:
    """A value as JSON has it: NumPy's numbers as Python's, infinity and what is no data in words."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return [_value(part) for part in value]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)


def _maker(engine: Engine) -> dict[str, str]:
    """What bits depend on apart from settings and data."""
    versions = {"numpy": np.__version__, "chainrule": __version__}
    return {"engine": engine.name, "instructions": engine.instructions, **versions}
