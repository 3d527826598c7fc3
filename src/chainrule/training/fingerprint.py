"""Fingerprint of a training: the settings and data that must match to resume it bit for bit."""

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.architecture import Architecture
from chainrule.engines import Engine
from chainrule.errors import HostsError
from chainrule.examples import LocalRows, digest_of, digests
from chainrule.fields import settings_of
from chainrule.hosts import host_shards, require_same, shard_edges
from chainrule.network import Network
from chainrule.registry import Entry
from chainrule.training.problem import Problem

__all__ = ["Fingerprint", "differences", "fingerprint_of", "require_same_problem"]

# Settings that older checkpoints do not have: named only where they are set.
LATER = ("rates", "label_smoothing", "shards", "precision")


@dataclasses.dataclass(frozen=True)
class Fingerprint:
    """What a training can be recognised by, as plain data.

    - settings: the settings that bits depend on, by name.
    - data: the digests of the examples, by name.
    - maker: what computes: engine, instructions, versions. It may differ, and then the last bits may differ too.
    """

    settings: Mapping[str, Any]
    data: Mapping[str, str]
    maker: Mapping[str, str]


def fingerprint_of(problem: Problem, also: Mapping[str, Any]) -> Fingerprint:
    """The fingerprint of a training; `also` are settings that training itself does not know.

    Threads and time are not in it, and epochs only where the schedule depends on them. A function of your own is
    recognised by its name alone.
    """
    dtype, link = problem.net.dtype, problem.link
    data = digests(problem.examples, dtype)
    if (problem.settings.shards or 1) > 1:
        data["inputs"] = _digest_by_shards(problem)
    if problem.validation is not None:
        own = digests(problem.validation, dtype)
        own["inputs"] = link.share(lambda: own["inputs"])  # host 0 has the rows
        data |= {f"validation {name}": digest for name, digest in own.items()}
    settings = {**also, **_of_network(problem.net), **_of_training(problem), **also}
    return Fingerprint(_plain(settings), data, _maker(problem.engine))


def require_same_problem(problem: Problem) -> None:
    """Compare settings, data and weights of all hosts. Raises HostsError that names the first that differs."""
    if problem.link.alone:
        return
    fingerprint = fingerprint_of(problem, {})
    require_same(
        problem.link, {name: str(value) for name, value in {**fingerprint.settings, **fingerprint.maker}.items()}
    )
    first, *others = problem.link.gather(
        {**fingerprint.data, "first weights": digest_of(problem.net.theta, None, problem.net.dtype)}
    )
    for number, other in enumerate(others, start=1):
        if names := differences(other, first):
            raise HostsError(
                f"host {number} has other data than host 0 (the {', '.join(names)} differ): give all hosts the same"
            )


def differences(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """The names under which two mappings of settings or digests differ.

    >>> differences({"seed": 1, "alpha": 0.5}, {"seed": 2, "alpha": 0.5})
    ['seed']
    """
    names = dict.fromkeys([*now, *before])
    return [name for name in names if name not in now or name not in before or now[name] != before[name]]


def _digest_by_shards(problem: Problem) -> str:
    """The digest of the inputs of all shards, each by a host that has it: the same for any number of hosts."""
    (X, rows), s, link = (problem.examples.X, problem.examples.rows), problem.settings, problem.link
    shards = s.shards or 1
    edges = shard_edges(len(rows), s.batch_size, shards)
    is_local = isinstance(X, LocalRows)
    own = host_shards(link.host, link.hosts, shards) if is_local else range(shards)
    parts = [digest_of(X, rows[edges[k] : edges[k + 1]], problem.net.dtype) for k in own]
    every = [part for of_host in link.gather(parts) for part in of_host] if is_local else parts
    return hashlib.sha256("".join(every).encode()).hexdigest()


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


def _of_training(problem: Problem) -> dict[str, Any]:
    """The settings that bits depend on, and what chooses the weights; `epochs` if the schedule depends on them."""
    s, monitor = problem.settings, problem.monitor
    values = {name: getattr(s, name) for name, each in settings_of(s).items() if each.bits}
    for name in LATER:
        if not values[name]:
            values.pop(name)
    if not s.schedule.looks_ahead:
        values.pop("epochs")
    clip = None if s.clip is None else [s.clip.norm, s.clip.value, s.clip.example]
    if s.clip is not None and s.clip.noise:  # older checkpoints have three numbers
        clip = [*(clip or ()), s.clip.noise]
    return {**values, "clip": clip, "metrics": list(monitor.metrics), "monitor": monitor.name, "mode": monitor.mode}


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON has them; an entry's parameters become settings of their own."""
    plain: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Entry):
            plain[name] = value.name
            plain |= {f"{f.name} of {value.name}": _value(getattr(value, f.name)) for f in dataclasses.fields(value)}
        else:
            plain[name] = _value(value)
    return plain


def _value(value: Any) -> Any:
    """A value as JSON has it: NumPy's numbers as Python's, infinity and any other object as text."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple):
        return [_value(part) for part in value]
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)


def _maker(engine: Engine) -> dict[str, str]:
    """What computes: bits may depend on it too."""
    versions = {"numpy": np.__version__, "chainrule": __version__}
    return {"engine": engine.name, "instructions": engine.instructions, **versions}
