"""scikit-learn's rules over time: when training ends by itself, and how its learning rate falls."""

import dataclasses
import math
import sys
from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.registry import require
from chainrule.schedules import Factors, Schedule
from chainrule.text import counted

__all__ = ["SCORE", "Adaptive", "ByExamples", "Ending", "Plateaus", "falls_until"]

SCORE = "score"  # the name in a history of the score on the validation set
FALL, LEAST = 0.2, 1e-6  # the factor of learning_rate="adaptive", and the rate below which it ends training


class Plateaus:
    """Counts plateaus: more than `patience` epochs in a row without a gain of more than `tol` over the best so far.

    - tol: the least gain that counts.
    - patience: epochs without such a gain that are not a plateau yet; after each plateau they are counted anew.
    - since: the epoch, from 0, from which on values are read.

    >>> plateaus = Plateaus(tol=0.1, patience=1)
    >>> plateaus.after([3.0, 2.0, 2.0, 1.95, 1.0])
    [0, 0, 0, 0, 1, 1]

    Source: scikit-learn's multi-layer perceptrons; there an epoch that gains exactly `tol` counts as a gain.
    """

    def __init__(self, tol: float, patience: int, since: int = 0) -> None:
        self.tol, self.patience = tol, patience
        self._best, self._waited, self._counts = math.inf, 0, [0] * (since + 1)

    def after(self, watched: Sequence[float]) -> list[int]:
        """The number of plateaus after 0, 1, 2, ... epochs.

        `watched` has a value for each epoch, lower is better. It may only grow between calls: each value is read once.
        """
        for value in watched[len(self._counts) - 1 :]:
            self._waited = 0 if value < self._best - self.tol else self._waited + 1
            self._best = min(self._best, value) if math.isfinite(value) else self._best
            ended = self._waited > self.patience
            self._counts.append(self._counts[-1] + ended)
            self._waited = 0 if ended else self._waited
        return self._counts


class Ending:
    """Training ends by itself after more than `falls` plateaus: the learning rate falls after each of the first ones.

    >>> ending = Ending(Plateaus(tol=0.1, patience=1))
    >>> ending.reached([3.0, 2.0, 2.0]), ending.reached([3.0, 2.0, 2.0, 1.95])
    (False, True)
    """

    def __init__(self, plateaus: Plateaus, falls: int = 0) -> None:
        self._plateaus, self._falls = plateaus, falls

    def reached(self, watched: Sequence[float]) -> bool:
        """Whether the last of these values ends training; see `Plateaus.after`."""
        return self._plateaus.after(watched)[-1] > self._falls

    def message(self, monitor: str) -> str:
        """Why training ended, where `monitor` is what was watched."""
        what = {SCORE: "validation score", "cost": "validation loss"}.get(monitor, "training loss")
        tol, patience = self._plateaus.tol, self._plateaus.patience
        return f"the {what} did not improve by more than tol={tol:g} for {counted(patience, 'epoch')} in a row"


def falls_until(rate: float) -> int:
    """How often a learning rate falls before it is too small to train on with.

    >>> falls_until(1e-3), falls_until(1e-7)
    (5, 0)
    """
    return max(0, math.ceil(math.log(rate / LEAST) / -math.log(FALL) - 1e-9))


@dataclasses.dataclass(frozen=True)
class Adaptive(Schedule):
    """0.2^p after p plateaus (see `Plateaus`), but at most `most` of them: scikit-learn's learning_rate="adaptive".

    >>> Adaptive(tol=0.0, patience=1, most=5).factors(3, 2, 1, 9, watched=[2.0, 2.0, 2.0])
    array([0.2, 0.2])
    """

    name = "adaptive"
    tol: float = 1e-4
    patience: int = 10
    most: int = sys.maxsize
    since: int = 0

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        return self.follow()(first, count, per_epoch, total, watched)

    def follow(self) -> Factors:
        plateaus = Plateaus(self.tol, self.patience, self.since)

        def factors(first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
            falls = plateaus.after(watched)
            epochs = np.minimum(np.arange(first, first + count) // per_epoch, len(watched))
            return np.array([math.pow(FALL, min(falls[epoch], self.most)) for epoch in epochs.tolist()])

        return factors


@dataclasses.dataclass(frozen=True)
class ByExamples(Schedule):
    """(t + 1)^-power, where t examples were trained on before the epoch: scikit-learn's learning_rate="invscaling".

    - power: from 0.
    - rows: examples of an epoch.
    - before: examples of the epochs before the first; negative if later epochs had more than `rows`.

    >>> ByExamples(rows=3).factors(0, 4, per_epoch=2, total=4, watched=[])
    array([1. , 1. , 0.5, 0.5])

    Raises SettingError where power is below 0.
    """

    name = "by_examples"
    power: float = 0.5
    rows: int = 1
    before: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.power >= 0, "power_t", self.power, "at least 0")

    def factors(self, first: int, count: int, per_epoch: int, total: int, watched: Sequence[float]) -> Array:
        epochs = np.arange(first, first + count) // per_epoch
        return np.array([math.pow(max(self.before + e * self.rows, 0) + 1, -self.power) for e in epochs.tolist()])
