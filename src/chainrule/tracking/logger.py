"""What the loggers of all trackers share: they read the events of a training, and write what is new in each."""

import abc
import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from chainrule.errors import SettingError
from chainrule.files import save
from chainrule.registry import require
from chainrule.tracking.parameters import parameters_of
from chainrule.training import EpochEnd, Event, Finished, Progress, Started, Stopped, Updated

__all__ = ["Logger", "Status"]

Status = Literal["finished", "failed", "killed"]


class Logger(abc.ABC):
    """A callback that writes a training to a tracker: settings at its start, costs and scores after each epoch.

    In a `with` block everything goes into one run, which ends with the block, so that `save` can add the model. Without
    one, each training has a run of its own, which ends with it.

    - parameters: more parameters of the run, by name.
    """

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        require(isinstance(parameters, Mapping | None), "parameters", parameters, "values by name, or None")
        self._parameters = dict(parameters or {})
        self._within = self._open = False
        self._rate = float("nan")
        self._best = 0

    # ------------------------------------------------------------------------------- what each tracker defines

    @abc.abstractmethod
    def _begin(self, parameters: Mapping[str, Any]) -> None:
        """Begin a run with these parameters, or take the one that the user has begun."""

    @abc.abstractmethod
    def _write(self, epoch: int, values: Mapping[str, float]) -> None:
        """Write the values after so many epochs."""

    @abc.abstractmethod
    def _note(self, notes: Mapping[str, Any]) -> None:
        """Write what is known at the end of the training."""

    @abc.abstractmethod
    def _keep(self, path: Path) -> None:
        """Keep a copy of a file with the run."""

    @abc.abstractmethod
    def _end(self, status: Status) -> None:
        """End the run, unless the user has begun it."""

    # ------------------------------------------------------------------------------- the events

    def __call__(self, event: Event) -> None:
        """Write what an event says."""
        if isinstance(event, Started):
            self._start({**parameters_of(event), **self._parameters})
        elif not self._open:
            return  # Stopped has ended the run, and Finished follows
        elif isinstance(event, Progress | Updated):
            self._rate = event.rate
        elif isinstance(event, EpochEnd):
            self._write(event.epoch + 1, self._values(event))
        elif isinstance(event, Stopped):
            self._finish(event.reason)
        elif isinstance(event, Finished):
            self._finish(event.history.stopped)

    def _start(self, parameters: Mapping[str, Any]) -> None:
        """Begin a run, unless this is a further training in the same run."""
        if not self._open:
            self._best = 0
            self._begin(parameters)
        self._open = True

    def _values(self, event: EpochEnd) -> dict[str, float]:
        if event.best:
            self._best = event.epoch + 1
        values = {"cost": event.cost, "learning_rate": self._rate, "seconds": event.seconds}
        validation = {} if event.validation is None else {"cost": event.validation, **event.metrics}
        return {**values, **{f"validation/{name}": value for name, value in validation.items()}}

    def _finish(self, stopped: str) -> None:
        self._note({"best_epoch": self._best, "stopped": stopped or "all epochs done"})
        if not self._within:
            self._close("finished")

    def _close(self, status: Status) -> None:
        if self._open:
            self._open = False
            self._end(status)

    # ------------------------------------------------------------------------------- the model

    def save(self, obj: Any, name: str = "model.safetensors") -> None:
        """Keep the model file of a Network, a Model or an estimator with the run; see `cr.save`.

        - obj: the object; of an estimator without its callbacks, which a file cannot hold.
        - name: the name of the file.

        Raises SettingError where no run is open, for a name that is a path, and for what `cr.save` refuses.
        """
        if not self._open:
            raise SettingError(
                "no run is open to save the model in: train and save inside a `with` block of the logger"
            )
        plain = isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name
        require(plain, "name", name, "the name of a file, without folders")
        if getattr(obj, "callback", None) is not None:
            obj = copy.copy(obj)
            obj.callback = None
        with tempfile.TemporaryDirectory() as folder:
            save(obj, Path(folder, name))
            self._keep(Path(folder, name))

    # ------------------------------------------------------------------------------- the block

    def __enter__(self) -> Self:
        self._within = True
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._within = False
        self._close("finished" if kind is None else "killed" if kind is KeyboardInterrupt else "failed")

    def __getstate__(self) -> dict[str, Any]:
        """What a copy has: everything but the run, so that each clone of an estimator begins one of its own."""
        return {**self.__dict__, "_open": False, "_within": False, "_run": None}
