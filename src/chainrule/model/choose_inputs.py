"""Whether a number or a time becomes several inputs: linear models decide, for a table, where no `trials` are made.

They also decide whether trials are made with more inputs for times, which must leave a twentieth less cost than the
times alone; and, up to 5,000 rows, which numbers have inputs for frequent values in a trial
(`chainrule.model.choose_values`): those of a column must leave a hundredth less than squares and bins leave, and up to
300 rows, where a trial alone would follow the noise of its folds, a twentieth less.

The rows, at most 4,096, are divided into five parts, each of which is predicted from the others, once with all inputs
and once with each number as one (see `chainrule.tables.inputs.choose_beside`): by ridge regression of numbers, by
logistic regression of classes, if these are at most twenty. More inputs stay if they leave clearly less cost: those of
numbers, then those of times. That takes a moment, and tells what a network gains by them, too, because it begins as a
linear model.
"""

from typing import NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.examples import folds
from chainrule.model.choose_values import chosen_values, levels_of
from chainrule.model.linear_parts import PARTS, cost_of_classes, left_of_numbers
from chainrule.model.preset import MANY
from chainrule.tables.inputs import Encoder
from chainrule.tables.targets import Outputs
from chainrule.training.probe import sample

__all__ = ["chosen_inputs", "worth_trials"]

GAIN = 0.98  # of the cost is left at most, or numbers are one input each
VALUES_GAIN, FEW_ROWS = 0.95, 300  # up to so many rows this much of the cost is left at most, or values are not tried
VALUES_MORE = 0.99  # of more rows so much
TIMES_GAIN = 0.95  # of the cost is left at most, or details of times are not tried
MOST_ROWS, LEAST_ROWS, MOST_INPUTS = 4096, 30, 600
MOST_CLASSES = 20  # of more, ridge regression tells the same in less time


class _Sample(NamedTuple):
    """Some of the rows to train on.

    - encoder: the columns that the inputs stand for.
    - X: the inputs (n, n_1).
    - by_target: for each target whether it is of few classes, and its values (n, k), one column for a class.
    - part: the part (n,) of each row, from 0 to 4.
    """

    encoder: Encoder
    X: Array
    by_target: list[tuple[bool, Array]]
    part: Array

    def inputs(self, encoder: Encoder) -> Array:
        """The inputs of an encoder that has a part of them but those of rare words, in float64."""
        places = self.encoder.places_of(encoder)
        return self.X[:, places[self.encoder.are_common[places]]].astype(float)

    def cost(self, encoder: Encoder) -> float:
        """The sum of the costs of all targets in rows that the linear model has not seen."""
        X = self.inputs(encoder)
        return sum(
            cost_of_classes(X, T, self.part)
            if is_class
            else float(np.square(left_of_numbers(X, T, self.part)).sum()) / 2
            for is_class, T in self.by_target
        )

    def left(self, encoder: Encoder) -> Array:
        """What ridge regression leaves of all targets (n, k), also of classes, which takes a moment."""
        X = self.inputs(encoder)
        return np.column_stack([left_of_numbers(X, T, self.part) for _, T in self.by_target])


def chosen_inputs(encoder: Encoder, targets: Outputs, X: Array, T: Array) -> Encoder:
    """The encoder, without the additional inputs of numbers and those of times that do not gain enough.

    - encoder, targets: the columns that X and T stand for.
    - X: the encoded rows to train on, (n, n_1).
    - T: their targets, (n, n_L), or class numbers.
    """
    plain = encoder.plain
    if len(X) < LEAST_ROWS or encoder.are_common.sum() > MOST_INPUTS or plain is encoder:
        return plain
    sampled = _sampled(encoder, targets, X, T)
    sampled = sampled._replace(part=np.arange(len(sampled.X)) % PARTS)
    least = sampled.cost(plain)
    numbers = encoder.with_times(plain)
    own = least if numbers is plain else sampled.cost(numbers)
    best, least = (numbers, own) if own <= GAIN * least else (plain, least)
    times = best.with_times(encoder)
    return times if times is not best and sampled.cost(times) <= GAIN * least else best


def worth_trials(encoder: Encoder, targets: Outputs, X: Array, T: Array, groups: Array | None = None) -> Encoder:
    """The encoder, without values of numbers and details of times that do not gain enough to be tried.

    - encoder, targets, X, T: as for `chosen_inputs`. Above 5,000 rows values are tried without this.
    - groups: the group (n,) of each row, all rows of which are in one part; or None.
    """
    sampled = _sampled(encoder, targets, X, T, groups)
    is_small, are_few = len(X) <= MANY, len(X) < LEAST_ROWS
    gain = VALUES_GAIN if len(X) <= FEW_ROWS else VALUES_MORE
    best = encoder.with_values_of([] if are_few else _worth_values(sampled, gain)) if is_small else encoder
    return best.with_times(encoder.plain) if are_few or not _are_worth_times(sampled) else best


def _worth_values(sampled: _Sample, gain: float) -> list[str]:
    """The names of the columns whose values leave `gain` of the cost at most."""
    encoder = sampled.encoder
    before = encoder.with_values(encoder.curved).without_values
    columns = list(levels_of(encoder, sampled.X))
    if not columns or before.are_common.sum() > MOST_INPUTS:
        return []
    return chosen_values(columns, sampled.left(before), sampled.part, gain)


def _are_worth_times(sampled: _Sample) -> bool:
    """Whether the better of the encoders with details of times leaves clearly less cost than times alone."""
    curved = sampled.encoder.curved
    before = curved.with_times(sampled.encoder.plain)
    detailed = (curved, curved.with_times(sampled.encoder))
    more = [each for each in detailed if before.width < each.width and each.are_common.sum() <= MOST_INPUTS]
    costs = [float(np.square(sampled.left(each)).sum()) for each in more]
    return bool(costs) and min(costs) <= TIMES_GAIN * float(np.square(sampled.left(before)).sum())


def _sampled(encoder: Encoder, targets: Outputs, X: Array, T: Array, groups: Array | None = None) -> _Sample:
    """Some of the rows, in parts that are drawn, because codes may come in turn."""
    rows = sample(np.arange(len(X)), MOST_ROWS)
    few = {name for name, classes in targets.classes.items() if len(classes) <= MOST_CLASSES}
    by_target = [(name in few, target) for name, target in targets.one_hot(T[rows]).items()]
    groups = None if groups is None else groups[rows]
    parts = PARTS if groups is None else min(PARTS, len(np.unique(groups)))
    return _Sample(encoder, X[rows], by_target, folds(0, parts, len(rows), groups=groups))
