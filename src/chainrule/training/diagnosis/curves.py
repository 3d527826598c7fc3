"""Findings about the curves: a learning rate that is too high or too low, overfitting."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from chainrule.training.diagnosis.finding import Finding, Told, first_rate, seen
from chainrule.training.diagnosis.layers import constant_answer

__all__ = ["overfitting", "rate_too_high", "rate_too_low"]

EPOCHS = 8  # below this many a curve says nothing
ROUGH = 0.1  # the mean rise of the cost from one epoch to the next, as a share of all that it fell
STEADY = 0.15  # the share of the whole gain that the last quarter of the epochs has made
WORSE = 0.2  # how far the validation cost rises again, as a share of all that it fell or of its best, whichever is less
GOING_ON = 0.05  # how far that of training falls meanwhile, as a share of all that it fell
SEEN = 0.1  # the least of it, as a share of the other of the two


def rate_too_high(told: Told, names: Sequence[str] | None) -> Finding | None:
    """Training diverged, or its cost never came below where it began, went far above it, or keeps jumping up."""
    words, numbers = _too_high(told)
    if not words:
        return None
    rate = first_rate(told)
    change = f"try a tenth of the learning rate, {rate / 10:.2g}" if rate else "try a tenth of the learning rate"
    return Finding("rate too high", words, change, numbers)


def _too_high(told: Told) -> tuple[str, dict[str, float]]:
    """What says that the rate was too high, in words and numbers; no words if nothing does."""
    if told.stopped == "diverged":
        return "the cost or the weights were no longer finite", {"epochs": float(len(told.cost))}
    fell = _fell(told)
    if len(told.cost) < EPOCHS or fell is None:
        return "", {}
    begun, lowest, highest = _begun(told), min(told.cost), max(told.cost[1:])
    least = WORSE * max(abs(begun), abs(lowest))
    if fell <= -least and _worsened(told, least):
        words = f"the cost never came below {begun:.3g}, where it was before the first update"
        return words, {"begun": begun, "lowest": lowest}
    unit = max(fell, least)
    if highest > max(begun, lowest) + (unit if fell > 0 else abs(lowest)):
        words = f"the cost went up to {highest:.3g}, from {begun:.3g} before the first update"
        return words, {"begun": begun, "highest": highest}
    rises = [max(after - before, 0.0) for before, after in pairwise(told.cost[len(told.cost) // 2 :])]
    rise = float(np.mean(rises))
    if rise <= ROUGH * unit:
        return "", {}
    words = f"the cost jumps: in the second half of the epochs it rises by {rise:.3g} on average, it fell by {fell:.3g}"
    return words, {"rise": rise, "fell": fell}


def _worsened(told: Told, least: float) -> bool:
    """Whether the rows looked at cost more by `least` than before; they alone can be easier than all rows are."""
    end = seen(told, "end", "cost")
    return not end or not end[0] < _begun(told) + least


def rate_too_low(told: Told, names: Sequence[str] | None) -> Finding | None:
    """The cost still falls at an even pace when the epochs are over, and so does that of validation."""
    fell, n = _fell(told), len(told.cost)
    if n < EPOCHS or told.stopped not in ("", "time") or fell is None:
        return None
    small = fell < WORSE * abs(_begun(told))
    if small:  # the cost of some rows is no measure of so small a fall in that of all
        fell = told.cost[0] - min(told.cost)
    if fell <= 0:
        return None
    quarter = n - 1 - (_last_quarter(told.rate) if small and len(told.rate) == n else n // 4)
    share = (told.cost[quarter] - told.cost[-1]) / fell
    falling = told.cost[-1] == min(told.cost) and not (
        told.validation and told.validation[-1] >= told.validation[quarter]
    )
    if share < STEADY or not falling or _too_high(told)[0]:
        return None
    rate = first_rate(told)
    words = f"the last quarter of the epochs made {share:.0%} of the whole gain: training ends before it is done"
    if small:
        words = f"the cost came down by {fell:.2g} from {told.cost[0]:.3g} in all: training ends before it is done"
    higher = f" ({10 * rate:.2g})" if rate else ""
    return Finding("rate too low", words, f"try ten times the learning rate{higher}, or more epochs", {"share": share})


def _last_quarter(rate: Sequence[float]) -> int:
    """The number of last epochs in which a quarter of all learning rates fell: more of them where it falls to 0."""
    left = np.cumsum(rate[::-1])
    return min(int(np.searchsorted(left, len(rate) // 4 / len(rate) * left[-1] * (1 - 1e-9))) + 1, len(rate) - 1)


def overfitting(told: Told, names: Sequence[str] | None) -> Finding | None:
    """The validation cost is well above its best and rising, while that of training goes on falling."""
    held, cost = told.validation, told.cost
    if constant_answer(told, names):  # which cannot fit too well
        return None
    if len(held) < EPOCHS or _fell(told) is None or not np.isfinite(held).all() or _too_high(told)[0]:
        return None
    best = int(np.argmin(held))
    after = held[best + 1 :]
    third = len(after) // 3
    if third < 1:
        return None
    late, early = float(np.mean(after[-third:])), float(np.mean(after[:third]))
    fell = max(held[0], _begun(told)) - held[best]
    rose = late - held[best]
    most, least = sorted([fell, abs(held[best])], reverse=True)
    going_on = cost[best] - cost[-1] > GOING_ON * (_begun(told) - cost[-1])
    if rose <= max(WORSE * least, SEEN * most) or late <= early or not going_on:
        return None
    words = (
        f"the validation cost rose from {held[best]:.3g} in epoch {best + 1} to {held[-1]:.3g}, "
        f"while that of training fell from {cost[best]:.3g} to {cost[-1]:.3g}"
    )
    change = f"stop earlier (patience {max(5, len(held) // 10)}), more dropout or alpha, fewer neurons, or more rows"
    return Finding("overfitting", words, change, {"best": held[best], "last": held[-1], "epoch": best + 1.0})


def _begun(told: Told) -> float:
    """The cost before the first update; with dropout, which no look knows, that of the first epoch if it is greater."""
    begun = seen(told, "start", "cost")[0]
    return max(begun, told.cost[0]) if seen(told, "start", "dropout") else begun


def _fell(told: Told) -> float | None:
    """How far the cost of training came down in all, None where it is not known."""
    start = seen(told, "start", "cost")
    if not start or not told.cost or not np.isfinite([*start, *told.cost]).all():
        return None
    return _begun(told) - min(told.cost)
