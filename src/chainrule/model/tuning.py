"""A search for the settings that suit a table: trials, each a training that its rows held out score.

Optuna's TPE proposes the settings of each trial from the scores of those before; a trial whose score is worse than the
median of the others at the same point of training ends there (pruning). The first trial has the preset's settings.

The proposals of a trial depend on the seed, the number of trials before it and their scores alone. So one seed fixes
the whole search, also where it was interrupted and goes on from its study file; not if a time ends it.

Sources: Bergstra, Bardenet, Bengio & Kegl, Algorithms for hyper-parameter optimization (2011); Akiba et al., Optuna
(2019); Hutter, Hoos & Leyton-Brown, An efficient approach for assessing hyperparameter importance (2014).
"""

from __future__ import annotations

import dataclasses
import math
import os
import time as clock
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError, warn_of
from chainrule.fields import Function, Seconds, Special, Whole
from chainrule.model.option_file import write_options
from chainrule.model.search_space import Dimension, settings_for, space_of
from chainrule.model.settings import TableSettings
from chainrule.model.study import Study, identity_of_search
from chainrule.model.training import TableTraining
from chainrule.model.trials import Watch
from chainrule.random import as_seed
from chainrule.text import counted, number, words
from chainrule.training import CANCEL, EpochEnd, Event

__all__ = ["Trial", "Tuning", "tune"]

TRIALS = 50
_CALLBACK = Function(2, "a function of the search so far and an event", specials=(Special("none", None),))


@dataclasses.dataclass(frozen=True)
class Trial:
    """A trial of a search.

    - number: from 1.
    - settings: those that were searched.
    - score: the value of the metric on the rows held out, at the best epoch; NaN for a training that diverged.
    - ended: "complete", "pruned" or "diverged".
    - epochs: how many epochs it trained.
    """

    number: int
    settings: Mapping[str, Any]
    score: float
    ended: str
    epochs: int


@dataclasses.dataclass(frozen=True)
class Tuning:
    """The result of a search; `tune` makes it.

    - metric, mode: the score, "cost" or the name of a metric, and whether "min" or "max" is better.
    - targets: the names of the targets.
    - trials: the trials that have ended, in order.
    - base: the settings that all trials share.
    - importance: the share of the scores' variance that each searched setting explains; empty for fewer than two
      complete trials, and where the search was cancelled.
    - stopped: why it ended before all trials: "time", "cancelled" or "".
    """

    metric: str
    mode: str
    targets: tuple[str, ...]
    trials: tuple[Trial, ...]
    base: Mapping[str, Any]
    importance: Mapping[str, float]
    stopped: str = ""

    @property
    def best(self) -> Trial | None:
        """The complete trial with the best score, the first of equal ones; None without one."""
        complete = [trial for trial in self.trials if trial.ended == "complete"]
        sign = -1 if self.mode == "max" else 1
        return min(complete, key=lambda trial: sign * trial.score, default=None)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the best trial, for `train_table`. Raises SettingError where no trial is complete."""
        return self._of(self._best().settings)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the settings of the best trial as a `chainrule.toml`: with it `chainrule train` makes the same model.

        - path: the file. An older one is replaced if it is from here.

        Raises SettingError where no trial is complete, where a setting has no option, such as a function, and where the
        file has something else; OSError where it cannot be written.
        """
        best = self._best()
        line = f"trial {best.number} of {len(self.trials)}: {words(self.metric)} {number(best.score)}"
        write_options(path, "train", {"target": list(self.targets), **self.settings}, line)

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        trials = [{**dataclasses.asdict(trial), "score": _plain(trial.score)} for trial in self.trials]
        best = self.best
        return {
            "metric": self.metric,
            "mode": self.mode,
            "best": None if best is None else best.number,
            "score": None if best is None else best.score,
            "importance": dict(self.importance),
            "stopped": self.stopped,
            "trials": trials,
        }

    def __str__(self) -> str:
        best = self.best
        ended = [trial.ended for trial in self.trials]
        counts = ", ".join(f"{ended.count(word)} {word}" for word in dict.fromkeys(ended))
        lines = [f"{counted(len(ended), 'trial')}" + (f": {counts}" if counts else "")]
        if best is not None:
            chosen = ", ".join(f"{name} {value_text(value)}" for name, value in best.settings.items())
            lines.append(f"best: trial {best.number}, {words(self.metric)} {number(best.score)}: {chosen}")
        shares = sorted(self.importance.items(), key=lambda pair: -pair[1])
        lines += ["importance: " + ", ".join(f"{name} {share:.0%}" for name, share in shares)] if shares else []
        return "\n".join(lines)

    def _best(self) -> Trial:
        if self.best is None:
            raise SettingError("no trial is complete, so no settings are the best: give more trials or more time")
        return self.best

    def _of(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.base, **settings}


