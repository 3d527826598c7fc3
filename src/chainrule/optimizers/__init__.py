"""Optimizers: rules that make an update of the parameters from the gradient, one class for each.

All are pure functions of arrays. Most make an update from one gradient (`base`, `rules`). L-BFGS uses a line search,
which computes the cost and its gradient several times for one update (`lbfgs`). Clipping changes the gradient before a
rule gets it (`clip`).
"""

from chainrule.optimizers.base import OPTIMIZERS, Ending, Optimizer, Point
from chainrule.optimizers.clip import Clip
from chainrule.optimizers.custom import CustomOptimizer
from chainrule.optimizers.lbfgs import LBFGS
from chainrule.optimizers.muon import Muon
from chainrule.optimizers.rules import SGD, Adagrad, Adam, AdamW, AMSGrad, Lion, NAdam, RMSProp, RProp, ScheduleFree

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "AMSGrad",
    "Adagrad",
    "Adam",
    "AdamW",
    "Clip",
    "CustomOptimizer",
    "Ending",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "Point",
    "RMSProp",
    "RProp",
    "ScheduleFree",
    "custom_optimizer",
]

custom_optimizer = CustomOptimizer.of
OPTIMIZERS.wrap_by(custom_optimizer)

for rule in (
    SGD,
    RMSProp,
    Adam,
    AdamW,
    ScheduleFree,
    AMSGrad,
    NAdam,
    Adagrad,
    Lion,
    Muon,
    RProp,
    LBFGS,
):  # the order in help and docs
    OPTIMIZERS.register(rule)
