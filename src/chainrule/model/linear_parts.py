"""Linear models that predict each part of a table's rows from the others, which tells what inputs are worth.

    ridge regression      sum (t - x W - b)² / 2 + a sum W² / 2
    logistic regression   -sum t · ln softmax(x W + b) + a sum W² / 2

with the penalty a that leaves the least cost in the rows that a model has not seen.

Source: Böhning, Multinomial logistic regression algorithm, 1992: the matrix that bounds the curvature of the cost.
"""

from collections.abc import Callable

import numpy as np

from chainrule.arrays import Array

__all__ = ["PARTS", "cost_of_classes", "left_of_numbers"]

PARTS = 5
ALPHAS = (0.1, 1.0, 10.0, 100.0)  # penalties, in rows
STEPS = 20  # of logistic regression

_Solve = Callable[[Array, Array, Array, Array], Array]  # the weights by X, T, XᵀX and the diagonal of penalties


def left_of_numbers(X: Array, T: Array, part: Array) -> Array:
    """What ridge regression leaves of T (n, k), in rows that it has not seen.

    - X: inputs (n, n_1), float64.
    - T: targets (n, k).
    - part: the part (n,) of each row, from 0 to 4.

    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2))
    >>> bool(np.abs(left_of_numbers(X, X @ [[1.0], [2.0]] + 3.0, np.arange(100) % 5)).max() < 0.01)
    True
    """
    return min((T - Z for Z in _predicted(_ridge, X, T, part)), key=lambda left: float(np.square(left).sum()))


def cost_of_classes(X: Array, T: Array, part: Array) -> float:
    """The cross-entropy of logistic regression, summed over rows that it has not seen.

    X, part: as for `left_of_numbers`; T: one column (n, k) for a class.
    """
    return min(-float((T * _log_softmax(Z)).sum()) for Z in _predicted(_logistic, X, T, part))


def _predicted(solve: _Solve, X: Array, T: Array, part: Array) -> Array:
    """Z (penalties, n, k), each part by the rows of the others."""
    X = np.column_stack([X - X.mean(axis=0), np.ones(len(X))])
    Z = np.empty((len(ALPHAS), *T.shape))
    for k in range(PARTS):
        seen, new = part != k, part == k
        X_seen, T_seen, X_new = X[seen], T[seen], X[new]
        gram = X_seen.T @ X_seen
        for own, alpha in zip(Z, ALPHAS, strict=True):
            penalty = np.full(len(gram), alpha)
            penalty[-1] = 0  # of the bias
            own[new] = X_new @ solve(X_seen, T_seen, gram, penalty)
    return Z


def _ridge(X: Array, T: Array, gram: Array, penalty: Array) -> Array:
    """The weights (k, outputs) of ridge regression."""
    return np.linalg.solve(gram + np.diag(penalty), X.T @ T)


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
