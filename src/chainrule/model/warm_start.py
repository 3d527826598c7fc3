"""A start from the best linear model: the first weights carry it through the hidden layers.

Where sigma(z) - sigma(-z) = c z, as for relu (c = 1), leaky_relu, gelu, silu and softplus, two neurons with weights w
and -w carry w·x on without loss, from layer to layer:

    w·x  →  sigma(w·x), sigma(-w·x)  →  (sigma(w·x) - sigma(-w·x)) / c = w·x  →  ...  →  z^L

So a network can begin as the linear model (ridge, logistic, Poisson regression, whatever its output and cost make it),
fitted by L-BFGS on a convex problem with the penalty that is best on the rows held out. The other neurons are
initialized as usual, with small output weights. On noisy tables, where most of what can be known is linear, training
then has little to unlearn.

Sources: the pairs are those of Shang, Sohn, Almeida & Lee, Understanding and improving convolutional neural networks
via concatenated rectified linear units, ICML 2016, and of the "looks linear" initialization of Balduzzi et al., The
shattered gradients problem, ICML 2017. There the linear function is random; here it is fitted.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.engines import Engine, choose
from chainrule.examples import Examples
from chainrule.model.ensemble import Ensemble
from chainrule.network import Network
from chainrule.optimizers import LBFGS
from chainrule.settings import TrainingSettings

__all__ = ["linear_start", "slope_of_pair", "suits_linear_start"]

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0001)  # alpha over the number of rows: tried one after another
RULE, ITERATIONS = LBFGS(reduction=2e-9), 40  # what fits the linear model, and its updates for each penalty
SMALL = 0.1  # what the last weights of the other neurons are multiplied with


def slope_of_pair(activation: Activation) -> float | None:
    """The c of sigma(z) - sigma(-z) = c z, or None where there is none.

    >>> slope_of_pair(cr.activations.ACTIVATIONS.get("gelu")), slope_of_pair(cr.activations.ACTIVATIONS.get("tanh"))
    (1.0, None)
    """
    if not activation.elementwise:
        return None
    z = np.array([[0.25, 0.5, 1.0, 4.0]])
    slopes = ((activation.value(z) - activation.value(-z)) / z).ravel()
    return float(round(slopes[0], 12)) if slopes[0] > 0 and np.ptp(slopes) < 1e-9 * slopes[0] else None


def suits_linear_start(hidden: Sequence[int], activations: Sequence[Activation], outputs: int) -> bool:
    """Whether a network can begin so: a pair of neurons for each output, and at most half of them in pairs."""
    return all(n >= 4 * outputs for n in hidden) and all(slope_of_pair(sigma) is not None for sigma in activations)


def linear_start(
    ensemble: Ensemble,
    network: Network,
    examples: Examples,
    validation: Examples | None,
    cancel: Callable[[], bool] | None = None,
    engine: str = "auto",
) -> float | None:
    """Put the best linear models of the members into the first weights of `network`.

    - ensemble, network: the members, and the network of all of them.
    - examples, validation: those of the network (see `Ensemble.checked`); without validation one penalty is tried.
    - cancel: a function without arguments; the best model so far is taken once it returns True.
    - engine: the name of the engine that computes.

    Returns the penalty alpha that was best; None, and the weights as they were, if no cost was finite.
    """
    linear, alpha = _fitted(network, examples, validation, cancel or (lambda: False), engine)
    if alpha is None:
        return None
    slopes = [slope_of_pair(sigma) or 1.0 for sigma in ensemble.one.hidden]
    for k in range(ensemble.count):
        _carry(ensemble, network, k, linear.W[0], linear.b[0], slopes)
    return alpha


def _fitted(
    network: Network, examples: Examples, validation: Examples | None, cancel: Callable[[], bool], name: str
) -> tuple[Network, float | None]:
    """The linear network with the lowest validation cost, over penalties from strong to weak."""
    linear = _linear(network)
    engine = choose(name, linear.architecture)
    examples = examples.present()
    unseen = examples if validation is None else validation
    best, least, penalty = linear.copy(), np.inf, None
    for share in PENALTIES if validation is not None else PENALTIES[2:3]:
        alpha = share * len(examples.X)
        _descend(linear, examples, alpha, cancel, engine)
        cost = np.inf if cancel() else unseen.cost(partial(engine.cost, linear.architecture, linear.theta))
        if not cost < least:
            break
        best, least, penalty = linear.copy(), cost, alpha
    return best, penalty


def _linear(network: Network) -> Network:
    """A network without hidden layers, with the outputs and costs of `network`, all weights 0."""
    blocks = network.architecture.blocks
    sizes = [network.sizes[0], network.sizes[-1]]
    output, costs = [(block.activation, block.width) for block in blocks], [block.cost for block in blocks]
    theta = np.zeros((sizes[0] + 1) * sizes[1])
    return Network(sizes, output=output, cost=costs, initializer=theta, dtype=network.dtype)


def _descend(linear: Network, examples: Examples, alpha: float, cancel: Callable[[], bool], engine: Engine) -> None:
    """L-BFGS on C = sum_i s_i C_xi / S + alpha / (2 S) sum W² from the weights as they are."""
    X, T, weight, rows, S = examples
    settings = TrainingSettings(optimizer=RULE, batch_size=len(rows), alpha=alpha)
    run, rate = engine.start(linear.architecture, linear.theta, settings, S), np.ones(1)
    for epoch in range(ITERATIONS):
        if cancel() or not len(run.steps(X, T, weight, rows, rate, epoch, 0)):
            break


def _carry(ensemble: Ensemble, network: Network, k: int, W: Array, b: Array, slopes: list[float]) -> None:
    """Let member k begin as z^L = x W + b, with the columns of W (n_1, n_L K) and b that are its own."""
    last = len(network.W) - 1
    own = ensemble.part(last + 1, k)
    plus = np.arange(ensemble.one.sizes[-1]) * 2
    to = network.W[last][ensemble.part(last, k), own]
    to *= SMALL
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
        to[plus], to[plus + 1] = 0, 0
        to[plus, plus // 2], to[plus + 1, plus // 2] = 1 / slopes[-1], -1 / slopes[-1]
        network.b[last][own] = 0
    else:
        to[...], network.b[last][own] = W[:, own], b[own]
