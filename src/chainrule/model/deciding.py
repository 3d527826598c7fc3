"""What follows from answers out of fold: the temperature of probabilities, and the threshold of an answer."""

import dataclasses
from typing import Any

import numpy as np

from chainrule.errors import warn_of
from chainrule.model.out_of_fold import OutOfFold
from chainrule.model.summary import finite
from chainrule.model.temperature import cooled, divide_last_layer, temperature_of, tempered_targets
from chainrule.model.threshold import Rule, choose, code_of, decided, two_classes
from chainrule.tables.targets import Targets

__all__ = ["calibrated", "with_threshold"]


def calibrated(model: Any, kept: OutOfFold) -> tuple[OutOfFold, dict[str, float]]:
    """Give each target of classes of a model a temperature; returns the answers with it, and the temperatures.

    Raises SettingError where the outputs of a target of classes are no softmax.
    """
    A, temperatures, members = kept.A.copy(), {}, kept.members
    for name, part in tempered_targets(model.targets, model.network.architecture.blocks):
        p, codes = kept.of(model.targets, name)
        temperatures[name] = t = temperature_of(p, codes.astype(np.intp), kept.weight)
        A[:, part] = cooled(p, t)
        divide_last_layer(model.network, part, t)
        members = None if members is None else members.divided(part, t)
    return dataclasses.replace(kept, A=A, members=members), temperatures


def with_threshold(targets: Targets, kept: OutOfFold, rule: Any) -> tuple[Targets, dict[str, Any]]:
    """The targets with a threshold, and what it means out of fold, as plain data.

    Raises SettingError for a rule that is none or does not suit the targets. Warns where it cannot be kept.
    """
    chosen, column = Rule.of(rule), two_classes(targets)
    code = code_of(column, chosen)
    A, codes = kept.of(targets, column.name)
    choice = choose(chosen, A[:, code], codes == code, kept.weight)
    if not choice.reached:
        warn_of([f"no threshold keeps {rule!r} on answers out of fold: the one with the greatest precision is taken"])
    numbers = finite({name: getattr(choice, name) for name in ("least", "precision", "recall", "rate")})
    summary = {"target": column.name, "class": column.texts[code], "rule": rule, **numbers}
    return decided(targets, column.name, code, choice.least), summary
