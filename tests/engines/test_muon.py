"""Muon in every engine: networks side by side as if each were alone, and any shape."""

import itertools

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available
from chainrule.engines.moves import groups
from chainrule.model.ensemble import Ensemble

engines = pytest.mark.parametrize("engine", available())
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
RNG = np.random.default_rng(0)


def data(n_in, n_out, rows=40, dtype="float64"):
    return RNG.normal(size=(rows, n_in)).astype(dtype), RNG.normal(size=(rows, n_out)).astype(dtype)


@engines
@dtypes
def test_members_move_as_if_each_were_alone(engine, dtype):
    """Otherwise a row that a member leaves out would reach it through the others."""
    members = Ensemble(cr.Architecture.of([5, 21, 6, 2], "tanh", "identity"), 3)
    net = members.network("glorot_uniform", 0, dtype)
    alone = [members.member(net, k) for k in range(3)]
    X, T = data(5, 2, dtype=dtype)
    settings = {"optimizer": cr.Muon(0.05, weight_decay=0.1), "batch_size": 8, "epochs": 2, "engine": engine}
    cr.fit(net, X, np.tile(T, 3), **settings)
    for k, one in enumerate(alone):
        cr.fit(one, X, T, **settings)
        close = 2e-4 if dtype == "float32" else 1e-11
        np.testing.assert_allclose(members.member(net, k).theta, one.theta, rtol=0, atol=close)


@engines
@pytest.mark.parametrize("sizes", [(3, 70, 150, 2), (90, 33, 1), (17, 1, 48, 1), (1, 40, 40, 3)], ids=str)
def test_one_update_is_that_of_float64_numpy_by_an_svd(engine, sizes):
    """Each matrix of a hidden layer moves by eta sqrt(max(1, n_out / n_in)) U p(s) V, p the polynomial five times."""
    net = cr.Network(sizes, "tanh", "identity", dtype="float64", seed=3)
    X, T = data(sizes[0], sizes[-1])
    before, g = net.copy(), net.architecture.views(net.gradient(X, T, engine="reference"))[0]
    cr.fit(net, X, T, optimizer=cr.Muon(0.1, nesterov=False), batch_size=None, epochs=1, engine=engine)
    for k, (n_in, n_out) in enumerate(itertools.pairwise(sizes[:-1])):
        U, s, V = np.linalg.svd(g[k], full_matrices=False)
        s = s / np.sqrt((s**2).sum())
        for _ in range(5):
            s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
        moved = 0.1 * max(1, n_out / n_in) ** 0.5 * (U * s) @ V
        np.testing.assert_allclose(before.W[k] - net.W[k], moved, atol=1e-6)


def test_groups_are_the_connected_parts_made_consecutive():
    masks = [None, np.zeros((6, 5), bool), np.zeros((5, 3), bool)]
    masks[1][[0, 2, 3, 5], [0, 1, 3, 3]] = True  # 0-0; 2-1; 3-3, 5-3; neurons 1 and 4 lead nowhere
    masks[2][[0, 1, 3, 2], [0, 1, 2, 2]] = True
    net = cr.Architecture.of([2, 6, 5, 3], "relu", "identity", masks=masks)
    parts = [[(s.start, s.stop) for s in group] for group in groups(net)]
    assert parts[:2] == [[(0, 1), (0, 1), (0, 1)], [(1, 2), (1, 1), (1, 1)]]
    assert parts[2:] == [[(2, 3), (1, 2), (1, 2)], [(3, 6), (2, 5), (2, 3)]]
    assert list(groups(cr.Architecture.of([2, 3, 1], "relu", "identity"))) == [[slice(0, 3), slice(0, 1)]]
