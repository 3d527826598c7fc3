"""Writes trainings to Weights & Biases."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.tracking.logger import Logger, Status

__all__ = ["WandbLogger"]

_CODES = {"finished": 0, "failed": 1, "killed": 255}


class WandbLogger(Logger):
    """A callback that writes a training to Weights & Biases: its configuration, metrics of each epoch, the model file.

    - project: the name of the project; None for wandb's own choice.
    - name: the name of the run, or None.
    - parameters: more values of the configuration, by name.
    - options: more arguments of `wandb.init`, such as mode="offline", dir="runs" and tags=["first"].

    Where a run of `wandb.init` is active, everything goes into that run, and it stays open: so in a sweep.

    >>> with cr.WandbLogger("digits", mode="offline") as log:  # doctest: +SKIP
    ...     model = cr.train_table("digits.csv", target="digit", callback=log)
    ...     log.save(model)

    Raises SettingError where wandb is not installed.
    """

    def __init__(
        self,
        project: str | None = None,
        name: str | None = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(parameters)
        _wandb()
        self._project, self._name, self._options = project, name, options
        self._run: Any = None
        self._own = True

    def _begin(self, parameters: Mapping[str, Any]) -> None:
        wandb = _wandb()
        self._own = wandb.run is None
        self._run = wandb.init(project=self._project, name=self._name, **self._options) if self._own else wandb.run
        self._run.config.update(dict(parameters), allow_val_change=True)
        self._run.define_metric("epoch", hidden=True)
        for names in ("cost", "learning_rate", "seconds", "validation/*"):
            self._run.define_metric(names, step_metric="epoch")

    def _write(self, epoch: int, values: Mapping[str, float]) -> None:
        self._run.log({"epoch": epoch, **values})

    def _note(self, notes: Mapping[str, Any]) -> None:
        self._run.summary.update(dict(notes))

    def _keep(self, path: Path) -> None:
        artifact = _wandb().Artifact(f"{path.stem}-{self._run.id}", type="model")
        artifact.add_file(str(path))
        self._run.log_artifact(artifact)

    def _end(self, status: Status) -> None:
        if self._own:
            self._run.finish(exit_code=_CODES[status])
        self._run = None


def _wandb() -> Any:
    """Weights & Biases. Raises SettingError where it is not installed."""
    try:
        import wandb
    except ImportError as error:
        if error.name != "wandb":
            raise
        raise SettingError("this needs wandb, which is not installed: pip install 'chainrule[wandb]'") from None
    return wandb
