"""Writes trainings to MLflow, through its client, so that its global settings stay as they are."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.tracking.logger import Logger, Status

__all__ = ["MLflowLogger"]

_STATUS = {"finished": "FINISHED", "failed": "FAILED", "killed": "KILLED"}
_LONGEST = 500  # characters of a parameter, which every version of MLflow takes
_MOST = 100  # parameters in one call


class MLflowLogger(Logger):
    """A callback that writes a training to MLflow: parameters, metrics of each epoch, and the model file.

    - experiment: the name of the experiment, which is made if there is none; None for MLflow's own choice.
    - name: the name of the run, or None.
    - uri: the tracking server, database or folder; None for MLflow's own choice, such as MLFLOW_TRACKING_URI.
    - parameters: more parameters of the run, by name.

    Where an `mlflow.start_run()` is active and neither `experiment` nor `uri` is given, everything goes into that run,
    and it stays open.

    >>> with cr.MLflowLogger("digits", uri="sqlite:///mlflow.db") as log:  # doctest: +SKIP
    ...     model = cr.train_table("digits.csv", target="digit", callback=log)
    ...     log.save(model)

    Raises SettingError where MLflow is not installed.
    """

    def __init__(
        self,
        experiment: str | None = None,
        name: str | None = None,
        *,
        uri: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(parameters)
        _mlflow()
        self._experiment, self._name, self._uri = experiment, name, uri
        self._run: str | None = None
        self._own = True

    def _begin(self, parameters: Mapping[str, Any]) -> None:
        mlflow = _mlflow()
        active = mlflow.active_run() if self._experiment is None and self._uri is None else None
        self._own = active is None
        self._run = self._new_run() if active is None else active.info.run_id
        params = [mlflow.entities.Param(_key(name), str(value)[:_LONGEST]) for name, value in parameters.items()]
        for start in range(0, len(params), _MOST):
            self._client.log_batch(self._run, params=params[start : start + _MOST])

    def _new_run(self) -> str:
        client = self._client
        if self._experiment is None:
            from mlflow.tracking.fluent import _get_experiment_id

            number = _get_experiment_id() if self._uri is None else "0"
        else:
            known = client.get_experiment_by_name(self._experiment)
            number = client.create_experiment(self._experiment) if known is None else known.experiment_id
        return str(client.create_run(number, run_name=self._name).info.run_id)

    def _write(self, epoch: int, values: Mapping[str, float]) -> None:
        now, Metric = round(1000 * time.time()), _mlflow().entities.Metric
        metrics = [Metric(_key(name), float(value), now, epoch) for name, value in values.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def _note(self, notes: Mapping[str, Any]) -> None:
        for name, value in notes.items():
            self._client.set_tag(self._run, name, str(value))

    def _keep(self, path: Path) -> None:
        self._client.log_artifact(self._run, str(path))

    def _end(self, status: Status) -> None:
        if self._own:
            self._client.set_terminated(self._run, _STATUS[status])
        self._run = None

    @property
    def _client(self) -> Any:
        return _mlflow().MlflowClient(self._uri)


def _key(name: str) -> str:
    """The name with the characters that MLflow allows."""
    return re.sub(r"[^\w\-./ ]", "_", str(name), flags=re.ASCII)


def _mlflow() -> Any:
    """MLflow. Raises SettingError where it is not installed."""
    try:
        import mlflow
    except ImportError as error:
        if error.name != "mlflow":
            raise
        raise SettingError("this needs MLflow, which is not installed: pip install 'chainrule[mlflow]'") from None
    return mlflow
