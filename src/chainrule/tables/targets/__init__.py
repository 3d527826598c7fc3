"""What target columns become: the choice of classes or numbers for each, and the targets of all."""

from chainrule.tables.targets.arrays import ArrayLabels, ArrayNumbers, ArrayTargets, shares
from chainrule.tables.targets.choose import TASKS
from chainrule.tables.targets.distributions import NormalNumbers, Quantiles
from chainrule.tables.targets.kinds import Classes, LabelTarget, LogQuantity, OrderedClasses, Quantity
from chainrule.tables.targets.labels import Labels, in_words, of_one_type
from chainrule.tables.targets.outputs import Block, Outputs
from chainrule.tables.targets.target import ClassTarget, Target
from chainrule.tables.targets.targets import Targets, rows_with_all, target_profiles

__all__ = [
    "TASKS",
    "ArrayLabels",
    "ArrayNumbers",
    "ArrayTargets",
    "Block",
    "ClassTarget",
    "Classes",
    "LabelTarget",
    "Labels",
    "LogQuantity",
    "NormalNumbers",
    "OrderedClasses",
    "Outputs",
    "Quantiles",
    "Quantity",
    "Target",
    "Targets",
    "in_words",
    "of_one_type",
    "rows_with_all",
    "shares",
    "target_profiles",
]
