"""Optimizers: rules that make an update of the parameters from the gradient, one class for each.

All are pure functions of arrays. Most make an update from one gradient (`base`, `rules`). L-BFGS uses a line search,
which computes the cost and its gradient several times for one update (`lbfgs`). Clipping changes the gradient before a
rule gets it (`clip`).
"""

from chainrule.optimizers.base import OPTIMIZERS, Ending, Optimizer, Point
from chainrule.optimizers.clip import Clip
from chainrule.optimizers.lbfgs import LBFGS
from chainrule.optimizers.rules import SGD, Adam, AdamW, RMSProp, RProp

__all__ = ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "Clip", "Ending", "Optimizer", "Point", "RMSProp", "RProp"]

for rule in (SGD, RMSProp, Adam, AdamW, RProp, LBFGS):  # the order in help and docs
    OPTIMIZERS.register(rule)
