"""Which numbers get an input for each frequent value: those whose values explain what linear models leave.

    r          what ridge regression of the other inputs leaves of a target, in rows that it has not seen
    mean_v     the sum of r over the rows of value v in other parts, divided by (their count + a)
    left       r - mean_v, with the a for which the sum of left² is least

The column that leaves the least is taken, what it leaves is r from then on, and so on, as long as one leaves enough
less. So codes of people, places and products are found, however many there are, and numbers whose values say nothing
more stay as they are. A trial then decides (`chainrule.model.trials`).

Source: Efron & Morris, Data analysis using Stein's estimator and its generalizations, 1975: a mean of few rows is best
drawn towards that of all.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.model.linear_parts import PARTS
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.operations import Values

__all__ = ["Levels", "chosen_values", "levels_of"]

PULLS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # the a of the formula, in rows
MOST_CHOSEN = 2000  # of all columns that are chosen


class Levels(NamedTuple):
    """A column with inputs for frequent values.

    - name: that of the column.
    - number: how many frequent values it has.
    - of: the value of each row (n,) by its number from 0; `number` for a row of no frequent value.
    """

    name: str
    number: int
    of: Array


def levels_of(encoder: Encoder, X: Array) -> Iterator[Levels]:
    """The columns that have inputs for frequent values, by the rows X (n, n_1) of an encoder."""
    for transform, part in encoder.slices:
        start = part.start
        for each in transform.inputs:
            if isinstance(each, Values):
                there = X[:, start : start + each.width] != 0
                of = np.where(there.any(axis=1), there.argmax(axis=1), each.width)
                yield Levels(transform.name, each.width, of)
            start += each.width


def chosen_values(columns: Sequence[Levels], left: Array, part: Array, gain: float) -> list[str]:
    """The names of the columns whose values explain what is left of the targets.

    - columns: those that have frequent values.
    - left: what other inputs leave of the targets, (n, k), in rows that their model has not seen.
    - part: the part (n,) of each row, from 0 to 4.
    - gain: the share of the squares that a column may leave at most.

    >>> of, part = np.arange(100) // 5, np.arange(100) % 5
    >>> chosen_values([Levels("place", 20, of)], np.cos(of)[:, np.newaxis], part, 0.99)
    ['place']
    """
    names: list[str] = []
    columns, free = list(columns), MOST_CHOSEN
    while columns := [each for each in columns if each.number <= free]:
        without = [_without_means(each, left, part) for each in columns]
        costs = [float(np.square(rest).sum()) for rest in without]
        k = int(np.argmin(costs))
        if not costs[k] <= gain * float(np.square(left).sum()):
            break
        taken, left = columns.pop(k), without[k]
        names.append(taken.name)
        free -= taken.number
    return names


def _without_means(levels: Levels, left: Array, part: Array) -> Array:
    """What the means of the values leave of `left` (n, k), in the parts that they do not know."""
    shape = PARTS, levels.number + 1
    cell = part * shape[1] + levels.of

    def in_others(weights: Array | None = None) -> Array:
        """The sums (parts, values) over the rows of all parts but one."""
        sums = np.bincount(cell, weights, shape[0] * shape[1]).reshape(shape)
        return sums.sum(axis=0) - sums

    rows, sums = in_others()[..., np.newaxis], np.stack([in_others(own) for own in left.T], axis=-1)
    sums[:, levels.number] = 0  # rows of no frequent value stay as they are
    rests = (left - (sums / (rows + pull))[part, levels.of] for pull in PULLS)
    return min(rests, key=lambda rest: float(np.square(rest).sum()))
