"""The state of a training as a file: the container of a model file, with everything that resuming needs.

The document has the texts and whole numbers of the state, and the training's fingerprint. Every floating-point number
of the state is in a tensor, because a cost may be NaN or infinite.
"""

import dataclasses
import math
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

import numpy as np

from chainrule.arrays import Array
from chainrule.engines import RunState
from chainrule.errors import ModelFileError
from chainrule.files import CHECKPOINT, MISFITS, misfit
from chainrule.files.container import SCHEMA, UNVERIFIED, Container, from_bytes, read, to_bytes, write
from chainrule.hosts import Link
from chainrule.text import shown
from chainrule.training.fingerprint import Fingerprint
from chainrule.training.history import History, Reason
from chainrule.training.state import TrainingState

__all__ = ["Stored", "read_state", "shared_state", "state_of", "state_parts", "stored_in", "write_state"]


class Stored(NamedTuple):
    """What a file has: a state, and the fingerprint of its training."""

    state: TrainingState
    fingerprint: Fingerprint


def write_state(path: str | os.PathLike[str], stored: Stored) -> None:
    """Write a state as one file, whole or not at all. Raises OSError where the path cannot be written."""
    document, tensors = state_parts(stored.state)
    write(path, {"schema": SCHEMA, "kind": CHECKPOINT, **document, **dataclasses.asdict(stored.fingerprint)}, tensors)


def state_parts(state: TrainingState) -> tuple[dict[str, Any], dict[str, Array]]:
    """The texts and whole numbers of a state, and its floats as tensors."""
    words, history = _history_parts(state.history)
    tensors = {"theta": state.run.theta, "slots": state.run.slots, "kept": state.kept, "costs": state.costs}
    counts = {"epoch": state.epoch, "step": state.run.step, "evaluations": state.run.evaluations}
    return {**counts, "history": words}, {**tensors, **history}


def read_state(path: str | os.PathLike[str]) -> Stored:
    """Read what `write_state` wrote. Raises ModelFileError where a file is damaged or not a checkpoint."""
    try:
        container = read(path)
    except ModelFileError as error:
        reason = str(error).removesuffix(UNVERIFIED)
        raise ModelFileError(f"{reason}: no training can be resumed from it, remove it or name another") from None
    return stored_in(container, path)


def stored_in(container: Container, path: str | os.PathLike[str]) -> Stored:
    """The checkpoint in a file that was read; `path` is for messages. Raises ModelFileError as `read_state` does."""
    kind = container.document.get("kind")
    if kind != CHECKPOINT:
        raise ModelFileError(f"{os.fspath(path)!r}: it holds a {shown(kind)}, not a checkpoint: name another file")
    try:
        return _stored(container)
    except MISFITS as error:
        raise misfit(path, error) from None


def state_of(document: Mapping[str, Any], tensors: Mapping[str, Array]) -> TrainingState:
    """The state of which `state_parts` gives these parts.

    Raises LookupError, TypeError or ValueError for parts that do not fit together.
    """
    theta, slots, kept = (_floats(tensors, name, rank) for name, rank in (("theta", 1), ("slots", 2), ("kept", 1)))
    if {theta.dtype, slots.dtype, kept.dtype} != {theta.dtype} or (kept.size, slots.shape[1]) != (theta.size,) * 2:
        raise ValueError("theta, slots and kept are of different shapes or types")
    epoch, step = (_count(document[name]) for name in ("epoch", "step"))
    evaluations = _count(document.get("evaluations", 0))  # older files have none
    run = RunState(theta, slots, step, evaluations)
    state = TrainingState(epoch, _floats(tensors, "costs", 1), run, kept, _history(document["history"], tensors))
    if state.history.epochs != epoch:
        raise ValueError(f"the history has {state.history.epochs} epochs, not {epoch}")
    return state


def shared_state(link: Link, state: TrainingState | None) -> TrainingState | None:
    """The state that host 0 has, on every host; None where it has none."""
    if link.alone:
        return state

    def packed() -> bytes:
        if state is None:
            return b""
        document, tensors = state_parts(state)
        return to_bytes({"schema": SCHEMA, **document}, tensors)

    message = link.share_bytes(packed)
    if link.first or not message:
        return state
    container = from_bytes(message)
    return state_of(container.document, container.tensors)


