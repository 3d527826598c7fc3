"""The state of a training between two updates."""

import dataclasses

from chainrule.arrays import Array
from chainrule.engines import RunState
from chainrule.training.history import History

__all__ = ["TrainingState"]


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """Exactly where a training is between two updates: to resume here gives the bits of never having stopped.

    - epoch: the epoch in progress, from 0.
    - costs: c_k of its batches so far, float64.
    - run: theta, the optimizer's slots and the number of updates.
    - kept: theta to go back to: that of the best epoch, or the last one that is known to be good.
    - history: what the finished epochs left; schedules and patience count in it.
    """

    epoch: int
    costs: Array
    run: RunState
    kept: Array
    history: History
