"""What scikit-learn's parameters mean for the network and for its training."""

import dataclasses
import math
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.architecture import Architecture
from chainrule.costs import partner
from chainrule.errors import SettingError
from chainrule.fields import AUTO, Flag, Number, Special, Whole, Word, is_whole, settings_of
from chainrule.initializers import GlorotUniformBiases
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.random import as_seed
from chainrule.registry import is_number, require
from chainrule.schedules import SCHEDULES, Schedule
from chainrule.settings import TrainingSettings
from chainrule.text import shown

__all__ = [
    "SHARED",
    "Parameters",
    "activation_of",
    "activations_of",
    "architecture_of",
    "check_parameters",
    "hidden_sizes",
    "network_of",
    "network_to_resume",
    "optimizer_of",
    "output_of",
    "patience_of",
    "schedule_of",
    "seed_of",
    "stops_early",
    "word_of",
]

_REDUCTION = 2.220446049250313e-09  # SciPy's L-BFGS-B ends at this relative reduction; scikit-learn leaves it so
_RATES = ("constant", "invscaling", "adaptive")

SHARED = (
    "alpha",
    "l1",
    "dropout",
    "clip",
    "rates",
    "label_smoothing",
    "shuffle",
    "tolerance",
    "engine",
    "threads",
    "devices",
    "shards",
    "precision",
    "hosts",
)  # parameters that `TrainingSettings` has
_BATCH = Whole(1, specials=(Special("all", None, "all rows"), Special(AUTO, AUTO)))
KINDS = {
    **{name: settings_of(TrainingSettings)[name].kind for name in SHARED},
    "preset": Word(("tabular",), specials=(Special("none", None),)),
    **dict.fromkeys(("max_iter", "max_fun"), Whole(1)),
    "batch_size": _BATCH,
    **dict.fromkeys(("tol", "power_t"), Number(0)),
    **dict.fromkeys(("momentum", "beta_1", "beta_2", "epsilon"), Number()),
    "learning_rate_init": Number(0, above=True),
    "validation_fraction": Number(0, 1, below=True),
    **dict.fromkeys(("warm_start", "early_stopping", "nesterovs_momentum"), Flag()),
    "progress": Flag(),
}


_Parts = tuple[list[int], list[Activation], list[tuple[Activation, int]], Any]


class Parameters(SimpleNamespace):
    """An estimator's parameters by scikit-learn's names."""


# ------------------------------------------------------------------------------------------- the network


def activation_of(choice: Any) -> Activation:
    """An activation by scikit-learn's name or ours, an object, a document, or any callable.

    >>> activation_of("logistic")
    Sigmoid()
    """
    return ACTIVATIONS.get("sigmoid" if isinstance(choice, str) and choice == "logistic" else choice)


def word_of(activation: Activation) -> str:
    """The name of an activation, scikit-learn's where it has one.

    >>> word_of(activation_of("sigmoid"))
    'logistic'
    """
    return "logistic" if activation.name == "sigmoid" else activation.name


def hidden_sizes(sizes: Any) -> list[int]:
    """The hidden layers' sizes, from one number or a sequence, which may be empty.

    >>> hidden_sizes(3), hidden_sizes((5, 2)), hidden_sizes(())
    ([3], [5, 2], [])

    Raises SettingError for anything else.
    """
    layers = list(sizes) if isinstance(sizes, Sequence) or np.ndim(sizes) == 1 else [sizes]
    whole = all(is_whole(n, 1) for n in layers)
    require(whole, "hidden_layer_sizes", sizes, "whole numbers, each at least 1")
    return [int(n) for n in layers]


def activations_of(choice: Any, count: int) -> list[Activation]:
    """An activation for each of `count` hidden layers, from one choice or a list with one for each.

    >>> activations_of(["tanh", "logistic"], 2)
    [Tanh(), Sigmoid()]

    Raises SettingError for a list of another length.
    """
    choices = list(choice) if isinstance(choice, list | tuple) else [choice] * count
    require(len(choices) == count, "activation", choice, f"one choice, or a list of {count}: one for each hidden layer")
    return [activation_of(each) for each in choices]


def output_of(parameters: Any, usual: str) -> tuple[Activation, Any]:
    """The output activation, `usual` where the parameter is None, and the cost, the activation's partner for None.

    >>> output_of(cr.MLPRegressor(), "identity"), output_of(cr.MLPRegressor(output_activation="exp"), "identity")
    ((Identity(), 'quadratic'), (Exp(), 'poisson'))
    """
    choice, cost = parameters.output_activation, parameters.cost
    output = activation_of(usual if choice is None else choice)
    return output, partner(output) if cost is None else cost


def architecture_of(estimator: Any, parameters: Any, n_features: int, targets: Any) -> Architecture:
    """The architecture that parameters ask for, with `n_features` inputs and the outputs that the targets need."""
    return Architecture.of(*_parts(estimator, parameters, n_features, targets))


def network_of(estimator: Any, parameters: Any, n_features: int, targets: Any, seed: int, dtype: Any) -> Network:
    """The network before training, with its first weights."""
    parts = _parts(estimator, parameters, n_features, targets)
    first = _initializer_of(parameters, parts[1])
    return Network(*parts, initializer=first, masks=parameters.masks, seed=seed, dtype=dtype)


