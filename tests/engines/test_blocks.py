"""A large batch goes through a small network in blocks of rows: == the same batch in one piece, as masks need it."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from chainrule.engines import ENGINES, why_absent
from chainrule.examples.sparse import SparseRows
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, Clip, Muon, ScheduleFree
from chainrule.settings import TrainingSettings

from .conformance import bits

pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")
THREADS = [1, -1, -2, -3]  # below 0: so many for all work, however little
RNG = np.random.default_rng(2)


def every(run, X, T, order, settings):
    """The costs of all updates: a call may return before the last on a busy machine."""
    costs = np.empty(0)
    while (first := len(costs) * settings.batch_size) < len(order):
        rates = np.full(-(-(len(order) - first) // settings.batch_size), settings.optimizer.learning_rate)
        costs = np.concatenate([costs, run.steps(X, T, None, order[first:], rates, 0, len(costs))])
    return costs


def train(net, X, T, threads, batch, **settings):
    """The bits of costs, theta and slots after three batches and a short one."""
    chosen = TrainingSettings(batch_size=batch, **settings)
    object.__setattr__(chosen, "threads", threads)
    theta, rows = net.theta.copy(), 3 * batch + batch // 3
    order = np.random.default_rng(1).integers(0, len(T), rows)
    run = ENGINES["native"]().start(net.architecture, theta, chosen, float(len(T)))
    return bits(every(run, X, T, order, chosen), theta, run.state.slots)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [1024, 1537])
@pytest.mark.parametrize(
    ("sizes", "settings"),
    [
        ([5, 33, 17, 3], {"optimizer": Adam(0.01), "alpha": 0.1}),
        ([20, 40, 1], {"optimizer": SGD(0.05, momentum=0.9), "dropout": 0.2}),
        ([7, 16, 2], {"optimizer": SGD(0.05), "clip": Clip(norm=0.1), "l1": 0.1}),
        ([7, 100, 20], {"optimizer": ScheduleFree(0.01), "clip": Clip(value=0.01)}),
        ([7, 20, 20, 2], {"optimizer": Muon(0.02), "rates": {"3": 0.0}}),
    ],
    ids=["adam", "one output", "norm", "value", "matrices"],
)
def test_blocks_and_threads_change_no_bit(sizes, settings, batch, dtype):
    masks = [np.ones(shape) for shape in pairwise(sizes)]
    nets = [Network(sizes, "tanh", "identity", dtype=dtype, seed=3, masks=m) for m in (None, masks)]
    X, T = (RNG.normal(size=(3000, n)).astype(dtype) for n in (sizes[0], sizes[-1]))
    whole = train(nets[1], X, T, 1, batch, **settings)
    assert all(train(nets[0], X, T, threads, batch, **settings) == whole for threads in THREADS)


def test_sparse_rows_in_blocks_are_those_of_the_array():
    """Rows with many entries lie on both sides of a border of blocks counted from the first row of the call."""
    net, batch = Network([30, 8, 2], "relu", "identity", seed=3), 1100
    dense = RNG.normal(size=(3 * batch + batch // 3, 30)).astype(np.float32)
    full = np.zeros(len(dense), bool)
    full[batch : batch + 512] = True  # one block of the second batch, parts of two such pieces
    dense[~full] *= RNG.random(dense[~full].shape) < 0.02
    T = RNG.normal(size=(len(dense), 2)).astype(np.float32)
    settings = TrainingSettings(optimizer=Adam(0.01), batch_size=batch)
    results = []
    for X in (dense, SparseRows(sparse.csr_array(dense), np.dtype("float32")).compressed()):
        for threads in THREADS:
            object.__setattr__(chosen := dataclasses.replace(settings), "threads", threads)
            theta = net.theta.copy()
            run = ENGINES["native"]().start(net.architecture, theta, chosen, float(len(T)))
            results.append(bits(every(run, X, T, np.arange(len(T)), chosen), theta))
    assert all(one == results[0] for one in results)


@pytest.mark.parametrize("optimizer", [Adam(0.01), ScheduleFree(0.01)], ids=["adam", "averaged"])
@pytest.mark.parametrize("threads", [1, -3])
def test_what_changes_between_two_calls_counts(threads, optimizer):
    """A run copies only what has changed of theta: each change is seen, also that of the slots alone."""
    net = Network([300, 50, 33, 3], "relu", "identity", seed=3)
    X, T = RNG.normal(size=(64, 300)).astype(np.float32), RNG.normal(size=(64, 3)).astype(np.float32)
    settings = TrainingSettings(optimizer=optimizer, batch_size=64)
    object.__setattr__(settings, "threads", threads)

    def start():
        theta = net.theta.copy()
        return ENGINES["native"]().start(net.architecture, theta, settings, 64.0), theta

    def step(run, count):
        return run.steps(X, T, None, np.arange(64), np.full(1, 0.01), 0, count)

    run, theta = start()
    step(run, 0)
    for scale_theta, scale_slots in ((0.5, None), (None, 0.5)):
        if scale_theta:
            theta[100::17] *= np.float32(scale_theta)
        state = run.state
        if scale_slots:
            state = run.state = dataclasses.replace(state, slots=state.slots * np.float32(scale_slots))
        again, other = start()
        again.state = state
        assert bits(step(run, 1), theta) == bits(step(again, 1), other)
