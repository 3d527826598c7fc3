"""Weights in the order in which Keras keeps those of Dense layers: kernel, bias, kernel, bias, ... Keras is not asked.

A Dense layer's kernel is (n_{l-1}, n_l), as W is here, so that nothing is turned.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import ArchitectureError

__all__ = ["from_weights", "to_weights"]


def to_weights(architecture: Architecture, theta: Array) -> list[Array]:
    """Copies of W, b of layer 2, W, b of layer 3, ..."""
    return [part.copy() for layer in zip(*architecture.views(theta), strict=True) for part in layer]


def from_weights(weights: Sequence[Any]) -> tuple[list[int], list[Array], list[Array]]:
    """The sizes n_1..n_L, the list of W and the list of b.

    >>> from_weights([np.ones((2, 3)), np.zeros(3), np.ones((3, 1)), np.zeros(1)])[0]
    [2, 3, 1]

    Raises ArchitectureError for a list that Dense layers with biases do not give.
    """
    found = [np.asarray(part) for part in weights]
    shapes = [part.shape for part in found]
    if not found or len(found) % 2 or any(len(shape) != 2 - k % 2 for k, shape in enumerate(shapes)):
        raise ArchitectureError(
            f"the weights have shapes {shapes}, but Dense layers with biases give (n_in, n_out), (n_out,) in turn"
        )
    sizes = [shapes[0][0], *(shape[1] for shape in shapes[::2])]
    if shapes != [shape for n, m in itertools.pairwise(sizes) for shape in ((n, m), (m,))]:
        raise ArchitectureError(f"the weights have shapes {shapes}, which do not follow one another")
    return sizes, found[::2], found[1::2]
