"""Dropout in a compiled program: the factors of `random.dropout_factors`, for a batch whose number is traced."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from chainrule.arrays import Array
from chainrule.random import threefry, threefry_words

__all__ = ["factors", "keys"]


def keys(seed: int, hidden: int, epoch: int) -> Array:
    """The key T(seed; (layer, epoch)) of each hidden layer, (hidden, 2), uint32."""
    words = [threefry((seed & 0xFFFFFFFF, seed >> 32), (layer, epoch)) for layer in range(2, hidden + 2)]
    return np.array(words, dtype=np.uint32).reshape(hidden, 2)


def factors(p: float, key: Array, batch: Array, first: Array, shape: tuple[int, int], dtype: Any) -> Array:
    """The factors (rows, n_l) for the rows of a batch from its row `first` on; see `random.dropout_factors`."""
    rows, width = shape
    groups = -(-width // 4)
    place = (jnp.arange(rows, dtype=jnp.uint32) + first.astype(jnp.uint32)) * jnp.uint32(groups)
    places = place[:, None] + jnp.arange(groups, dtype=jnp.uint32)
    words = threefry_words(key[0], key[1], jnp.broadcast_to(batch, places.shape), places)
    halves = [half for w in words for half in (w & jnp.uint32(0xFFFF), w >> jnp.uint32(16))]
    lanes = jnp.stack(halves, axis=2).reshape(rows, groups * 4)[:, :width]
    threshold = round(65536 * (1 - p))
    return jnp.where(lanes < threshold, jnp.asarray(65536 / threshold, dtype), jnp.asarray(0, dtype))
