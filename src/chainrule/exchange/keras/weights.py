"""Converts networks to and from the weights of Keras Dense layers: kernel, bias, kernel, bias, ... Needs no Keras.

The kernel of a Dense layer has the shape (n_{l-1}, n_l) of W, so nothing is transposed.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import ArchitectureError
from chainrule.network import Network
from chainrule.registry import require

__all__ = ["from_keras_weights", "to_keras_weights"]


def to_keras_weights(net: Network) -> list[Array]:
    """Copies of W, b of layer 2, W, b of layer 3, ..., for `set_weights` of a Keras model of Dense layers.

    >>> [part.shape for part in cr.to_keras_weights(cr.Network([4, 3, 2]))]
    [(4, 3), (3,), (3, 2), (2,)]

    Raises SettingError for anything but a Network.
    """
    require(isinstance(net, Network), "net", net, "a Network")
    return [part.copy() for layer in zip(net.W, net.b, strict=True) for part in layer]


def from_keras_weights(
    weights: Sequence[Any], activation: Any = "sigmoid", output: Any = "sigmoid", cost: Any = "quadratic"
) -> Network:
    """The Network with the weights from `get_weights` of a Keras model of Dense layers, with the same bits.

    activation, output, cost: as for `cr.Network`; they are not part of the weights in Keras.

    >>> net = cr.Network([4, 3, 2], seed=1)
    >>> cr.from_keras_weights(cr.to_keras_weights(net)).theta.tobytes() == net.theta.tobytes()
    True

    Raises ArchitectureError for other shapes and types, SettingError for an activation or a cost that `cr.Network`
    refuses.
    """
    require(isinstance(weights, list | tuple), "weights", weights, "the list from get_weights of a Keras model")
    arrays = _arrays(weights)
    sizes = _sizes([part.shape for part in arrays])
    parameters = arrays[::2], arrays[1::2]
    return Network(sizes, activation, output, cost, initializer=parameters, dtype=np.result_type(*arrays))


def _arrays(weights: Sequence[Any]) -> list[Array]:
    """The weights as arrays; half precision becomes float32. Raises ArchitectureError for what is not numbers."""
    try:
        arrays = [np.asarray(part) for part in weights]
    except ValueError:
        raise ArchitectureError("the weights have rows of different lengths, but a kernel is a matrix") from None
    dtype = np.result_type(*arrays) if arrays else np.dtype(np.float32)
    if dtype not in (np.float16, np.float32, np.float64):
        raise ArchitectureError(f"the weights have the type {dtype}, but must be float32 or float64: convert them")
    return [part.astype(np.float32) for part in arrays] if dtype == np.float16 else arrays


def _sizes(shapes: list[tuple[int, ...]]) -> list[int]:
    """n_1, ..., n_L. Raises ArchitectureError for shapes that are not those of Dense layers with biases."""
    if not shapes or len(shapes) % 2 or any(len(shape) != 2 - k % 2 for k, shape in enumerate(shapes)):
        raise ArchitectureError(
            f"the weights have shapes {shapes}, but Dense layers with biases have (n_in, n_out), (n_out,) in turn"
        )
    sizes = [shapes[0][0], *(shape[1] for shape in shapes[::2])]
    if shapes != [shape for n, m in itertools.pairwise(sizes) for shape in ((n, m), (m,))]:
        raise ArchitectureError(f"the weights have shapes {shapes}, which do not fit one after the other")
    return sizes
