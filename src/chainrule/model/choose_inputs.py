"""Whether a number or a time becomes several inputs: linear models decide, for a table, where no `trials` are made.

They also decide whether trials are made with more inputs for times, which must leave a twentieth less cost than the
times alone; and, up to 5,000 rows, with inputs for frequent values of numbers: these must leave a hundredth less cost
than squares and bins of the same columns, and up to 300 rows, where a trial alone would follow the noise of its folds,
a twentieth less.

The rows, at most 4,096, are divided into five parts, each of which is predicted from the others, once with all inputs
and once with each number as one (see `chainrule.tables.inputs.choose_beside`): by ridge regression of numbers, by
logistic regression of classes, if these are at most twenty. More inputs stay if they leave clearly less cost: those of
numbers, then those of times. That takes a moment, and tells what a network gains by them, too, because it begins as a
linear model.

Source: Böhning, Multinomial logistic regression algorithm, 1992: the matrix that bounds the curvature of the cost.
"""

import math
from collections.abc import Iterator

import numpy as np

from chainrule.arrays import Array
from chainrule.examples import folds
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
PARTS = 5
ALPHAS = (0.1, 1.0, 10.0, 100.0)  # penalties, in rows
STEPS = 20  # of logistic regression
MOST_CLASSES = 20  # of more, ridge regression tells the same in less time


def chosen_inputs(encoder: Encoder, targets: Outputs, X: Array, T: Array) -> Encoder:
    """The encoder, without the additional inputs of numbers and those of times that do not gain enough.

    - encoder, targets: the columns that X and T stand for.
    - X: the encoded rows to train on, (n, n_1).
    - T: their targets, (n, n_L), or class numbers.
    """
    plain = encoder.plain
    if len(X) < LEAST_ROWS or encoder.width > MOST_INPUTS or plain is encoder:
        return plain
    X, parts = _sampled(targets, X, T)
    part = np.arange(len(X)) % PARTS

    def cost(inputs: Encoder) -> float:
        return _cost(X[:, encoder.places_of(inputs)], parts, part)

    least = cost(plain)
    numbers = encoder.with_times(plain)
    own = least if numbers is plain else cost(numbers)
    best, least = (numbers, own) if own <= GAIN * least else (plain, least)
    times = best.with_times(encoder)
    return times if times is not best and cost(times) <= GAIN * least else best


def worth_trials(encoder: Encoder, targets: Outputs, X: Array, T: Array) -> Encoder:
    """The encoder, without values of numbers and details of times that do not gain enough to be tried.

    encoder, targets, X, T: as for `chosen_inputs`. Above 5,000 rows values are tried without this.
    """
    curved = encoder.curved
    valued, detailed = encoder.with_values(curved), (curved, curved.with_times(encoder))
    best, most = encoder, VALUES_GAIN if len(X) <= FEW_ROWS else VALUES_MORE
    if len(X) <= MANY and _ratio(encoder, targets, X, T, (valued,), valued.without_values) > most:
        best = best.without_values
    if _ratio(encoder, targets, X, T, detailed, curved.with_times(encoder.plain)) > TIMES_GAIN:
        best = best.with_times(encoder.plain)
    return best


def _ratio(encoder: Encoder, targets: Outputs, X: Array, T: Array, more: tuple[Encoder, ...], before: Encoder) -> float:
    """How much of the cost before is left by the better of encoders with more inputs; infinite if none may be tried."""
    more = tuple(each for each in more if before.width < each.width <= MOST_INPUTS)
    if len(X) < LEAST_ROWS or not more:
        return math.inf
    X, parts = _sampled(targets, X, T)
    parts = [(False, target) for _, target in parts]  # ridge regression of classes, too, which takes a moment
    part = folds(0, PARTS, len(X))  # drawn, because codes may come in turn
    cost, *costs = (_cost(X[:, encoder.places_of(each)], parts, part) for each in (before, *more))
    return min(costs) / cost if cost > 0 else 1.0


def _sampled(targets: Outputs, X: Array, T: Array) -> tuple[Array, list[tuple[bool, Array]]]:
    """Some of the rows: X, and for each target whether it is of few classes, and its values, one column for a class."""
    rows = sample(np.arange(len(X)), MOST_ROWS)
    by_target = targets.one_hot(T[rows])
    few = {name for name, classes in targets.classes.items() if len(classes) <= MOST_CLASSES}
    return X[rows].astype(float), [(name in few, target) for name, target in by_target.items()]


def _cost(X: Array, targets: list[tuple[bool, Array]], part: Array) -> float:
    """The sum of the costs of all targets in rows that the model has not seen, each with its best penalty."""
    X = np.column_stack([X - X.mean(axis=0), np.ones(len(X))])
    total = 0.0
    for is_class, T in targets:
        seen = [(X[part != k], T[part != k], X[part == k], T[part == k]) for k in range(PARTS)]
        total += min(np.sum([list(_costs(is_class, *rows)) for rows in seen], axis=0))
    return total


def _costs(is_class: bool, X: Array, T: Array, X_new: Array, T_new: Array) -> Iterator[float]:
    """The cost of new rows, for each penalty."""
    gram, right = X.T @ X, X.T @ T
    for alpha in ALPHAS:
        penalty = np.full(len(gram), alpha)
        penalty[-1] = 0  # of the bias
        if is_class:
            yield -float((T_new * _log_softmax(X_new @ _logistic(X, T, gram, penalty))).sum())
        else:
            yield float(np.square(T_new - X_new @ np.linalg.solve(gram + np.diag(penalty), right)).sum()) / 2


def _logistic(X: Array, T: Array, gram: Array, penalty: Array) -> Array:
    """The weights (k, classes) of logistic regression, by steps with the bound `gram / 2` of the curvature."""
    inverse, W = np.linalg.inv(gram / 2 + np.diag(penalty)), np.zeros((X.shape[1], T.shape[1]))
    for _ in range(STEPS):
        W += inverse @ (X.T @ (T - np.exp(_log_softmax(X @ W))) - penalty[:, np.newaxis] * W)
    return W


def _log_softmax(Z: Array) -> Array:
    """The logarithm of softmax of each row."""
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))
