"""Fully connected neural networks trained by backpropagation and gradient descent.

>>> net = cr.Network([2, 8, 1], activation="tanh", cost="binary_cross_entropy", seed=1)
>>> X, T = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
>>> history = cr.fit(net, X, T, optimizer=cr.Adam(0.05), batch_size=4, epochs=200)
>>> net.predict(X).round().ravel()
array([0., 1., 1., 0.], dtype=float32)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule._version import __version__

if TYPE_CHECKING:
    from chainrule.activations import custom_activation as custom_activation
    from chainrule.architecture import Architecture as Architecture
    from chainrule.costs import custom_cost as custom_cost
    from chainrule.descent import minimize as minimize
    from chainrule.descent import scipy_method as scipy_method
    from chainrule.errors import ChainruleError as ChainruleError
    from chainrule.estimators import MLPClassifier as MLPClassifier
    from chainrule.estimators import MLPRegressor as MLPRegressor
    from chainrule.estimators import estimator_from_sklearn as estimator_from_sklearn
    from chainrule.exchange import from_keras_weights as from_keras_weights
    from chainrule.exchange import from_sklearn as from_sklearn
    from chainrule.exchange import from_torch as from_torch
    from chainrule.exchange import to_keras_weights as to_keras_weights
    from chainrule.exchange import to_torch as to_torch
    from chainrule.files import load as load
    from chainrule.files import save as save
    from chainrule.model import Model as Model
    from chainrule.model import train_table as train_table
    from chainrule.network import Network as Network
    from chainrule.optimizers import LBFGS as LBFGS
    from chainrule.optimizers import SGD as SGD
    from chainrule.optimizers import Adam as Adam
    from chainrule.optimizers import AdamW as AdamW
    from chainrule.optimizers import Clip as Clip
    from chainrule.optimizers import RMSProp as RMSProp
    from chainrule.optimizers import RProp as RProp
    from chainrule.schedules import Constant as Constant
    from chainrule.schedules import Cosine as Cosine
    from chainrule.schedules import ExponentialDecay as ExponentialDecay
    from chainrule.schedules import InverseScaling as InverseScaling
    from chainrule.schedules import OneCycle as OneCycle
    from chainrule.schedules import Plateau as Plateau
    from chainrule.schedules import StepDecay as StepDecay
    from chainrule.training import Checkpoint as Checkpoint
    from chainrule.training import EpochEnd as EpochEnd
    from chainrule.training import Finished as Finished
    from chainrule.training import History as History
    from chainrule.training import Progress as Progress
    from chainrule.training import Started as Started
    from chainrule.training import Stopped as Stopped
    from chainrule.training import fit as fit
    from chainrule.training import train as train

_HOME = {
    "Adam": "optimizers",
    "AdamW": "optimizers",
    "Architecture": "architecture",
    "ChainruleError": "errors",
    "Checkpoint": "training",
    "Clip": "optimizers",
    "Constant": "schedules",
    "Cosine": "schedules",
    "EpochEnd": "training",
    "ExponentialDecay": "schedules",
    "Finished": "training",
    "History": "training",
    "InverseScaling": "schedules",
    "LBFGS": "optimizers",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "Model": "model",
    "Network": "network",
    "OneCycle": "schedules",
    "Plateau": "schedules",
    "Progress": "training",
    "RMSProp": "optimizers",
    "RProp": "optimizers",
    "SGD": "optimizers",
    "Started": "training",
    "StepDecay": "schedules",
    "Stopped": "training",
    "custom_activation": "activations",
    "custom_cost": "costs",
    "estimator_from_sklearn": "estimators",
    "fit": "training",
    "from_keras_weights": "exchange",
    "from_sklearn": "exchange",
    "from_torch": "exchange",
    "load": "files",
    "minimize": "descent",
    "save": "files",
    "scipy_method": "descent",
    "to_keras_weights": "exchange",
    "to_torch": "exchange",
    "train": "training",
    "train_table": "model",
}

__all__ = ["__version__", *_HOME]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    """A public name, imported when first used, so that the command line starts at once."""
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"chainrule.{_HOME[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
