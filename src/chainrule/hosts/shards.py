"""Which rows belong to which shard, and which shards to which host.

    shard s of a batch of r rows    the places s r // S to (s+1) r // S - 1
    shard s of n rows               as many rows as its places in all batches of an epoch; the shards follow each other
    shards of host h                h S // N to (h+1) S // N - 1; S is a multiple of N

Where S divides the rows of a batch, shard s of n rows is s n // S to (s+1) n // S - 1. The rows of a batch come shard
by shard, and shard s of a batch takes rows of shard s of the table alone. So a row never leaves its host, and the order
of the rows depends on S and not on N.
"""

import numpy as np

from chainrule.arrays import Array
from chainrule.random import Purpose, permutation

__all__ = ["batch_edges", "host_shards", "shard_edges", "sharded_order"]


def batch_edges(rows: Array, shards: int) -> Array:
    """Where each shard of batches of so many `rows` (k,) begins, and where the last one ends, (k, S + 1).

    >>> batch_edges(np.array([8, 6]), 4)
    array([[0, 2, 4, 6, 8],
           [0, 1, 3, 4, 6]])
    """
    return np.arange(shards + 1) * np.asarray(rows)[:, None] // shards


def shard_edges(n: int, m: int, shards: int) -> Array:
    """Where each shard of n rows begins, and where the last one ends, (S + 1,); m is the number of rows of a batch.

    >>> shard_edges(10, 4, 2), shard_edges(10, 10, 3)
    (array([ 0,  5, 10]), array([ 0,  3,  6, 10]))
    """
    whole = _whole_batches(n, m)
    each, last = batch_edges(np.array([m, n - whole * m]), shards)
    return whole * each + last


def _whole_batches(n: int, m: int) -> int:
    """The number of batches of an epoch before the last one."""
    return max(0, -(-n // m) - 1)


def host_shards(host: int, hosts: int, shards: int) -> range:
    """The shards of a host; `shards` is a multiple of `hosts`.

    >>> host_shards(1, 2, 8)
    range(4, 8)
    """
    return range(host * shards // hosts, (host + 1) * shards // hosts)


def sharded_order(seed: int, epoch: int, rows: Array, shards: int, m: int, shuffle: bool = True) -> Array:
    """The rows in the order of an epoch, in batches of m: the rows of a batch come shard by shard.

    Each shard has a permutation of its own, and each batch takes the next rows of it. With one shard it is the order of
    `examples.epoch_order`.

    >>> sharded_order(0, 0, np.arange(7), 2, 4, shuffle=False)
    array([0, 1, 3, 4, 2, 5, 6])
    """
    if shards == 1:
        return rows[permutation(seed, Purpose.ORDER, epoch, len(rows))] if shuffle else rows
    n, edges, (places,) = len(rows), shard_edges(len(rows), m, shards), batch_edges(np.array([m]), shards)
    whole = _whole_batches(n, m)
    batches, last = np.empty((whole, m), rows.dtype), []
    for s in range(shards):
        part = rows[edges[s] : edges[s + 1]]
        if shuffle:
            part = part[permutation(seed, Purpose.ORDER, epoch * shards + s, len(part))]
        start, stop = places[s], places[s + 1]
        cut = whole * (stop - start)
        batches[:, start:stop] = part[:cut].reshape(whole, stop - start)
        last.append(part[cut:])
    return np.concatenate([batches.ravel(), *last])
