"""Schedules: factors for the learning rate of each update, one class for each schedule.

Updates k are numbered from 0 over the whole training; an epoch has P updates, the training N. tau = k / P is the time
in epochs, a whole number at the start of an epoch. A schedule has no state: its factors depend only on k, those of
`Plateau` also on the watched values. So a cut between two updates changes no bit, and resuming needs no extra state.
`follow` is for a loop: it does not read all watched values again in each call.
"""

from chainrule.schedules.base import SCHEDULES, CustomSchedule, Factors, Schedule
from chainrule.schedules.cyclic import Cyclic, WarmRestarts
from chainrule.schedules.falling import (
    Constant,
    Cosine,
    ExponentialDecay,
    InverseScaling,
    OneCycle,
    Plateau,
    StepDecay,
)

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "CustomSchedule",
    "Cyclic",
    "ExponentialDecay",
    "Factors",
    "InverseScaling",
    "OneCycle",
    "Plateau",
    "Schedule",
    "StepDecay",
    "WarmRestarts",
]

for schedule in (
    *(Constant, StepDecay, ExponentialDecay, InverseScaling, Cosine, OneCycle),
    *(Cyclic, WarmRestarts, Plateau),
):  # the order in help and docs
    SCHEDULES.register(schedule)