def tune(
    source: Any,
    target: str | Sequence[str],
    *,
    trials: int | None = None,
    time: float | None = None,
    study: str | os.PathLike[str] | None = None,
    search: Any = None,
    callback: Callable[[Tuning, Event | None], Any] | None = None,
    cancel: Callable[[], bool] | None = None,
    **settings: Any,
) -> Tuning:
    """Search for the settings with which a model of a table is best on rows that it was not trained on.

    - source, target: as for `train_table`.
    - trials: the number of trials in all; None for 50, or without limit where there is a time.
    - time: the seconds after which the search ends, its own preparation counted; the trial in progress is left out.
      Where a study file is there, the preparation runs to its end, so that the trials of the file are known.
    - study: a file that keeps the trials: a search that finds it there goes on from it. None keeps nothing.
    - search: what is searched: names of "learning_rate", "weight_decay", "hidden", "activation", "dropout" and
      "batch_size", None for all of them, or a mapping from settings to lists of values or ranges (low, high).
    - callback: a function of the search so far and an event of training, or None after a trial; the search ends when it
      returns True.
    - cancel: a function without arguments, called between updates; the search ends when it returns True.
    - settings: of `train_table`, without `time`: those are the same in every trial. The first `metric` is what is
      improved, or else the cost on the rows held out.

    >>> x = np.arange(60.0)
    >>> rows = {"x": x, "y": x**2}
    >>> tuning = cr.tune(rows, "y", trials=2, search={"dropout": [0.0, 0.3]}, epochs=5)  # doctest: +SKIP
    >>> model = cr.train_table(rows, "y", **tuning.settings)  # doctest: +SKIP

    Raises SettingError where optuna, which is optional, is not installed, for settings that are not allowed, without
    rows held out, and for a study of another search; DataError where the table cannot be read or does not fit the
    settings.

    Source: optuna, https://optuna.org.
    """
    _CALLBACK.clean("callback", callback)
    CANCEL.clean("cancel", cancel)
    trials = Whole(1, specials=(Special("none", None),)).clean("trials", trials)
    time = Seconds(0, above=True, specials=(Special("none", None),)).clean("time", time)
    end = _End(cancel, time)
    wanted = TableSettings.of(**settings)
    wanted = dataclasses.replace(wanted, seed=as_seed(wanted.seed))
    names = [target] if isinstance(target, str) else list(target)
    goes_on = study is not None and Path(study).exists()  # its trials are only known after the preparation
    first = TableTraining(source, names, wanted, watch=Watch(cancel=end.cancelled if goes_on else end.comes))
    warn_of(first.warnings)
    if first.held_out is None and first.ensemble.count == 1:
        raise SettingError("no rows are held out to score a trial: set a greater validation")
    dimensions = space_of(search, wanted, first.settings)
    monitor = first.monitor
    base = {**settings, "seed": wanted.seed, **_members(wanted, first)}
    if end.reason:  # before the preset's settings were chosen, of which the study is
        return Tuning(monitor.name, monitor.mode or "min", tuple(names), (), base, {}, end.reason)
    identity = identity_of_search(first, names, wanted, dimensions)
    kept = Study(study, identity, dimensions, monitor.mode or "min", wanted.seed or 0)
    limit = math.inf if trials is None and time is not None else trials or TRIALS
    runner = _Search(source, names, base, dimensions, kept, monitor.name, callback, end)
    return runner.run(limit)


def _members(wanted: TableSettings, first: TableTraining) -> dict[str, Any]:
    """The number of members that the preset chooses, which a trial with hidden layers of its own would not have."""
    return {"members": first.ensemble.count} if first.ensemble.count > 1 and wanted.members == "auto" else {}


