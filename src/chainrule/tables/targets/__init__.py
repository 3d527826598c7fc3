"""What target columns become: the choice of classes or numbers for each, and the targets of all."""

from chainrule.tables.targets.choose import TASKS
from chainrule.tables.targets.kinds import Classes, LogQuantity, Quantity, Target
from chainrule.tables.targets.targets import Block, Targets, target_profiles

__all__ = ["TASKS", "Block", "Classes", "LogQuantity", "Quantity", "Target", "Targets", "target_profiles"]
