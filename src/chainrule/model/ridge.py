"""Ridge regression in closed form: the linear model of least quadratic cost for any penalty, by one decomposition.

    sum_i s_i (t_i - x_i W - b)² / 2 + a sum W² / 2,    XᵀSX = V diag(lambda) Vᵀ
    W = V diag(1 / (lambda + a)) Vᵀ XᵀST,    b = mean of T - mean of X W

X and T stand for their distances from the means, which are weighted by s as well. With fewer rows than columns the
decomposition is of S^(1/2) X XᵀS^(1/2). Gradient descent finds the same model, but where columns are nearly the same,
as in spectra, not in any reasonable number of steps.

Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2009, section 3.4.1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from chainrule.arrays import Array

__all__ = ["MOST", "Ridge"]

MOST = 600  # rows or columns, whichever are fewer: the decomposition takes their cube


class _Part(NamedTuple):
    """The outputs that share their weights of rows: W = left diag(1 / (spectrum + a)) right."""

    outputs: list[int]
    left: Array
    right: Array
    spectrum: Array
    mean_x: Array
    mean_t: Array


class Ridge:
    """Ridge regression of several outputs, each with its own weights of the rows.

    - X: inputs (n, n_1).
    - T: targets (n, n_L).
    - weight: the weights (n,) or (n, n_L) of the rows, or None; a row of weight 0 counts for nothing.

    >>> rng = np.random.default_rng(0)
    >>> X, T = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
    >>> W, b = Ridge(X, T).solved(2.0)
    >>> slope = X.T @ (X @ W + b - T) + 2.0 * W  # that of the cost
    >>> bool(np.abs(slope).max() < 1e-12), bool(abs((X @ W + b - T).sum()) < 1e-12)
    (True, True)
    """

    def __init__(self, X: Array, T: Array, weight: Array | None = None) -> None:
        X, T = X.astype(np.float64), T.astype(np.float64)
        weight = np.ones(len(X)) if weight is None else weight
        by_output = np.broadcast_to(weight[:, np.newaxis] if weight.ndim == 1 else weight, T.shape)
        self._parts = [_part(X, T, by_output[:, outputs[0]], outputs) for outputs in _alike(by_output)]
        self._shape = X.shape[1], T.shape[1]

    def solved(self, a: float) -> tuple[Array, Array]:
        """W (n_1, n_L) and b (n_L,) for a penalty a above 0."""
        W, b = np.zeros(self._shape), np.zeros(self._shape[1])
        for outputs, left, right, spectrum, mean_x, mean_t in self._parts:
            own = left @ (right / (spectrum + a)[:, np.newaxis])
            W[:, outputs], b[outputs] = own, mean_t - mean_x @ own
        return W, b


def _alike(weight: Array) -> list[list[int]]:
    """The outputs, those with the same weights (n, n_L) together."""
    alike: dict[bytes, list[int]] = {}
    for k, column in enumerate(weight.T):
        alike.setdefault(column.tobytes(), []).append(k)
    return list(alike.values())


def _part(X: Array, T: Array, weight: Array, outputs: Sequence[int]) -> _Part:
    """The decomposition for outputs whose rows have the weights (n,)."""
    there = weight > 0
    X, T, s = X[there], T[there][:, outputs], weight[there].astype(np.float64)
    share = s / max(s.sum(), np.finfo(float).tiny)
    mean_x, mean_t = share @ X, share @ T
    root = np.sqrt(s)[:, np.newaxis]
    X, T = root * (X - mean_x), root * (T - mean_t)
    if len(X) < X.shape[1]:
        spectrum, U = np.linalg.eigh(X @ X.T)
        left, right = X.T @ U, U.T @ T
    else:
        spectrum, left = np.linalg.eigh(X.T @ X)
        right = left.T @ (X.T @ T)
    return _Part(list(outputs), left, right, spectrum.clip(0), mean_x, mean_t)
