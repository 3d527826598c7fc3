"""Optimizers: how a gradient becomes a step, one entry each.

All are pure functions of arrays. Most make an update from one gradient (`base`, `rules`); L-BFGS makes one from a line
search, which computes the cost and its gradient as often as it needs to (`lbfgs`). Clipping acts on the gradient before
a rule sees it (`clip`).
"""

from chainrule.optimizers.base import OPTIMIZERS, Ending, Optimizer, Point
from chainrule.optimizers.clip import Clip
from chainrule.optimizers.lbfgs import LBFGS
from chainrule.optimizers.rules import SGD, Adam, AdamW, RMSProp, RProp

__all__ = ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "Clip", "Ending", "Optimizer", "Point", "RMSProp", "RProp"]

for rule in (SGD, RMSProp, Adam, AdamW, RProp, LBFGS):  # in the order in which help and pages list them
    OPTIMIZERS.register(rule)
