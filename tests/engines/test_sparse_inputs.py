"""Sparse inputs in an engine that takes them: == the same rows stored dense, in every plan of the core."""

import numpy as np
import pytest
from scipy import sparse

from chainrule.engines import why_absent
from chainrule.examples.sparse import SparseRows
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam, AdamW, Clip, RMSProp
from chainrule.training import fit

pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")
ROWS = 600  # more than one block of the sum over a full batch
RNG = np.random.default_rng(4)
NETS = {
    "tanh": {"sizes": [7, 5, 3], "activation": "tanh", "output": "softmax", "cost": "cross_entropy"},
    "wide": {"sizes": [1300, 33, 4], "activation": "relu"},  # three blocks of places, a panel of three vectors
    "flat": {"sizes": [600, 3], "output": "identity", "cost": "quadratic"},
    "softmax inside": {"sizes": [40, 20, 9, 2], "activation": ["softmax", "gelu"]},
    "blocks": {"sizes": [30, 16, 5], "output": [("softmax", 2), ("identity", 3)], "cost": ["cross_entropy", "huber"]},
    "masked": {"sizes": [30, 16, 5], "activation": "elu", "masks": [RNG.random((30, 16)) < 0.7, None]},
}
PLANS = {
    "adam": {"optimizer": Adam()},
    "light": {"optimizer": SGD(0.1, momentum=0.9)},
    "penalties": {"optimizer": SGD(0.1), "alpha": 0.1, "l1": 0.2},
    "chunks": {"optimizer": RMSProp(), "batch_size": ROWS},
    "norm": {"optimizer": AdamW(), "clip": Clip(norm=0.3)},
    "value": {"optimizer": Adam(), "clip": Clip(value=0.01)},
    "dropout": {"optimizer": Adam(), "dropout": 0.4},
    "frozen": {"optimizer": Adam(), "rates": {"2": 0.0}},
    "threads": {"optimizer": Adam(), "threads": 2},
}


def problem(name, dtype, wide):
    net = Network(**NETS[name], seed=1, dtype=dtype)
    X = sparse.random(ROWS, net.sizes[0], 0.1, random_state=3, format="csr", dtype=wide)
    X.data -= 0.4
    T = RNG.uniform(size=(ROWS, net.sizes[-1]))
    for block in net.architecture.blocks:
        if block.cost.distribution:
            T[:, block.columns] /= T[:, block.columns].sum(axis=1, keepdims=True)
    weight = RNG.integers(0, 3, ROWS).astype(float)
    return net, X, X.toarray(), T, weight


@pytest.mark.parametrize("wide", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", NETS)
def test_predictions_costs_and_gradients_are_those_of_the_array(name, dtype, wide):
    net, X, dense, T, weight = problem(name, dtype, wide)
    assert (net.predict(X, engine="native") == net.predict(dense, engine="native")).all()
    assert (net.predict(X[5:6]) == net.predict(X)[5:6]).all()
    assert net.cost(X, T, weight, alpha=0.1) == net.cost(dense, T, weight, alpha=0.1)
    assert (net.gradient(X, T, weight, alpha=0.1) == net.gradient(dense, T, weight, alpha=0.1)).all()


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("name", NETS)
def test_training_is_that_of_the_array(name, plan):
    net, X, dense, T, weight = problem(name, "float32", "float32")
    if plan in ("dropout", "frozen") and len(net.sizes) == 2:
        pytest.skip("the plan needs a hidden layer")
    settings = {"epochs": 2, "seed": 3, "batch_size": 32, "sample_weight": weight, "engine": "native"} | PLANS[plan]
    other = net.copy()
    fit(net, X, T, **settings)
    fit(other, dense, T, **settings)
    assert (net.theta == other.theta).all()


@pytest.mark.parametrize("name", ["tanh", "masked"])
def test_examples_are_clipped_to_the_same_length(name):
    net, X, dense, T, _ = problem(name, "float64", "float64")
    other = net.copy()
    for each, rows in ((net, X), (other, dense)):
        fit(each, rows, T, epochs=2, seed=3, batch_size=32, clip=Clip(example=0.1), engine="native")
    np.testing.assert_allclose(net.theta, other.theta, rtol=1e-12)


def test_duplicates_and_unsorted_entries_are_summed_and_the_matrix_of_the_caller_stays():
    X = sparse.csr_matrix((np.array([1.0, 2.0, 4.0]), np.array([2, 0, 2]), np.array([0, 3])), shape=(1, 3))
    before = X.indices.tolist()
    compressed = SparseRows(X, np.dtype("float64")).compressed()
    assert (compressed.places.tolist(), compressed.values.tolist()) == ([0, 2], [2.0, 5.0])
    assert X.indices.tolist() == before
    net = Network([3, 2], seed=0, dtype="float64")
    assert (net.predict(X) == net.predict(X.toarray())).all()


def test_rows_without_entries_and_entries_of_zero():
    net = Network([4, 3, 2], seed=0)
    X = sparse.csr_array((3, 4), dtype="float32")
    assert (net.predict(X) == net.predict(np.zeros((3, 4), "float32"))).all()
    zero = sparse.csr_array((np.array([0.0]), np.array([1]), np.array([0, 1, 1, 1])), shape=(3, 4))
    assert (net.predict(zero) == net.predict(X)).all()
    fit(net, X, np.ones((3, 2)), epochs=1, engine="native")
    assert np.isfinite(net.theta).all()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("optimizer", [Adam(), SGD(0.1, momentum=0.9)], ids=["adam", "momentum"])
def test_batches_of_many_entries_and_of_few_learn_what_the_array_does(optimizer, threads):
    """The core makes a batch dense where few of its entries are 0: here every second one."""
    dense = RNG.normal(size=(320, 1100)) * (RNG.random((320, 1100)) < np.repeat([0.6, 0.05] * 5, 32)[:, None])
    T, nets = RNG.integers(0, 3, 320), []
    for X in (sparse.csr_matrix(dense), dense):
        nets.append(Network([1100, 20, 3], seed=1, dtype="float32", output="softmax", cost="cross_entropy"))
        fit(
            nets[-1],
            X,
            T,
            optimizer=optimizer,
            batch_size=32,
            epochs=2,
            threads=threads,
            shuffle=False,
            engine="native",
        )
    assert (nets[0].theta == nets[1].theta).all()
