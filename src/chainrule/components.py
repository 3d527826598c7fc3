"""The same equations index by index, as the two documents write them, on plain Python numbers.

This module is the test oracle: it is slow, and shares no code with `equations`. Numbers may be floats, fractions or
complex, and vectors and matrices are lists, so that small networks can be computed exactly:

>>> from fractions import Fraction as F
>>> z = weighted_inputs(w=[[F(1, 2)], [F(1, 3)]], b=[F(1)], a_prev=[F(2), F(3)])
>>> z
[Fraction(3, 1)]

Layers are numbered 1..L in the text. w[i][j] goes from neuron i of layer l-1 to neuron j of layer l, as in GD; BP
writes the two indices in the other order. Each function takes one example.
GD: Gradient descent and backpropagation, after Nielsen 2015. BP: Backpropagation. See docs/notation.md.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

__all__ = [
    "Example",
    "backpropagate",
    "bp1",
    "bp1_jacobian",
    "bp2",
    "bp3",
    "bp4",
    "descend",
    "mean_gradient",
    "quadratic",
    "quadratic_derivative",
    "weighted_inputs",
]

Number = Any  # float, Fraction, complex: everything that has + and *
Vector = Sequence[Number]
Matrix = Sequence[Sequence[Number]]
Scalar = Callable[[Number], Number]


class Example(NamedTuple):
    """Every quantity of one example: z[k], delta[k], dC_db[k], dC_dw[k] of layer k+2; a[k] of layer k+1."""

    z: list[list[Number]]
    a: list[list[Number]]
    delta: list[list[Number]]
    dC_db: list[list[Number]]
    dC_dw: list[list[list[Number]]]


def weighted_inputs(w: Matrix, b: Vector, a_prev: Vector) -> list[Number]:
    """z_j^l = sum_i w_ij^l a_i^{l-1} + b_j^l (BP's eq. 1; GD's first equation of the section on backpropagation).

    >>> weighted_inputs([[1, 2], [3, 4]], [10, 20], [1, 1])
    [14, 26]
    """
    return [sum(w[i][j] * a_prev[i] for i in range(len(a_prev))) + b[j] for j in range(len(b))]


def quadratic(a: Vector, y: Vector) -> Number:
    """C_x = 1/2 sum_j (y_j - a_j)^2 (BP, section 3.1).

    >>> quadratic([3.0, 1.0], [1.0, 1.0])
    2.0
    """
    return sum((y[j] - a[j]) ** 2 for j in range(len(a))) / 2


def quadratic_derivative(a: Vector, y: Vector) -> list[Number]:
    """dC_x/da_j = a_j - y_j (the first factor of BP's eq. 3).

    >>> quadratic_derivative([3, 1], [1, 1])
    [2, 0]
    """
    return [a[j] - y[j] for j in range(len(a))]


def bp1(dC_da: Vector, z: Vector, sigma_prime: Scalar) -> list[Number]:
    """BP1: delta_i^L = dC_x/da_i^L sigma'(z_i^L) (GD's BP1; BP's eq. 3), where each a_i depends only on its z_i.

    >>> bp1([2, 5], [1, -1], lambda z: 1 if z > 0 else 0)
    [2, 0]
    """
    return [dC_da[i] * sigma_prime(z[i]) for i in range(len(z))]


def bp1_jacobian(dC_da: Vector, da_dz: Matrix) -> list[Number]:
    """BP1 with the whole Jacobian: delta_i^L = sum_j dC_x/da_j^L da_j^L/dz_i^L, also right for softmax.

    `da_dz[j][i]` is da_j/dz_i. This is the second step of GD's proof of BP1.

    >>> bp1_jacobian([1, 2], [[3, 0], [0, 4]])
    [3, 8]
    """
    return [sum(dC_da[j] * da_dz[j][i] for j in range(len(dC_da))) for i in range(len(da_dz[0]))]


def bp2(w_next: Matrix, delta_next: Vector, z: Vector, sigma_prime: Scalar) -> list[Number]:
    """BP2: delta_i^l = sum_j w_ij^{l+1} delta_j^{l+1} sigma'(z_i^l) (GD's BP2; BP's eq. 4).

    >>> bp2([[1, 2], [3, 4]], [1, 1], [1, 1], lambda z: 10)
    [30, 70]
    """
    return [
        sum(w_next[i][j] * delta_next[j] * sigma_prime(z[i]) for j in range(len(delta_next))) for i in range(len(z))
    ]


def bp3(delta: Vector) -> list[Number]:
    """BP3: dC_x/db_i^l = delta_i^l (GD's BP3; BP's eq. 6).

    >>> bp3([1, 2])
    [1, 2]
    """
    return list(delta)


def bp4(a_prev: Vector, delta: Vector) -> list[list[Number]]:
    """BP4: dC_x/dw_ij^l = a_i^{l-1} delta_j^l (GD's BP4; BP's eq. 5).

    >>> bp4([1, 2], [3, 5])
    [[3, 5], [6, 10]]
    """
    return [[a_prev[i] * delta[j] for j in range(len(delta))] for i in range(len(a_prev))]


def backpropagate(
    w: Sequence[Matrix],
    b: Sequence[Vector],
    x: Vector,
    y: Vector,
    sigma: Sequence[Scalar],
    sigma_prime: Sequence[Scalar],
    cost_derivative: Callable[[Vector, Vector], Vector] = quadratic_derivative,
) -> Example:
    """One forward and one backward pass for one example; w[k], b[k], sigma[k] belong to layer k+2.

    >>> square, twice = (lambda z: z * z), (lambda z: 2 * z)
    >>> example = backpropagate([[[3]], [[2]]], [[1], [0]], [1], [30], [square, square], [twice, twice])
    >>> example.a, example.delta, example.dC_dw
    ([[1], [16], [1024]], [[1017856], [63616]], [[[1017856]], [[1017856]]])
    """
    z: list[list[Number]] = []
    a: list[list[Number]] = [list(x)]
    for k in range(len(w)):
        z.append(weighted_inputs(w[k], b[k], a[k]))
        a.append([sigma[k](z_j) for z_j in z[k]])
    delta = [bp1(cost_derivative(a[-1], y), z[-1], sigma_prime[-1])]
    for k in reversed(range(len(w) - 1)):
        delta.insert(0, bp2(w[k + 1], delta[0], z[k], sigma_prime[k]))
    return Example(z, a, delta, [bp3(d) for d in delta], [bp4(a[k], delta[k]) for k in range(len(w))])


def mean_gradient(gradients: Sequence[Vector]) -> list[Number]:
    """The estimate (1/m) sum_i grad C_xi over a mini-batch of m examples (GD's section on networks; BP's section 4).

    >>> mean_gradient([[1, 2], [3, 6]])
    [2.0, 4.0]
    """
    return [sum(g[k] for g in gradients) / len(gradients) for k in range(len(gradients[0]))]


def descend(v: Vector, gradient: Vector, eta: Number) -> list[Number]:
    """The update rule of gradient descent: v_new = v_old - eta grad C (GD's first section).

    >>> descend([1.0, 2.0], [10.0, 0.0], 0.1)
    [0.0, 2.0]
    """
    return [v[k] - eta * gradient[k] for k in range(len(v))]
