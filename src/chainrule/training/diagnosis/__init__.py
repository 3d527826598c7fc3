"""The training doctor: what went wrong in a training, in words, and what to change."""

from collections.abc import Sequence

from chainrule.training.diagnosis.answers import constant_answer, unbalanced_classes, worse_than_mean
from chainrule.training.diagnosis.batch import batch_too_large
from chainrule.training.diagnosis.curves import overfitting, rate_too_high, rate_too_low
from chainrule.training.diagnosis.data import leaks, unscaled_inputs, unscaled_targets
from chainrule.training.diagnosis.devices import too_many_devices
from chainrule.training.diagnosis.finding import Finding, Record
from chainrule.training.diagnosis.layers import dead_units, equal_weights, saturated_units, vanishing_deltas

__all__ = ["Finding", "Record", "diagnose"]

_RULES = (
    unscaled_inputs,
    unscaled_targets,
    leaks,
    equal_weights,
    rate_too_high,
    saturated_units,
    dead_units,
    vanishing_deltas,
    unbalanced_classes,
    constant_answer,
    batch_too_large,
    rate_too_low,
    overfitting,
    too_many_devices,
    worse_than_mean,
)


def diagnose(history: Record, names: Sequence[str] | None = None) -> list[Finding]:
    """The findings about a training, causes before consequences; empty if nothing is wrong.

    - names: names of the inputs, for the findings; None numbers them.
    """
    return [finding for rule in _RULES if (finding := rule(history, names)) is not None]
