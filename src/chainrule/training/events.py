"""What training tells: frozen events while it runs, and the history that it leaves."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

__all__ = ["EpochEnd", "Event", "Finished", "History", "Progress", "Reason", "Started", "Stopped"]

Reason = Literal["cancelled", "diverged"]


@dataclasses.dataclass(frozen=True)
class Started:
    """Training begins: `rows` with weight above 0, `batches` in each of `epochs`."""

    rows: int
    batches: int
    epochs: int
    engine: str
    seed: int


@dataclasses.dataclass(frozen=True)
class Progress:
    """Some updates of an epoch are done: `batch` of `batches`, `cost` the mean so far, `rate` the learning rate now."""

    epoch: int
    batch: int
    batches: int
    cost: float
    rate: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class EpochEnd:
    """An epoch is done: `cost` is that of `History.cost`, `validation` the cost on the validation set, if any."""

    epoch: int
    cost: float
    metrics: Mapping[str, float]
    validation: float | None
    best: bool
    seconds: float


@dataclasses.dataclass(frozen=True)
class Stopped:
    """Training ends before its last epoch: `reason` for programs, `message` for people."""

    reason: Reason
    message: str


@dataclasses.dataclass
class History:
    """What training left: for each finished epoch e its `cost[e]`, `validation[e]` and `metrics[name][e]`.

    cost[e] = sum_k |B_k| c_k / n, each batch's cost before its update, plus the penalty at the epoch's end.
    `best_epoch` (from 0) is the one with the lowest validation cost, whose weights the network has; without a
    validation set it is the last finished one. -1: there is none. `stopped` is why training ended early, or "", and
    `message` says it in words.
    """

    cost: list[float]
    validation: list[float]
    metrics: dict[str, list[float]]
    seed: int
    engine: str
    best_epoch: int = -1
    stopped: Reason | Literal[""] = ""
    message: str = ""
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.cost)


@dataclasses.dataclass(frozen=True)
class Finished:
    """Training is over and the network has its final weights: the best ones where there is a validation set."""

    history: History


Event = Started | Progress | EpochEnd | Stopped | Finished
