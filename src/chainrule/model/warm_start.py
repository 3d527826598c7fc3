"""A start from the best linear model: the first weights carry it through the hidden layers.

Where sigma(z) - sigma(-z) = c z, as for relu (c = 1), leaky_relu, gelu, silu and softplus, two neurons with weights w
and -w carry w·x on without loss, from layer to layer:

    w·x  →  sigma(w·x), sigma(-w·x)  →  (sigma(w·x) - sigma(-w·x)) / c = w·x  →  ...  →  z^L

So a network can begin as the linear model (ridge, logistic, Poisson regression, whatever its output and cost make it),
found by L-BFGS on a convex problem with the penalty that is best on the rows held out. The other neurons begin as ever,
with a small say. On noisy tables, where most of what can be known is linear, training then has little to unlearn.

Sources: the pairs are those of Shang, Sohn, Almeida & Lee, Understanding and improving convolutional neural networks
via concatenated rectified linear units, ICML 2016, and of the "looks linear" initialization of Balduzzi et al., The
shattered gradients problem, ICML 2017. There the linear function is random; here it is fitted.
"""

from collections.abc import Callable, Sequence

import numpy as np

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.engines import choose
from chainrule.examples import as_examples
from chainrule.model.class_weight import Examples
from chainrule.model.ensemble import Ensemble
from chainrule.network import Network

__all__ = ["linear_start", "slope_of_pair", "suits_linear_start"]

PENALTIES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0001)  # alpha over the number of rows: tried one after another
ITERATIONS = 40  # of L-BFGS for each of them
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
    members: Ensemble,
    network: Network,
    rows: Examples,
    held: Examples | None,
    cancel: Callable[[], bool] | None = None,
    engine: str = "auto",
) -> float | None:
    """Put the best linear models of the members into the first weights; the penalty alpha that was best.

    None, and the weights as they were, where no cost was finite.
    """
    linear, alpha = _fitted(network, rows, held, cancel, engine)
    if alpha is None:
        return None
    slopes = [slope_of_pair(sigma) or 1.0 for sigma in members.one.hidden]
    for k in range(members.count):
        _carry(members, network, k, linear.W[0], linear.b[0], slopes)
    return alpha


def _fitted(
    network: Network,
    rows: Examples,
    held: Examples | None,
    cancel: Callable[[], bool] | None,
    engine: str,
) -> tuple[Network, float | None]:
    """The linear network with the lowest cost on the rows held out, over penalties from strong to weak."""
    blocks = network.architecture.blocks
    sizes = [network.sizes[0], network.sizes[-1]]
    output, costs = [(block.activation, block.width) for block in blocks], [block.cost for block in blocks]
    theta = np.zeros((sizes[0] + 1) * sizes[1])
    linear = Network(sizes, output=output, cost=costs, initializer=theta, dtype=network.dtype)
    best, least, alpha = linear.copy(), np.inf, None
    for share in PENALTIES if held is not None else PENALTIES[2:3]:
        asked = share * len(rows[0])
        _descend(linear, rows, asked, cancel, engine)
        found = np.inf if cancel is not None and cancel() else linear.cost(*(held or rows), engine=engine)
        if not found < least:
            break
        best, least, alpha = linear.copy(), found, asked
    return best, alpha


def _descend(linear: Network, rows: Examples, alpha: float, cancel: Callable[[], bool] | None, engine: str) -> None:
    """L-BFGS on C = sum_i s_i C_xi / S + alpha / (2 S) sum W² from the weights as they are."""
    from scipy.optimize import minimize

    architecture, dtype = linear.architecture, linear.dtype
    X, T, weight, _, S = as_examples(architecture, *rows, dtype).present()
    computes = choose(engine, architecture)

    def objective(theta: Array) -> tuple[float, Array]:
        linear.theta = theta
        cost = computes.cost(architecture, linear.theta, X, T, weight)
        cost += architecture.penalty(linear.theta, alpha, 0.0, S)
        return cost, computes.gradient(architecture, linear.theta, X, T, weight, S, alpha).astype(np.float64)

    def look_up(theta: Array) -> None:
        if cancel is not None and cancel():
            raise StopIteration

    begin = linear.theta.astype(np.float64)
    linear.theta = minimize(
        objective, begin, jac=True, method="L-BFGS-B", callback=look_up, options={"maxiter": ITERATIONS}
    ).x


def _carry(members: Ensemble, network: Network, k: int, W: Array, b: Array, slopes: list[float]) -> None:
    """Let member k begin as z^L = x W + b, with the columns of W (n_1, n_L K) and b that are its own."""
    last = len(network.W) - 1
    own = members.part(last + 1, k)
    plus = np.arange(members.one.sizes[-1]) * 2
    to = network.W[last][members.part(last, k), own]
    to *= SMALL
    for l in range(last):
        part = members.part(l + 1, k)
        into, bias = network.W[l][members.part(l, k), part], network.b[l][part]
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
