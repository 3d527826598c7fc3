"""What a network makes of its inputs: the activations of its layers, and how its outputs and its cost move with x."""

from collections.abc import Iterator

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines import Engine
from chainrule.equations import at_input, backward, forward, jacobian
from chainrule.examples import one_hot

__all__ = ["cost_gradients", "hidden_activations", "jacobians"]

BLOCK = 1024  # rows computed together, so that memory stays bounded


def hidden_activations(engine: Engine, architecture: Architecture, theta: Array, X: Array) -> Iterator[Array]:
    """A^2, ..., A^{L-1} for all rows of X, (n, n_l) each, in the bits that `predict` goes through.

    Every layer is computed as a network of its own, so that the engine keeps its promise: a row alone has the bits
    that it has in any batch.
    """
    for k, activation in enumerate(architecture.hidden):
        alone = Architecture.of(architecture.sizes[k : k + 2], output=activation)
        W, b = architecture.slices[k]
        X = engine.predict(alone, theta[W.start : b.stop], X)
        yield X


def jacobians(architecture: Architecture, theta: Array, X: Array) -> Array:
    """da^L/dx of every row of X, (n, n_L, n_1)."""
    layers, found = architecture.layers(theta), np.empty((len(X), architecture.sizes[-1], X.shape[1]), theta.dtype)
    with np.errstate(all="ignore"):
        for rows in _blocks(len(X)):
            found[rows] = jacobian(np.ascontiguousarray(X[rows], theta.dtype), layers)
    return found


def cost_gradients(architecture: Architecture, theta: Array, X: Array, T: Array) -> Array:
    """dC_x/dx of every row of X, (n, n_1)."""
    layers, found = architecture.layers(theta), np.empty(X.shape, theta.dtype)
    with np.errstate(all="ignore"):
        for rows in _blocks(len(X)):
            done = forward(np.ascontiguousarray(X[rows], theta.dtype), layers)
            delta_L = architecture.delta_L(done.Z[-1], done.A[-1], one_hot(architecture, T[rows], theta.dtype))
            found[rows] = at_input(backward(delta_L, layers, done)[0], layers[0].W)
    return found


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))
