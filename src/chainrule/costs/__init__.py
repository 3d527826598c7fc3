"""Costs: C_x and dC_x/dA, one class for each in `entries`; and pairs of output activation and cost, computed from Z."""

from chainrule.costs.base import Cost
from chainrule.costs.custom import Custom
from chainrule.costs.entries import COSTS
from chainrule.costs.pairs import CANONICAL, PAIRS, Pair, partner

__all__ = ["CANONICAL", "COSTS", "PAIRS", "Cost", "Custom", "Pair", "custom_cost", "partner"]

custom_cost = Custom.of
