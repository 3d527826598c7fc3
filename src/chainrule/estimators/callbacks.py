"""The callbacks of an estimator: a user's own, `verbose` and `progress`, and those of scikit-learn.

A callback is called with every event of training and ends training by returning True. A callback of scikit-learn is
called at the begin and the end of tasks instead: the fit, and each of its epochs.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chainrule.fields import Function
from chainrule.training import EpochEnd, Event, Stopped
from chainrule.training.display import Display

__all__ = ["FRAMES", "AttributesNow", "Callback", "CallbackSupport", "FitTasks", "callbacks_of", "with_callbacks"]

Callback = Callable[[Event], Any]
_CALLBACK = Function(1, "a callable that takes an event, a list of those, or None")
AttributesNow = Callable[[], dict[str, Any]]  # those with which an estimator predicts as it would now

try:  # scikit-learn has callbacks from 1.9 on
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks

    FRAMES = 1  # stack frames that its decorator puts between `fit` and the caller
except ImportError:
    FRAMES = 0

    class CallbackSupport:  # type: ignore[no-redef]
        """Stands in for scikit-learn's class, which versions before 1.9 do not have: it does nothing."""

    def with_callbacks(method: Any) -> Any:
        """Return the method unchanged."""
        return method


@contextmanager
def callbacks_of(estimator: Any, changed: Callable[[Event], Event] | None = None) -> Iterator[list[Callback]]:
    """The callbacks that an estimator's parameters name, the progress display among them.

    - changed: a function of an event whose result they are called with instead.

    Raises SettingError where `callback` is not a callable of one argument, a list of those, or None.
    """
    choice = estimator.callback
    own = list(choice) if isinstance(choice, list | tuple) else [] if choice is None else [choice]
    for callback in own:
        _CALLBACK.clean("callback", callback)
    with Display(silent=not estimator.progress, may_end=True) as display:
        callbacks = [*([print_line] if estimator.verbose else []), display.show, *own]
        yield callbacks if changed is None else [_with_changed_events(callback, changed) for callback in callbacks]


def _with_changed_events(callback: Callback, changed: Callable[[Event], Event]) -> Callback:
    return lambda event: callback(changed(event))


def print_line(event: Event) -> None:
    """What scikit-learn prints under `verbose`: a line for each epoch, and one where training ends by itself."""
    if isinstance(event, EpochEnd):
        print(f"Iteration {event.epoch + 1}, loss = {event.cost:.8f}")
        for name, value in event.metrics.items():
            print(f"Validation {name}: {value:f}")
    elif isinstance(event, Stopped):
        print(f"{event.message[:1].upper()}{event.message[1:]}. Stopping.")


class FitTasks:
    """Reports a fit and its epochs as tasks to scikit-learn's callbacks; without any it does nothing.

    - estimator: the one that is fitted; None for no reports.
    - epochs: the most that there will be.
    - data: X, y and the other metadata of the call, as the user passed them.
    """

    def __init__(self, estimator: Any = None, epochs: int = 0, data: Mapping[str, Any] | None = None) -> None:
        self._estimator, self._data = estimator, dict(data or {})
        self._fit: Any = None
        self._epoch: Any = None
        if hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx"):
            self._fit = estimator._init_callback_context(max_subtasks=epochs)
            self._fit.call_on_fit_task_begin(estimator=estimator, **self._data)

    def begin_epoch(self, attributes: AttributesNow) -> None:
        """Report that an epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(
                estimator=self._estimator, **self._data, reconstruction_attributes=attributes
            )

    def end_epoch(self, attributes: AttributesNow) -> bool:
        """Report that the epoch has ended; returns whether a callback wants training to end."""
        return self._end(self._epoch, attributes)

    def end(self, attributes: AttributesNow) -> None:
        """Report that the fit is over."""
        self._end(self._fit, attributes)

    def _end(self, task: Any, attributes: AttributesNow) -> bool:
        if task is None:
            return False
        data = {**self._data, "reconstruction_attributes": attributes}
        return bool(task.call_on_fit_task_end(estimator=self._estimator, **data))
