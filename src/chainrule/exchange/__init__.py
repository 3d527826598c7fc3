"""Networks of other libraries: weights go over bit by bit, outputs agree to rounding. Nothing here is a dependency.

Each library has a module of its own, and is imported when it is needed.
"""

from chainrule.exchange.keras import from_keras_weights, to_keras_weights
from chainrule.exchange.pytorch import from_torch, to_torch
from chainrule.exchange.scikit import from_sklearn

__all__ = ["from_keras_weights", "from_sklearn", "from_torch", "to_keras_weights", "to_torch"]
