"""`train`'s checkpoint: its options, and what is saved when a signal comes while something takes too long."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from chainrule.cli.training_options import STOP_AND_GO_ON
from chainrule.cli.values import duration
from chainrule.errors import SettingError
from chainrule.model import TableTraining
from chainrule.training import Checkpoint, Event, Progress, TrainingState

__all__ = ["NO_CHECKPOINT", "CheckpointOptions", "Rescue", "stopped_line"]

SLOW = 0.3  # seconds between two events from which on the state is copied before
FRESH = 1.0  # seconds after which it is copied in any case


@dataclasses.dataclass(frozen=True)
class CheckpointOptions:
    """Where a training is kept, to go on with it."""

    checkpoint: Annotated[
        Path | None,
        Parameter(help="Keep the training in this file, to go on after a stop or a crash.", group=STOP_AND_GO_ON),
    ] = None
    checkpoint_every: Annotated[
        float | None,
        Parameter(
            converter=duration,
            help="Time between two checkpoints: 10s, 5m, 1h; without it 60s.",
            group=STOP_AND_GO_ON,
            metavar="TIME",
            negative="",
        ),
    ] = None
    resume: Annotated[
        bool, Parameter(negative="", help="Go on from the checkpoint; begin if there is none.", group=STOP_AND_GO_ON)
    ] = False

    def asked(self, out: Path, data: Path) -> Checkpoint | None:
        """The checkpoint asked for, if any. Raises SettingError for options that contradict each other."""
        if self.checkpoint is None:
            given = {"--resume": self.resume, "--checkpoint-every": self.checkpoint_every is not None}
            for name in (name for name, there in given.items() if there):
                raise SettingError(f"{name} needs a file: add --checkpoint FILE")
            return None
        for name, other in {"--out": out, "the data": data}.items():
            if self.checkpoint.resolve() == other.resolve():
                raise SettingError(f"--checkpoint is {str(other)!r}, which is {name} too: name another file")
        every = Checkpoint.every if self.checkpoint_every is None else self.checkpoint_every
        asked = Checkpoint(self.checkpoint, every, self.resume)
        asked.check_place()
        return asked


NO_CHECKPOINT = CheckpointOptions()


class Rescue:
    """Keeps the state of a training before what may take long, and saves it when the training itself cannot."""

    def __init__(self, training: TableTraining, out: Path, checkpoint: Checkpoint | None) -> None:
        self._training, self._out, self._checkpoint = training, out, checkpoint
        self._state: TrainingState | None = None
        self._took: dict[str, float] = {}
        self._kind, self._since, self._copied = "", time.monotonic(), 0.0

    def saw(self, event: Event) -> None:
        """After each event: copy the state if what comes next was slow before or is new, or if the copy is old."""
        now = time.monotonic()
        self._took[self._kind] = now - self._since
        closes = isinstance(event, Progress) and event.batch == event.batches
        self._kind = "the end of an epoch" if closes else type(event).__name__
        if self._took.get(self._kind, SLOW) >= SLOW or now - self._copied > FRESH:
            assert self._training.running is not None, "its event is here"
            self._state, self._copied = self._training.running.state, now
        self._since = time.monotonic()

    def __call__(self) -> str:
        """Save what there is, and say so in a line."""
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
    """What a stop by a signal has left."""
    done = f"stopped after {epochs} epoch{'s' * (epochs != 1)}" if epochs else "stopped in the first epoch"
    model = f"the best weights are in {out}" if out else "there is no model yet" if checkpoint else "nothing is saved"
    return f"{done}: {model}" + (f"; --resume goes on from {checkpoint.path}" if checkpoint else "")
