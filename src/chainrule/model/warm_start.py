"""The warm start: training begins from the best linear model, which the first weights carry through the hidden layers.

Where sigma(z) - sigma(-z) = c z, as for relu (c = 1), leaky_relu, gelu, silu and softplus, two neurons with weights w
and -w carry w·x from layer to layer without loss:

    w·x  →  sigma(w·x), sigma(-w·x)  →  (sigma(w·x) - sigma(-w·x)) / c = w·x  →  ...  →  z^L

So a network can begin as a linear model: ridge, logistic or Poisson regression, as its output and cost make it. The
model is fitted with the penalty that is best on the held-out rows: ridge regression in closed form
(`chainrule.model.ridge`), others, which are convex problems, by L-BFGS; of many inputs also with few weights
(`chainrule.model.few_weights`), if that is better on these rows. The other neurons are initialized as usual, with small
output weights. On noisy tables, where most of what can be learned is linear, training then has little to correct.

Sources: the pairs are those of Shang, Sohn, Almeida & Lee, Understanding and improving convolutional neural networks
via concatenated rectified linear units, ICML 2016, and of the "looks linear" initialization of Balduzzi et al., The
shattered gradients problem, ICML 2017. There the linear function is random; here it is fitted.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines import Engine, choose
from chainrule.errors import SettingError
from chainrule.examples import Examples
from chainrule.model.ensemble import Ensemble
from chainrule.model.few_weights import may_gain, sparse_path
from chainrule.model.ridge import MOST, MOST_NUMBERS, Ridge
from chainrule.network import Network
from chainrule.optimizers import LBFGS
from chainrule.settings import TrainingSettings

__all__ = ["Penalty", "linear_start", "slope_of_pair", "start_for", "suits_linear_start"]

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0001)  # alpha divided by the number of rows, in the order of trial
WEAKER, WEAKER_GAIN = (0.00001, 0.000001), 0.95  # in closed form, if so much of the cost is left at most: large weights
RULE, ITERATIONS = LBFGS(reduction=2e-9), 40  # the optimizer of the linear model, and its updates for each penalty
SMALL = 0.1  # factor of the last weights of the other neurons


class Penalty(NamedTuple):
    """The penalty of a linear model, by the squares of its weights (alpha) or by their absolute values (l1)."""

    alpha: float = 0.0
    l1: float = 0.0


def slope_of_pair(activation: Activation) -> float | None:
    """The c of sigma(z) - sigma(-z) = c z; None if there is no such c.

    >>> slope_of_pair(cr.activations.ACTIVATIONS.get("gelu")), slope_of_pair(cr.activations.ACTIVATIONS.get("tanh"))
    (1.0, None)
    """
    if not activation.elementwise:
        return None
    z = np.array([[0.25, 0.5, 1.0, 4.0, 64.0]])
    slopes = ((activation.value(z) - activation.value(-z)) / z).ravel()
    return float(round(slopes[0], 12)) if slopes[0] > 0 and np.ptp(slopes) < 1e-9 * slopes[0] else None


def suits_linear_start(hidden: Sequence[int], activations: Sequence[Activation], outputs: int) -> bool:
    """Whether hidden layers can carry a linear model, in one pair for each output, of at most half of the neurons."""
    return all(n >= 4 * outputs for n in hidden) and all(slope_of_pair(sigma) is not None for sigma in activations)


def start_for(start: str, wanted: str, one: Architecture) -> Any:
    """The start that runs: "random" in place of "linear" if the hidden layers cannot carry a linear model.

    - start: the start by the preset or the user.
    - wanted: the setting of the user.
    - one: the architecture of a member.

    Raises SettingError where the user set "linear".
    """
    if start != "linear" or suits_linear_start(one.sizes[1:-1], one.hidden, one.sizes[-1]):
        return start
    if wanted == "linear":
        raise SettingError(
            "start is 'linear', but these hidden layers cannot carry a linear model: use relu, gelu or silu with at "
            "least 4 neurons for each output, or start='random'"
        )
    return "random"


def linear_start(
    ensemble: Ensemble,
    network: Network,
    examples: Examples,
    validation: Examples | None,
    cancel: Callable[[], bool] | None = None,
    engine: str = "auto",
) -> Penalty | None:
    """Set the first weights of a network to the best linear model of each member.

    - ensemble, network: the members, and the network of all of them, which is changed.
    - examples, validation: the examples of the network (see `Ensemble.checked`); without validation one penalty is
      tried.
    - cancel: a function without arguments; when it returns True, the best model so far is taken.
    - engine: the name of the engine that computes.

    Returns the best penalty; None, with the weights unchanged, if no cost was finite.
    """
    linear, penalty = _fitted(network, examples, validation, cancel or (lambda: False), engine)
    if penalty is None:
        return None
    slopes = [slope_of_pair(sigma) or 1.0 for sigma in ensemble.one.hidden]
    for k in range(ensemble.count):
        _carry(ensemble, network, k, linear.W[0], linear.b[0], slopes)
    return penalty


def _fitted(
    network: Network, examples: Examples, validation: Examples | None, cancel: Callable[[], bool], name: str
) -> tuple[Network, Penalty | None]:
    """The linear network with the lowest validation cost, over penalties from strong to weak."""
    linear = _linear(network)
    engine = choose(name, linear.architecture)
    examples = examples.present().for_engine(engine.takes_sparse)
    validation = None if validation is None else validation.for_engine(engine.takes_sparse)
    best: tuple[Network, Penalty | None] = linear.copy(), None
    least = np.inf
    for path in _paths(linear, examples, cancel, engine, validation is not None):
        before = np.inf
        for penalty, model in path:
            scored = examples if validation is None else validation
            cost = np.inf if cancel() else scored.cost(partial(engine.cost, model.architecture, model.theta))
            weak = penalty.l1 == 0 and penalty.alpha < PENALTIES[-1] * len(examples.X)
            if not cost < before * (WEAKER_GAIN if weak else 1.0):
                break
            before = cost
            if cost < least:
                best, least = (model.copy(), penalty), cost
    return best


def _paths(
    linear: Network, examples: Examples, cancel: Callable[[], bool], engine: Engine, several: bool
) -> Iterator[Iterator[tuple[Penalty, Network]]]:
    """The models of each kind of penalty, from strong to weak; one model of one kind without `several`."""
    shares = PENALTIES if several else PENALTIES[2:3]
    if _is_ridge(linear, examples):
        yield _exact_path(linear.copy(), examples, engine, shares + WEAKER if several else shares)
    else:
        yield _descended_path(linear.copy(), examples, cancel, engine, shares)
    if several and may_gain(len(examples.X), linear.sizes[0]):
        sparse = sparse_path(linear, examples, engine, cancel)
        yield ((Penalty(l1=l1), model) for l1, model in sparse)


def _is_ridge(linear: Network, examples: Examples) -> bool:
    """Whether the linear model is ridge regression, of few enough inputs and rows for the closed form."""
    blocks, X = linear.architecture.blocks, examples.X
    are_ridge = all(b.activation.name == "identity" and b.cost.name == "quadratic" for b in blocks)
    return are_ridge and isinstance(X, np.ndarray) and X.shape[1] <= MOST and X.size <= MOST_NUMBERS


def _exact_path(
    linear: Network, examples: Examples, engine: Engine, shares: Sequence[float]
) -> Iterator[tuple[Penalty, Network]]:
    """The network with the weights of ridge regression, for one alpha after another."""
    X, T, weight, _, _ = examples
    T = T.astype(linear.dtype)  # as an engine takes them
    ridge, rows = Ridge(X, T, weight, partial(_gram, engine)), len(X)
    for share in shares:
        alpha = share * rows
        linear.W[0][...], linear.b[0][...] = ridge.solved(alpha * rows / _count(examples))
        yield Penalty(alpha), linear


def _gram(engine: Engine, M: Array) -> Array:
    """MᵀM (q, q) in float64, as the outputs of a network without hidden layers, whose weights are M (n, q)."""
    n, q = M.shape
    product = Network([n, q], output="identity", initializer=np.append(M.ravel(), np.zeros(q)), dtype="float64")
    return engine.predict(product.architecture, product.theta, np.ascontiguousarray(M.T))


def _descended_path(
    linear: Network, examples: Examples, cancel: Callable[[], bool], engine: Engine, shares: Sequence[float]
) -> Iterator[tuple[Penalty, Network]]:
    """The network, trained under one alpha after another."""
    for share in shares:
        alpha = share * len(examples.X)
        _descend(linear, examples, alpha, cancel, engine)
        yield Penalty(alpha), linear


def _linear(network: Network) -> Network:
    """A network without hidden layers, with the outputs and costs of `network` and all weights 0."""
    blocks = network.architecture.blocks
    sizes = [network.sizes[0], network.sizes[-1]]
    output, costs = [(block.activation, block.width) for block in blocks], [block.cost for block in blocks]
    theta = np.zeros((sizes[0] + 1) * sizes[1])
    return Network(sizes, output=output, cost=costs, initializer=theta, dtype=network.dtype)


def _descend(linear: Network, examples: Examples, alpha: float, cancel: Callable[[], bool], engine: Engine) -> None:
    """Minimise C = sum_i s_i C_xi / S + alpha / (2 n) sum W² by L-BFGS, from the current weights, for n rows.

    The penalty is divided by the number of rows and not by S, so that the unit of the weights s_i changes nothing.
    """
    X, T, weight, rows = examples.located(examples.rows)
    settings = TrainingSettings(optimizer=RULE, batch_size=len(rows), alpha=alpha)
    run, rate = engine.start(linear.architecture, linear.theta, settings, _count(examples)), np.ones(1)
    for epoch in range(ITERATIONS):
        if cancel() or not len(run.steps(X, T, weight, rows, rate, epoch, 0)):
            break


def _count(examples: Examples) -> float:
    """The number of rows, each counted by the share of its outputs that have a weight above 0."""
    if examples.weight is None:
        return float(len(examples.X))
    return math.fsum((examples.weight > 0).reshape(len(examples.X), -1).mean(axis=1))


def _carry(ensemble: Ensemble, network: Network, k: int, W: Array, b: Array, slopes: list[float]) -> None:
    """Set the weights of member k so that z^L = x W + b, with its own columns of W (n_1, n_L K) and b."""
    last = len(network.W) - 1
    own = ensemble.part(last + 1, k)
    plus = np.arange(ensemble.one.sizes[-1]) * 2
    out = network.W[last][ensemble.part(last, k), own]
    out *= SMALL
    for l in range(last):
        part = ensemble.part(l + 1, k)
        into, bias = network.W[l][ensemble.part(l, k), part], network.b[l][part]
        for neurons, sign in ((plus, 1.0), (plus + 1, -1.0)):
            bias[neurons] = sign * b[own] if l == 0 else 0
            into[:, neurons] = sign * W[:, own] if l == 0 else 0
            if l > 0:
                into[plus, neurons] = sign / slopes[l - 1]
                into[plus + 1, neurons] = -sign / slopes[l - 1]
    if last:
        out[plus], out[plus + 1] = 0, 0
        out[plus, plus // 2], out[plus + 1, plus // 2] = 1 / slopes[-1], -1 / slopes[-1]
        network.b[last][own] = 0
    else:
        out[...], network.b[last][own] = W[:, own], b[own]
