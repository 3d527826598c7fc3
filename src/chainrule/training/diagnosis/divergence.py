"""Why a training diverged, in one line: the learning rate, and the column whose numbers are too large."""

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.training.diagnosis.finding import input_named
from chainrule.training.diagnosis.thresholds import LARGE_VALUE

__all__ = ["explanation"]


def explanation(
    epoch: int, what: str, rate: float | None, X: Array, T: Array, names: Sequence[str] | None = None
) -> str:
    """What happened, and what to do about it, in one line.

    - epoch: the epoch in which training stopped, from 0.
    - what: what is not finite, such as "the cost is".
    - rate: the learning rate of the last update; None where a line search sets the steps.
    - X, T: some rows that were trained on, X (n, n_1).
    - names: names of the inputs, or None.

    >>> explanation(2, "the cost is", 0.5, np.array([[1.0, 2000.0]]), np.zeros((1, 1)), ["rooms", "area"])
    "the cost is no longer finite in epoch 3, the last good weights are kept: try a smaller learning rate than 0.5,
    and standardise input 'area', which reaches 2e+03"
    """
    words = f"{what} no longer finite in epoch {epoch + 1}, the last good weights are kept"
    advice = "try other first weights, or adam" if rate is None else f"try a smaller learning rate than {rate:g}"
    inputs, targets = _farthest(X), _farthest(T) if T.dtype.kind == "f" else None
    if inputs is not None:
        return f"{words}: {advice}, and standardise {input_named(inputs[0], names)}, which reaches {inputs[1]:.3g}"
    if targets is not None:
        return f"{words}: {advice}, and standardise the targets, which reach {targets[1]:.3g}"
    return f"{words}: {advice}"


def _farthest(values: Array) -> tuple[int, float] | None:
    """The column with the greatest magnitude, and its magnitude; None if no column is large."""
    numbers = np.asarray(values, dtype=np.float64)
    largest = np.nanmax(np.abs(numbers.reshape(len(numbers), -1)), axis=0, initial=0.0)
    column = int(np.argmax(largest))
    return (column, float(largest[column])) if largest[column] > LARGE_VALUE else None
