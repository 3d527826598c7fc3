"""What rounding alone can make a right gradient wrong by: a bound for each parameter, from the type and the numbers.

An engine rounds every sum and every function. Each rounding is at most u times the size of what is rounded, and moves
the gradient through everything that is computed after it. `bounds` follows these moves once through the network, to
first order, and adds them up as independent roundings add up, by their squares:

    sum of n products    e² = n u² (|a| |w|)²            Higham & Mary: lambda sqrt(n) u instead of the worst case n u
    Z = A W + b          e_Z² = e_A² W² + n u² (|A| |W| + |b|)²
    A = sigma(Z)         e_A = how far sigma moves when Z moves by e_Z, and 16 u |A|
    delta                e = how far delta moves when g, Z and A move by their e, and u |delta|
    dW = Aᵀ s delta / m  e = (|A|ᵀ s e_delta + e_Aᵀ s |delta| + sqrt(m) u |A|ᵀ s |delta|) / m

Errors of several examples may have one cause (a function that is always a little too large), so over the examples they
add up as they are. lambda e then is exceeded with a probability below p = 1e-9 for all parameters together, by the
inequality of Azuma and Hoeffding: lambda = sqrt(2 ln(2 N / p)). This is to first order: examples at which a slope jumps
within rounding (relu at 0) are left out before, on both sides of the comparison.

Source: Higham & Mary, A new approach to probabilistic rounding error analysis, SIAM Journal on Scientific Computing 41,
2019.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import Activation
from chainrule.arrays import Array
from chainrule.certificate.method import own_error
from chainrule.certificate.objective import Objective
from chainrule.certificate.records import BLIND
from chainrule.equations import bp1
from chainrule.random import Purpose, raw_words

__all__ = ["Rounding", "bounds", "jumps", "unit_of"]

FUNCTION = 16.0  # roundings of an activation or a cost: the least exact one, Phi, is within 6 units in the last place
MANY = 64  # columns that are moved one after the other
UNSEEN = 1e-9  # p, the probability that a right gradient is refused
TINY = 1e-300  # |a - t|' is 0 at 0, but not when t is moved by this
EXACT = 3.0 * 2.0**-53  # what the derivatives themselves round by: a product of complex numbers has three roundings


class Rounding(NamedTuple):
    """What the bounds of dW and db of one layer follow from: |a| and its e, s |delta| and its e, for each example.

    `inputs` and `e_inputs` are (m, n_in + 1), the last column is for biases; `errors` and `e_errors` are (m, n_out).
    """

    inputs: Array
    e_inputs: Array
    errors: Array
    e_errors: Array
    u: float
    lam: float

    def of(self, i: Array, j: Array) -> Array:
        """The bounds of parameters: weights w_ij, and biases where i is -1; (k,).

        None is smaller than the rounding of the largest sum among them.
        """
        m = len(self.errors)
        a, e_a, d, e_d = self.inputs[:, i], self.e_inputs[:, i], self.errors[:, j], self.e_errors[:, j]
        sums = math.sqrt(m) * self.u * np.einsum("xk,xk->k", a, d)
        e = np.einsum("xk,xk->k", a, e_d) + np.einsum("xk,xk->k", e_a, d) + sums
        return self.lam / m * np.maximum(e, sums.max())


def unit_of(dtype: Any) -> float:
    """u, half of the distance from 1 to the next number of a type.

    >>> unit_of("float32") == 2.0**-24
    True
    """
    return float(np.finfo(dtype).eps) / 2


def times_deviation(count: int) -> float:
    """lambda for `count` parameters.

    >>> round(times_deviation(2000), 2)
    7.62
    """
    return math.sqrt(2 * math.log(2 * max(count, 1) / UNSEEN))


def bounds(objective: Objective, u: float, of_functions: float, count: int) -> tuple[list[Rounding], Array]:
    """The bounds of every layer from 2, and of the cost of each example, (m,).

    - objective: the network at the examples.
    - u: the unit of the type in which the engine adds.
    - of_functions: the unit in which activations and costs compute, at least u.
    - count: the number of parameters that are compared.
    """
    lam, u = times_deviation(count), u + EXACT
    return _Analysis(objective, u, FUNCTION * max(of_functions, u), lam).run()


def jumps(objective: Objective, u: float, of_functions: float, count: int) -> Array:
    """The examples (m,) at which a slope jumps (that of relu at 0, of |a - t| at t), and rounding decides the side.

    They are those where sigma' or delta^L moves within rounding by more than `BLIND` of the largest of the layer. The
    arguments are those of `bounds`.
    """
    lam, u = times_deviation(count), u + EXACT
    return _Analysis(objective, u, FUNCTION * max(of_functions, u), lam).jumps()


class _Analysis:
    """One pass forwards and one backwards, each with the numbers and their e."""

    def __init__(self, objective: Objective, u: float, f: float, lam: float) -> None:
        self.o, self.u, self.f, self.lam = objective, u, f, lam

    def run(self) -> tuple[list[Rounding], Array]:
        e_A, e_Z = self._forward()
        deltas = self._backward(e_Z)
        layers = zip(self.o.A[:-1], e_A[:-1], deltas, strict=True)
        delta_L = deltas[-1][0]
        by_Z = np.sqrt(np.sum((delta_L * e_Z[-1]) ** 2, axis=1))
        C = np.abs(self.o.costs(self.o.Z[-1], self.o.A[-1], self.o.T, self.o.term_weight))
        return [self._of_layer(*layer) for layer in layers], self.lam * (by_Z + self.f * C)

    def jumps(self) -> Array:
        _, e_Z = self._forward()
        o, architecture, rows = self.o, self.o.architecture, np.zeros(self.o.m, np.bool_)
        for sigma, Z, A, e in zip(architecture.hidden, o.Z, o.A[1:], e_Z, strict=False):
            if sigma.elementwise:
                rows |= self._jump(self._moves(partial(_slope, sigma), Z, e, True), sigma.derivative(Z, A))
        delta, e = self._at_output(e_Z[-1])
        up, down = (architecture.delta_L(o.Z[-1], o.A[-1], o.T + each, o.term_weight) for each in (TINY, -TINY))
        return rows | self._jump(e**2, delta) | self._jump((up - delta) ** 2 + (down - delta) ** 2, delta)

    def _jump(self, moves: Array, values: Array) -> Array:
        """Whether a value of an example moves too far, (m,)."""
        return np.any(self.lam * np.sqrt(moves) > BLIND * np.max(np.abs(values)), axis=1)

    def _forward(self) -> tuple[list[Array], list[Array]]:
        e_A, e_Z = [np.zeros_like(self.o.A[0])], []
        for k, sigma in enumerate(self.o.architecture.activations):
            A, W, Z = self.o.A[k], self.o.W[k], self.o.Z[k]
            sizes = np.abs(A) @ np.abs(W) + np.abs(self.o.b[k])
            e_Z.append(np.sqrt(e_A[-1] ** 2 @ W**2 + (len(W) + 1) * (self.u * sizes) ** 2))
            moved = self._moves(sigma.value, Z, e_Z[-1], sigma.elementwise)
            e_A.append(np.sqrt(moved + (self.f * self.o.A[k + 1]) ** 2))
        return e_A, e_Z

    def _backward(self, e_Z: list[Array]) -> list[tuple[Array, Array]]:
        """delta and its e of every layer from 2."""
        deltas = [self._at_output(e_Z[-1])]
        for k in reversed(range(len(e_Z) - 1)):
            delta, e = deltas[0]
            W = self.o.W[k + 1]
            g = delta @ W.T
            e_g = np.sqrt(e**2 @ (W**2).T + W.shape[1] * (self.u * (np.abs(delta) @ np.abs(W).T)) ** 2)
            deltas.insert(0, self._at_hidden(self.o.architecture.hidden[k], k, g, e_g, e_Z[k]))
        return deltas

    def _at_output(self, e_Z: Array) -> tuple[Array, Array]:
        o, architecture = self.o, self.o.architecture
        sigma, Z, A = architecture.activations[-1], o.Z[-1], o.A[-1]
        alone = sigma.elementwise and all(block.cost.elementwise for block in architecture.blocks)

        def delta_of(z: Array, a: Array) -> Array:
            return architecture.delta_L(z, a, o.T, o.term_weight)

        delta, e_A = delta_of(Z, A), self._rounding_of_outputs(A)
        moves = self._moves(lambda z: delta_of(z, sigma.value(z)), Z, e_Z, alone)
        moves += self._moves(lambda a: delta_of(Z, a), A, e_A, alone)
        if o.plain:
            cost = architecture.blocks[0].cost
            moves += self._moves(lambda a: bp1(sigma, cost.derivative(a, o.T), Z, a), A, e_A, alone)
        own = sum(own_error(each) for block in architecture.blocks for each in (block.activation, block.cost))
        return delta, np.sqrt(moves + (self.f * delta) ** 2 + (own * (1 + np.abs(A) + np.abs(delta))) ** 2)

    def _at_hidden(self, sigma: Activation, k: int, g: Array, e_g: Array, e_Z: Array) -> tuple[Array, Array]:
        Z, A = self.o.Z[k], self.o.A[k + 1]
        delta = bp1(sigma, g, Z, A)
        moves = self._moves(lambda each: sigma.pullback(each, Z, A), g, e_g + self.f * np.abs(g), sigma.elementwise)
        moves += self._moves(lambda z: sigma.pullback(g, z, sigma.value(z)), Z, e_Z, sigma.elementwise)
        moves += self._moves(lambda a: sigma.pullback(g, Z, a), A, self._rounding_of(sigma, A), sigma.elementwise)
        own = own_error(sigma) * np.abs(g) * (1 + np.abs(A))
        return delta, np.sqrt(moves + (self.f * delta) ** 2 + own**2)

    def _rounding_of_outputs(self, A: Array) -> Array:
        blocks = self.o.architecture.blocks
        return np.hstack([self._rounding_of(block.activation, A[:, block.columns]) for block in blocks])

    def _rounding_of(self, sigma: Activation, A: Array) -> Array:
        """What A is rounded by: nothing at an end that the function reaches, such as 1 of hardtanh."""
        ends = sigma.range
        exact = ((ends.low == A) & (not ends.open_low)) | ((ends.high == A) & (not ends.open_high))
        return np.where(exact, 0.0, self.f * np.abs(A))

    def _moves(self, f: Callable[[Array], Array], at: Array, e: Array, elementwise: bool) -> Array:
        """e² of f(at) if `at` is wrong by e: by the larger of two moves, up and down by lambda e."""
        value, total = f(at), np.zeros(at.shape)
        for step in _steps(self.lam * e, elementwise):
            up, down = (np.abs(f(moved) - value) for moved in (at + step, at - step))
            total += (np.maximum(up, down) / self.lam) ** 2
        return total if elementwise or at.shape[1] <= MANY else total / MANY

    def _of_layer(self, A: Array, e_A: Array, delta_and_e: tuple[Array, Array]) -> Rounding:
        delta, e_delta = delta_and_e
        s, m = self.o.s[:, None], self.o.m
        inputs, e_inputs = np.hstack([np.abs(A), np.ones((m, 1))]), np.hstack([e_A, np.zeros((m, 1))])
        return Rounding(inputs, e_inputs, s * np.abs(delta), s * e_delta, self.u, self.lam)


def _slope(sigma: Activation, Z: Array) -> Array:
    """sigma'(Z) of an elementwise activation."""
    return sigma.derivative(Z, sigma.value(Z))


def _steps(e: Array, elementwise: bool) -> Iterator[Array]:
    """All columns together, or where each moves the others, one after the other.

    Of many columns all together with random signs: the mean of the squares is then the sum of those of the columns.
    """
    n = e.shape[1]
    if elementwise:
        yield e
    elif n <= MANY:
        yield from (e * (np.arange(n) == j) for j in range(n))
    else:
        signs = (raw_words(0, Purpose.DIRECTIONS, 3, MANY * n).reshape(MANY, n) & np.uint64(1)).astype(float) * 2 - 1
        yield from (e * sign for sign in signs)