def network_to_resume(estimator: Any, network: Network, targets: Any) -> Network:
    """A copy of a network with the activations and the cost that the parameters ask for now.

    Raises SettingError where they ask for other hidden layers.
    """
    parts = _parts(estimator, estimator, network.sizes[0], targets)
    if tuple(parts[0]) != network.sizes:
        raise SettingError(
            f"hidden_layer_sizes is {shown(estimator.hidden_layer_sizes)}, but the network to go on from has "
            f"{network.sizes[1:-1]}: set it back, or fit anew without warm_start"
        )
    return Network.from_parts(Architecture.of(*parts, network.architecture.masks), network.theta, network.seed)


def _parts(estimator: Any, parameters: Any, n_features: int, targets: Any) -> _Parts:
    """The sizes, hidden activations, output blocks and cost of a network."""
    sizes = hidden_sizes(parameters.hidden_layer_sizes)
    output, cost = output_of(parameters, estimator._usual_output(targets))
    blocks = [(output, width) for width in targets.widths]
    return [n_features, *sizes, sum(targets.widths)], activations_of(parameters.activation, len(sizes)), blocks, cost


def _initializer_of(parameters: Any, hidden: Sequence[Activation]) -> Any:
    """The initializer: weights as arrays, the rule that is named, or scikit-learn's, which is narrower for logistic."""
    weights = {"coefs_init": parameters.coefs_init, "intercepts_init": parameters.intercepts_init}
    for name, value in weights.items():
        both = value is not None or all(other is None for other in weights.values())
        require(both, name, None, "given too where the other one is")
    if parameters.coefs_init is not None:
        for name, value in weights.items():
            require(isinstance(value, list | tuple), name, value, "a list of arrays, one for each layer from 2 to L")
        return tuple(list(value) for value in weights.values())
    if parameters.initializer is not None:
        return parameters.initializer
    logistic = bool(hidden) and all(activation.name == "sigmoid" for activation in hidden)
    return GlorotUniformBiases(2.0 if logistic else 6.0)


def seed_of(random_state: Any) -> int:
    """The seed: `random_state` itself if it is a number, else one drawn from it, or from NumPy's own state for None.

    >>> seed_of(7), seed_of(np.random.RandomState(0)) == seed_of(np.random.RandomState(0))
    (7, True)
    """
    if random_state is None or isinstance(random_state, np.random.RandomState):
        return int(check_random_state(random_state).randint(2**32, dtype=np.uint32))
    return as_seed(random_state, "random_state")


# ------------------------------------------------------------------------------------------- its training


def optimizer_of(parameters: Any) -> Optimizer:
    """The update rule: one by name takes its own parameters from the estimator's, an object has them.

    >>> optimizer_of(cr.MLPRegressor(solver="sgd", learning_rate_init=0.1, nesterovs_momentum=False))
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """
    solver = parameters.solver
    if not isinstance(solver, str):
        return OPTIMIZERS.get(solver)
    kind = type(OPTIMIZERS.get(solver))
    values = {
        **({} if kind.line_search else {"learning_rate": parameters.learning_rate_init}),
        "tolerance": parameters.tol,
        "reduction": _REDUCTION,
        "evaluations": parameters.max_fun,
        "momentum": parameters.momentum,
        "nesterov": bool(parameters.nesterovs_momentum) and parameters.momentum > 0,
        "beta1": parameters.beta_1,
        "beta2": parameters.beta_2,
        "eps": parameters.epsilon,
    }
    return kind(**{f.name: values[f.name] for f in dataclasses.fields(kind) if f.name in values})


def schedule_of(parameters: Any) -> Schedule | str:
    """The schedule, or scikit-learn's word for one; as in scikit-learn, adam and lbfgs ignore those words."""
    rate = parameters.learning_rate
    if isinstance(rate, str) and rate in _RATES:
        return "constant" if parameters.solver in ("adam", "lbfgs") else rate
    return SCHEDULES.get(rate)


def patience_of(parameters: Any) -> int:
    """n_iter_no_change as a whole number, infinity as the greatest there is."""
    return sys.maxsize if parameters.n_iter_no_change == math.inf else int(parameters.n_iter_no_change)


def stops_early(parameters: Any) -> bool:
    """Whether a validation set chooses the weights; as in scikit-learn it does not under L-BFGS."""
    return bool(parameters.early_stopping) and not optimizer_of(parameters).line_search


# ------------------------------------------------------------------------------------------- checks


def check_parameters(parameters: Any) -> None:
    """Raise a SettingError, in one line, for parameters that no training could have; objects check their own."""
    for name, kind in KINDS.items():
        kind.clean(name, getattr(parameters, name))
    patience = parameters.n_iter_no_change
    endless = is_number(patience) and patience == math.inf
    require(endless or is_whole(patience, 1), "n_iter_no_change", patience, "a whole number from 1, or infinity")
    verbose = parameters.verbose
    require(
        isinstance(verbose, bool | np.bool_) or is_whole(verbose, 0), "verbose", verbose, "True, False, or a number"
    )
    require(is_number(parameters.momentum), "momentum", parameters.momentum, "a number from 0 to below 1")
    _check_scoring(parameters.scoring)


def _check_scoring(choice: Any) -> None:
    if choice is not None and not callable(choice):
        from sklearn.metrics import get_scorer_names

        named = isinstance(choice, str) and (choice == "loss" or choice in get_scorer_names())
        allowed = "a name of sklearn.metrics.get_scorer_names(), 'loss', a callable or None"
        require(named, "scoring", choice, allowed)
