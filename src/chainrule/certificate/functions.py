"""Every activation and cost in use as a network of its own, whose gradient is the function's alone.

The network has as many inputs as neurons, W = 1 and b = 0, and its inputs are Z of the layer in question, one row for
each example. By BP3 dC/db is then delta. For an activation the cost is quadratic with T = A - G for drawn numbers G, so
that dC/dA is G and delta the vector-Jacobian product of G: right only if every da_j/dz_i is. For a cost the network
ends in the block's own activation, because some costs are computed from Z.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.activations import Activation
from chainrule.architecture import Architecture, Block
from chainrule.arrays import Array
from chainrule.random import Purpose, normal, raw_words

__all__ = ["Alone", "functions_of"]

ROWS = 8  # examples that a function is checked at
WIDTH = 256  # neurons of a layer
MOST = 4.0  # |z| at which a cost is checked


class Alone(NamedTuple):
    """A function as a network: `architecture` of one layer, its inputs X and its targets T.

    It stands for `width` neurons of layer `layer`, of which the first is `start` + 1; it has 256 of them at most.
    """

    subject: str
    layer: int
    start: int
    width: int
    architecture: Architecture
    X: Array
    T: Array

    @property
    def theta(self) -> Array:
        """W = 1 and b = 0."""
        n = self.architecture.sizes[0]
        return np.concatenate([np.eye(n).ravel(), np.zeros(n)])


def functions_of(architecture: Architecture, Z: list[Array], T: Array, seed: int) -> Iterator[Alone]:
    """The activations of layers 2 to L and the costs of the output blocks, at Z of the layers and the targets T."""
    for k, sigma in enumerate(architecture.hidden):
        yield _activation(sigma, k + 2, slice(0, Z[k].shape[1]), Z[k][:ROWS, :WIDTH], seed)
    L = len(architecture.sizes)
    for block in architecture.blocks:
        Z_block, T_block = (part[:ROWS, block.columns][:, :WIDTH] for part in (Z[-1], T))
        yield _activation(block.activation, L, block.columns, Z_block, seed)
        yield _cost(block, L, Z_block, T_block)


def _activation(sigma: Activation, layer: int, columns: slice, Z: Array, seed: int) -> Alone:
    G = normal(raw_words(seed, Purpose.DIRECTIONS, 2, Z.size)).reshape(Z.shape)
    one = Architecture.of([Z.shape[1]] * 2, output=sigma, cost="quadratic")
    start, width = columns.start, columns.stop - columns.start
    return Alone(f"{sigma} in layer {layer}", layer, start, width, one, Z, sigma.value(Z) - G)


def _cost(block: Block, layer: int, Z: Array, T: Array) -> Alone:
    """The cost at Z of at most 4, because it is differentiated through A, which loses digits where it saturates."""
    if block.cost.distribution and T.shape[1] < block.width:
        T = T + (T.sum(axis=1, keepdims=True) == 0)
        T = T / T.sum(axis=1, keepdims=True)
    Z = Z * min(1.0, MOST / max(float(np.abs(Z).max()), MOST))
    one = Architecture.of([Z.shape[1]] * 2, output=block.activation, cost=block.cost)
    return Alone(f"{block.cost} of {block.activation}", layer, block.start, block.width, one, Z, T)
