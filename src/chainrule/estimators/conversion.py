"""Fitted MLPs of scikit-learn as fitted estimators of ours, which predict the same and go on training."""

from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.engines import RunState
from chainrule.estimators.base import MLP
from chainrule.estimators.classifier import MLPClassifier
from chainrule.estimators.parameters import optimizer_of, seed_of
from chainrule.estimators.regressor import MLPRegressor
from chainrule.estimators.stopping import SCORE
from chainrule.exchange import from_sklearn
from chainrule.optimizers import Optimizer
from chainrule.tables.targets import ArrayLabels, ArrayNumbers, ArrayTargets
from chainrule.training import History, TrainingState

__all__ = ["estimator_from_sklearn"]


def estimator_from_sklearn(mlp: Any) -> MLP:
    """The estimator of ours with the parameters of a fitted MLP of scikit-learn and everything that it has learned.

    It predicts the same: weights have the same bits, outputs agree to rounding. `partial_fit`, and `fit` with
    `warm_start`, go on from its weights, momenta, curves and counts. Only the order of rows and the rows held out
    differ: scikit-learn keeps no seed to draw its own again.

    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = np.arange(20.0).reshape(10, 2) / 10, np.repeat(["no", "yes"], 5)
    >>> mlp = MLPClassifier(solver="lbfgs", random_state=0).fit(X, y)
    >>> ours = cr.estimator_from_sklearn(mlp)
    >>> ours, bool(np.allclose(ours.predict_proba(X), mlp.predict_proba(X)))
    (MLPClassifier(random_state=0, solver='lbfgs'), True)

    Raises SettingError for anything else than a fitted MLPClassifier or MLPRegressor of scikit-learn.
    """
    network = from_sklearn(mlp)
    ours: MLP = (MLPClassifier if hasattr(mlp, "classes_") else MLPRegressor)(**mlp.get_params(deep=False))
    network.seed = seed = seed_of(ours.random_state)
    rule, history = optimizer_of(ours), _history(mlp, seed)
    state = _state(mlp, network.theta, rule, history)
    epochs = 0 if state is None else state.epoch
    ours._begin_with(network, _targets(mlp))
    ours.__dict__.update(
        history_=history,
        n_iter_=int(mlp.n_iter_),
        t_=int(mlp.t_),
        stopped_=mlp.n_iter_ < mlp.max_iter,
        n_features_in_=int(mlp.n_features_in_),
        _state=state,
        _rule=rule,
        _base=max(epochs - int(mlp.n_iter_), 0),
    )
    if hasattr(mlp, "feature_names_in_"):
        ours.feature_names_in_ = mlp.feature_names_in_
    return ours


def _targets(mlp: Any) -> ArrayTargets:
    """What its y was."""
    if not hasattr(mlp, "classes_"):
        return ArrayNumbers.plain(mlp.n_outputs_ if mlp.n_outputs_ > 1 else 0)
    kind = mlp._label_binarizer.y_type_
    if kind == "multilabel-indicator":
        return ArrayLabels.several_labels(mlp.n_outputs_)
    return ArrayLabels.of(mlp.classes_)


def _state(mlp: Any, theta: Array, rule: Optimizer, history: History) -> TrainingState | None:
    """Where its training is; None for L-BFGS, whose pairs scikit-learn does not keep: it begins anew."""
    optimizer = getattr(mlp, "_optimizer", None)
    if rule.line_search or optimizer is None:
        return None
    per_slot = [optimizer.ms, optimizer.vs] if hasattr(optimizer, "ms") else [optimizer.velocities]
    slots = np.empty((rule.slots, theta.size), theta.dtype)
    for slot, parts in zip(slots, per_slot, strict=False):
        slot[...] = _flat(parts)
    run = RunState(theta.copy(), slots, int(getattr(optimizer, "t", 0)))
    return TrainingState(history.epochs, np.empty(0), run, theta.copy(), history)


def _flat(parts: list[Array]) -> Array:
    """Its arrays for all coefs_, then all intercepts_, laid out like theta."""
    layers = zip(parts[: len(parts) // 2], parts[len(parts) // 2 :], strict=True)
    return np.concatenate([part.ravel() for layer in layers for part in layer])


def _history(mlp: Any, seed: int) -> History:
    """Its curves; those that scikit-learn does not keep, the cost on the validation set and the rates, are NaN."""
    cost = [float(loss) for loss in getattr(mlp, "loss_curve_", [mlp.loss_])]  # of L-BFGS it keeps the last one
    scores, missing = getattr(mlp, "validation_scores_", None), [float("nan")] * len(cost)
    if scores is None:
        return History(cost, [], {}, seed, "scikit-learn", missing, "training", "min", len(cost) - 1)
    curve = [float(score) for score in scores]
    best = int(np.argmax(curve))
    return History(cost, missing, {SCORE: curve}, seed, "scikit-learn", list(missing), SCORE, "max", best)
