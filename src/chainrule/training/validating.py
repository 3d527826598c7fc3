"""The cost and the outputs on a validation set, which may be sparse: then a part at a time becomes an array."""

import numpy as np

from chainrule.arrays import Array, exact_sum
from chainrule.engines import Engine
from chainrule.examples.examples import Examples
from chainrule.examples.sparse import SparseRows
from chainrule.network import Network

__all__ = ["cost_on", "outputs_on"]


def cost_on(held: Examples, net: Network, engine: Engine) -> float:
    """sum of s C_x / n over all rows, no penalty."""
    X, T, weight, *_ = held
    if not isinstance(X, SparseRows):
        return engine.cost(net.architecture, net.theta, X, T, weight)
    sums = []
    for part, dense in X.parts():
        s = None if weight is None else weight[part]
        sums.append(engine.cost(net.architecture, net.theta, dense, T[part], s) * len(dense))
    return exact_sum(np.array(sums)) / len(X)


def outputs_on(held: Examples, net: Network, engine: Engine) -> Array:
    """A^L for every row, (n, n_L)."""
    if not isinstance(held.X, SparseRows):
        return engine.predict(net.architecture, net.theta, held.X)
    return np.concatenate([engine.predict(net.architecture, net.theta, dense) for _, dense in held.X.parts()])
