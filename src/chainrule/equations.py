"""The equations of a fully connected network, as pure functions of arrays (NumPy or JAX). The heart of chainrule.

Rows are examples: A and Z are (m, n_l), W is (n_{l-1}, n_l) with W[i, j] from neuron i of layer l-1 to neuron j of
layer l, b is (n_l,), delta is (m, n_l). delta of an example is dC_x/dz: never weighted, never divided by m.
docs/derivations.md has the proofs, `components` the same equations index by index, `optimizers` the update rules.

Source: Nielsen, Neural Networks and Deep Learning, 2015, chapter 2.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chainrule.activations import Activation
from chainrule.arrays import Array, magnitude, namespace

__all__ = [
    "Layer",
    "Pass",
    "at_input",
    "backward",
    "bp1",
    "bp2",
    "bp3",
    "bp4",
    "forward",
    "gradient_norms",
    "penalty",
    "penalty_gradient",
]


class Layer(NamedTuple):
    """One layer l >= 2: its weights, biases and activation."""

    W: Array
    b: Array
    activation: Activation


class Pass(NamedTuple):
    """The result of a forward pass: Z[k] of layer k+2, A[k] of layer k+1 after dropout (A[0] is X).

    `sigma[k]` is the activation of layer k+2 before dropout; without dropout it is A[k+1].
    """

    Z: list[Array]
    A: list[Array]
    sigma: list[Array]


def forward(X: Array, layers: Sequence[Layer], keep: Sequence[Array | None] | None = None) -> Pass:
    """Z^l = A^{l-1} W^l + b^l and A^l = sigma^l(Z^l) for l = 2..L; `keep[k]` multiplies A of layer k+2 (dropout).

    >>> from chainrule.activations import ACTIVATIONS
    >>> layer = Layer(np.array([[1.0], [2.0]]), np.array([0.5]), ACTIVATIONS.get("relu"))
    >>> forward(np.array([[1.0, 1.0], [-1.0, -1.0]]), [layer]).A[-1]
    array([[3.5],
           [0. ]])
    """
    Z, A, sigma = [], [X], []
    for k, (W, b, activation) in enumerate(layers):
        Z.append(A[-1] @ W + b)
        sigma.append(activation.value(Z[-1]))
        A.append(sigma[-1] if keep is None or keep[k] is None else sigma[-1] * keep[k])
    return Pass(Z, A, sigma)


def bp1(activation: Activation, dC_dA: Array, Z: Array, A: Array) -> Array:
    """BP1, the error of the output layer: delta^L = dC_x/dA^L pulled back through sigma^L.

    For an elementwise activation this is dC_x/dA ⊙ sigma'(Z).

    >>> from chainrule.activations import ACTIVATIONS
    >>> bp1(ACTIVATIONS.get("sigmoid"), np.array([[2.0]]), np.array([[0.0]]), np.array([[0.5]]))
    array([[0.5]])
    """
    return activation.pullback(dC_dA, Z, A)


def bp2(
    activation: Activation, delta_next: Array, W_next: Array, Z: Array, A: Array, keep: Array | None = None
) -> Array:
    """BP2, the error of layer l from that of layer l+1: delta^l = (delta^{l+1} W^{l+1}ᵀ) pulled back through sigma^l.

    >>> from chainrule.activations import ACTIVATIONS
    >>> one = np.array([[1.0]])
    >>> bp2(ACTIVATIONS.get("identity"), 3 * one, np.array([[1.0], [2.0]]), np.array([[0.0, 0.0]]), np.zeros((1, 2)))
    array([[3., 6.]])
    """
    G = delta_next @ W_next.T
    return activation.pullback(G if keep is None else G * keep, Z, A)


def bp3(delta: Array, weight: Array | None = None, m: int | None = None) -> Array:
    """BP3, dC/db^l: delta for one example; sᵀ delta / m for a batch of m with weights s (m,).

    `m` is the number of rows unless it is given: 1 for the sum over the rows.

    >>> bp3(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([2., 3.])
    """
    weighted = delta if weight is None else weight[:, None] * delta
    m = delta.shape[0] if m is None else m
    return namespace(delta).sum(weighted, axis=0) / m


def bp4(A_prev: Array, delta: Array, weight: Array | None = None, m: int | None = None) -> Array:
    """BP4, dC/dW^l: a^{l-1} ⊗ delta^l for one example; A_prevᵀ (s ⊙ delta) / m for a batch of m with weights s (m,).

    `m` is the number of rows unless it is given: 1 for the sum over the rows.

    >>> bp4(np.array([[1.0, 2.0]]), np.array([[3.0]]))
    array([[3.],
           [6.]])
    """
    weighted = delta if weight is None else weight[:, None] * delta
    m = delta.shape[0] if m is None else m
    return A_prev.T @ weighted / m


def backward(
    delta_L: Array, layers: Sequence[Layer], done: Pass, keep: Sequence[Array | None] | None = None
) -> list[Array]:
    """The errors of all layers from the error of the last one, by BP2: delta[k] belongs to layer k+2.

    >>> from chainrule.activations import ACTIVATIONS
    >>> layers = [Layer(np.full((1, 1), w), np.zeros(1), ACTIVATIONS.get("identity")) for w in (2.0, 3.0)]
    >>> [float(d[0, 0]) for d in backward(np.array([[1.0]]), layers, forward(np.array([[1.0]]), layers))]
    [3.0, 1.0]
    """
    delta = [delta_L]
    for k in reversed(range(len(layers) - 1)):
        kept = None if keep is None else keep[k]
        delta.append(bp2(layers[k].activation, delta[-1], layers[k + 1].W, done.Z[k], done.sigma[k], kept))
    return delta[::-1]


def at_input(delta_2: Array, W_2: Array) -> Array:
    """BP2 for the input layer, which has no activation: dC_x/dx = delta^2 W^2ᵀ, (m, n_1).

    >>> at_input(np.array([[3.0]]), np.array([[1.0], [2.0]]))
    array([[3., 6.]])
    """
    return delta_2 @ W_2.T


def gradient_norms(A: Sequence[Array], delta: Sequence[Array], masks: Sequence[Array | None]) -> Array:
    """||dC_x/dtheta|| of every example, (m,), float64, computed without the gradients.

    By BP3 and BP4 it is the sum over the layers of ||a ⊗ delta||² = ||a||² ||delta||², with a 1 in a for the biases;
    with a mask M, of sum_ij a_i² M_ij delta_j². A[k] and delta[k] belong to layers k+1 and k+2.

    >>> gradient_norms([np.array([[2.0, 2.0]])], [np.array([[1.0, 0.0]])], [None])
    array([3.])

    Source: Goodfellow, Efficient per-example gradient computations, arXiv:1510.01799, 2015.
    """
    total: Array | float = 0.0
    for a, d, mask in zip(A, delta, masks, strict=True):
        xp = namespace(d)
        a2, d2 = a.astype(xp.float64) ** 2, d.astype(xp.float64) ** 2
        b2 = xp.sum(d2, axis=1)
        w2 = xp.sum(a2, axis=1) * b2 if mask is None else xp.sum((a2 @ mask) * d2, axis=1)
        total = total + w2 + b2
    return namespace(delta[0]).sqrt(total)


def penalty(W: Sequence[Array], alpha: float, l1: float, S: float) -> Array | float:
    """The penalty in C: alpha / (2 S) sum W^2 + l1 / S sum |W| over all weights; biases have no penalty.

    >>> float(penalty([np.array([[1.0, -2.0]])], alpha=2.0, l1=1.0, S=4.0))
    2.0
    """
    total: Array | float = 0.0
    for w in W:
        xp = namespace(w)
        total = total + 0.5 * alpha / S * xp.sum(w * w) + l1 / S * xp.sum(magnitude(w))
    return total


def penalty_gradient(W: Array, alpha: float, l1: float, S: float) -> Array:
    """The part of the penalty in dC/dW: (alpha W + l1 sign W) / S, with sign 0 = 0.

    >>> penalty_gradient(np.array([[1.0, -2.0, 0.0]]), alpha=2.0, l1=1.0, S=2.0)
    array([[ 1.5, -2.5,  0. ]])
    """
    return (alpha / S) * W + (l1 / S) * namespace(W).sign(W)
