"""Findings about the data: inputs and targets that are not scaled, a column that gives the answer away."""

from collections.abc import Sequence

from chainrule.training.diagnosis.finding import Finding, Told, input_named, seen

__all__ = ["leaks", "unscaled_inputs", "unscaled_targets"]

FAR = 30.0  # the root mean square from which on values are no longer of the size that first weights are drawn for
SMALL = 1 / 300.0  # the root mean square of a typical column below which the first weights hardly see it


def unscaled_inputs(told: Told, names: Sequence[str] | None) -> Finding | None:
    """A column of X whose root mean square is above 30, or columns that are mostly below 1/300."""
    found = seen(told, "start", "inputs")
    if not found:
        return None
    column, greatest, median = int(found[0]), found[1], found[2]
    change = "subtract each input's mean and divide by its standard deviation, those of the rows to train on"
    numbers = {"column": float(column), "rms": greatest, "median_rms": median}
    if greatest > FAR:
        words = f"{input_named(column, names)} is about {greatest:.3g} in size, first weights are drawn for about 1"
        return Finding("unscaled input", words, change, numbers)
    if 0 < median < SMALL:
        words = f"most inputs are about {median:.2g} in size or less, first weights are drawn for about 1"
        return Finding("unscaled input", words, change, numbers)
    return None


def unscaled_targets(told: Told, names: Sequence[str] | None) -> Finding | None:
    """A target of an identity output whose root mean square is above 30."""
    found = seen(told, "start", "targets")
    if not found or found[1] <= FAR:
        return None
    words = f"target {int(found[0]) + 1} is about {found[1]:.3g} in size, the first answers are about 1"
    change = "subtract the target's mean and divide by its standard deviation, and undo it in the answers"
    return Finding("unscaled target", words, change, {"target": found[0], "rms": found[1]})


def leaks(told: Told, names: Sequence[str] | None) -> Finding | None:
    """A column that tells a target alone: it is a multiple of it, or its classes do not overlap in it."""
    found = seen(told, "start", "leaks")
    if not found:
        return None
    columns = list(dict.fromkeys(int(column) for column in found[::3]))
    more = f" (and {len(columns) - 1} more)" if len(columns) > 1 else ""
    words = f"{input_named(columns[0], names)}{more} tells the target alone in all {int(found[2]):,} rows looked at"
    change = "leave it out, unless it is known before the answer is"
    return Finding("leak", words, change, {"column": float(columns[0]), "columns": float(len(columns))})
