"""Many classes: class numbers, which the core computes along the rows, == the same targets as rows of 0 and 1."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.engines import why_absent

pytestmark = pytest.mark.skipif(why_absent("native") is not None, reason="the native core is not built")
RNG = np.random.default_rng(8)
ROWS = 37  # not a multiple of any vector


def network(classes, dtype="float32", blocks=1):
    output = [("softmax", classes)] * blocks if blocks > 1 else "softmax"
    return cr.Network([6, 9, classes * blocks], "tanh", output, "cross_entropy", dtype=dtype, seed=2)


def one_hot(labels, classes):
    return np.concatenate([np.eye(classes)[labels[:, b]] for b in range(labels.shape[1])], axis=1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("classes", "blocks"), [(63, 1), (64, 1), (77, 2), (1000, 1)])
def test_costs_and_gradients_have_the_bits_of_targets_of_0_and_1(classes, blocks, dtype):
    net, X = network(classes, dtype, blocks), RNG.normal(size=(ROWS, 6))
    labels, weight = RNG.integers(0, classes, (ROWS, blocks)), RNG.uniform(0, 2, ROWS)
    T, dense = labels if blocks > 1 else labels[:, 0], one_hot(labels, classes)
    assert net.cost(X, T, weight) == net.cost(X, dense, weight)
    assert (net.gradient(X, T, weight) == net.gradient(X, dense, weight)).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_trainings_have_the_bits_of_targets_of_0_and_1(threads):
    X, labels = RNG.normal(size=(90, 6)).astype("f4"), RNG.integers(0, 300, 90)
    settings = {"optimizer": cr.Adam(0.01), "batch_size": 32, "epochs": 2, "seed": 3, "threads": threads}
    nets = []
    for T in (labels, np.eye(300, dtype="f4")[labels]):
        nets.append(network(300))
        cr.fit(nets[-1], X, T, engine="native", **settings)
    assert (nets[0].theta == nets[1].theta).all()


def test_a_cost_is_nan_where_an_output_is_not_finite():
    net = network(100)
    net.b[-1][50] = -np.inf  # of a class that no row has: 0 times the logarithm of its probability
    assert np.isnan(net.cost(RNG.normal(size=(5, 6)), np.arange(5), engine="native"))
