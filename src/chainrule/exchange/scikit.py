"""Takes the network out of scikit-learn's MLPClassifier and MLPRegressor, and puts one in."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.costs import partner
from chainrule.errors import ArchitectureError, SettingError
from chainrule.network import Network
from chainrule.registry import require
from chainrule.text import shown

__all__ = ["fitted_mlp", "from_sklearn", "to_sklearn"]

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
_CALLS = ("_forward_pass", "_forward_pass_fast", "predict", "predict_proba")  # what a subclass may compute otherwise
OUTPUTS = ACTIVATIONS | {"softmax": "softmax", "exp": "exp"}
_COSTS = {output: partner(output) for output in ("softmax", "sigmoid", "identity", "exp")}


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


def to_sklearn(net: Network, classes: Any = None) -> Any:
    """A fitted MLPClassifier or MLPRegressor of scikit-learn with the weights of the Network, with the same bits.

    softmax and sigmoid make a classifier, identity and exp a regressor; several sigmoids one of several labels. Two
    outputs of softmax become one of a logistic function, whose weights are the differences of theirs: a_2 is
    1 / (1 + e^(z_1 - z_2)). It predicts the same up to rounding, and `partial_fit`, and `fit` with warm_start=True, go
    on from these weights. An estimator has a method `to_sklearn`, which keeps its parameters.

    - net: the network.
    - classes: the classes of the outputs, in ascending order; None for 0, 1, ...

    >>> net = cr.Network([2, 8, 3], "tanh", "softmax", "cross_entropy", dtype="float64")
    >>> mlp = cr.to_sklearn(net, classes=["a", "b", "c"])
    >>> mlp, bool(np.allclose(mlp.predict_proba([[0.5, 1.0]]), net.predict([[0.5, 1.0]]), rtol=1e-12))
    (MLPClassifier(activation='tanh', hidden_layer_sizes=(8,)), True)

    Raises ArchitectureError where scikit-learn has no such network: other activations, or not one for all hidden
    layers; other outputs, costs, several blocks, masks. SettingError for other classes, and for anything but a Network.
    """
    return fitted_mlp(net, classes, {})


def fitted_mlp(net: Network, classes: Any, parameters: Mapping[str, Any]) -> Any:
    """As `to_sklearn`, with parameters of scikit-learn besides those that follow from the network."""
    require(isinstance(net, Network), "net", net, "a Network")
    output = _output(net.architecture)
    coefs, intercepts = [W.copy() for W in net.W], [b.copy() for b in net.b]
    if output == "softmax" and net.sizes[-1] == 2:
        coefs[-1], intercepts[-1] = np.diff(coefs[-1], axis=1), np.diff(intercepts[-1])
    hidden = {"hidden_layer_sizes": net.sizes[1:-1], "activation": _hidden(net.architecture)}
    mlp = _unfitted(output, net.sizes[-1], classes, {**hidden, **parameters})
    mlp.n_features_in_ = net.sizes[0]
    mlp._random_state = np.random.RandomState(0)
    mlp._initialize(np.zeros((1, len(intercepts[-1]))), [*net.sizes[:-1], len(intercepts[-1])], net.dtype)
    mlp.coefs_, mlp.intercepts_, mlp.loss_ = coefs, intercepts, float("nan")
    return mlp


def _unfitted(output: str, width: int, classes: Any, parameters: Mapping[str, Any]) -> Any:
    """The MLP of scikit-learn with such an output, before it has weights; a classifier has its classes."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import LabelBinarizer

    if output in ("softmax", "sigmoid"):
        labels = _labels(output, width, classes)
        mlp = MLPClassifier(**parameters)
        mlp._label_binarizer = LabelBinarizer().fit(labels)
        mlp.classes_ = mlp._label_binarizer.classes_
        return mlp
    require(classes is None, "classes", classes, f"None with output {output}, which is a number")
    if output == "identity":
        return MLPRegressor(**parameters)
    if "loss" not in MLPRegressor().get_params():
        raise ArchitectureError("output 'exp' has no counterpart in this scikit-learn: it came with 1.7")
    return MLPRegressor(**{**parameters, "loss": "poisson"})


def _labels(output: str, width: int, classes: Any) -> Array:
    """The y from which scikit-learn makes so many outputs: the classes, or a label for each of several sigmoids."""
    several = output == "sigmoid" and width > 1
    count = 2 if width == 1 else width
    labels = np.arange(count) if classes is None else np.asarray(classes)
    try:
        ascending = labels.shape == (count,) and bool((np.unique(labels) == labels).all())
    except (TypeError, ValueError):  # values that cannot be compared
        ascending = False
    numbers = not several or (ascending and bool((labels == np.arange(count)).all()))
    allowed = f"None or 0, 1, ..., {count - 1}" if several else f"{count} different classes in ascending order"
    require(ascending and numbers, "classes", classes, allowed)
    return np.eye(count, dtype=int) if several else labels


def _output(architecture: Architecture) -> str:
    """The name of the output activation. Raises ArchitectureError for outputs that scikit-learn does not have."""
    if len(architecture.blocks) > 1:
        raise _missing(f"{len(architecture.blocks)} blocks of outputs", "one")
    if any(mask is not None for mask in architecture.masks):
        raise _missing("masks", "all weights")
    (block,) = architecture.blocks
    output, cost = block.activation, block.cost
    if output.name not in _COSTS or (output.name == "softmax" and block.width == 1):
        raise _missing(f"output {output} of width {block.width}", ", ".join(_COSTS))
    if cost.name != _COSTS[output.name]:
        raise _missing(f"cost {str(cost)!r} with output {output}", _COSTS[output.name])
    return output.name


def _hidden(architecture: Architecture) -> str:
    """scikit-learn's name of the activation of all hidden layers; its default where there are none."""
    names = list(dict.fromkeys(str(sigma) for sigma in architecture.hidden)) or ["relu"]
    known = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
    if len(names) > 1:
        raise _missing(f"different activations of hidden layers, {shown(', '.join(names))}", "one for all")
    if names[0] not in known:
        raise _missing(f"activation {shown(names[0])}", ", ".join(known))
    return known[names[0]]


def _missing(what: str, allowed: str) -> ArchitectureError:
    return ArchitectureError(f"the network has {what}, which MLPs of scikit-learn do not have: they have {allowed}")
