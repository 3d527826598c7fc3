"""Checkpoints: a file that stores the state of a training while it runs, to resume with the same bits."""

import dataclasses
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.files.atomic import check_target
from chainrule.registry import is_finite, require
from chainrule.text import counted, printable, shown
from chainrule.training.fingerprint import Fingerprint, differences
from chainrule.training.state import TrainingState
from chainrule.training.state_file import Stored, read_state, write_state

__all__ = ["Checkpoint", "CheckpointFile", "as_checkpoint"]


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A file in which a training is saved while it runs and when it ends, to resume from.

    - path: the file. Without `resume` it must not exist: hours of work are not overwritten by a forgotten word.
    - every: the seconds from one save to the next, from 0.
    - resume: whether to resume from the file; where it does not exist, training starts from the beginning.
    - also: settings of your own, by name, that must be the same to resume.

    >>> Checkpoint("run.safetensors", every=10, resume=True)
    Checkpoint(path='run.safetensors', every=10.0, resume=True, also={})

    Raises SettingError where `path` is not a path or `every` is not a number of seconds from 0.
    """

    path: str | os.PathLike[str]
    every: float = 60.0
    resume: bool = False
    also: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        require(isinstance(self.path, str | os.PathLike), "the path of the checkpoint", self.path, "text or a Path")
        try:
            os.fsencode(self.path)
        except (TypeError, ValueError):  # half a surrogate pair, which no file system can store
            require(False, "the path of the checkpoint", self.path, "a name that a file can have")
        require(
            is_finite(self.every) and self.every >= 0,
            "every of the checkpoint",
            self.every,
            "a number of seconds from 0",
        )
        object.__setattr__(self, "every", float(self.every))

    def check_place(self) -> None:
        """Check that training may write to the path.

        Raises SettingError where the file exists and `resume` is False, OSError where the path cannot be written.
        """
        check_target(self.path)
        if not self.resume and Path(self.path).exists():
            raise SettingError(f"{printable(os.fspath(self.path))} exists already: resume from it, or remove it first")


def as_checkpoint(checkpoint: Any) -> Checkpoint:
    """A Checkpoint, or a path as one. Raises SettingError for anything else."""
    return checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)


class CheckpointFile:
    """The checkpoint of one training: read once, then saved again and again, never an older state over a later one."""

    def __init__(self, checkpoint: Checkpoint, fingerprint: Fingerprint) -> None:
        self._checkpoint, self._fingerprint = checkpoint, fingerprint
        self._name = printable(os.fspath(checkpoint.path))
        self._saved: tuple[int, int] | None = None  # the position of the state in the file
        self._due = time.monotonic() + checkpoint.every

    def open(self, epochs: int) -> tuple[TrainingState | None, list[str]]:
        """The state to resume from, None if there is no file yet; and lines that say so.

        Raises SettingError where the file is another training's, is beyond `epochs` or must not be overwritten,
        ModelFileError where it is damaged, OSError where it cannot be written.
        """
        self._checkpoint.check_place()
        if not Path(self._checkpoint.path).exists():
            new = f"there is no checkpoint {self._name} yet: starting from the beginning"
            return None, [new] if self._checkpoint.resume else []
        state, fingerprint = read_state(self._checkpoint.path)
        self._check(fingerprint, state, epochs)
        self._saved = _position(state)
        done = f"{counted(state.epoch, 'epoch')} and {counted(state.run.step, 'update')} are done"
        return state, [f"going on from {self._name}: {done}", *_moved(self._fingerprint.maker, fingerprint.maker)]

    @property
    def is_due(self) -> bool:
        """Whether the time since the last save is up."""
        return time.monotonic() >= self._due

    def save(self, state: TrainingState) -> None:
        """Write the state, unless the file has it or a later one."""
        position = _position(state)
        if self._saved is None or self._saved < position:
            write_state(self._checkpoint.path, Stored(state, self._fingerprint))
            self._saved = position
        self._due = time.monotonic() + self._checkpoint.every

    def _check(self, stored: Fingerprint, state: TrainingState, epochs: int) -> None:
        """Refuse other settings, other data and a state beyond the last epoch, naming what differs."""
        now, before = self._fingerprint.settings, stored.settings
        other = differences(now, before)
        if other:
            words = "; ".join(
                f"{printable(name)} is {_shown(now, name)}, there {_shown(before, name)}" for name in other[:3]
            )
            raise SettingError(
                f"the checkpoint {self._name} belongs to another training: {words}: give the same settings"
            )
        other = differences(self._fingerprint.data, stored.data)
        if other:
            raise SettingError(
                f"the checkpoint {self._name} belongs to a training on other data (the {printable(', '.join(other))} "
                "differ): give the same data"
            )
        begun = state.epoch + bool(len(state.costs))
        if begun > epochs:
            raise SettingError(f"the checkpoint {self._name} is in epoch {begun}, but epochs is {epochs}: give more")


def _position(state: TrainingState) -> tuple[int, int]:
    return state.epoch, state.run.step


def _shown(settings: Mapping[str, Any], name: str) -> str:
    return shown(settings[name]) if name in settings else "not set"


def _same_bits(now: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether the native engine computes on two x86 processors with FMA, which changes no bit."""
    return {now.get("engine"), before.get("engine")} == {"native"} and {
        now.get("instructions"),
        before.get("instructions"),
    } == {"v3", "v4"}


def _moved(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """A line if bits may differ because another engine, processor or version computes now."""
    other = [name for name in differences(now, before) if name != "instructions" or not _same_bits(now, before)]
    words = "; ".join(printable(f"{name} is {now.get(name)}, was {before.get(name)}") for name in other)
    return [f"{words}: the last bits may differ from those of a training without a break"] if words else []
