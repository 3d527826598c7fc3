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
from chainrule.estimators.parameters import optimizer_of, patience_of, schedule_of
from chainrule.estimators.rows import Rows
from chainrule.estimators.stopping import Adaptive, ByExamples, falls_until
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.registry import require
from chainrule.schedules import Schedule
from chainrule.training import Training, train

__all__ = ["Call", "ends_of", "stops_early", "training_of"]

BATCH = 200  # rows of an update, where nothing else is said


@dataclasses.dataclass(frozen=True)
class Call:
    """Rows to train on and rows `held` to validate with; `once`: for one epoch. `begun` epochs were made before it."""

    rows: Rows
    held: Rows | None
    begun: int = 0
    once: bool = False
    total_weight: float | None = None


def stops_early(estimator: Any) -> bool:
    """Whether a validation set chooses the weights; as in scikit-learn it does not for L-BFGS."""
    return bool(estimator.early_stopping) and not optimizer_of(estimator).line_search


def training_of(estimator: Any, call: Call) -> Training:
    """The training of a call, put where the estimator's state is."""
    rule, held, net = optimizer_of(estimator), call.held, estimator.network_.copy()
    chooses = held is not None and stops_early(estimator)
    X, T, weight = _given(estimator, call.rows)
    e = estimator
    training = train(
        net,
        X,
        T,
        sample_weight=weight,
        optimizer=rule,
        schedule=_schedule(e, rule, call),
        batch_size=_batch_size(e, rule, len(T)),
        epochs=max(e.max_iter, call.begun + 1) if call.once else call.begun + e.max_iter,
        validation=None if held is None else _given(e, held),
        total_weight=call.total_weight,
        metrics={} if held is None else {SCORE: _metric(e, held, net)},
        monitor="training" if not chooses else "cost" if e.scoring == "loss" else SCORE,
        seed=e.seed_,
        **{name: getattr(e, name) for name in ("alpha", "l1", "dropout", "clip", "shuffle", "engine", "threads")},
    )
    if call.begun:
        training.go_to(adapted(e._state, e.network_.theta, (e._rule, rule), training.history))
    return training


def ends_of(estimator: Any, call: Call) -> Ends:
    """When the call ends by itself: never for a single epoch without early stopping, nor for L-BFGS, which knows."""
    rule = optimizer_of(estimator)
    most = falls_until(rule.learning_rate) if schedule_of(estimator) == "adaptive" else 0
    at_all = not rule.line_search and (stops_early(estimator) or not call.once)
    return Ends(estimator.tol, patience_of(estimator), most, estimator._since, at_all)


def _given(estimator: Any, rows: Rows) -> tuple[Any, Array, Array | None]:
    """X, T and weights as training takes them."""
    targets, class_weight = estimator._targets, getattr(estimator, "class_weight", None)
    return rows.X, targets.encode(rows.y), targets.weighted(rows.y, rows.weight, class_weight)


def _batch_size(estimator: Any, rule: Optimizer, rows: int) -> int | None:
    """The rows of an update, all of them for a rule that needs all."""
    asked = estimator.batch_size
    if rule.full_batch or asked is None:
        return None
    if asked != "auto" and asked > rows and not estimator._within:
        warnings.warn(
            f"batch_size={asked} is more than the {rows} rows to train on: all are taken", stacklevel=6 + FRAMES
        )
    return min(BATCH if asked == "auto" else int(asked), rows)


def _schedule(estimator: Any, rule: Optimizer, call: Call) -> Schedule | str:
    found, rows = schedule_of(estimator), len(call.rows.y)
    if found == "invscaling":
        return ByExamples(estimator.power_t, rows, estimator.t_ - call.begun * rows)
    if found == "adaptive":
        return Adaptive(estimator.tol, patience_of(estimator), falls_until(rule.learning_rate), estimator._since)
    return found


def _metric(estimator: Any, held: Rows, net: Network) -> Any:
    """The score on the validation set as a metric of training: the estimator's own, or that of `scoring`."""
    if estimator.scoring is None or estimator.scoring == "loss":
        return lambda A, T: estimator._targets.score(held.y, A, held.weight)
    from sklearn.metrics import check_scoring

    view = copy.copy(estimator)
    view.__dict__.pop("feature_names_in_", None)  # the validation set is an array by now
    view.network_ = net
    scorer = check_scoring(view, estimator.scoring)
    weight = {} if held.weight is None else {"sample_weight": held.weight}

    def metric(A: Array, T: Array) -> float:
        found = scorer(view, held.X, held.y, **weight) if np.isfinite(A).all() else float("nan")
        require(isinstance(found, numbers.Real), "the score of scoring", found, "one number")
        return float(found)

    return metric
