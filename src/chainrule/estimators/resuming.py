"""The state of a training between two calls: which weights predict, and what the next call goes on from."""

import dataclasses

import numpy as np

from chainrule.arrays import Array
from chainrule.engines import RunState
from chainrule.optimizers import Optimizer
from chainrule.training import History, TrainingState

__all__ = ["predicting_theta", "state_to_resume"]


def predicting_theta(state: TrainingState) -> Array:
    """The theta to predict with: the best one where a validation set chooses, or after a divergence, else the last."""
    history = state.history
    chooses = history.monitor != "training" and history.best_epoch >= 0
    return state.kept if chooses or history.stopped == "diverged" else state.run.theta


def state_to_resume(
    state: TrainingState, theta: Array, before: Optimizer, rule: Optimizer, history: History
) -> TrainingState:
    """The state that the next call goes on from, whose settings may differ from those of the last one.

    - state: where the last call ended.
    - theta: the estimator's weights, which a user may have changed. Training goes on from them, unless a validation
      set has chosen them: then it goes on from the state's own.
    - before, rule: the optimizer of the last call, and of the next. Another kind begins with empty slots; one with a
      line search counts its evaluations anew in each call.
    - history: the empty history of the next call. A curve that only it has is NaN for the epochs so far.
    """
    run = dataclasses.replace(state.run, evaluations=0)
    if history.monitor == "training":
        run = dataclasses.replace(run, theta=theta.copy())
    if type(before) is not type(rule) or len(run.slots) != rule.slots:
        run = RunState(run.theta, np.zeros((rule.slots, run.theta.size), run.theta.dtype), 0)
    return dataclasses.replace(state, run=run, history=_history_to_resume(state.history, history))


def _history_to_resume(history: History, now: History) -> History:
    """The history so far, with the curves and the monitored value of the next call."""

    def missing() -> list[float]:
        return [float("nan")] * history.epochs

    return dataclasses.replace(
        history,
        validation=(history.validation or missing()) if now.metrics else [],
        metrics={name: history.metrics.get(name) or missing() for name in now.metrics},
        monitor=now.monitor,
        mode=now.mode,
        best_epoch=history.best_epoch if history.monitor == now.monitor else -1,
    )
