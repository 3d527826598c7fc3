"""A batch as S shards on D devices. The sum of the shards' gradients has the same bits for every D that divides S.

    device d of D       holds the shards d S/D to (d+1) S/D - 1, each a flat gradient of P numbers:    (S/D, P)
    all_to_all          device d has part d of the P numbers, of all S shards in their order:          (S, P/D)
    add in pairs        a binary tree: 0+1, 2+3, ... then (0+1)+(2+3), ...; an odd one goes up alone:  (P/D,)
    all_gather          every device has the sum:                                                      (P,)

Shard s of a batch of r rows has its rows s r // S to (s+1) r // S - 1, so its dropout words, its rows and its place in
the sum depend on S and not on D.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from chainrule.arrays import Array

__all__ = ["AXIS", "mesh_of", "pair_sum", "reduced"]

AXIS = "devices"


def mesh_of(devices: tuple[Any, ...]) -> Mesh:
    """The devices in a row."""
    return Mesh(np.array(devices), (AXIS,))


def pair_sum(parts: Any) -> Any:
    """The sum of parts (S, ...) over the first axis: neighbours are added, then their sums, as in a binary tree.

    >>> pair_sum(np.array([1e16, 1.0, -1e16, 1.0]))
    np.float64(0.0)
    """
    while len(parts) > 1:
        even = len(parts) // 2 * 2
        sums = parts[0:even:2] + parts[1:even:2]
        xp = jnp if isinstance(parts, jax.Array) else np
        parts = sums if even == len(parts) else xp.concatenate([sums, parts[even:]])
    return parts[0]


def reduced(gradients: Array, devices: int) -> Array:
    """The sum (P,) of flat gradients (S/D, P) of the shards on each device, in the middle of a program on D devices."""
    size = gradients.shape[1]
    padded = jnp.pad(gradients, ((0, 0), (0, -size % devices)))
    if devices == 1:
        return pair_sum(padded)
    chunks = padded.reshape(len(padded), devices, -1)
    mine = jax.lax.all_to_all(chunks, AXIS, split_axis=1, concat_axis=0, tiled=True)
    total = pair_sum(mine.reshape(-1, chunks.shape[2]))
    return jax.lax.all_gather(total, AXIS, tiled=True)[:size]
