"""Computes gradients with respect to the inputs: dC_x/dx and da^L/dx of every row, by BP2 for the input layer."""

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import sweep
from chainrule.engines.base import blocks
from chainrule.equations import Layer, at_input, backward, bp1, forward

__all__ = ["cost_gradients", "output_gradients"]


def cost_gradients(architecture: Architecture, theta: Array, X: Array, T: Array) -> Array:
    """dC_x/dx of every row of X, (n, n_1)."""
    W_2, gradients = architecture.views(theta)[0][0], np.empty(X.shape, theta.dtype)
    with np.errstate(all="ignore"):
        for rows in blocks(len(X)):
            gradients[rows] = at_input(sweep(architecture, theta, X[rows], T[rows]).delta[0], W_2)
    return gradients


def output_gradients(architecture: Architecture, theta: Array, X: Array) -> Array:
    """da^L/dx of every row of X, (n, n_L, n_1)."""
    layers = architecture.layers(theta)
    gradients = np.empty((len(X), architecture.sizes[-1], X.shape[1]), theta.dtype)
    with np.errstate(all="ignore"):
        for rows in blocks(len(X)):
            gradients[rows] = _jacobian(np.ascontiguousarray(X[rows], theta.dtype), layers)
    return gradients


def _jacobian(X: Array, layers: list[Layer]) -> Array:
    """da^L/dx of a batch, (m, n_L, n_1): row j is the result of the backward pass at x for dC_x/da^L = e_j."""
    done, sigma, W_2 = forward(X, layers), layers[-1].activation, layers[0].W
    Z_L, A_L = done.Z[-1], done.A[-1]
    units = np.eye(A_L.shape[1], dtype=X.dtype)
    errors = (bp1(sigma, np.broadcast_to(e, A_L.shape), Z_L, A_L) for e in units)
    return np.stack([at_input(backward(delta_L, layers, done)[0], W_2) for delta_L in errors], axis=1)