class _End:
    """When a search ends: its time is over, or it is cancelled. `reason` is "time", "cancelled", or "" so far."""

    def __init__(self, cancel: Callable[[], bool] | None, time: float | None) -> None:
        self._cancel = cancel
        self._deadline = math.inf if time is None else clock.monotonic() + time
        self.reason = ""

    def comes(self) -> bool:
        """Whether the search ends now: asked between two updates or trials."""
        if not self.cancelled() and clock.monotonic() > self._deadline:
            self.reason = self.reason or "time"
        return bool(self.reason)

    def cancelled(self) -> bool:
        """Whether the search is cancelled, whatever its time."""
        if not self.reason and self._cancel is not None and self._cancel():
            self.reason = "cancelled"
        return self.reason == "cancelled"


class _Search:
    """A search in progress."""

    def __init__(
        self,
        source: Any,
        targets: list[str],
        base: dict[str, Any],
        dimensions: list[Dimension],
        study: Study,
        metric: str,
        callback: Callable[[Tuning, Event | None], Any] | None,
        end: _End,
    ) -> None:
        self._source, self._targets, self._base, self._dimensions = source, targets, base, dimensions
        self._study, self._metric, self._callback, self._end = study, metric, callback, end

    def run(self, limit: float) -> Tuning:
        """Run trials until there are `limit` of them."""
        while not self._end.comes() and len(self._study.ended()) < limit:
            self._trial()
            if not self._end.reason and self._callback is not None and self._callback(self._so_far(), None):
                self._end.reason = "cancelled"
        tuning = self._so_far()
        if self._end.reason == "cancelled":  # who cancels does not wait for it
            return tuning
        return dataclasses.replace(tuning, importance=self._study.importance())

    def _trial(self) -> None:
        """Run one trial; one that the end of the search interrupts is left out."""
        trial = self._study.begin()
        settings = settings_for(self._dimensions, trial.params)
        wanted, watch = TableSettings.of(**{**self._base, **settings}), Watch(cancel=self._end.comes)
        training = TableTraining(self._source, self._targets, wanted, watch=watch)
        pruned = not self._end.reason and self._train(training, trial)
        history = training.model.history if training.running is None else training.running.history
        if self._end.reason:
            self._study.leave(trial)
            return
        score = self._score(training)
        epochs = 0 if history is None else history.epochs
        self._study.end(trial, score, epochs, pruned=pruned)

    def _train(self, training: TableTraining, trial: Any) -> bool:
        """Train until the end or until the trial is pruned, and return whether it was."""
        reported, sign = 0, -1 if training.monitor.mode == "max" else 1
        best, so_far = math.inf, self._so_far()
        events = training.events(self._end.comes)
        for event in events:
            if self._callback is not None and self._callback(so_far, event):
                self._end.reason = "cancelled"
            if not isinstance(event, EpochEnd):
                continue
            value = event.metrics.get(self._metric, event.validation)
            best = best if value is None or math.isnan(value) else min(best, sign * value)
            percent = (event.epoch + 1) * 100 // training.settings.epochs
            if percent > reported and math.isfinite(best):
                reported = percent
                trial.report(sign * best, percent)
                if trial.should_prune():
                    getattr(events, "close", lambda: None)()
                    return True
        return False

    def _score(self, training: TableTraining) -> float:
        """The monitored value at the best epoch; NaN where there is none."""
        assert training.running is not None, "it has been trained"
        history = training.ensemble.history(training.running.history)
        best = history.best_epoch
        if best < 0:
            return math.nan
        return float(history.watched[best] * (-1 if history.mode == "max" else 1))

    def _so_far(self) -> Tuning:
        trials = tuple(
            Trial(k + 1, settings_for(self._dimensions, each.params), *self._study.outcome(each))
            for k, each in enumerate(self._study.ended())
        )
        mode = self._study.mode
        return Tuning(self._metric, mode, tuple(self._targets), trials, self._base, {}, self._end.reason)


def value_text(value: Any) -> str:
    """A value of a setting, for a person."""
    if isinstance(value, Mapping):
        more = [f"{name}={value_text(part)}" for name, part in value.items() if name != "name"]
        return f"{value['name']}:{','.join(more)}"
    if isinstance(value, list | tuple):
        return ",".join(map(str, value)) or "none"
    return number(value) if isinstance(value, float) else str(value)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
