"""Converts networks to Keras models and back.

    Network  ←steps→  list of Linear, activation, ...  ←layers→  keras.Sequential

`weights` converts the list of weights alone, which needs no Keras. `twins` lists the activation of Keras for each of
ours. Only `layers` imports Keras, and only when it is needed.
"""

import warnings
from typing import Any

from chainrule.errors import SettingError
from chainrule.exchange.keras.weights import from_keras_weights, to_keras_weights
from chainrule.exchange.steps import from_steps, to_steps
from chainrule.network import Network

__all__ = ["from_keras", "from_keras_weights", "to_keras", "to_keras_weights"]


def to_keras(net: Network, *, logits: bool = False) -> Any:
    """The Network as keras.Sequential of Dense layers: its weights are the same bits, its outputs agree up to rounding.

    It is not compiled: choose a loss and an optimizer by its `compile`. It needs Keras 3 with any backend, which the
    environment variable KERAS_BACKEND chooses (jax, torch, tensorflow). See docs/exchange.md.

    logits: whether to leave out the output activation, so that the model gives Z^L, for a loss with from_logits=True.

    >>> model = cr.to_keras(cr.Network([4, 2], output="softmax", cost="cross_entropy"))  # doctest: +SKIP
    >>> [layer.activation.__name__ for layer in model.layers]  # doctest: +SKIP
    ['softmax']

    Masked weights become zeros, which Keras may train.

    Raises ArchitectureError for a custom function, for an activation that Keras does not have and for several blocks of
    outputs; SettingError where Keras is not installed, for a float64 network where its backend has float32 only, and
    for anything but a Network.
    """
    return _layers().to_sequential(to_steps(net, logits), net.dtype)


def from_keras(model: Any, output: Any = None, cost: Any = None) -> Network:
    """The Network of a Keras model, a chain of Dense layers and activations; the weights are the same bits.

    BatchNormalization, Normalization and Rescaling are folded into the weights, as in prediction; dropout is left out.

    - model: a keras.Sequential, or a keras.Model with one input whose layers follow one after the other.
    - output: the activation that is part of the loss in Keras: "softmax" or "sigmoid" for a loss with from_logits=True.
      Leave it out if the model ends with its output activation.
    - cost: by default the cost that belongs to the output activation.

    A warning names everything that a network cannot represent. See docs/exchange.md.

    >>> import keras  # doctest: +SKIP
    >>> cr.from_keras(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")]))  # doctest: +SKIP
    Network(4 inputs → 2 softmax (cross_entropy); 10 parameters, float32)

    Raises ArchitectureError for any other model, SettingError where Keras is not installed and for an `output` if the
    model has an output activation, UnknownNameError for an unknown activation or cost.
    """
    steps, notes = _layers().from_model(model)
    net, more = from_steps(steps, output, cost)
    for note in [*more, *notes]:
        warnings.warn(note, stacklevel=2)
    return net


def _layers() -> Any:
    """The module that imports Keras. Raises SettingError where Keras is not installed."""
    try:
        from chainrule.exchange.keras import layers
    except ImportError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        raise SettingError(
            f"this needs Keras 3 and a backend for it, and {error.name} is not installed: pip install keras, and set "
            "KERAS_BACKEND to jax, torch or tensorflow, one that is installed"
        ) from None
    return layers
