"""Costs: C_x and dC_x/dA, one entry each, and the pairs with an output activation that are computed from Z."""

from chainrule.costs.base import Cost
from chainrule.costs.custom import Custom
from chainrule.costs.entries import (
    COSTS,
    Absolute,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Poisson,
    Quadratic,
    Quantile,
)
from chainrule.costs.pairs import CANONICAL, PAIRS, Pair, partner

__all__ = [
    "CANONICAL",
    "COSTS",
    "PAIRS",
    "Absolute",
    "BinaryCrossEntropy",
    "Cost",
    "CrossEntropy",
    "Custom",
    "Huber",
    "Pair",
    "Poisson",
    "Quadratic",
    "Quantile",
    "custom_cost",
    "partner",
]

custom_cost = Custom.of
