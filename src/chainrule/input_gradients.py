"""Computes gradients with respect to the inputs: dC_x/dx and da^L/dx of every row, by BP2 for the input layer.

Each row is a product of its own: in one product of many rows, the order of summation in BLAS depends on the place of
the row. So no bit of a row depends on the rows beside it.
"""

import dataclasses

import numpy as np

from chainrule.activations import Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines.base import blocks
from chainrule.equations import Layer, Pass, at_input, backward, bp1, forward

__all__ = ["cost_gradients", "output_gradients"]


def cost_gradients(architecture: Architecture, theta: Array, X: Array, T: Array) -> Array:
    """dC_x/dx of every row of X, (n, n_1)."""
    layers, gradients = _row_by_row(architecture, theta), np.empty(X.shape, theta.dtype)
    with np.errstate(all="ignore"):
        for rows in blocks(len(X)):
            done = _forward(X[rows], layers, theta)
            targets = architecture.one_hot(T[rows], theta.dtype)
            delta_L = architecture.delta_L(done.Z[-1][:, 0], done.A[-1][:, 0], targets)
            gradients[rows] = _to_inputs(delta_L[:, None], layers, done)
    return gradients


def output_gradients(architecture: Architecture, theta: Array, X: Array) -> Array:
    """da^L/dx of every row of X, (n, n_L, n_1): row j is the result of the backward pass for dC_x/da^L = e_j."""
    layers, n_L = _row_by_row(architecture, theta), architecture.sizes[-1]
    gradients, units = np.empty((len(X), n_L, X.shape[1]), theta.dtype), np.eye(n_L, dtype=theta.dtype)
    with np.errstate(all="ignore"):
        for rows in blocks(len(X)):
            done = _forward(X[rows], layers, theta)
            Z_L, A_L = done.Z[-1], done.A[-1]
            for j, e in enumerate(units):
                delta_L = bp1(layers[-1].activation, np.broadcast_to(e, A_L.shape), Z_L, A_L)
                gradients[rows, j] = _to_inputs(delta_L, layers, done)
    return gradients


@dataclasses.dataclass(frozen=True)
class _RowByRow(Activation):
    """An activation of rows that are stacked as m matrices of one row, (m, 1, n_l): NumPy multiplies each alone."""

    of_rows: Activation

    def value(self, Z: Array) -> Array:
        return self.of_rows.value(Z[:, 0])[:, None]

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        return self.of_rows.pullback(G[:, 0], Z[:, 0], A[:, 0])[:, None]


def _row_by_row(architecture: Architecture, theta: Array) -> list[Layer]:
    return [Layer(W, b, _RowByRow(activation)) for W, b, activation in architecture.layers(theta)]


def _forward(X: Array, layers: list[Layer], theta: Array) -> Pass:
    return forward(np.ascontiguousarray(X, theta.dtype)[:, None], layers)


def _to_inputs(delta_L: Array, layers: list[Layer], done: Pass) -> Array:
    """What an error of the output layer, (m, 1, n_L), is at the inputs, (m, n_1)."""
    return at_input(backward(delta_L, layers, done)[0], layers[0].W)[:, 0]
