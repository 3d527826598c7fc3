"""One call of `fit` or `partial_fit` as a training: what the estimator's parameters mean for these rows."""

import copy
import dataclasses
import numbers
import warnings
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.estimators.callbacks import FRAMES
from chainrule.estimators.epochs import SCORE, Ends, adapted
from chainrule.estimators.parameters import SHARED, optimizer_of, patience_of, schedule_of
from chainrule.estimators.rows import Rows
from chainrule.estimators.stopping import Adaptive, ByExamples, falls_until
from chainrule.examples import Examples, RowArrays, folds
from chainrule.model.ensemble import Ensemble
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.registry import require
from chainrule.schedules import Schedule
from chainrule.settings import TrainingSettings
from chainrule.training import Monitor, Training, start

__all__ = ["Call", "call_of", "ends_of", "stops_early", "training_of"]

BATCH = 200  # rows of an update under "auto"


@dataclasses.dataclass(frozen=True)
class Call:
    """What one call trains on: `examples` of `count` rows, those to validate with, and the rows that these came from.

    `ensemble` has the folds of the members, if there are several; `once`: for one epoch; `begun` epochs came before.
    """

    ensemble: Ensemble
    examples: Examples
    validation: Examples | None
    count: int
    held_out: Rows | None
    begun: int = 0
    once: bool = False
    total_weight: float | None = None


def stops_early(p: Any) -> bool:
    """Whether a validation set chooses the weights; as in scikit-learn it does not for L-BFGS."""
    return bool(p.early_stopping) and not optimizer_of(p).line_search


def call_of(e: Any, p: Any, rows: Rows, held_out: Rows | None, once: bool, total_weight: float | None) -> Call:
    """The call of an estimator with parameters `p`. Weights of classes are weights of their rows, in scores too."""
    factors = e._targets.factors(rows.y, rows.weight, getattr(e, "class_weight", None))
    rows = _weighted(e, rows, factors)
    held_out = None if held_out is None else _weighted(e, held_out, factors).present()
    ensemble, count = e._ensemble, len(rows.y)
    if ensemble.count > 1:
        ensemble = dataclasses.replace(ensemble, fold=folds(e.seed_, ensemble.count, count, e._strata(rows.y)))
        held_out = rows
        if total_weight is not None:
            total_weight *= (ensemble.count - 1) / ensemble.count
    validation = None if held_out is None else _arrays(e, held_out)
    sparse = not optimizer_of(p).full_batch
    examples, validated = ensemble.checked(e._trained, _arrays(e, rows), validation, sparse)
    begun = 0 if e._state is None else e._state.epoch
    return Call(ensemble, examples, validated, count, held_out, begun, once, total_weight)


def training_of(e: Any, p: Any, call: Call) -> Training:
    """The training of a call, put where the estimator's state is."""
    rule, network = optimizer_of(p), e._trained.copy()
    chooses = call.validation is not None and stops_early(p)
    settings = TrainingSettings(
        optimizer=rule,
        schedule=_schedule(e, p, rule, call),
        batch_size=_batch_size(e, p, rule, call.count),
        epochs=max(p.max_iter, call.begun + 1) if call.once else call.begun + p.max_iter,
        seed=e.seed_,
        **{name: getattr(p, name) for name in SHARED},
    )
    monitor = Monitor(
        {} if call.held_out is None else {SCORE: _metric(e, p, call, network)},
        "training" if not chooses else "cost" if p.scoring == "loss" else SCORE,
    )
    training = start(
        network,
        call.examples,
        settings,
        validation=call.validation,
        monitor=monitor,
        total_weight=call.total_weight,
    )
    if call.begun:
        training.go_to(adapted(e._state, e._trained.theta, (e._rule, rule), training.history))
    return training


def ends_of(e: Any, p: Any, call: Call) -> Ends:
    """When the call ends by itself: never for a single epoch without early stopping, nor for L-BFGS, which knows."""
    rule = optimizer_of(p)
    most = falls_until(rule.learning_rate) if schedule_of(p) == "adaptive" else 0
    at_all = not rule.line_search and (stops_early(p) or not call.once)
    return Ends(p.tol, patience_of(p), most, e._since, at_all)


def _weighted(e: Any, rows: Rows, factors: Any) -> Rows:
    return rows._replace(weight=e._targets.weighted(rows.y, rows.weight, factors))


def _arrays(e: Any, rows: Rows) -> RowArrays:
    """X, T and weights, before they are checked; T has two axes where several members share it."""
    T = e._targets.encode(rows.y)
    return RowArrays(rows.X, T.reshape(len(T), -1) if e._ensemble.count > 1 else T, rows.weight)


def _batch_size(e: Any, p: Any, rule: Optimizer, rows: int) -> int | None:
    """The rows of an update, all of them for a rule that needs all."""
    if rule.full_batch or p.batch_size is None:
        return None
    if p.batch_size != "auto" and p.batch_size > rows and e._plan is None:
        warnings.warn(
            f"batch_size={p.batch_size} is more than the {rows} rows to train on: all are taken", stacklevel=6 + FRAMES
        )
    return min(BATCH if p.batch_size == "auto" else int(p.batch_size), rows)


def _schedule(e: Any, p: Any, rule: Optimizer, call: Call) -> Schedule | str:
    schedule = schedule_of(p)
    if schedule == "invscaling":
        return ByExamples(p.power_t, call.count, e.t_ - call.begun * call.count)
    if schedule == "adaptive":
        return Adaptive(p.tol, patience_of(p), falls_until(rule.learning_rate), e._since)
    return schedule


def _metric(e: Any, p: Any, call: Call, network: Network) -> Any:
    """The score on the validation set as a metric of training: the estimator's own, or that of `scoring`."""
    rows = call.held_out
    assert rows is not None, "there is a validation set"
    if p.scoring is None or p.scoring == "loss":

        def score(A: Array, T: Array) -> float:
            return float(e._targets.score(rows.y, A, rows.weight))

        return score if call.ensemble.count == 1 else call.ensemble.unseen(score)
    from sklearn.metrics import check_scoring

    view = copy.copy(e)
    view.__dict__.pop("feature_names_in_", None)  # the validation set is an array by now
    view.network_, view.preset, view._plan, view.n_features_in_ = network, None, None, network.sizes[0]
    scorer = check_scoring(view, p.scoring)
    weight = {} if rows.weight is None else {"sample_weight": rows.weight}

    def metric(A: Array, T: Array) -> float:
        score = scorer(view, rows.X, rows.y, **weight) if np.isfinite(A).all() else float("nan")
        require(isinstance(score, numbers.Real), "the score of scoring", score, "one number")
        return float(score)

    return metric
