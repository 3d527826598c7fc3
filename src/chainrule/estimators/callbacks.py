"""Who watches an estimator's training: lines on stdout, a display, callables of the user's, scikit-learn's callbacks.

A listener is called with every event of training, and ends it by returning True.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chainrule.registry import require
from chainrule.training import EpochEnd, Event, Stopped
from chainrule.training.display import Display

__all__ = ["FRAMES", "CallbackSupport", "Fitted", "Hooks", "Listener", "watched_by", "with_callbacks"]

Listener = Callable[[Event], Any]
Fitted = Callable[[], dict[str, Any]]

try:  # scikit-learn has callbacks from 1.9 on
    from sklearn.callback import CallbackSupportMixin as CallbackSupport
    from sklearn.callback import with_callbacks

    FRAMES = 1  # that its decorator puts between `fit` and who calls it
except ImportError:
    FRAMES = 0

    class CallbackSupport:  # type: ignore[no-redef]
        """What takes the place of scikit-learn's callbacks before its 1.9: nothing."""

    def with_callbacks(method: Any) -> Any:
        """The method as it is."""
        return method


@contextmanager
def watched_by(estimator: Any, shown: Callable[[Event], Event] | None = None) -> Iterator[list[Listener]]:
    """The listeners that the parameters ask for, the display among them; they get events as `shown` makes them."""
    given = estimator.callback
    own = list(given) if isinstance(given, list | tuple) else [] if given is None else [given]
    for callback in own:
        require(callable(callback), "callback", callback, "a callable that takes an event, a list of those, or None")
    with Display(silent=not estimator.progress, may_end=True) as display:
        listeners = [*([print_line] if estimator.verbose else []), display.show, *own]
        yield listeners if shown is None else [_told(listener, shown) for listener in listeners]


def _told(listener: Listener, shown: Callable[[Event], Event]) -> Listener:
    return lambda event: listener(shown(event))


def print_line(event: Event) -> None:
    """scikit-learn's `verbose`: a line on stdout for each epoch, and one where training ends by itself."""
    if isinstance(event, EpochEnd):
        print(f"Iteration {event.epoch + 1}, loss = {event.cost:.8f}")
        for name, value in event.metrics.items():
            print(f"Validation {name}: {value:f}")
    elif isinstance(event, Stopped):
        print(f"{event.message[:1].upper()}{event.message[1:]}. Stopping.")


class Hooks:
    """scikit-learn's callbacks: told of each epoch as a task of the estimator's fit, with X and y as they came.

    Without an estimator it is silent, as it is where the estimator has no callbacks.
    """

    def __init__(self, estimator: Any = None, epochs: int = 0, told: Mapping[str, Any] | None = None) -> None:
        self._estimator, self._told = estimator, dict(told or {})
        self._context: Any = None
        self._task: Any = None
        if hasattr(estimator, "_skl_callbacks") or hasattr(estimator, "_parent_callback_ctx"):
            self._context = estimator._init_callback_context(max_subtasks=epochs)
            self._context.call_on_fit_task_begin(estimator=estimator, **self._told)

    def begin(self, fitted: Fitted) -> None:
        """An epoch begins; `fitted` are the attributes that make the estimator ready to predict as it is now."""
        if self._context is not None:
            self._task = self._context.subcontext(task_name="epoch")
            self._task.call_on_fit_task_begin(estimator=self._estimator, **self._told, reconstruction_attributes=fitted)

    def end(self, fitted: Fitted) -> bool:
        """It has ended; whether a callback wants training to end too."""
        return self._finish(self._task, fitted)

    def finish(self, fitted: Fitted) -> None:
        """The fit is over."""
        self._finish(self._context, fitted)

    def _finish(self, task: Any, fitted: Fitted) -> bool:
        if task is None:
            return False
        told = {**self._told, "reconstruction_attributes": fitted}
        return bool(task.call_on_fit_task_end(estimator=self._estimator, **told))
