"""Influence of rows on one answer, compared with gradients that are formed, one example at a time."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError
from chainrule.model.influence import gradient_products

RNG = np.random.default_rng(3)
MASK = [np.array([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1]]), None, None]
NETWORKS = {
    "tanh": cr.Network([3, 4, 4, 2], "tanh", "identity", seed=1, dtype="float64"),
    "masked": cr.Network([3, 4, 5, 2], "tanh", "sigmoid", masks=MASK, seed=1, dtype="float64"),
    "softmax": cr.Network([3, 4, 3, 2], ["softmax", "gelu"], "softmax", "cross_entropy", seed=1, dtype="float64"),
    "no hidden layer": cr.Network([3, 2], output="softmax", cost="cross_entropy", seed=1, dtype="float64"),
    "float32": cr.Network([3, 4, 2], "relu", "identity", seed=1),
}


def formed(net, X, T):
    """The gradient of each example, (n, P)."""
    wide = cr.Network.from_parts(net.architecture, net.theta.astype("float64"))
    return np.stack([wide.gradient(x[None], t[None]) for x, t in zip(X, T, strict=True)])


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_dot_product_of_gradients(name):
    net = NETWORKS[name]
    X, T = RNG.normal(size=(7, 3)), np.eye(2)[RNG.integers(0, 2, 7)]
    expected = formed(net, X, T) @ formed(net, X[2:3], T[2:3])[0]
    products = gradient_products(net, X, T, X[2:3], T[2:3])
    np.testing.assert_allclose(products, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())


def test_rows_beyond_a_block_count_too():
    net = NETWORKS["tanh"]
    X, T = RNG.normal(size=(1030, 3)), RNG.normal(size=(1030, 2))
    whole = gradient_products(net, X, T, X[:1], T[:1])
    np.testing.assert_allclose(whole[1020:], gradient_products(net, X[1020:], T[1020:], X[:1], T[:1]), rtol=1e-12)


@pytest.fixture(scope="module")
def table():
    x = RNG.normal(size=60)
    return {"x": x, "w": RNG.choice(["red", "blue"], 60), "y": np.where(x > 0, "up", "down")}


def test_a_model_takes_tables(table):
    model = cr.train_table(table, "y", epochs=10, members=3, dtype="float64")
    row = {name: values[4:5] for name, values in table.items()}
    influences = model.influences(table, row)
    X, T = model.encoder.encode(*encodable(model, table)), model.targets.encode(*encodable(model, table))
    expected = formed(model.network, X, T) @ formed(model.network, X[4:5], T[4:5])[0]
    np.testing.assert_allclose(influences, expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())
    assert influences[4] > 0  # the squared norm of its own gradient
    (norm,) = model.network.example_gradients(X[4:5], T[4:5]).norms()
    assert influences[4] == pytest.approx(norm**2, rel=1e-9, abs=0)


def encodable(model, table):
    from chainrule.tables.sources import as_source

    return as_source(table).table(), "float64"


def test_a_step_on_a_row_lowers_the_cost_by_its_influence(table):
    model = cr.train_table(table, "y", epochs=10, members=1, validation=0.0, dtype="float64")
    influences = model.influences(table, {name: values[:1] for name, values in table.items()})
    X, T = model.encoder.encode(*encodable(model, table)), model.targets.encode(*encodable(model, table))
    before, theta, eta = model.network.cost(X[:1], T[:1]), model.network.theta.copy(), 1e-6
    for k in range(5):
        model.network.theta = theta - eta * formed(model.network, X[k : k + 1], T[k : k + 1])[0]
        assert before - model.network.cost(X[:1], T[:1]) == pytest.approx(eta * influences[k], rel=1e-2, abs=1e-13)
        model.network.theta = theta


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"x": [1.0, 2.0], "w": ["red", "red"], "y": ["up", "up"]}, "row is a table of 2 rows, but must have 1"),
        ({"x": [1.0], "w": ["red"]}, "no target column 'y'"),
        ({"x": [1.0], "w": ["red"], "y": ["sideways"]}, "unknown class 'sideways' in row 1"),
        ({"x": [1.0], "w": ["red"], "y": [None]}, "has no value in"),
    ],
    ids=str,
)
def test_a_row_that_does_not_fit_is_refused_in_one_line(table, row, words):
    model = cr.train_table(table, "y", epochs=1, members=3)
    with pytest.raises(DataError, match=words) as error:
        model.influences(table, row)
    assert "\n" not in str(error.value)
