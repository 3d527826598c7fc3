"""Shards: which rows they have, and the order of an epoch."""

import numpy as np
import pytest

from chainrule.examples import epoch_order
from chainrule.hosts import host_shards, shard_edges, sharded_order

CASES = [(7, 4, 2), (100, 30, 4), (100, 32, 8), (10, 10, 3), (5, 8, 4), (3, 2, 4), (64, 16, 16), (1, 1, 1)]


@pytest.mark.parametrize(("n", "m", "shards"), CASES)
def test_a_batch_takes_rows_of_each_shard_for_that_shard_alone(n, m, shards):
    edges, order = shard_edges(n, m, shards), sharded_order(3, 2, np.arange(n), shards, m)
    assert sorted(order) == list(range(n))
    assert (edges[0], edges[-1]) == (0, n)
    for start in range(0, n, m):
        batch = order[start : start + m]
        for s in range(shards):
            part = batch[s * len(batch) // shards : (s + 1) * len(batch) // shards]
            assert ((part >= edges[s]) & (part < edges[s + 1])).all()


@pytest.mark.parametrize(("n", "m", "shards"), [(100, 32, 8), (96, 32, 4), (60, 30, 3)])
def test_shards_are_equal_parts_where_they_divide_the_batch(n, m, shards):
    assert shard_edges(n, m, shards).tolist() == [s * n // shards for s in range(shards + 1)]


@pytest.mark.parametrize("shuffle", [True, False])
def test_one_shard_has_the_order_of_an_epoch(shuffle):
    rows = np.arange(3, 50)
    assert (sharded_order(5, 4, rows, 1, 8, shuffle) == epoch_order(5, 4, rows, shuffle)).all()


def test_the_order_of_each_shard_is_another_in_each_epoch():
    orders = [sharded_order(0, epoch, np.arange(40), 2, 8) for epoch in range(3)]
    assert len({tuple(order) for order in orders}) == 3
    first = orders[0].reshape(5, 2, 4)
    assert not (first[:, 0].ravel() == first[:, 1].ravel() - 20).all()


@pytest.mark.parametrize(("hosts", "shards"), [(1, 1), (2, 8), (4, 4), (3, 12)])
def test_hosts_share_all_shards_in_their_order(hosts, shards):
    assert [s for host in range(hosts) for s in host_shards(host, hosts, shards)] == list(range(shards))
