"""The course of one call of `fit` or `partial_fit`: epochs of a training, until they are over or someone ends it."""

import dataclasses
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np

from chainrule.arrays import Array
from chainrule.engines import RunState
from chainrule.estimators.callbacks import Fitted, Hooks, Listener
from chainrule.estimators.stopping import Plateaus
from chainrule.optimizers import Optimizer
from chainrule.training import EpochEnd, Event, History, Progress, Started, Stopped, Training, TrainingState

__all__ = ["Ends", "adapted", "answer", "run"]

SCORE = "score"  # what the metric of a validation set is called


@dataclasses.dataclass(frozen=True)
class Ends:
    """When training ends by itself, if `at_all`: after plateau `most` + 1 of the monitored value (see `Plateaus`)."""

    tol: float
    patience: int
    most: int = 0
    since: int = 0
    at_all: bool = True

    def follow(self) -> Callable[[Sequence[float]], bool]:
        """Whether the values of all epochs so far are an end; for values that only become more."""
        plateaus = Plateaus(self.tol, self.patience, self.since)
        return lambda watched: self.at_all and plateaus.after(watched)[-1] > self.most

    def words(self, monitor: str) -> str:
        """What has happened then."""
        what = {SCORE: "validation score", "cost": "validation loss"}.get(monitor, "training loss")
        return f"the {what} did not improve by more than tol={self.tol:g} for {self.patience} epochs in a row"


def run(
    training: Training, ends: Ends, once: bool, listeners: Sequence[Listener], hooks: Hooks, fitted: Fitted
) -> None:
    """Run it to its end, for one epoch if `once`, or until a listener or Ctrl-C ends it; its history says why.

    `fitted` are the attributes with which the estimator predicts as it is now.
    """
    over, history, before = ends.follow(), training.history, training.history.seconds
    with closing(training):
        try:
            for event in training:
                asked = [bool(listener(event)) for listener in listeners]
                if isinstance(event, EpochEnd | Progress):
                    history.seconds = before + event.seconds
                if isinstance(event, EpochEnd):
                    asked.append(hooks.end(fitted))
                if _ended(event, any(asked), over, ends, history):
                    for listener in listeners:
                        listener(Stopped(history.stopped, history.message))  # type: ignore[arg-type]
                    break
                if once and isinstance(event, EpochEnd):
                    break
                if isinstance(event, Started | EpochEnd) and history.epochs < training.settings.epochs:
                    hooks.begin(fitted)
        except KeyboardInterrupt:
            history.stopped, history.message = "cancelled", "interrupted: the weights are those of this moment"
            warnings.warn(f"training was {history.message}", stacklevel=2)


def _ended(event: Event, asked: bool, over: Callable[[Sequence[float]], bool], ends: Ends, history: History) -> bool:
    """Whether this event is where training is left, entered in the history."""
    if isinstance(event, EpochEnd) and over(history.watched):
        history.stopped, history.message = "patience", ends.words(history.monitor)
        return True
    if asked and not history.stopped:
        history.stopped, history.message = "cancelled", "ended by a callback"
        return True
    return False


def answer(training: Training) -> Array:
    """The theta to predict with: the best one where a validation set chooses, or after a divergence, else the last."""
    state, history = training.state, training.history
    chooses = history.monitor != "training" and history.best_epoch >= 0
    return state.kept if chooses or history.stopped == "diverged" else state.run.theta


def adapted(state: TrainingState, theta: Array, rules: tuple[Optimizer, Optimizer], now: History) -> TrainingState:
    """A state to go on from under settings that may have changed since.

    `theta` takes the place of the current weights where no best ones are chosen: who has written into them means it.
    `rules` are the update rule before and now: another rule begins with empty slots. What a line search may compute
    is counted anew in each call. `now` is the history of the
    training to come: what it keeps that the state's does not is NaN for the epochs so far.
    """
    run, (before, rule) = dataclasses.replace(state.run, evaluations=0), rules
    if now.monitor == "training":
        run = dataclasses.replace(run, theta=theta.copy())
    if type(before) is not type(rule) or len(run.slots) != rule.slots:
        run = RunState(run.theta, np.zeros((rule.slots, run.theta.size), run.theta.dtype), 0)
    return dataclasses.replace(state, run=run, history=_relabelled(state.history, now, bool(now.metrics)))


def _relabelled(history: History, now: History, held: bool) -> History:
    def missing() -> list[float]:
        return [float("nan")] * history.epochs

    return dataclasses.replace(
        history,
        validation=(history.validation or missing()) if held else [],
        metrics={name: history.metrics.get(name) or missing() for name in now.metrics},
        monitor=now.monitor,
        mode=now.mode,
        best_epoch=history.best_epoch if history.monitor == now.monitor else -1,
    )
