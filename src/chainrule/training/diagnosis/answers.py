"""Findings about the answers: always the commonest class, always the same, worse than the mean on validation rows."""

from collections.abc import Sequence

import numpy as np

from chainrule.training.diagnosis.finding import Finding, Record, probed
from chainrule.training.diagnosis.layers import is_flat, vanishing_deltas
from chainrule.training.diagnosis.thresholds import BEATEN, LEARNED, NEVER, SAME, SEEN, UNEVEN

__all__ = ["constant_answer", "unbalanced_classes", "worse_than_mean"]


def unbalanced_classes(history: Record, names: Sequence[str] | None) -> Finding | None:
    """One class is far more frequent than the others, and nearly every row gets it as its answer."""
    classes = probed(history, "end", "classes")
    if is_flat(history, names) or vanishing_deltas(history, names):
        return None
    for output, share, rows, missed in zip(*(classes[k::4] for k in range(4)), strict=True):
        if share > UNEVEN and rows >= SEEN and missed > NEVER:
            words = f"{share:.1%} of the rows are of one class, which is nearly every answer"
            change = (
                'give rows of rare classes more weight (class_weight="balanced", or sample_weight), or add such rows'
            )
            numbers = {"output": output, "share": share, "missed": missed}
            return Finding("unbalanced classes", words, change, numbers)
    return None


def constant_answer(history: Record, names: Sequence[str] | None) -> Finding | None:
    """All outputs vary from row to row by less than 2% of what their targets do, and unbalanced classes are not why."""
    spread = [value for value in probed(history, "end", "spread") if np.isfinite(value)]
    if not spread or max(spread) >= SAME or unbalanced_classes(history, names):
        return None
    words = f"the answers hardly depend on the inputs: they vary by {max(spread):.1%} of what the targets do"
    change = "fix the above first" if is_flat(history, names) else "another learning rate, less alpha, l1 and dropout"
    change = f"{change}; if it stays, these inputs do not tell the target"
    return Finding("constant answer", words, change, {"spread": max(spread)})


def worse_than_mean(history: Record, names: Sequence[str] | None) -> Finding | None:
    """With the final weights training rows are learned, but validation rows cost more than the mean of the targets."""
    means, end = probed(history, "start", "mean cost"), probed(history, "end", "cost")
    if not means or not end or not 0 <= history.best_epoch < len(history.validation):
        return None
    learned, held = end[0], history.validation[history.best_epoch]
    if not np.isfinite([*means, learned, held]).all():
        return None
    if held <= (1 + BEATEN) * means[1] or learned >= LEARNED * means[0]:
        return None
    words = (
        f"the validation cost is {held:.3g}, but {means[1]:.3g} if each answer is the mean of the targets; "
        f"the training cost is {learned:.3g}: the network has memorised its rows"
    )
    change = "fewer neurons, more alpha or dropout, or more rows; if it stays, these inputs do not tell the target"
    return Finding("worse than the mean", words, change, {"held": held, "mean": means[1], "training": learned})
