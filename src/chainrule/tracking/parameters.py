"""The settings of a training as plain values by name, which trackers show in their tables of runs."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from chainrule._version import __version__
from chainrule.registry import Entry
from chainrule.training import Started, TrainingSettings

__all__ = ["parameters_of"]


def parameters_of(event: Started) -> dict[str, Any]:
    """The settings, the rows, the network and the engine of a training, from its first event.

    A setting with parameters becomes several, such as `optimizer` and `optimizer.learning_rate`.

    >>> training = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], optimizer=cr.SGD(0.5))
    >>> parameters = parameters_of(next(training))
    >>> [parameters[name] for name in ("optimizer", "optimizer.learning_rate", "batch_size", "rows")]
    ['sgd', 0.5, 2, 2]
    """
    settings = {} if event.settings is None else dict(_flat(event.settings))
    ran = {"rows": event.rows, "network": event.network, "engine": event.engine, "seed": event.seed}
    return {**settings, **{name: value for name, value in ran.items() if value != ""}, "chainrule": __version__}


def _flat(settings: TrainingSettings) -> Iterator[tuple[str, Any]]:
    """The settings that are not None, and their parameters, as plain values by name."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        parts = _parts(value)
        if parts is None:
            yield field.name, _plain(value)
            continue
        if "name" in parts:
            yield field.name, parts.pop("name")
        for name, part in parts.items():
            yield f"{field.name}.{name}", _plain(part)


def _parts(value: Any) -> dict[str, Any] | None:
    """The parameters of a value that has some, without those that are None; else None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = {"name": value.name} if isinstance(value, Entry) else {}
        parts = {**name, **{field.name: getattr(value, field.name) for field in dataclasses.fields(value)}}
    elif isinstance(value, Mapping):
        parts = {str(name): part for name, part in value.items()}
    else:
        return {} if value is None else None
    return {name: part for name, part in parts.items() if part is not None}


def _plain(value: Any) -> Any:
    """A number, a truth value, or a text; a function of your own is its name."""
    if isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "__name__", None) or str(value)
