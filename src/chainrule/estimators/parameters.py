"""scikit-learn's parameters in our words: what they mean for the network and for its training."""

import dataclasses
import math
import sys
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.costs import partner
from chainrule.fields import AUTO, Flag, Number, Special, Whole, Word, is_number, is_whole, settings_of
from chainrule.initializers import GlorotUniformBiases
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.registry import require
from chainrule.schedules import SCHEDULES, Schedule
from chainrule.settings import TrainingSettings

__all__ = [
    "SHARED",
    "Parameters",
    "activation_of",
    "check_parameters",
    "hidden_activations",
    "hidden_sizes",
    "initializer_of",
    "network_of",
    "optimizer_of",
    "output_of",
    "parts_of",
    "patience_of",
    "schedule_of",
    "word_of",
]

_REDUCTION = 2.220446049250313e-09  # of SciPy's L-BFGS-B, which scikit-learn leaves as it is
_RATES = ("constant", "invscaling", "adaptive")

SHARED = ("alpha", "l1", "dropout", "clip", "shuffle", "engine", "threads")  # parameters that `TrainingSettings` has
_BATCH = Whole(1, specials=(Special("all", None, "all rows"), Special(AUTO, AUTO)))
KINDS = {
    **{name: settings_of(TrainingSettings)[name].kind for name in SHARED},
    "preset": Word(("tabular",), specials=(Special("none", None),)),
    **dict.fromkeys(("max_iter", "max_fun"), Whole(1)),
    "batch_size": _BATCH,
    **dict.fromkeys(("tol", "power_t"), Number(0)),
    "learning_rate_init": Number(0, above=True),
    "validation_fraction": Number(0, 1, below=True),
    **dict.fromkeys(("warm_start", "early_stopping", "nesterovs_momentum"), Flag()),
}


class Parameters(SimpleNamespace):
    """An estimator's parameters by scikit-learn's names."""


def activation_of(choice: Any) -> Activation:
    """An activation by scikit-learn's name or ours, an object, a document, or any callable.

    >>> activation_of("logistic")
    Sigmoid()
    """
    return ACTIVATIONS.get("sigmoid" if isinstance(choice, str) and choice == "logistic" else choice)


def word_of(activation: Activation) -> str:
    """The name that scikit-learn has for it.

    >>> word_of(activation_of("sigmoid"))
    'logistic'
    """
    return "logistic" if activation.name == "sigmoid" else activation.name


def hidden_sizes(sizes: Any) -> list[int]:
    """The hidden layers' sizes, from one number or a sequence, which may be empty.

    >>> hidden_sizes(3), hidden_sizes((5, 2)), hidden_sizes(())
    ([3], [5, 2], [])
    """
    given = list(sizes) if isinstance(sizes, Sequence | np.ndarray) else [sizes]
    whole = all(is_whole(n, 1) for n in given)
    require(whole, "hidden_layer_sizes", sizes, "whole numbers, each at least 1")
    return [int(n) for n in given]


def hidden_activations(choice: Any, count: int) -> list[Activation]:
    """One activation for each of `count` hidden layers, from one choice or a list with one for each."""
    given = list(choice) if isinstance(choice, list | tuple) else [choice] * count
    require(len(given) == count, "activation", choice, f"one choice, or a list of {count}: one for each hidden layer")
    return [activation_of(each) for each in given]


def initializer_of(estimator: Any, hidden: Sequence[Activation]) -> Any:
    """The first weights: those given, by the rule given, or as scikit-learn draws them (narrower for logistic)."""
    given = estimator.coefs_init, estimator.intercepts_init
    if any(part is not None for part in given):
        both = all(part is not None for part in given)
        require(both, "coefs_init" if given[0] is None else "intercepts_init", None, "given too where the other one is")
        return tuple(list(part) for part in given)
    if estimator.initializer is not None:
        return estimator.initializer
    logistic = bool(hidden) and all(activation.name == "sigmoid" for activation in hidden)
    return GlorotUniformBiases(2.0 if logistic else 6.0)


