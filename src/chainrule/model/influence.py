"""Influence: how much a training step on one row would change the cost of another row, by the dot product of gradients.

A step -eta dC_i/dtheta on row i changes the cost of row v by about -eta dC_i/dtheta · dC_v/dtheta. By BP3 and BP4 the
gradients of an example are a ⊗ delta and delta, so that their dot product needs neither of them:

    dC_i/dtheta · dC_v/dtheta = sum over l of (a_i · a_v + 1)(delta_i · delta_v)

with a of layer l-1 and delta of layer l. With a mask M of the weights a layer's part is

    sum over j, k of a_ij a_vj M_jk delta_ik delta_vk + delta_i · delta_v

Source: Pruthi, Liu, Kale & Sundararajan, Estimating training data influence by tracing gradient descent, NeurIPS 2020.
They add the products up over checkpoints of the training; here there is one term, at the final weights.
"""

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.backprop import Ledger, sweep
from chainrule.network import Network

__all__ = ["gradient_products"]

_ROWS = 1024  # computed together


def gradient_products(network: Network, X: Array, T: Array, x: Array, t: Array) -> Array:
    """The dot products (n,) of the gradients of rows with that of one row, in float64.

    - X, T: the rows (n, n_1) and their targets (n, n_L).
    - x, t: the one row (1, n_1) and its targets (1, n_L).

    >>> net = cr.Network([1, 1], output="identity", initializer=([[[1]]], [[0]]), dtype="float64")
    >>> gradient_products(net, np.array([[1.0], [2.0]]), np.zeros((2, 1)), np.array([[3.0]]), np.array([[0.0]]))
    array([12., 42.])
    """
    architecture, theta = network.architecture, network.theta.astype(np.float64)
    products = np.empty(len(X))
    with np.errstate(all="ignore"):
        one = sweep(architecture, theta, x, t.astype(np.float64))
        for rows in (slice(start, start + _ROWS) for start in range(0, len(X), _ROWS)):
            some = sweep(architecture, theta, X[rows], T[rows].astype(np.float64))
            products[rows] = _products(some, one, architecture.masks)
    return products


def _products(some: Ledger, one: Ledger, masks: Sequence[Array | None]) -> Array:
    """The dot products (m,) of the gradients of the rows of a ledger with that of the only row of another."""
    total = np.zeros(len(some.Z[0]))
    for k, mask in enumerate(masks):
        a, d = some.A[k] * one.A[k], some.delta[k] * one.delta[k]
        dots = d.sum(axis=1)
        total += dots + (a.sum(axis=1) * dots if mask is None else ((a @ mask) * d).sum(axis=1))
    return total
