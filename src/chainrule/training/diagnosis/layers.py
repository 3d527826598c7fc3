"""Findings about the layers: saturated and dead units, neurons with equal weights, vanishing deltas."""

from collections.abc import Sequence

from chainrule.training.diagnosis.finding import Finding, Record, probed
from chainrule.training.diagnosis.thresholds import MANY, MOSTLY, VANISHED

__all__ = ["dead_units", "equal_weights", "is_flat", "saturated_units", "vanishing_deltas"]


def saturated_units(history: Record, names: Sequence[str] | None) -> Finding | None:
    """A layer whose activations are mostly flat at the start and at the end, or many of whose neurons always are."""
    before, after = (probed(history, when, "saturated") for when in ("start", "end"))
    stuck = probed(history, "end", "stuck")
    for k, (now, fixed) in enumerate(zip(after, stuck, strict=True)):
        numbers = {"layer": k + 2.0, "saturated": now, "stuck": fixed}
        if before and min(before[k], now) > MOSTLY:
            words = f"{now:.0%} of the activations of layer {k + 2} are where it is flat, {before[k]:.0%} at the start"
            return Finding("saturated units", words, _SMALLER, numbers)
        if fixed > MANY:
            return Finding("saturated units", f"{_units(history, k, fixed)} saturated in every row", _SMALLER, numbers)
    return None


_SMALLER = "standardise the inputs, draw smaller first weights (glorot_uniform), or lower the learning rate"


def dead_units(history: Record, names: Sequence[str] | None) -> Finding | None:
    """A layer in which many neurons are off in every row, so that no example changes their weights."""
    for k, share in enumerate(probed(history, "end", "dead")):
        if share > MANY:
            words = f"{_units(history, k, share)} off in every row, so that nothing moves their weights any more"
            change = "standardise the inputs, lower the learning rate, or take activation leaky_relu or elu"
            return Finding("dead units", words, change, {"layer": k + 2.0, "dead": share})
    return None


def equal_weights(history: Record, names: Sequence[str] | None) -> Finding | None:
    """Neurons of a layer had the same weights at the start and have the same ones at the end: they are one neuron."""
    before, after = (probed(history, when, "same") for when in ("start", "end"))
    for k, (begun, now) in enumerate(zip(before, after, strict=False)):
        if min(begun, now) > MANY:
            units = int(probed(history, "end", "units")[k])
            words = f"only {round((1 - now) * units)} of the {units} neurons of layer {k + 2} differ in their weights"
            change = "draw the first weights at random: initializer glorot_uniform, or he_uniform with relu"
            return Finding("equal weights", words, change, {"layer": k + 2.0, "same": now})
    return None


def vanishing_deltas(history: Record, names: Sequence[str] | None) -> Finding | None:
    """The errors of the first hidden layer are below 1/1000 of the output layer's, at the start and at the end."""
    shares = [_share(probed(history, when, "delta")) for when in ("start", "end")]
    if any(share is None or not share < VANISHED for share in shares) or is_flat(history, names):
        return None
    begun, now = (float(share) for share in shares if share is not None)
    words = f"the errors (delta) of layer 2 are {now:.1g} times those of the output layer, {begun:.1g} at the start"
    change = "take activation relu or tanh with the initializer that suits it, or fewer hidden layers"
    return Finding("vanishing deltas", words, change, {"start": begun, "end": now})


def is_flat(history: Record, names: Sequence[str] | None) -> bool:
    """Whether neurons are saturated, dead or all the same, which explains what follows from it."""
    rules = (equal_weights, saturated_units, dead_units)
    return any(rule(history, names) is not None for rule in rules)


def _share(delta: list[float]) -> float | None:
    """The error of the first hidden layer over that of the output layer; None without either."""
    return delta[0] / delta[-1] if len(delta) > 1 and delta[-1] > 0 else None


def _units(history: Record, k: int, share: float) -> str:
    units = int(probed(history, "end", "units")[k])
    return f"{round(share * units)} of the {units} neurons of layer {k + 2} are"
