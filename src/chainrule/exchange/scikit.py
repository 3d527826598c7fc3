"""Takes the network out of scikit-learn's MLPClassifier and MLPRegressor."""

from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.costs import partner
from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.registry import require

__all__ = ["from_sklearn"]

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_CALLS = ("_forward_pass", "_forward_pass_fast", "predict", "predict_proba")  # what a subclass may compute otherwise
OUTPUTS = ACTIVATIONS | {"softmax": "softmax", "exp": "exp"}


def from_sklearn(mlp: Any) -> Network:
    """The Network in a fitted MLPClassifier or MLPRegressor of scikit-learn, with the same bits in its weights.

    Its output activation and cost are those of scikit-learn. `cr.estimator_from_sklearn` gives an estimator instead.

    >>> from sklearn.neural_network import MLPRegressor
    >>> mlp = MLPRegressor(solver="lbfgs", random_state=0).fit([[0.0], [1.0], [2.0]], [1.0, 2.0, 3.0])
    >>> net = cr.from_sklearn(mlp)
    >>> bool(np.allclose(net.predict([[1.5]])[:, 0], mlp.predict([[1.5]]), rtol=1e-12))
    True

    Raises SettingError for anything else, and where a subclass or the object itself predicts in another way.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    is_theirs = isinstance(mlp, MLPClassifier | MLPRegressor)
    require(is_theirs, "mlp", mlp, "an MLPClassifier or MLPRegressor of scikit-learn")
    if not hasattr(mlp, "coefs_"):
        raise SettingError(f"this {type(mlp).__name__} is not fitted, so it has no weights yet: call its fit first")
    base = MLPClassifier if isinstance(mlp, MLPClassifier) else MLPRegressor
    for name in _CALLS:
        if name in vars(mlp) or getattr(type(mlp), name, None) is not getattr(base, name, None):
            raise SettingError(f"this {type(mlp).__name__} has a {name} of its own, which a network cannot represent")
    require(mlp.activation in ACTIVATIONS, "activation of mlp", mlp.activation, f"one of {', '.join(ACTIVATIONS)}")
    layers = list(zip(mlp.coefs_, mlp.intercepts_, strict=True))
    sizes = [len(mlp.coefs_[0]), *(len(b) for b in mlp.intercepts_)]
    output = OUTPUTS[mlp.out_activation_]
    architecture = Architecture.of(sizes, ACTIVATIONS[mlp.activation], output, partner(output))
    return Network.from_parts(architecture, np.concatenate([part.ravel() for layer in layers for part in layer]))
