"""Which rows belong to which shard, and which shards to which host.

    shard s of n things:   s n // S, ..., (s + 1) n // S - 1          of the rows, and of the places in a batch
    shards of host h:      h S // N, ..., (h + 1) S // N - 1          S is a multiple of N

The rows of a batch come shard by shard, and shard s of the batch takes rows of shard s of the table alone. So a row
never leaves its host, and the order of the rows depends on S, not on N.
"""

import numpy as np

from chainrule.arrays import Array
from chainrule.random import Purpose, permutation

__all__ = ["host_shards", "shard_rows", "sharded_order"]


def shard_rows(shard: int, shards: int, n: int) -> slice:
    """The places of a shard among n things.

    >>> [shard_rows(s, 3, 10) for s in range(3)]
    [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    return slice(shard * n // shards, (shard + 1) * n // shards)


def host_shards(host: int, hosts: int, shards: int) -> range:
    """The shards of a host; `shards` is a multiple of `hosts`.

    >>> host_shards(1, 2, 8)
    range(4, 8)
    """
    return range(host * shards // hosts, (host + 1) * shards // hosts)


def sharded_order(seed: int, epoch: int, rows: Array, shards: int, m: int, shuffle: bool = True) -> Array:
    """The rows in the order of an epoch in batches of m, a multiple of S: m / S rows of each shard after another.

    Each shard has a permutation of its own. The last batch has what is left of each shard, which is shard s of as many
    rows as the batch has.

    >>> sharded_order(0, 0, np.arange(7), 2, 4, shuffle=False)
    array([0, 1, 3, 4, 2, 5, 6])
    """
    parts = [rows[shard_rows(s, shards, len(rows))] for s in range(shards)]
    if shuffle:
        parts = [
            part[permutation(seed, Purpose.ORDER, epoch * shards + s, len(part))] for s, part in enumerate(parts)
        ]
    step = max(1, m // shards)
    batches = -(-len(rows) // m) if len(rows) > m else 1
    ends = [len(rows) if k == batches - 1 else (k + 1) * step for k in range(batches)]
    starts = [k * step for k in range(batches)]
    return np.concatenate([part[a:b] for a, b in zip(starts, ends, strict=True) for part in parts])
