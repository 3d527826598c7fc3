"""The reasons to stop before the last epoch: cancelled, out of time, out of patience, diverged."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.settings import TrainingSettings
from chainrule.text import counted
from chainrule.training.diagnosis.divergence import explanation
from chainrule.training.events import Stopped
from chainrule.training.problem import Problem

__all__ = ["Gains", "Limits", "divergence"]

ROWS = 4096  # rows that are read to explain a divergence


class Limits:
    """The limits that a caller and the settings set; each method returns why to stop now, or None."""

    def __init__(self, settings: TrainingSettings, cancel: Callable[[], bool] | None) -> None:
        self._patience, self._time, self._tolerance = settings.patience, settings.time, settings.tolerance
        self._cancel, self._gains = cancel, Gains(settings.min_delta)

    @property
    def is_cancelled(self) -> bool:
        """Whether the caller cancels the training."""
        return self._cancel is not None and self._cancel()

    def before_update(self, seconds: float, cancelled: bool = False) -> Stopped | None:
        """Cancelled, by the caller or otherwise, or out of time after so many seconds."""
        if cancelled or self.is_cancelled:
            return Stopped("cancelled", "cancelled")
        if self._time is not None and seconds >= self._time:
            return Stopped("time", "the time is over")
        return None

    def at_gradient(self, gradient: Array) -> Stopped | None:
        """Converged, where every element of the gradient (parameters,) is within the tolerance."""
        largest = float(np.abs(gradient).max())
        if self._tolerance is None or not largest <= self._tolerance:
            return None
        return Stopped("converged", f"converged: max|dC/dtheta| is {largest:.2g} ≤ {self._tolerance:g}")

    def before_epoch(self, watched: Sequence[float]) -> Stopped | None:
        """Out of patience; `watched` are the monitored values of all epochs so far, lower is better."""
        if self._patience is not None and self._gains.epochs_without(watched) >= self._patience:
            return Stopped("patience", f"no gain in {counted(self._patience, 'epoch')}")
        return None


class Gains:
    """Counts the epochs since the last gain. Values are only ever added, and each is read once.

    A gain is a value that is lower than all before it by more than `min_delta`.

    >>> Gains(min_delta=0.2).epochs_without([3.0, 1.0, 1.5, 0.9])
    2
    """

    def __init__(self, min_delta: float) -> None:
        self._min_delta, self._best, self._count, self._read = min_delta, math.inf, 0, 0

    def epochs_without(self, watched: Sequence[float]) -> int:
        """The number of epochs since the last gain; `watched` has one value for each epoch, lower is better."""
        for value in watched[self._read :]:
            self._count = 0 if value < self._best - self._min_delta else self._count + 1
            self._best = min(self._best, value) if math.isfinite(value) else self._best
        self._read = len(watched)
        return self._count


def divergence(problem: Problem, epoch: int, what: str, rate: float) -> Stopped:
    """Why to stop where `what` ("the cost is") is not finite, with the learning rate and what else to change."""
    if not problem.link.first:
        return Stopped("diverged", "")  # host 0 says why
    rows = problem.probed_rows[:ROWS]
    X, T = problem.examples.X[rows], problem.examples.T[rows]
    rate_to_lower = None if problem.settings.optimizer.line_search else rate
    return Stopped("diverged", explanation(epoch, what, rate_to_lower, X, T, problem.feature_names))
