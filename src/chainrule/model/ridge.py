"""Ridge regression in closed form: the linear model of least quadratic cost for any penalty, by Cholesky's method.

    sum_i s_i (t_i - x_i W - b)² / 2 + a sum W² / 2
    (XᵀSX + a I) W = XᵀST,    b = mean of T - mean of X W,    XᵀSX + a I = L Lᵀ

X and T stand for their distances from the means, which are weighted by s as well. Gradient descent finds the same
model, but where columns are nearly the same, as in spectra, not in any reasonable number of steps.

The sums over rows are products of the engine, and those of the native engine have the same bits on any processor and
number of threads; so the factors are computed here, column by column, and not by a library's routine, whose bits vary.

Source: Golub & Van Loan, Matrix Computations, 2013, section 4.2 (the outer product form of Cholesky's method).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from chainrule.arrays import Array

__all__ = ["MOST", "MOST_NUMBERS", "Ridge"]

MOST = 200  # columns: the factors take their cube
MOST_NUMBERS = 3e6  # rows times columns, of which copies are made

Gram = Callable[[Array], Array]  # MᵀM


class _Part(NamedTuple):
    """The outputs that share their weights of rows: XᵀSX, XᵀST, and the means of X and T."""

    outputs: list[int]
    left: Array
    right: Array
    mean_x: Array
    mean_t: Array


class Ridge:
    """Ridge regression of several outputs, each with its own weights of the rows.

    - X: inputs (n, n_1).
    - T: targets (n, n_L).
    - weight: the weights (n,) or (n, n_L) of the rows, or None; a row of weight 0 counts for nothing.
    - gram: the product MᵀM of a matrix M.

    >>> rng = np.random.default_rng(0)
    >>> X, T = rng.normal(size=(50, 3)), rng.normal(size=(50, 1))
    >>> W, b = Ridge(X, T).solved(2.0)
    >>> slope = X.T @ (X @ W + b - T) + 2.0 * W  # that of the cost
    >>> bool(np.abs(slope).max() < 1e-12), bool(abs((X @ W + b - T).sum()) < 1e-12)
    (True, True)
    """

    def __init__(self, X: Array, T: Array, weight: Array | None = None, gram: Gram = lambda M: M.T @ M) -> None:
        X, T = X.astype(np.float64), T.astype(np.float64)
        weight = np.ones(len(X)) if weight is None else weight
        by_output = np.broadcast_to(weight[:, np.newaxis] if weight.ndim == 1 else weight, T.shape)
        self._parts = [_part(X, T, by_output[:, outputs[0]], outputs, gram) for outputs in _alike(by_output)]
        self._shape = X.shape[1], T.shape[1]

    def solved(self, a: float) -> tuple[Array, Array]:
        """W (n_1, n_L) and b (n_L,) for a penalty a above 0."""
        W, b = np.zeros(self._shape), np.zeros(self._shape[1])
        for outputs, left, right, mean_x, mean_t in self._parts:
            own = _solved(left + a * np.eye(len(left)), right)
            W[:, outputs] = own
            b[outputs] = mean_t - (mean_x[:, np.newaxis] * own).sum(axis=0)
        return W, b


def _alike(weight: Array) -> list[list[int]]:
    """The outputs, those with the same weights (n, n_L) together."""
    alike: dict[bytes, list[int]] = {}
    for k, column in enumerate(weight.T):
        alike.setdefault(column.tobytes(), []).append(k)
    return list(alike.values())


def _part(X: Array, T: Array, weight: Array, outputs: list[int], gram: Gram) -> _Part:
    """The sums over the rows, for outputs whose rows have the weights (n,)."""
    there, p = weight > 0, X.shape[1]
    root = np.sqrt(weight[there].astype(np.float64))[:, np.newaxis]
    M = np.column_stack([X[there], T[there][:, outputs], np.ones(len(root))])
    middle = M[:, :-1].sum(axis=0) / max(len(M), 1)  # near the means, so that squares do not lose their digits
    M[:, :-1] -= middle
    M *= root
    G = gram(M)
    total = max(G[-1, -1], np.finfo(float).tiny)
    mean = G[:-1, -1] / total
    G, mean = G[:-1, :-1] - total * mean[:, np.newaxis] * mean, mean + middle
    return _Part(outputs, G[:p, :p], G[:p, p:], mean[:p], mean[p:])


def _solved(A: Array, B: Array) -> Array:
    """A⁻¹ B for a matrix A that is symmetric and positive definite but for rounding.

    >>> A, B = np.array([[4.0, 2.0], [2.0, 3.0]]), np.array([[2.0], [5.0]])
    >>> _solved(A, B)
    array([[-0.5],
           [ 2. ]])
    """
    L, X = A.copy(), B.copy()
    least = np.finfo(float).eps * np.abs(A.diagonal()).max()
    for k in range(len(L)):
        L[k, k] = max(L[k, k], least)
        L[k:, k] /= np.sqrt(L[k, k])
        below = L[k + 1 :, k]
        L[k + 1 :, k + 1 :] -= below[:, np.newaxis] * below
        X[k] /= L[k, k]
        X[k + 1 :] -= below[:, np.newaxis] * X[k]
    for k in reversed(range(len(L))):
        X[k] /= L[k, k]
        X[:k] -= L[k, :k, np.newaxis] * X[k]
    return X
