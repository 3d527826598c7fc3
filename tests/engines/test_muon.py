"""Muon in every engine: networks side by side as if each were alone, and any shape."""

import itertools
import time
from types import SimpleNamespace

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import available, choose
from chainrule.engines.moves import groups
from chainrule.model.ensemble import Ensemble
from chainrule.settings import TrainingSettings

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


class Searched(np.ndarray):
    """A mask that counts its elements that are read."""

    read = 0

    def __getitem__(self, key):
        part = np.asarray(self)[key]
        Searched.read += part.size
        return part


@pytest.mark.parametrize("n", [50, 400])
def test_the_search_for_groups_reads_each_row_and_column_of_a_band_once(n):
    band = (abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1).view(Searched)
    Searched.read = 0
    net = SimpleNamespace(sizes=(2, n, n, n), masks=(None, band, band))
    assert list(groups(net)) == [[slice(0, n)] * 3]
    assert Searched.read == 4 * n**2


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_the_finest_consecutive_ranges_without_a_weight_between_them(seed):
    draw = np.random.default_rng(seed)
    cuts = [np.sort(draw.integers(0, 13, 3)) for _ in range(3)]
    masks = [np.zeros((12, 12)), np.zeros((12, 12))]
    for k, mask in enumerate(masks):
        for rows, columns in zip(np.split(np.arange(12), cuts[k]), np.split(np.arange(12), cuts[k + 1]), strict=True):
            mask[np.ix_(rows, columns)] = draw.random((len(rows), len(columns))) < 0.4
    net = cr.Architecture.of([2, 12, 12, 12], "relu", "identity", masks=[None, *masks])
    parts = [[(s.start, s.stop) for s in group] for group in groups(net)]
    for k, mask in enumerate(masks):
        apart = np.ones((12, 12), bool)
        for part in parts:
            apart[slice(*part[k]), slice(*part[k + 1])] = False
        assert not mask[apart].any()
    for l in range(3):
        assert [start for start, _ in (part[l] for part in parts)] == [0, *(part[l][1] for part in parts[:-1])]
        assert parts[-1][l][1] == 12


@pytest.mark.skipif("native" not in available(), reason="the core is not built here")
def test_a_run_of_the_core_with_a_band_begins_about_as_fast_as_without_muon():
    n = 1000
    band = abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 1
    net = cr.Network([4, n, n, n], masks=[None, band, band], seed=0)

    def seconds(rule):
        settings = TrainingSettings(optimizer=rule, batch_size=8, threads=1, seed=0)
        began = time.process_time()
        choose("native", net.architecture).start(net.architecture, net.theta.copy(), settings, 8.0)
        return time.process_time() - began

    pairs = [(seconds(cr.Muon()), seconds(cr.Adam())) for _ in range(3)]
    assert min(muon for muon, _ in pairs) < 12 * min(adam for _, adam in pairs)
