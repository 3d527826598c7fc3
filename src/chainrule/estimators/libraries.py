"""The network of a fitted estimator in other libraries; in scikit-learn with its parameters and all that it learned."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints
from sklearn.utils.validation import check_is_fitted

from chainrule.arrays import Array
from chainrule.errors import SettingError
from chainrule.estimators.parameters import SHARED
from chainrule.exchange import to_keras, to_keras_weights, to_torch
from chainrule.exchange.scikit import fitted_mlp
from chainrule.network import Network
from chainrule.tables.targets import ArrayLabels
from chainrule.training import TrainingState

__all__ = ["Exchanged"]

_ONLY_OURS = (  # parameters that training depends on, and scikit-learn does not have
    *(name for name in SHARED if name not in ("alpha", "shuffle", "engine", "threads", "devices", "hosts")),
    *("scoring", "class_weight"),
)
_FROM_NETWORK = ("activation", "loss")
_KEPT = ("n_iter_", "t_", "loss_", "best_loss_", "validation_scores_", "best_validation_score_", "feature_names_in_")


class Exchanged:
    """Methods that convert `network_`, which an estimator has after its first fit."""

    network_: Network
    _targets: Any
    _plan: Any
    _state: TrainingState | None

    def to_torch(self, *, logits: bool = False) -> Any:
        """The network as torch.nn.Sequential; see `cr.to_torch`.

        - logits: whether to leave out the activation of the output layer.

        Raises NotFittedError before the first fit, and ArchitectureError and SettingError as `cr.to_torch` does.
        """
        check_is_fitted(self, "network_")
        return to_torch(self.network_, logits=logits)

    def to_keras(self, *, logits: bool = False) -> Any:
        """The network as keras.Sequential; see `cr.to_keras`.

        - logits: whether to leave out the activation of the output layer.

        Raises NotFittedError before the first fit, and ArchitectureError and SettingError as `cr.to_keras` does.
        """
        check_is_fitted(self, "network_")
        return to_keras(self.network_, logits=logits)

    def to_keras_weights(self) -> list[Array]:
        """W, b of layer 2, W, b of layer 3, ...; see `cr.to_keras_weights`.

        Raises NotFittedError before the first fit.
        """
        check_is_fitted(self, "network_")
        return to_keras_weights(self.network_)

    def to_sklearn(self) -> Any:
        """The fitted MLPClassifier or MLPRegressor of scikit-learn with these parameters, and all that was learned.

        It predicts the same: weights have the same bits, outputs agree to rounding. `partial_fit`, and `fit` with
        `warm_start`, go on from its weights, curves and counts; `partial_fit` also from its momenta.

        >>> X, y = np.arange(20.0).reshape(10, 2) / 10, np.repeat(["no", "yes"], 5)
        >>> ours = cr.MLPClassifier(hidden_layer_sizes=(5,), solver="lbfgs", random_state=0).fit(X, y)
        >>> theirs = ours.to_sklearn()
        >>> theirs.hidden_layer_sizes, bool(np.allclose(theirs.predict_proba(X), ours.predict_proba(X)))
        ((5,), True)

        A warning names the parameters that scikit-learn does not have, such as dropout.

        Raises NotFittedError before the first fit, SettingError for preset="tabular", whose table a network of
        scikit-learn cannot encode, and ArchitectureError as `cr.to_sklearn` does.
        """
        check_is_fitted(self, "network_")
        if self._plan is not None:
            raise SettingError(
                'preset="tabular" encodes a table, which an MLP of scikit-learn cannot do: cr.to_sklearn(mlp.network_) '
                "takes the encoded columns"
            )
        parameters, lost = _parameters(self)
        theirs = fitted_mlp(self.network_, _classes(self._targets, self.network_), parameters)
        _copy_learned(self, theirs)
        if lost:
            names = ", ".join(f"{name}={getattr(self, name)!r}" for name in lost)
            warnings.warn(f"scikit-learn has no {names}: there, training goes on without", stacklevel=2)
        return theirs


def _parameters(ours: Any) -> tuple[dict[str, Any], list[str]]:
    """The parameters that scikit-learn has, and the names of those that it lacks and training depends on."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kind = MLPClassifier if hasattr(ours, "classes_") else MLPRegressor
    usual, values = type(ours)().get_params(deep=False), ours.get_params(deep=False)
    common = {name: values[name] for name in kind().get_params(deep=False) if name not in _FROM_NETWORK}
    common["n_iter_no_change"] = _whole(common["n_iter_no_change"])
    allowed = {name: value for name, value in common.items() if _is_valid(kind, name, value)}
    changed = [name for name in _ONLY_OURS if name in values and values[name] is not usual[name]]
    return allowed, [*(name for name in common if name not in allowed), *(n for n in changed if values[n] != usual[n])]


def _whole(value: Any) -> Any:
    """The number as an int if it is whole: scikit-learn takes no 10.0."""
    return int(value) if np.isfinite(value) and int(value) == value else value


def _is_valid(kind: Any, name: str, value: Any) -> bool:
    """Whether scikit-learn takes this value."""
    try:
        validate_parameter_constraints(kind._parameter_constraints, {name: value}, kind.__name__)
    except InvalidParameterError:
        return False
    return True


def _classes(targets: Any, network: Network) -> Array | None:
    """The classes of one output, None for several labels and for numbers."""
    if not isinstance(targets, ArrayLabels) or targets.kind == "multilabel":
        return None
    output = network.architecture.blocks[0].activation.name
    if targets.kind == "multiclass" and output != "softmax":
        raise SettingError(
            f"the classes have output {output}, but MLPs of scikit-learn have softmax for several classes"
        )
    return targets.classes[0]


def _copy_learned(ours: Any, theirs: Any) -> None:
    """Copy counts and curves, and where the optimizer is."""
    for name in _KEPT:
        if hasattr(ours, name):
            setattr(theirs, name, getattr(ours, name))
    if hasattr(theirs, "loss_curve_"):
        theirs.loss_curve_ = list(ours.loss_curve_)
    same = theirs.solver == ours.solver and theirs.coefs_[-1].shape == ours.coefs_[-1].shape
    if same and ours._state is not None and theirs.solver != "lbfgs" and not ours.early_stopping:
        theirs._optimizer = _optimizer(theirs, ours.network_, ours._state)


def _optimizer(theirs: Any, network: Network, state: TrainingState) -> Any:
    """scikit-learn's optimizer with the momenta and counts of a state."""
    from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

    layers = [network.architecture.views(slot.copy()) for slot in state.run.slots]
    slots = [[*W, *b] for W, b in layers]
    parts, rate = theirs.coefs_ + theirs.intercepts_, theirs.learning_rate_init
    if theirs.solver == "adam":
        adam = AdamOptimizer(parts, rate, theirs.beta_1, theirs.beta_2, theirs.epsilon)
        adam.t, (adam.ms, adam.vs) = state.run.step, slots
        return adam
    sgd = SGDOptimizer(parts, rate, theirs.learning_rate, theirs.momentum, theirs.nesterovs_momentum, theirs.power_t)
    sgd.velocities = slots[0] if slots else sgd.velocities
    if theirs.learning_rate == "adaptive" and state.history.rate:
        sgd.learning_rate = state.history.rate[-1]
    sgd.iteration_ends(theirs.t_)
    return sgd
