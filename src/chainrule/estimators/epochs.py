"""Runs the epochs of one `fit` or `partial_fit`, until they are done or a callback stops them."""

import warnings
from collections.abc import Sequence
from contextlib import closing

from chainrule.estimators.callbacks import AttributesNow, Callback, FitTasks
from chainrule.estimators.stopping import Ending
from chainrule.training import EpochEnd, Event, History, Progress, Started, Stopped, Training

__all__ = ["run"]


def run(
    training: Training,
    ending: Ending | None,
    callbacks: Sequence[Callback],
    tasks: FitTasks,
    attributes: AttributesNow,
    *,
    once: bool,
) -> None:
    """Run a training until its end, the `ending`, a callback or Ctrl-C ends it; its history says which.

    - ending: when it ends by itself; None for never.
    - callbacks: called with every event; True ends training.
    - tasks: reports the epochs to scikit-learn's callbacks, which may end training too.
    - attributes: gives the attributes with which the estimator predicts as it would now.
    - once: end after one epoch.
    """
    history, before = training.history, training.history.seconds
    with closing(training):
        try:
            for event in training:
                results = [bool(callback(event)) for callback in callbacks]
                stop = any(results)
                if isinstance(event, EpochEnd | Progress):
                    history.seconds = before + event.seconds
                if isinstance(event, EpochEnd):
                    stop = tasks.end_epoch(attributes) or stop
                if _stops(event, stop, ending, history):
                    for callback in callbacks:
                        callback(Stopped(history.stopped, history.message))  # type: ignore[arg-type]
                    break
                if once and isinstance(event, EpochEnd):
                    break
                if isinstance(event, Started | EpochEnd) and history.epochs < training.settings.epochs:
                    tasks.begin_epoch(attributes)
        except KeyboardInterrupt:
            history.stopped, history.message = "cancelled", "interrupted: the weights are those of this moment"
            warnings.warn(f"training was {history.message}", stacklevel=2)


def _stops(event: Event, stop: bool, ending: Ending | None, history: History) -> bool:
    """Whether training stops at this event, with the reason in the history; `stop` is what callbacks want."""
    if isinstance(event, EpochEnd) and ending is not None and ending.reached(history.watched):
        history.stopped, history.message = "patience", ending.message(history.monitor)
        return True
    if stop and not history.stopped:
        history.stopped, history.message = "cancelled", "ended by a callback"
        return True
    return False
