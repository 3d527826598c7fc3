"""Masks of blocks, as ensembles have them: the core leaves out products of weights that stay 0, and no bit changes."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.model.ensemble import Ensemble

RNG = np.random.default_rng(5)


def ensemble(width, members, activation="gelu"):
    return Ensemble(cr.Architecture.of([7, width, width, 2], activation, "identity"), members)


def dense_twin(net):
    """The network without masks, with the same weights."""
    a = net.architecture
    blocks = [(block.activation, block.width) for block in a.blocks]
    return cr.Network(
        a.sizes, list(a.hidden), blocks, [b.cost for b in a.blocks], initializer=(net.W, net.b), dtype=net.dtype
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize(("width", "members"), [(5, 3), (40, 8), (33, 20)])  # the last with sums of several blocks
def test_zeros_that_are_left_out_change_no_bit(width, members, activation, dtype):
    net = ensemble(width, members, activation).network("he_uniform", 1, dtype)
    twin, X, T = dense_twin(net), RNG.normal(size=(41, 7)), RNG.normal(size=(41, 2 * members))
    assert (net.predict(X) == twin.predict(X)).all()
    own, dense = net.gradient(X, T), twin.gradient(X, T)
    present = own != 0
    assert present.sum() > 0.9 * (net.theta != 0).sum()
    assert (own[present] == dense[present]).all()


@pytest.mark.parametrize("optimizer", [cr.AdamW(0.01), cr.SGD(0.1, momentum=0.9)], ids=["adamw", "sgd"])
@pytest.mark.parametrize("threads", [1, 2])
def test_members_learn_together_what_they_learn_alone(optimizer, threads):
    both = ensemble(40, 4)
    net = both.network("he_uniform", 1, "float32")
    alone = [both.member(net, k) for k in range(both.count)]
    X, T = RNG.normal(size=(90, 7)).astype("f4"), RNG.normal(size=(90, 2)).astype("f4")
    settings = {
        "optimizer": optimizer,
        "batch_size": 32,
        "epochs": 3,
        "seed": 3,
        "engine": "native",
        "threads": threads,
    }
    cr.fit(net, X, np.tile(T, both.count), **settings)
    for k, member in enumerate(alone):
        cr.fit(member, X, T, **settings)
        assert (both.member(net, k).theta == member.theta).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_larger_than_a_cache_leave_out_what_a_mask_keeps_at_0(dtype):
    """Of some groups of columns the first or the last blocks of a sum are left out."""
    mask = np.abs(np.linspace(0, 1, 1300)[:, None] - np.linspace(0, 1, 400)) < 0.2
    net = cr.Network((1300, 400, 2), "relu", "identity", masks=[mask, None], seed=1, dtype=dtype)
    twin = cr.Network((1300, 400, 2), "relu", "identity", initializer=(net.W, net.b), dtype=dtype)
    X, T = RNG.normal(size=(40, 1300)).astype(dtype), RNG.normal(size=(40, 2)).astype(dtype)
    net.gradient(-X, T)  # whose sums stay in the memory that the next ones use
    own, dense = net.gradient(X, T), twin.gradient(X, T)
    assert (own[own != 0] == dense[own != 0]).all()
    assert (own != 0).sum() > 0.4 * own.size * mask.mean()