def output_of(estimator: Any, usual: str) -> tuple[Activation, Any]:
    """The output activation (the parameter, else the usual one) and the cost (the parameter, else its partner).

    >>> output_of(cr.MLPRegressor(), "identity"), output_of(cr.MLPRegressor(output_activation="exp"), "identity")
    ((Identity(), 'quadratic'), (Exp(), 'poisson'))
    """
    chosen, cost = estimator.output_activation, estimator.cost
    output = activation_of(usual if chosen is None else chosen)
    return output, partner(output) if cost is None else cost


def optimizer_of(estimator: Any) -> Optimizer:
    """The update rule: a name takes the estimator's parameters, an object has its own.

    >>> optimizer_of(cr.MLPRegressor(solver="sgd", learning_rate_init=0.1, nesterovs_momentum=False))
    SGD(learning_rate=0.1, momentum=0.9, nesterov=False)
    """
    solver = estimator.solver
    if not isinstance(solver, str):
        return OPTIMIZERS.get(solver)
    kind = type(OPTIMIZERS.get(solver))
    given = {
        **({} if kind.line_search else {"learning_rate": estimator.learning_rate_init}),
        "tolerance": estimator.tol,
        "reduction": _REDUCTION,
        "evaluations": estimator.max_fun,
        "momentum": estimator.momentum,
        "nesterov": bool(estimator.nesterovs_momentum) and estimator.momentum > 0,
        "beta1": estimator.beta_1,
        "beta2": estimator.beta_2,
        "eps": estimator.epsilon,
    }
    return kind(**{f.name: given[f.name] for f in dataclasses.fields(kind) if f.name in given})


def schedule_of(estimator: Any) -> Schedule | str:
    """The schedule, or scikit-learn's word for one; as there, adam and lbfgs take no notice of those words."""
    rate = estimator.learning_rate
    if isinstance(rate, str) and rate in _RATES:
        return "constant" if estimator.solver in ("adam", "lbfgs") else rate
    return SCHEDULES.get(rate)


def patience_of(estimator: Any) -> int:
    """n_iter_no_change as a whole number, infinity as the greatest there is."""
    return sys.maxsize if estimator.n_iter_no_change == math.inf else int(estimator.n_iter_no_change)


def network_of(e: Any, p: Any, n_features: int, targets: Any, seed: int, dtype: Any) -> Network:
    """The network before training that the parameters `p` of the estimator `e` ask for."""
    parts = parts_of(e, p, n_features, targets)
    first = initializer_of(p, parts["activation"])
    return Network(**parts, initializer=first, masks=p.masks, seed=seed, dtype=dtype)


def parts_of(e: Any, p: Any, n_features: int, targets: Any) -> dict[str, Any]:
    """The architecture that the parameters ask for."""
    sizes = hidden_sizes(p.hidden_layer_sizes)
    output, cost = output_of(p, e._usual_output(targets))
    blocks = [(output, width) for width in targets.widths]
    return {
        "sizes": [n_features, *sizes, sum(targets.widths)],
        "activation": hidden_activations(p.activation, len(sizes)),
        "output": blocks if len(blocks) > 1 else output,
        "cost": cost,
    }


def check_parameters(estimator: Any) -> None:
    """Raise a SettingError, in one line, for parameters that no training could have; objects check their own."""
    for name, kind in KINDS.items():
        kind.clean(name, getattr(estimator, name))
    wait = estimator.n_iter_no_change
    endless = is_number(wait) and wait == math.inf
    require(endless or is_whole(wait, 1), "n_iter_no_change", wait, "a whole number from 1, or infinity")
    _check_scoring(estimator.scoring)


def _check_scoring(choice: Any) -> None:
    if choice is not None and choice != "loss" and not callable(choice):
        from sklearn.metrics import get_scorer_names

        known = isinstance(choice, str) and choice in get_scorer_names()
        allowed = "a name of sklearn.metrics.get_scorer_names(), 'loss', a callable or None"
        require(known, "scoring", choice, allowed)
