"""The events of a training: frozen records that it hands out while it runs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from chainrule.settings import TrainingSettings
from chainrule.training.history import History, Reason

__all__ = ["EpochEnd", "Event", "Finished", "Progress", "Started", "Stopped", "Updated", "document"]


@dataclasses.dataclass(frozen=True)
class Started:
    """Training begins: `rows` with weight above 0, `batches` in each of `epochs`; `notes` are for people to read.

    `network` describes the network in words, and `settings` are those that run; both are empty in a descent.

    >>> event = next(cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], batch_size=1, epochs=3))
    >>> event.rows, event.batches, event.epochs
    (2, 2, 3)
    """

    rows: int
    batches: int
    epochs: int
    engine: str
    seed: int
    notes: tuple[str, ...] = ()
    network: str = dataclasses.field(default="", compare=False)
    settings: TrainingSettings | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclasses.dataclass(frozen=True)
class Progress:
    """Some updates of an epoch are done: `batch` of `batches`, with mean `cost` so far and learning rate `rate`.

    There are about ten a second, at least one an epoch. `epoch` counts from 0, `seconds` from the start of training.

    >>> events = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], batch_size=1, epochs=1)
    >>> [(event.epoch, event.batch, event.batches) for event in events if isinstance(event, cr.Progress)][-1]
    (0, 2, 2)
    """

    epoch: int
    batch: int
    batches: int
    cost: float
    rate: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class Updated:
    """One update is made, from batch number `batch` (from 1) of `batches`; `Training.step` gives these events.

    `cost` is that of its batch before the update, without penalty, `rate` its learning rate. `epoch` counts from 0,
    `seconds` from the start of training.

    >>> update = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], batch_size=1, shuffle=False).step()
    >>> update.epoch, update.batch, update.batches, update.cost
    (0, 1, 2, 0.125)
    """

    epoch: int
    batch: int
    batches: int
    cost: float
    rate: float
    seconds: float


@dataclasses.dataclass(frozen=True)
class EpochEnd:
    """An epoch is done: `cost` is that of `History.cost`, `validation` the cost on the validation set, or None.

    `metrics` are those on the validation set by name; `best` says whether no earlier epoch was better. `epoch` counts
    from 0, `seconds` from the start of training.

    >>> events = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=2)
    >>> [(event.epoch, event.validation) for event in events if isinstance(event, cr.EpochEnd)]
    [(0, None), (1, None)]
    """

    epoch: int
    cost: float
    metrics: Mapping[str, float]
    validation: float | None
    best: bool
    seconds: float


@dataclasses.dataclass(frozen=True)
class Stopped:
    """Training ends before its last epoch: `reason` for programs, `message` for people.

    >>> events = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=9, cancel=lambda: True)
    >>> [event.reason for event in events if isinstance(event, cr.Stopped)]
    ['cancelled']
    """

    reason: Reason
    message: str


@dataclasses.dataclass(frozen=True)
class Finished:
    """Training is over, and the network has its final weights: the best ones where there is a validation set.

    >>> *_, last = cr.train(cr.Network([1, 1]), [[0.0], [1.0]], [[0.0], [1.0]], epochs=3)
    >>> last.history.epochs
    3
    """

    history: History


Event = Started | Progress | Updated | EpochEnd | Stopped | Finished


def document(event: Event) -> dict[str, Any]:
    """An event as plain data: what `chainrule train --json` writes and what the studio's page hears.

    >>> document(EpochEnd(0, 0.5, {"accuracy": 0.75}, 0.25, True, 1.5))
    {'event': 'epoch', 'epoch': 1, 'cost': 0.5, 'best': True, 'validation_cost': 0.25, 'accuracy': 0.75, 'seconds': 1.5}
    """
    if isinstance(event, EpochEnd):
        plain: dict[str, Any] = {"event": "epoch", "epoch": event.epoch + 1, "cost": event.cost, "best": event.best}
        if event.validation is not None:
            plain |= {"validation_cost": event.validation, **event.metrics}
        return {**plain, "seconds": round(event.seconds, 3)}
    if isinstance(event, Started):
        numbers = {"rows": event.rows, "batches": event.batches, "epochs": event.epochs}
        return {"event": "started", **numbers, "engine": event.engine, "seed": event.seed, "notes": list(event.notes)}
    if isinstance(event, Stopped):
        return {"event": "stopped", "reason": event.reason, "message": event.message}
    if isinstance(event, Finished):
        return {"event": "finished", "epochs": event.history.epochs, "best_epoch": event.history.best_epoch + 1}
    name = "progress" if isinstance(event, Progress) else "updated"
    return {"event": name, **dataclasses.asdict(event), "epoch": event.epoch + 1}
