"""Pairs of an output activation and a cost whose cost and delta are computed from Z, because A has lost precision.

At z = -1e4 a sigmoid is exactly 0, ln a is infinite, and dC/da times sigma' is infinity times 0; computed from z, both
are ordinary numbers. Four pairs are canonical (delta = A - T); the others are all pairs whose cost takes a logarithm.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from chainrule.activations.entries import ACTIVATIONS, softplus
from chainrule.arrays import Array, namespace

__all__ = ["CANONICAL", "PAIRS", "Pair", "partner"]


class Pair(NamedTuple):
    """`terms(Z, A, T)` are the terms of the cost; `delta(Z, A, T)` is dC_x/dZ, shape (m, n_L)."""

    terms: Callable[[Array, Array, Array], Array]
    delta: Callable[[Array, Array, Array], Array]


def _difference(Z: Array, A: Array, T: Array) -> Array:
    return A - T


def _log_softmax(Z: Array) -> Array:
    """ln a = z - ln sum_k e^z_k, computed from z - max z."""
    xp = namespace(Z)
    Z = Z - xp.max(Z.real, axis=1, keepdims=True)
    return Z - xp.log(xp.sum(xp.exp(Z), axis=1, keepdims=True))


def _log_one_minus_softmax(Z: Array) -> Array:
    """ln(1 - a): for the largest z of a row from the sum of the other a, else from a itself, which is <= 1/2."""
    xp = namespace(Z)
    top = _is_top(Z)
    log_a = _log_softmax(Z)
    others = xp.where(top, -xp.inf, log_a)
    second = xp.max(others.real, axis=1, keepdims=True)
    second = xp.where(second == -xp.inf, 0, second)
    of_top = second + xp.log(xp.sum(xp.where(top, 0, xp.exp(others - second)), axis=1, keepdims=True))
    return xp.where(top, of_top, xp.log1p(-xp.exp(xp.where(top, -1, log_a))))


def _is_top(Z: Array) -> Array:
    """One True in each row: the first of the largest z."""
    xp = namespace(Z)
    return xp.arange(Z.shape[1])[None, :] == xp.argmax(Z.real, axis=1)[:, None]


def _softmax_binary_terms(Z: Array, A: Array, T: Array) -> Array:
    xp = namespace(Z)
    no = xp.where(T == 1, 0, _log_one_minus_softmax(Z))
    return -xp.where(T == 0, 0, T * _log_softmax(Z)) - (1 - T) * no


def _softmax_binary_delta(Z: Array, A: Array, T: Array) -> Array:
    """delta_i = (1 - t_i) a_i - t_i (1 - a_i) + a_i sum_{j != i} (t_j - (1 - t_j) a_j / (1 - a_j)).

    The largest part of the sum, j = the top, is computed as (1 - t_j) a_j times a_i / (1 - a_j), which is at most 1.
    """
    xp = namespace(Z)
    top = _is_top(Z)
    gain = xp.where(top, T, T - (1 - T) * A / xp.where(top, 1, 1 - A))
    rest = A * (_row_sum(gain) - gain)
    from_top = _row_sum(xp.where(top, (1 - T) * A, 0)) * _share_below_top(Z, top)
    no = xp.where(top, xp.exp(_log_one_minus_softmax(Z)), 1 - A)
    return (1 - T) * A - T * no + rest - from_top


def _share_below_top(Z: Array, top: Array) -> Array:
    """a_i / (1 - a_top), the softmax of all outputs except the top; 0 for the top."""
    xp = namespace(Z)
    others = xp.where(top, -xp.inf, Z)
    second = xp.max(others, axis=1, keepdims=True)
    e = xp.exp(others - xp.where(second == -xp.inf, 0, second))
    total = _row_sum(e)
    return e / xp.where(total == 0, 1, total)


def _log_softplus(Z: Array, A: Array) -> Array:
    """ln ln(1 + e^z); z - e^z / 2 for very negative z."""
    xp = namespace(Z)
    far = Z.real < _FAR
    return xp.where(far, Z - 0.5 * xp.exp(xp.where(far, Z, _FAR)), xp.log(xp.where(far, 1, A)))


def _softplus_poisson_delta(Z: Array, A: Array, T: Array) -> Array:
    """sigma'(z) (1 - t / a); sigma' / a is 1 - e^z / 2 for very negative z."""
    xp = namespace(Z)
    far = Z.real < _FAR
    slope = -xp.expm1(-A)
    return slope - T * xp.where(far, 1 - 0.5 * xp.exp(xp.where(far, Z, _FAR)), slope / xp.where(far, 1, A))


def _row_sum(terms: Array) -> Array:
    return namespace(terms).sum(terms, axis=1, keepdims=True)


def _not(Z: Array) -> Array:
    """1 - sigmoid(z) = sigmoid(-z)."""
    return ACTIVATIONS.get("sigmoid").value(-Z)


_FAR = -20.0  # below it e^(2 z) is less than the rounding error of float64

CANONICAL: dict[tuple[str, str], Pair] = {
    ("identity", "quadratic"): Pair(lambda Z, A, T: 0.5 * (Z - T) ** 2, _difference),
    ("sigmoid", "binary_cross_entropy"): Pair(
        lambda Z, A, T: T * softplus(-Z) + (1 - T) * softplus(Z),
        _difference,
    ),
    ("softmax", "cross_entropy"): Pair(
        lambda Z, A, T: -_row_sum(T * _log_softmax(Z)),
        lambda Z, A, T: A * _row_sum(T) - T,  # the rows of T sum to 1 only up to rounding
    ),
    ("exp", "poisson"): Pair(lambda Z, A, T: A - T * Z, _difference),
}

PAIRS: dict[tuple[str, str], Pair] = {
    **CANONICAL,
    ("sigmoid", "cross_entropy"): Pair(
        lambda Z, A, T: _row_sum(T * softplus(-Z)),
        lambda Z, A, T: -T * _not(Z),
    ),
    ("sigmoid", "poisson"): Pair(
        lambda Z, A, T: A + T * softplus(-Z),
        lambda Z, A, T: (A - T) * _not(Z),
    ),
    ("softmax", "binary_cross_entropy"): Pair(_softmax_binary_terms, _softmax_binary_delta),
    ("softmax", "poisson"): Pair(
        lambda Z, A, T: A - T * _log_softmax(Z),
        lambda Z, A, T: A * _row_sum(T) - T,
    ),
    ("softplus", "poisson"): Pair(
        lambda Z, A, T: A - T * _log_softplus(Z, A),
        _softplus_poisson_delta,
    ),
}


def partner(activation: Any) -> str:
    """The name of the default cost for an output activation: that of its canonical pair, else "quadratic".

    activation: a name, a document, an object or your own function.

    >>> [partner(output) for output in ("softmax", "sigmoid", "exp", "identity", "softplus")]
    ['cross_entropy', 'binary_cross_entropy', 'poisson', 'quadratic', 'quadratic']

    Raises UnknownNameError for an unknown name, SettingError for any other value.
    """
    name = ACTIVATIONS.get(activation).name
    return next((cost for output, cost in CANONICAL if output == name), "quadratic")
