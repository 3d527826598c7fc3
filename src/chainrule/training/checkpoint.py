"""Checkpoints: when a training is saved, and going on from what was saved with the bits of never having stopped."""

import dataclasses
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.files.atomic import check_target
from chainrule.registry import require
from chainrule.training.events import Event, Finished
from chainrule.training.fingerprint import Fingerprint, differences, fingerprint_of
from chainrule.training.loop import Training, TrainingState
from chainrule.training.state_file import Stored, read_state, write_state

__all__ = ["Checkpoint", "as_checkpoint", "keep"]


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A file that a training is saved in every so many seconds, and when it ends; `resume` goes on from what it has.

    With resume=True and no file there, training starts from the beginning. With resume=False a file in the way is
    refused: what took hours is not overwritten by a forgotten word. `also` are settings of your own, by name, that must
    be the same to go on.

    >>> Checkpoint("run.safetensors", every=10, resume=True)
    Checkpoint(path='run.safetensors', every=10.0, resume=True, also={})
    """

    path: str | os.PathLike[str]
    every: float = 60.0
    resume: bool = False
    also: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        require(isinstance(self.path, str | os.PathLike), "the path of the checkpoint", self.path, "text or a Path")
        number = isinstance(self.every, int | float | np.integer | np.floating) and not isinstance(self.every, bool)
        require(number and 0 <= self.every < math.inf, "every of the checkpoint", self.every, "seconds from 0")
        object.__setattr__(self, "every", float(self.every))

    def check_place(self) -> None:
        """Raise SettingError for a file in the way, OSError for a place that cannot be written."""
        check_target(self.path)
        if not self.resume and Path(self.path).exists():
            raise SettingError(f"{os.fspath(self.path)} is there already: resume, to go on from it, or remove it first")


def as_checkpoint(checkpoint: Any) -> Checkpoint:
    """A Checkpoint, or a path as one. Raises SettingError for anything else."""
    return checkpoint if isinstance(checkpoint, Checkpoint) else Checkpoint(checkpoint)


def keep(training: Training, checkpoint: Checkpoint | str | os.PathLike[str]) -> None:
    """Have a training that has not begun go on from its checkpoint, if there is one, and saved in it from now on.

    Raises SettingError where the file is of another training or is in the way, ModelFileError where it is damaged,
    OSError where it could not be written.
    """
    asked = as_checkpoint(checkpoint)
    keeper = FileKeeper(asked, fingerprint_of(training, asked.also))
    keeper.begin(training)
    training.keeper = keeper


class FileKeeper:
    """Keeps the checkpoint of one training (a `Keeper`)."""

    def __init__(self, checkpoint: Checkpoint, identity: Fingerprint) -> None:
        self._checkpoint, self._identity = checkpoint, identity
        self._name = os.fspath(checkpoint.path)
        self._saved: tuple[int, int] | None = None
        self._due = time.monotonic() + checkpoint.every

    def begin(self, training: Training) -> None:
        """Put the training where the file is, if it may be, and tell in its notes."""
        self._checkpoint.check_place()
        if not Path(self._checkpoint.path).exists():
            if self._checkpoint.resume:
                training.notes.append(f"there is no checkpoint {self._name} yet: starting from the beginning")
            return
        stored = read_state(self._checkpoint.path)
        self._check(stored, training.settings.epochs)
        training.go_to(stored.state)
        self._saved = _position(stored.state)
        training.notes.append(f"going on from {self._name}: {_place(stored.state)}")
        training.notes += _moved(self._identity.maker, stored.maker)

    def saw(self, training: Training, event: Event) -> None:
        """Save if it is time to."""
        if isinstance(event, Finished) or time.monotonic() >= self._due:
            self.save(training.state)

    def save(self, state: TrainingState) -> None:
        """Write the state, unless the file has it, or a later one."""
        position, i = _position(state), self._identity
        if self._saved is None or self._saved < position:
            write_state(self._checkpoint.path, Stored(state, i.settings, i.data, i.maker))
            self._saved = position
        self._due = time.monotonic() + self._checkpoint.every

    def _check(self, stored: Stored, epochs: int) -> None:
        """Refuse other settings, other data and a place beyond the end, naming what differs."""
        came, there = self._identity.settings, stored.settings
        other = differences(came, there)
        if other:
            words = "; ".join(f"{name} is {_shown(came, name)}, there {_shown(there, name)}" for name in other[:3])
            raise SettingError(f"the checkpoint {self._name} is of another training: {words}: give the same settings")
        other = differences(self._identity.data, stored.data)
        if other:
            raise SettingError(
                f"the checkpoint {self._name} is of a training on other data (the {', '.join(other)} differ): "
                "give the same data"
            )
        begun = stored.state.epoch + bool(len(stored.state.costs))
        if begun > epochs:
            raise SettingError(f"the checkpoint {self._name} is in epoch {begun}: epochs is {epochs}, ask for more")


def _position(state: TrainingState) -> tuple[int, int]:
    return state.epoch, state.run.step


def _place(state: TrainingState) -> str:
    return f"{state.epoch:,} epochs and {state.run.step:,} updates are done"


def _shown(settings: Mapping[str, Any], name: str) -> str:
    return repr(settings[name]) if name in settings else "not set"


def _moved(came: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """A line if bits may differ because something else computes now."""
    words = "; ".join(f"{name} is {came.get(name)}, was {there.get(name)}" for name in differences(came, there))
    return [f"{words}: the last bits may differ from those of a training that never moved"] if words else []
