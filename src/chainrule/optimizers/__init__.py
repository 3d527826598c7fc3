"""Optimizers: how a gradient becomes a step, one entry each.

Most are rules of one update, pure functions of arrays (`base`, `rules`). L-BFGS is a whole descent, which SciPy
makes, handed over iterate by iterate (`lbfgs`). Clipping acts on the gradient before a rule sees it (`clip`).
"""

from chainrule.optimizers.base import OPTIMIZERS, Optimizer
from chainrule.optimizers.clip import Clip
from chainrule.optimizers.lbfgs import LBFGS, Ended, iterates
from chainrule.optimizers.rules import SGD, Adam, AdamW, RMSProp, RProp

__all__ = ["LBFGS", "OPTIMIZERS", "SGD", "Adam", "AdamW", "Clip", "Ended", "Optimizer", "RMSProp", "RProp", "iterates"]

for rule in (SGD, RMSProp, Adam, AdamW, RProp, LBFGS):  # in the order in which help and pages list them
    OPTIMIZERS.register(rule)
