"""The network in scikit-learn's MLPClassifier and MLPRegressor."""

from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.costs import CANONICAL
from chainrule.errors import SettingError

__all__ = ["from_mlp"]

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
OUTPUTS = ACTIVATIONS | {"softmax": "softmax", "exp": "exp"}


def from_mlp(mlp: Any) -> tuple[Architecture, Array]:
    """The architecture and theta of a fitted MLP, with the same bits as weights; cost and output are its own.

    Raises SettingError for anything else.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        raise SettingError(f"a {type(mlp).__name__} is no MLPClassifier or MLPRegressor of scikit-learn")
    if not hasattr(mlp, "coefs_"):
        raise SettingError(f"this {type(mlp).__name__} is not fitted, so it has no weights yet: call its fit first")
    layers = list(zip(mlp.coefs_, mlp.intercepts_, strict=True))
    sizes = [len(mlp.coefs_[0]), *(len(b) for b in mlp.intercepts_)]
    output = OUTPUTS[mlp.out_activation_]
    architecture = Architecture.of(sizes, ACTIVATIONS[mlp.activation], output, dict(CANONICAL.keys())[output])
    return architecture, np.concatenate([part.ravel() for layer in layers for part in layer])