def _stored(container: Container) -> Stored:
    document = container.document
    fingerprint = Fingerprint(*(_mapping(document[name]) for name in ("settings", "data", "maker")))
    return Stored(state_of(document, container.tensors), fingerprint)


def _floats(tensors: Mapping[str, Array], name: str, rank: int) -> Array:
    """A copy of a tensor of floats: that of a file may be unaligned and cannot be written to."""
    tensor = tensors[name]
    if tensor.ndim != rank or tensor.dtype.kind != "f":
        raise ValueError(f"{name} is {tensor.dtype} of shape {tensor.shape}, not floats of rank {rank}")
    return np.array(tensor, dtype=tensor.dtype.newbyteorder("="))


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{shown(value)} is not a count")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{shown(value)} is not a mapping")
    return value


# ---------------------------------------------------------------------------------------------- the history

_NAMES = {"probes": "looks"}  # fields that keep an older name in files, for ever
_OPTIONAL = ("noise", "exposed")  # fields that only some files have
_SINGLE = ("seconds", "noise")  # fields of one float


def _history_parts(history: History) -> tuple[dict[str, Any], dict[str, Array]]:
    """The texts and whole numbers of a history, and its floats as tensors `history.*`."""
    words: dict[str, Any] = {}
    tensors: dict[str, Array] = {}
    for field in dataclasses.fields(history):
        name, value = _NAMES.get(field.name, field.name), getattr(history, field.name)
        if name in _OPTIONAL and not value:
            continue
        if isinstance(value, dict):
            words[name] = list(value)
            tensors |= {f"history.{name}.{k}": np.array(part, np.float64) for k, part in enumerate(value.values())}
        elif isinstance(value, list | float):
            tensors[f"history.{name}"] = np.array(value, np.float64)
        else:
            words[name] = value
    return words, tensors


def _history(words: Any, tensors: Mapping[str, Array]) -> History:
    """The history of which `_history_parts` gives these parts."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(History):
        name = _NAMES.get(field.name, field.name)
        if f"history.{name}" in tensors:
            values[field.name] = _floats(tensors, f"history.{name}", int(name not in _SINGLE)).tolist()
        elif name in ("looks", *_OPTIONAL) and name not in words:
            continue  # probes too: a checkpoint may be from before there were any
        elif isinstance(words[name], list):
            if not all(isinstance(each, str) for each in words[name]):
                raise TypeError(f"{name} of the history is {shown(words[name])}, not names")
            parts = (_floats(tensors, f"history.{name}.{k}", 1).tolist() for k in range(len(words[name])))
            values[field.name] = dict(zip(words[name], parts, strict=True))
        else:
            values[field.name] = words[name]
    return _checked(History(**values))


def _checked(history: History) -> History:
    """The history, if each field has its type and each list a value for every epoch or none at all."""
    sample = History([], [], {}, 0, "")
    lists: list[list[float]] = []
    for field in dataclasses.fields(History):
        value, kind = getattr(history, field.name), type(getattr(sample, field.name))
        if type(value) is not kind:
            raise TypeError(f"{field.name} of the history is {shown(value)}, not a {kind.__name__}")
        lists += [value] if kind is list else []
    lists += history.metrics.values()
    if any(len(values) not in (0, history.epochs) for values in lists):
        raise ValueError("the parts of the history have different lengths")
    _check_words(history)
    return history


def _check_words(history: History) -> None:
    """Raise ValueError for a value of a history that training never gives."""
    allowed = {
        "seed": 0 <= history.seed < 2**64,
        "monitor": history.monitor in ("cost", "training", *history.metrics),
        "mode": history.mode in ("min", "max"),
        "best_epoch": -1 <= history.best_epoch < history.epochs,
        "stopped": history.stopped in ("", *get_args(Reason)),
        "seconds": 0 <= history.seconds < math.inf,
        "noise": 0 <= history.noise < math.inf,
    }
    for name in (name for name, ok in allowed.items() if not ok):
        raise ValueError(f"{name} of the history is {shown(getattr(history, name))}")
