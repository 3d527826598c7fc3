"""The checkpoint options of `train`, and the emergency save when training does not react to a signal in time."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from chainrule.cli.training_options import STOP_AND_GO_ON
from chainrule.cli.values import duration
from chainrule.errors import SettingError
from chainrule.model import TableTraining
from chainrule.text import counted
from chainrule.training import Checkpoint, Event, Progress, TrainingState

__all__ = ["NO_CHECKPOINT", "CheckpointOptions", "EmergencySave", "stopped_line"]

SLOW = 0.3  # seconds: the state is copied before any event that took at least this long the last time
MAX_AGE = 1.0  # seconds: an older copy is always replaced


@dataclasses.dataclass(frozen=True)
class CheckpointOptions:
    """Where a training is saved, so that it can be resumed."""

    checkpoint: Annotated[
        Path | None,
        Parameter(help="Save the training in this file, to resume it after a stop or a crash.", group=STOP_AND_GO_ON),
    ] = None
    checkpoint_every: Annotated[
        float | None,
        Parameter(
            converter=duration,
            help="Time between two checkpoints: 10s, 5m, 1h. Default: 60s.",
            group=STOP_AND_GO_ON,
            metavar="TIME",
            negative="",
        ),
    ] = None
    resume: Annotated[
        bool,
        Parameter(negative="", help="Resume from the checkpoint; start if there is none.", group=STOP_AND_GO_ON),
    ] = False

    def checkpoint_for(self, out: Path, data: Path, writes: bool = True) -> Checkpoint | None:
        """The checkpoint that the options set, or None; `writes` says whether this process writes it.

        Raises SettingError for options that contradict each other.
        """
        if self.checkpoint is None:
            needing = {"--resume": self.resume, "--checkpoint-every": self.checkpoint_every is not None}
            for option in (option for option, is_set in needing.items() if is_set):
                raise SettingError(f"{option} needs a file: add --checkpoint FILE")
            return None
        for name, other in {"--out": out, "the data": data}.items():
            if self.checkpoint.resolve() == other.resolve():
                raise SettingError(f"--checkpoint is {str(other)!r}, which is also {name}: name another file")
        every = Checkpoint.every if self.checkpoint_every is None else self.checkpoint_every
        checkpoint = Checkpoint(self.checkpoint, every, self.resume)
        if writes:
            checkpoint.check_place()
        return checkpoint


NO_CHECKPOINT = CheckpointOptions()


class EmergencySave:
    """Copies the state of a training before slow steps, and saves the copy when training cannot save in time."""

    def __init__(self, training: TableTraining, out: Path, checkpoint: Checkpoint | None, writes: bool = True) -> None:
        self.writes = writes  # whether this process does, which is host 0 of several
        self._training, self._out, self._checkpoint = training, out, checkpoint
        self._state: TrainingState | None = None
        self._durations: dict[str, float] = {}
        self._kind, self._since, self._copied = "", time.monotonic(), 0.0

    def observe(self, event: Event) -> None:
        """After each event: copy the state if the next step was slow last time or is new, or if the copy is old."""
        now = time.monotonic()
        self._durations[self._kind] = now - self._since
        is_last = isinstance(event, Progress) and event.batch == event.batches
        self._kind = "the end of an epoch" if is_last else type(event).__name__
        if self._durations.get(self._kind, SLOW) >= SLOW or now - self._copied > MAX_AGE:
            assert self._training.running is not None, "an event comes from a running training"
            self._state, self._copied = self._training.running.state, now
        self._since = time.monotonic()

    def __call__(self) -> str:
        """Save the last copy; returns the line that says what was saved."""
        state, running = self._state, self._training.running
        if state is None or running is None:
            return "stopped: nothing is saved"
        if running.keeper is not None:
            running.keeper.save(state)
        has_model = state.history.best_epoch >= 0
        if has_model:
            self._training.best(state).save(self._out)
        return stopped_line(state.history.epochs, self._out if has_model else None, self._checkpoint)


def stopped_line(epochs: int, out: Path | None, checkpoint: Checkpoint | None) -> str:
    """The line that says what a stop by a signal has saved."""
    done = f"stopped after {counted(epochs, 'epoch')}" if epochs else "stopped in the first epoch"
    model = f"the best weights are in {out}" if out else "there is no model yet" if checkpoint else "nothing is saved"
    return f"{done}: {model}" + (f"; --resume continues from {checkpoint.path}" if checkpoint else "")
