"""Forward and backward passes over blocks of rows, outside of a run: predictions, costs, gradients, ledgers.

A program is compiled for blocks of a fixed number of rows, so that a row has the same bits in every call.
"""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from chainrule.arrays import Array
from chainrule.backprop import split_weight
from chainrule.engines.base import BLOCK
from chainrule.engines.xla.program import gradient_of
from chainrule.engines.xla.structure import Structure
from chainrule.equations import Pass, backward, forward, gradient_norms

__all__ = ["MANY", "ROWS", "back", "gradient", "norms", "outputs", "padded", "padded_blocks"]

ROWS = 128  # of a block of predictions, whose products are all of this shape
MANY = 16  # blocks of predictions in one call


def padded_blocks(n: int, rows: int = BLOCK) -> Iterator[tuple[slice, int]]:
    """Rows 0 to n-1 in blocks, and the rows with which each is computed: a power of two, the same for all if several.

    >>> [(b.start, b.stop, rows) for b, rows in padded_blocks(1030)], [rows for _, rows in padded_blocks(20)]
    ([(0, 1024, 1024), (1024, 1030, 1024)], [32])
    """
    size = rows if n > rows else max(16, 1 << (n - 1).bit_length())
    return ((slice(start, min(start + rows, n)), size) for start in range(0, n, rows))


@functools.partial(jax.jit, static_argnums=0)
def outputs(structure: Structure, leaves: tuple[Array, ...], X: Array, count: Array) -> Pass:
    """Z, A and sigma of the first `count` blocks of X (blocks, ROWS, n_1), each (blocks, ROWS, n_l)."""
    dtype, layers = leaves[0].dtype, structure.layers(leaves)

    def block(k: Array, done: Pass) -> Pass:
        of_block = forward(X[k], layers)
        return jax.tree.map(lambda all_, one: all_.at[k].set(one), done, of_block)

    shape = jax.eval_shape(lambda x: forward(x, layers), jax.ShapeDtypeStruct(X.shape[1:], dtype))
    empty = jax.tree.map(lambda part: jnp.zeros((len(X), *part.shape), part.dtype), shape)
    return jax.lax.fori_loop(0, count, block, empty)


@functools.partial(jax.jit, static_argnums=0)
def back(
    structure: Structure, leaves: tuple[Array, ...], X: Array, T: Array, weight: Array | None, keep: Any
) -> tuple[Pass, list[Array], Array]:
    """The forward pass of a block of rows, the errors of all layers, and C_x of each row, float64."""
    a, layers, (_, term_weight) = structure.architecture, structure.layers(leaves), split_weight(weight)
    T = a.one_hot(T, leaves[0].dtype)
    done = forward(X, layers, keep)
    delta = backward(a.delta_L(done.Z[-1], done.sigma[-1], T, term_weight), layers, done, keep)
    return done, delta, a.costs(done.Z[-1], done.sigma[-1], T, term_weight).astype(jnp.float64)


@functools.partial(jax.jit, static_argnums=(0, 1))
def gradient(
    structure: Structure, squares: bool, leaves: tuple[Array, ...], X: Array, T: Array, weight: Array | None, s: Array
) -> tuple[Array, ...]:
    """The sum over a block of rows with weights s (m,) of the gradient, or of its squares; W and b of each layer."""
    done, delta, _ = back(structure, leaves, X, T, weight, None)
    A = done.A[:-1]
    if squares:
        A, delta = [a * a for a in A], [d * d for d in delta]
    return gradient_of(structure, A, delta, s)


@functools.partial(jax.jit, static_argnums=0)
def norms(structure: Structure, leaves: tuple[Array, ...], X: Array, T: Array, weight: Array | None) -> Array:
    """||dC_x/dtheta|| of each row of a block, float64."""
    done, delta, _ = back(structure, leaves, X, T, weight, None)
    return gradient_norms(done.A[:-1], delta, structure.architecture.masks)


def padded(array: Array, rows: int) -> Array:
    """An array with its first row repeated after it, so that it has `rows` of them."""
    if len(array) == rows:
        return array
    return np.concatenate([array, np.repeat(array[:1], rows - len(array), axis=0)])
