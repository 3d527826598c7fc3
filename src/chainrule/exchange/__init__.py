"""Converts networks to and from other libraries: the weights are the same bits, the outputs agree up to rounding.

Each library has its own module, and is imported only when it is needed. None of them is a dependency.
"""

from chainrule.exchange.keras import from_keras, from_keras_weights, to_keras, to_keras_weights
from chainrule.exchange.pytorch import from_state_dict, from_torch, to_state_dict, to_torch
from chainrule.exchange.scikit import from_sklearn, to_sklearn

__all__ = [
    "from_keras",
    "from_keras_weights",
    "from_sklearn",
    "from_state_dict",
    "from_torch",
    "to_keras",
    "to_keras_weights",
    "to_sklearn",
    "to_state_dict",
    "to_torch",
]
