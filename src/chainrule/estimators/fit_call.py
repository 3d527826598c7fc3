"""One call of `fit` or `partial_fit` as a training: its examples, its settings, and what is watched."""

import copy
import dataclasses
import numbers
import warnings
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.estimators.callbacks import FRAMES
from chainrule.estimators.class_weight import weighed_for
from chainrule.estimators.parameters import SHARED, optimizer_of, patience_of, schedule_of, stops_early
from chainrule.estimators.resuming import state_to_resume
from chainrule.estimators.rows import Rows
from chainrule.estimators.scores import score_of
from chainrule.estimators.stopping import SCORE, Adaptive, ByExamples, Ending, Plateaus, falls_until
from chainrule.examples import Examples, RowArrays, folds
from chainrule.model.ensemble import Ensemble
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.registry import require
from chainrule.schedules import Schedule
from chainrule.settings import TrainingSettings
from chainrule.text import counted
from chainrule.training import Metric, Monitor, Training, start

__all__ = ["FitCall"]

BATCH = 200  # rows of an update under "auto"


@dataclasses.dataclass(frozen=True)
class FitCall:
    """What one call trains, on what and how.

    - estimator, parameters: whose call it is, and the parameters as they run.
    - network: the one to train, in place.
    - ensemble: the members in that network, with the fold that each leaves out if there are several.
    - examples, validation: the rows to train on and to validate with, checked.
    - count: the rows to train on, as `batch_size` counts them.
    - held_out: the rows that `validation` is made of.
    - begun: the number of epochs before this call.
    - once: whether the call is one epoch, as in partial_fit.
    - total_weight: S of the whole set if these rows are a part of it, else None.
    """

    estimator: Any
    parameters: Any
    network: Network
    ensemble: Ensemble
    examples: Examples
    validation: Examples | None
    count: int
    held_out: Rows | None
    begun: int
    once: bool
    total_weight: float | None

    @classmethod
    def of(
        cls,
        estimator: Any,
        network: Network,
        rows: Rows,
        held_out: Rows | None,
        once: bool,
        total_weight: float | None,
    ) -> "FitCall":
        """The call for rows to train on and rows held out, whose weights are multiplied by those of their classes."""
        parameters, ensemble, targets = estimator._parameters, estimator._ensemble, estimator._targets
        rows, held_out = weighed_for(estimator, targets, rows, held_out)
        count = len(rows.y)
        if ensemble.count > 1:
            strata = targets.outputs.strata(targets.encode(rows.y))
            fold = folds(estimator.seed_, ensemble.count, count, strata, rows.groups)
            ensemble, held_out = dataclasses.replace(ensemble, fold=fold), rows
            if total_weight is not None:
                total_weight *= (ensemble.count - 1) / ensemble.count
        examples, validation = ensemble.checked(
            network,
            _encoded(targets, rows, ensemble.count > 1),
            None if held_out is None or ensemble.count > 1 else _encoded(targets, held_out),
        )
        begun = 0 if estimator._state is None else estimator._state.epoch
        call = estimator, parameters, network, ensemble, examples, validation, count, held_out, begun, once
        return cls(*call, total_weight)

    @cached_property
    def rule(self) -> Optimizer:
        """The optimizer."""
        return optimizer_of(self.parameters)

    @property
    def frames(self) -> int:
        """The stack frames between the method and its caller, for warnings."""
        return 0 if self.once else FRAMES

    @property
    def ending(self) -> Ending | None:
        """When training ends by itself: never with L-BFGS, which has its own end, nor in one epoch without a choice."""
        p = self.parameters
        if self.rule.line_search or (self.once and not stops_early(p)):
            return None
        return Ending(Plateaus(p.tol, patience_of(p), self.since), self._falls)

    @cached_property
    def since(self) -> int:
        """The epoch from which on plateaus are counted: this one in a fit after training has ended by itself.

        The same where another value is watched than before, as after early_stopping is switched on: the epochs until
        now have no such value, or none that chose anything.
        """
        last = self.estimator._state
        ended = not self.once and self.estimator.stopped_
        anew = last is not None and last.history.monitor != self._watched
        return self.begun if ended or anew else int(self.estimator._since)

    def training(self) -> Training:
        """The training, where the last call has ended."""
        p = self.parameters
        settings = TrainingSettings(
            optimizer=self.rule,
            schedule=self._schedule(),
            batch_size=self._batch_size(),
            epochs=max(p.max_iter, self.begun + 1) if self.once else self.begun + p.max_iter,
            seed=self.estimator.seed_,
            **{name: getattr(p, name) for name in SHARED} | ({"tolerance": None} if self.once else {}),
        )
        training = start(
            self.network,
            self.examples,
            settings,
            validation=self.validation,
            monitor=self._monitor(),
            total_weight=self.total_weight,
            search_leaks=self.estimator._plan is None,  # of a table `suspects_` has the columns
        )
        if self.begun:
            last, before = self.estimator._state, self.estimator._rule
            training.go_to(state_to_resume(last, self.network.theta, before, self.rule, training.history))
        return training

    @cached_property
    def _falls(self) -> int:
        """How often the learning rate falls after a plateau."""
        return falls_until(self.rule.learning_rate) if schedule_of(self.parameters) == "adaptive" else 0

    def _schedule(self) -> Schedule | str:
        p, schedule = self.parameters, schedule_of(self.parameters)
        if schedule == "invscaling":
            return ByExamples(p.power_t, self.count, self.estimator.t_ - self.begun * self.count)
        if schedule == "adaptive":
            return Adaptive(p.tol, patience_of(p), self._falls, self.since)
        return schedule

    def _batch_size(self) -> int | None:
        """The rows of an update; None, all of them, where the optimizer needs all."""
        size = self.parameters.batch_size
        if self.rule.full_batch or size is None:
            return None
        if size != "auto" and size > self.count and self.estimator._plan is None:
            warnings.warn(
                f"batch_size={size} is more than the {counted(self.count, 'row')} to train on: all are taken",
                stacklevel=6 + self.frames,
            )
        return min(BATCH if size == "auto" else int(size), self.count)

    @property
    def _watched(self) -> str:
        """The name of the value that chooses the weights and ends training."""
        if self.held_out is None or not stops_early(self.parameters):
            return "training"
        return "cost" if self.parameters.scoring == "loss" else SCORE

    def _monitor(self) -> Monitor:
        """The score on the validation set, and the value that chooses the weights."""
        metrics = {} if self.held_out is None else {SCORE: self._metric(self.held_out)}
        return Monitor(metrics, self._watched)

    def _metric(self, rows: Rows) -> Metric:
        """The score on these rows as a metric of training: the estimator's own, or that of `scoring`."""
        scoring = self.parameters.scoring
        if scoring is not None and scoring != "loss":
            return self._scorer(scoring, rows)

        def score(A: Array, T: Array) -> float:
            return score_of(self.estimator._targets, rows.y, A, rows.weight)

        return score if self.ensemble.count == 1 else self.ensemble.unseen(score)

    def _scorer(self, scoring: Any, rows: Rows) -> Metric:
        """A scorer of scikit-learn as a metric: it scores a copy of the estimator with the network in training."""
        from sklearn.metrics import check_scoring

        view = copy.copy(self.estimator)
        view.__dict__.pop("feature_names_in_", None)  # the validation set is an array by now
        view.network_, view.preset, view._plan = self.network, None, None
        view.n_features_in_ = self.network.sizes[0]
        scorer = check_scoring(view, scoring)
        weight = {} if rows.weight is None else {"sample_weight": rows.weight}

        def metric(A: Array, T: Array) -> float:
            score = scorer(view, rows.X, rows.y, **weight) if np.isfinite(A).all() else float("nan")
            require(isinstance(score, numbers.Real), "the score of scoring", score, "one number")
            return float(score)

        return metric


def _encoded(targets: Any, rows: Rows, several: bool = False) -> RowArrays:
    """X, T and weights, not checked yet; T has two axes where several members share it."""
    T = targets.encode(rows.y)
    return RowArrays(rows.X, T.reshape(len(T), -1) if several else T, rows.weight)
