"""The trials of a search, which optuna keeps: in memory, or in a file that a later search goes on from.

The file is optuna's journal: a line of JSON for each thing that happened, appended, so that a crash loses no trial that
had ended. A trial that was interrupted is left out: the next one takes its place, with the same proposals.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.examples.digest import digest_of
from chainrule.model.search_space import Dimension
from chainrule.model.settings import TableSettings
from chainrule.model.training import TableTraining
from chainrule.random import Purpose, raw_words
from chainrule.text import shown

__all__ = ["Study", "identity_of_search"]

NAME, IDENTITY = "chainrule", "chainrule"
START = 5  # trials that are complete before one is pruned
WARM = 20  # percent of the epochs before a trial is pruned


class Study:
    """The trials of one search.

    - path: its file, or None.
    - identity: what all trials have in common, as plain data, which the file must have too.
    - dimensions: what is searched.
    - mode: whether "min" or "max" is better.
    - seed: that of the proposals.

    Raises SettingError where optuna is not installed, and for a file of another search.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        identity: dict[str, Any],
        dimensions: Sequence[Dimension],
        mode: str,
        seed: int,
    ) -> None:
        optuna = _optuna()
        self.mode, self._seed, self._optuna = mode, seed, optuna
        self._dimensions = {each.name: each.distribution() for each in dimensions}
        self._first = {each.name: first for each in dimensions if (first := each.first()) is not None}
        pruner = optuna.pruners.MedianPruner(n_startup_trials=START, n_warmup_steps=WARM, n_min_trials=START)
        how = {"study_name": NAME, "pruner": pruner, "load_if_exists": True}
        how["direction"] = "maximize" if mode == "max" else "minimize"
        with _quiet(optuna):
            if path is None:
                self._study = optuna.create_study(**how)
            else:
                self._study = _open(optuna, Path(path), how)
        self._recognise(path, identity)
        for trial in self._of("RUNNING", "WAITING"):
            self.leave(trial)

    def ended(self) -> list[Any]:
        """The trials that have ended, in order."""
        return self._of("COMPLETE", "PRUNED")

    def begin(self) -> Any:
        """A new trial, with its proposals; the first one has the defaults."""
        done = len(self.ended())
        seed = int(raw_words(self._seed, Purpose.TRIALS, done, 1)[0] >> 32)
        with warnings.catch_warnings(), _quiet(self._optuna):
            warnings.simplefilter("ignore")  # optuna calls some of its options experimental
            self._study.sampler = self._optuna.samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=False, n_startup_trials=10
            )
            if not done and self._first:
                self._study.enqueue_trial(self._first)
            return self._study.ask(self._dimensions)

    def end(self, trial: Any, score: float, epochs: int, *, pruned: bool) -> None:
        """Note how a trial has ended."""
        states = self._optuna.trial.TrialState
        trial.set_user_attr("epochs", epochs)
        trial.set_user_attr("ended", "pruned" if pruned else "complete" if math.isfinite(score) else "diverged")
        trial.set_user_attr("score", score if math.isfinite(score) else None)
        complete = math.isfinite(score) and not pruned
        with _quiet(self._optuna):
            self._study.tell(trial, score if complete else None, states.COMPLETE if complete else states.PRUNED)

    def leave(self, trial: Any) -> None:
        """Leave out a trial that was interrupted."""
        with _quiet(self._optuna):
            if trial.number in {waiting.number for waiting in self._of("WAITING")}:
                self._study.ask()  # which takes it: only a trial that is under way can end
            self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)

    def outcome(self, trial: Any) -> tuple[float, str, int]:
        """The score of a trial that has ended, how it ended, and the number of its epochs."""
        attributes = trial.user_attrs
        score = attributes.get("score")
        return math.nan if score is None else float(score), attributes["ended"], int(attributes["epochs"])

    def importance(self) -> dict[str, float]:
        """The share of the variance of the scores that each setting explains, by fANOVA over the complete trials."""
        complete = self._of("COMPLETE")
        if len(complete) < 2 or len({trial.value for trial in complete}) < 2:
            return {}
        with warnings.catch_warnings(), _quiet(self._optuna):
            warnings.simplefilter("ignore")
            evaluator = self._optuna.importance.FanovaImportanceEvaluator(seed=self._seed % 2**32)
            shares = self._optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {name: float(share) for name, share in shares.items()}

    def _of(self, *states: str) -> list[Any]:
        return [trial for trial in self._study.get_trials(deepcopy=False) if trial.state.name in states]

    def _recognise(self, path: str | os.PathLike[str] | None, identity: dict[str, Any]) -> None:
        """Write down the search in a new study. Raises SettingError where an old one has another."""
        before = self._study.user_attrs.get(IDENTITY)
        if before is None:
            if self._study.get_trials(deepcopy=False):
                raise SettingError(f"{path}: it is a study of another program: name another file")
            self._study.set_user_attr(IDENTITY, identity)
            return
        now = json.loads(json.dumps(identity))
        for name in {**now, **before}:
            there, here = (each.get(name, _plain(getattr(TableSettings(), name, None))) for each in (before, now))
            if there != here:
                values = "" if name in ("data", "search") else f", {shown(there)} in place of {shown(here)}"
                raise SettingError(f"{path}: its trials had another {name}{values}: give the same, or another file")


def identity_of_search(
    first: TableTraining, targets: Sequence[str], wanted: TableSettings, dimensions: Sequence[Dimension]
) -> dict[str, Any]:
    """What the trials of a search have in common, as plain data.

    - first: the training with the settings of the user, ready to run.
    - targets: the names of the targets.
    - wanted: the settings of the user.
    - dimensions: what is searched.
    """
    dtype, defaults = first.network.dtype, TableSettings()
    parts = [first.rows, *([] if first.held_out is None else [first.held_out])]
    arrays = [array for X, T, weight in parts for array in (X, T, weight) if array is not None]
    changed = {
        name: _plain(value)
        for name, value in vars(wanted).items()
        if name not in ("engine", "threads", "devices", "hosts", "cache", "probe")
        and _plain(value) != _plain(getattr(defaults, name))
    }
    return {
        "target": list(targets),
        "data": "".join(digest_of(array, None, dtype) for array in arrays),
        **dict(sorted(changed.items())),
        "search": {each.name: each.document() for each in dimensions},
    }


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise SettingError("a search needs optuna: pip install 'chainrule[tune]'") from None
    return optuna


@contextlib.contextmanager
def _quiet(optuna: Any) -> Iterator[None]:
    """Without what optuna logs, unless it is an error."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _open(optuna: Any, path: Path, how: dict[str, Any]) -> Any:
    """The study in a file, or a new one. Raises SettingError for a file that is not one."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    if path.exists() and not path.is_file():
        raise SettingError(f"{path}: it is not a file, and a study is kept in one: name another")
    try:
        return optuna.create_study(storage=JournalStorage(JournalFileBackend(str(path))), **how)
    except OSError:
        raise
    except Exception:
        raise SettingError(f"{path}: it is not a study of chainrule tune, or damaged: name another file") from None


def _plain(value: Any) -> Any:
    """A setting as plain data, by which it is compared."""
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value) if isinstance(value, os.PathLike) else shown(value)
