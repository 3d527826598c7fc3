"""The cost C as a function of theta, in float64 or complex128, and its derivatives by moving one parameter at a time.

It has a forward pass of its own, three lines long, and nothing of the backward pass: what it finds knows nothing of
BP1-BP4. A parameter of layer l moves z_j^l only, w_ij by h a_i and b_j by h; from there the cost is computed anew.

    complex step            Im C(theta + ih e) / h, h = 1e-40            exact up to rounding
    central differences     (C(theta + h e) - C(theta - h e)) / 2h       h about the cube root of the rounding of C
"""

from typing import NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import split_weight
from chainrule.certificate.method import COMPLEX, STEPS

__all__ = ["TINY", "Derivatives", "Objective"]

TINY = 1e-40  # a complex step subtracts nothing, so it can be arbitrarily small
BLOCK = 2**18  # numbers of Z that are moved together


class Derivatives(NamedTuple):
    """dC/dw of some parameters of a layer, and for each what the method itself may be wrong by; both (k,).

    `step` (k,) is h, which the rounding of C is divided by; infinite for a complex step.
    """

    values: Array
    error: Array
    step: Array


class Objective:
    """C = (1/m) sum_x s_x C_x at a theta, in float64.

    - architecture: the network's.
    - theta: flat, float64.
    - X, T: (m, n_1), and (m, n_L) as numbers, float64.
    - weight: None, s (m,) or the weights of terms (m, n_L), of mean 1, float64.
    - plain: whether costs are computed from A, as they are defined, also where activation and cost are a pair that is
      computed from Z.
    """

    def __init__(
        self,
        architecture: Architecture,
        theta: Array,
        X: Array,
        T: Array,
        weight: Array | None = None,
        plain: bool = False,
    ) -> None:
        self.architecture, self.T, self.plain = architecture, T, plain
        row_weight, self.term_weight = split_weight(weight)
        self.s = np.ones(len(X)) if row_weight is None else row_weight
        self.W, self.b = architecture.views(theta)
        self.Z: list[Array] = []
        self.A = [X]
        for W, b, sigma in zip(self.W, self.b, architecture.activations, strict=True):
            self.Z.append(self.A[-1] @ W + b)
            self.A.append(sigma.value(self.Z[-1]))

    @property
    def m(self) -> int:
        """The number of examples."""
        return len(self.T)

    def parameters(self, k: int, flat: Array) -> tuple[Array, Array]:
        """(i, j) of parameters of layer k+2 from their places in its slice of theta, from 0; i is -1 for a bias."""
        n_in, n_out = self.W[k].shape
        return np.where(flat < n_in * n_out, flat // n_out, -1), flat % n_out

    def derivatives(self, k: int, flat: Array, method: str) -> Derivatives:
        """dC/dw of parameters of layer k+2, which `flat` names by their places in its slice of theta."""
        together = max(1, BLOCK // max(Z.size for Z in self.Z[k:]))
        blocks = [flat[start : start + together] for start in range(0, len(flat), together)]
        compute = self._complex if method == COMPLEX else self._central
        parts = [compute(k, *self.parameters(k, block), method) for block in blocks]
        return Derivatives(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def _complex(self, k: int, i: Array, j: Array, method: str) -> Derivatives:
        values = self._mean(self._costs(k, i, j, np.full(len(i), 1j * TINY)).imag) / TINY
        return Derivatives(values, np.zeros(len(i)), np.full(len(i), np.inf))

    def _central(self, k: int, i: Array, j: Array, method: str) -> Derivatives:
        """Differences with h and with h/2: how far they are apart says how far they are from the derivative.

        D = (C(h) - C(-h)) / 2h and S = (C(h) - 2 C(0) + C(-h)) / h. For a smooth C both D(h) - D(h/2) and
        S(h) - 2 S(h/2) are of order h²; where the slope jumps within the step, one of them is as large as the jump.
        """
        w = np.where(i < 0, self.b[k][j], self.W[k][i, j])
        h = STEPS[method] * np.maximum(1.0, np.abs(w))
        costs = {factor: self._costs(k, i, j, factor * h) for factor in (1.0, 0.5, 0.0, -0.5, -1.0)}
        D, half = ((costs[f] - costs[-f]) / (2 * f * h[:, None]) for f in (1.0, 0.5))
        S, of_half = ((costs[f] - costs[0.0] - (costs[0.0] - costs[-f])) / (f * h[:, None]) for f in (1.0, 0.5))
        error = self._mean(np.abs(S - 2 * of_half) + 2 * np.abs(D - half))
        return Derivatives(self._mean(D), error, h)

    def _mean(self, costs: Array) -> Array:
        """(1/m) sum_x s_x c_x of every row of (k, m)."""
        return np.asarray(costs @ self.s) / self.m

    def _costs(self, k: int, i: Array, j: Array, step: Array) -> Array:
        """C_x of every example with each parameter moved by its step, (k, m)."""
        k, Z = self._moved(k, i, j, step)
        return self._upwards(k, Z.reshape(len(i) * self.m, -1)).reshape(len(i), self.m)

    def _moved(self, k: int, i: Array, j: Array, step: Array) -> tuple[int, Array]:
        """Z of the lowest layer of which every column moves, (k, m, n_l), with its number.

        In layer k+2 only column j moves. If a_j depends only on z_j, one product is enough for Z of the layer above.
        """
        z = self.Z[k].T[j] + step[:, None] * np.where(i[:, None] < 0, 1.0, self.A[k].T[i])
        sigma = self.architecture.activations[k]
        if k + 1 < len(self.Z) and sigma.elementwise:
            a = sigma.value(z.reshape(-1, 1)).reshape(z.shape)
            return k + 1, self.Z[k + 1] + (a - self.A[k + 1].T[j])[:, :, None] * self.W[k + 1][j][:, None, :]
        Z = np.repeat(self.Z[k].astype(step.dtype)[None], len(i), axis=0)
        Z[np.arange(len(i)), :, j] = z
        return k, Z

    def _upwards(self, k: int, Z: Array) -> Array:
        """C_x from Z of layer k+2 of all examples, one or several times one below the other."""
        activations = self.architecture.activations
        A = activations[k].value(Z)
        for W, b, sigma in zip(self.W[k + 1 :], self.b[k + 1 :], activations[k + 1 :], strict=True):
            Z = A @ W + b
            A = sigma.value(Z)
        times = len(Z) // self.m
        weight = None if self.term_weight is None else np.tile(self.term_weight, (times, 1))
        return self.costs(Z, A, np.tile(self.T, (times, 1)), weight)

    def costs(self, Z: Array, A: Array, T: Array, weight: Array | None) -> Array:
        """C_x of examples from Z and A of the last layer."""
        if not self.plain:
            return self.architecture.costs(Z, A, T, weight)
        (block,) = self.architecture.blocks
        return np.sum(block.cost.terms(A, T), axis=1)
