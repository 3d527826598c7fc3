"""Findings about the data: inputs and targets that are not scaled, an input that is a copy of a target."""

from collections.abc import Sequence

from chainrule.training.diagnosis.finding import Finding, Record, input_named, probed
from chainrule.training.diagnosis.thresholds import LARGE_RMS, SMALL_RMS

__all__ = ["leaks", "unscaled_inputs", "unscaled_targets"]


def unscaled_inputs(history: Record, names: Sequence[str] | None) -> Finding | None:
    """A column of X whose root mean square is above 30, or columns that are mostly below 1/300."""
    inputs = probed(history, "start", "inputs")
    if not inputs:
        return None
    column, greatest, median = int(inputs[0]), inputs[1], inputs[2]
    change = "subtract each input's mean and divide by its standard deviation, those of the rows to train on"
    numbers = {"column": float(column), "rms": greatest, "median_rms": median}
    if greatest > LARGE_RMS:
        words = f"{input_named(column, names)} is about {greatest:.3g} in size, first weights are drawn for about 1"
        return Finding("unscaled input", words, change, numbers)
    if 0 < median < SMALL_RMS:
        words = f"most inputs are about {median:.2g} in size or less, first weights are drawn for about 1"
        return Finding("unscaled input", words, change, numbers)
    return None


def unscaled_targets(history: Record, names: Sequence[str] | None) -> Finding | None:
    """A target of an identity output whose root mean square is above 30."""
    targets = probed(history, "start", "targets")
    if not targets or targets[1] <= LARGE_RMS:
        return None
    words = f"target {int(targets[0]) + 1} is about {targets[1]:.3g} in size, the first answers are about 1"
    change = "subtract the target's mean and divide by its standard deviation, and undo it in the answers"
    return Finding("unscaled target", words, change, {"target": targets[0], "rms": targets[1]})


def leaks(history: Record, names: Sequence[str] | None) -> Finding | None:
    """An input that is a copy of a target: a multiple of it, or a number in which its classes do not overlap."""
    copies = probed(history, "start", "leaks")
    if not copies:
        return None
    columns = list(dict.fromkeys(int(column) for column in copies[::3]))
    more = f" (and {len(columns) - 1} more)" if len(columns) > 1 else ""
    words = f"{input_named(columns[0], names)}{more} tells the target alone in all {int(copies[2]):,} rows looked at"
    change = "leave it out, unless it is known before the answer is"
    return Finding("leak", words, change, {"column": float(columns[0]), "columns": float(len(columns))})
