"""Findings about the curves: a learning rate that is too high or too low, overfitting."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from chainrule.training.diagnosis.answers import constant_answer, unbalanced_classes
from chainrule.training.diagnosis.finding import Finding, Record, first_rate, probed
from chainrule.training.diagnosis.thresholds import EPOCHS, GOING_ON, NOTICED, ROUGH, STEADY, WORSE

__all__ = ["overfitting", "rate_too_high", "rate_too_low"]


def rate_too_high(history: Record, names: Sequence[str] | None) -> Finding | None:
    """Training diverged, or the cost never came below its start, went far above it, or keeps jumping up."""
    words, numbers = _too_high(history)
    if not words:
        return None
    rate = first_rate(history)
    change = f"try a tenth of the learning rate, {rate / 10:.2g}" if rate else "try a tenth of the learning rate"
    return Finding("rate too high", words, change, numbers)


def _too_high(history: Record) -> tuple[str, dict[str, float]]:
    """The evidence of a rate that was too high, in words and numbers; no words if there is none."""
    if history.stopped == "diverged":
        return "the cost or the weights were no longer finite", {"epochs": float(len(history.cost))}
    fell = _fell(history)
    if len(history.cost) < EPOCHS or fell is None:
        return "", {}
    begun, lowest, highest = _begun(history), min(history.cost), max(history.cost[1:])
    least = WORSE * max(abs(begun), abs(lowest))
    if fell <= -least and _worsened(history, least):
        words = f"the cost never came below {begun:.3g}, where it was before the first update"
        return words, {"begun": begun, "lowest": lowest}
    unit = max(fell, least)
    if highest > max(begun, lowest) + (unit if fell > 0 else abs(lowest)):
        words = f"the cost went up to {highest:.3g}, from {begun:.3g} before the first update"
        return words, {"begun": begun, "highest": highest}
    rises = [max(after - before, 0.0) for before, after in pairwise(history.cost[len(history.cost) // 2 :])]
    rise = float(np.mean(rises))
    if rise <= ROUGH * unit:
        return "", {}
    words = f"the cost jumps: in the second half of the epochs it rises by {rise:.3g} on average, it fell by {fell:.3g}"
    return words, {"rise": rise, "fell": fell}


def _worsened(history: Record, least: float) -> bool:
    """Whether the cost of the probe's rows rose by `least` too: these rows alone may be easier than all rows."""
    end = probed(history, "end", "cost")
    return not end or not end[0] < _begun(history) + least


def rate_too_low(history: Record, names: Sequence[str] | None) -> Finding | None:
    """The training cost still falls at an even pace when the epochs are over, and so does the validation cost."""
    fell, n = _fell(history), len(history.cost)
    if n < EPOCHS or history.stopped not in ("", "time") or fell is None:
        return None
    small = fell < WORSE * abs(_begun(history))
    if small:  # then the cost of the probe's rows says nothing about the cost of all rows
        fell = history.cost[0] - min(history.cost)
    if fell <= 0:
        return None
    quarter = n - 1 - (_last_quarter(history.rate) if small and len(history.rate) == n else n // 4)
    share = (history.cost[quarter] - history.cost[-1]) / fell
    falling = history.cost[-1] == min(history.cost) and not (
        history.validation and history.validation[-1] >= history.validation[quarter]
    )
    if share < STEADY or not falling or _too_high(history)[0]:
        return None
    rate = first_rate(history)
    words = f"the last quarter of the epochs made {share:.0%} of the whole gain: training ends before it is done"
    if small:
        words = f"the cost came down by {fell:.2g} from {history.cost[0]:.3g} in all: training ends before it is done"
    higher = f" ({10 * rate:.2g})" if rate else ""
    return Finding("rate too low", words, f"try ten times the learning rate{higher}, or more epochs", {"share": share})


def _last_quarter(rate: Sequence[float]) -> int:
    """The number of last epochs with a quarter of the sum of all learning rates: more where the rate falls to 0."""
    left = np.cumsum(rate[::-1])
    return min(int(np.searchsorted(left, len(rate) // 4 / len(rate) * left[-1] * (1 - 1e-9))) + 1, len(rate) - 1)


def overfitting(history: Record, names: Sequence[str] | None) -> Finding | None:
    """The validation cost is well above its best and rising, while the training cost goes on falling."""
    validation, cost = history.validation, history.cost
    if constant_answer(history, names) or unbalanced_classes(history, names):  # constant outputs cannot overfit
        return None
    if len(validation) < EPOCHS or _fell(history) is None or not np.isfinite(validation).all() or _too_high(history)[0]:
        return None
    best = int(np.argmin(validation))
    after = validation[best + 1 :]
    third = len(after) // 3
    if third < 1:
        return None
    late, early = float(np.mean(after[-third:])), float(np.mean(after[:third]))
    fell = max(validation[0], _begun(history)) - validation[best]
    rose = late - validation[best]
    most, least = sorted([fell, abs(validation[best])], reverse=True)
    going_on = cost[best] - cost[-1] > GOING_ON * (_begun(history) - cost[-1])
    if rose <= max(WORSE * least, NOTICED * most) or late <= early or not going_on:
        return None
    words = (
        f"the validation cost rose from {validation[best]:.3g} in epoch {best + 1} to {validation[-1]:.3g}, "
        f"while that of training fell from {cost[best]:.3g} to {cost[-1]:.3g}"
    )
    change = (
        f"stop earlier (patience {max(5, len(validation) // 10)}), more dropout or alpha, fewer neurons, or more rows"
    )
    return Finding(
        "overfitting", words, change, {"best": validation[best], "last": validation[-1], "epoch": best + 1.0}
    )


def _begun(history: Record) -> float:
    """The cost before the first update; under dropout, which the probe leaves out, at least the first epoch's."""
    begun = probed(history, "start", "cost")[0]
    return max(begun, history.cost[0]) if probed(history, "start", "dropout") else begun


def _fell(history: Record) -> float | None:
    """How far the training cost fell in all; None if it is not known."""
    start = probed(history, "start", "cost")
    if not start or not history.cost or not np.isfinite([*start, *history.cost]).all():
        return None
    return _begun(history) - min(history.cost)
