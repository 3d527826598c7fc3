"""The training doctor: what went wrong in a training, in words, and what to change."""

from collections.abc import Sequence

from chainrule.training.diagnosis.curves import overfitting, rate_too_high, rate_too_low
from chainrule.training.diagnosis.data import leaks, unscaled_inputs, unscaled_targets
from chainrule.training.diagnosis.finding import Finding, Record
from chainrule.training.diagnosis.layers import constant_answer, dead_units, saturated_units, vanishing_deltas

__all__ = ["Finding", "Record", "diagnose"]

_RULES = (
    unscaled_inputs,
    unscaled_targets,
    leaks,
    rate_too_high,
    saturated_units,
    dead_units,
    vanishing_deltas,
    constant_answer,
    rate_too_low,
    overfitting,
)


def diagnose(history: Record, names: Sequence[str] | None = None) -> list[Finding]:
    """The findings about a training, causes before consequences; empty if nothing is wrong.

    - names: names of the inputs, for the findings; None numbers them.
    """
    return [finding for rule in _RULES if (finding := rule(history, names)) is not None]
