"""The probe: the numbers of layers and data, by hand and by other means; it changes no bit."""

import dataclasses

import numpy as np
import pytest
from sklearn import datasets

import chainrule as cr
from chainrule.training.probe import LEAST, ROWS, most_rows, probe_data, probe_layers, sample

IRIS = datasets.load_iris()
FLOWERS = (IRIS.data - IRIS.data.mean(axis=0)) / IRIS.data.std(axis=0), IRIS.target.astype(np.int32)


def test_the_rows_that_are_read_are_spread_over_all_within_bounds():
    rows = sample(np.arange(5, 10 * ROWS), ROWS)
    assert len(rows) == ROWS
    assert rows[0] == 5
    assert set(np.diff(rows)) <= {9, 10}
    assert sample(np.arange(3), ROWS).tolist() == [0, 1, 2]
    single = np.dtype("float32")
    assert most_rows(cr.Architecture.of([10**7, 1]), single) == LEAST
    assert LEAST < most_rows(cr.Architecture.of([1000, 200]), single) < ROWS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_probe_measures_the_errors_the_cost_and_the_spread(dtype):
    X, T = FLOWERS
    net = cr.Network([4, 5, 6, 3], ["tanh", "relu"], "softmax", "cross_entropy", dtype=dtype, seed=3)
    found = probe_layers(net.architecture, net.theta, X[::5], T[::5])
    by_row = np.array([net.gradient(x[None], t[None]) for x, t in zip(X[::5], T[::5], strict=True)], dtype=np.float64)
    for (_, b), rms in zip(net.architecture.slices, found["delta"], strict=True):  # a row's dC/db is its delta
        assert rms == pytest.approx(np.sqrt(np.mean(by_row[:, b] ** 2)), rel=1e-5)
    assert found["cost"] == [pytest.approx(net.cost(X[::5], T[::5]), rel=1e-5)]
    spread = net.predict(X[::5]).std(axis=0) / np.eye(3)[T[::5]].std(axis=0)
    assert found["spread"] == pytest.approx(spread, rel=1e-5)
    assert (found["rows"], found["units"]) == ([30], [5, 6])


def test_the_probe_counts_what_is_flat():
    """Weights by hand: z is the input times 1, plus biases that put neurons where they are known to be."""
    X = np.array([[-8.0], [8.0]])
    hidden = [("tanh", [0.0, 9.5, 20.0, 20.0]), ("relu", [20.0, -20.0, 0.0, 0.0])]
    for activation, b in hidden:
        net = cr.Network([1, 4, 1], activation, "identity", initializer=([np.ones((1, 4)), np.ones((4, 1))], [b, [0]]))
        found = probe_layers(net.architecture, net.theta, X, np.array([[0.0], [1.0]]))
        if activation == "tanh":  # |z| is 8 or more but for one 1.5; two neurons are on one side in both rows
            assert (found["saturated"], found["stuck"], found["dead"]) == ([7 / 8], [0.5], [0.0])
        else:  # one neuron off in both rows
            assert (found["saturated"], found["stuck"], found["dead"]) == ([0.0], [0.0], [0.25])


def test_the_probe_of_the_data_names_the_columns():
    net = cr.Architecture.of([3, 2], output=[("identity", 1), ("sigmoid", 1)], cost="quadratic")
    X = np.column_stack([np.ones(50), np.linspace(-900, 900, 50), np.sin(np.arange(50))])
    T = np.column_stack([X[:, 1] / -50, np.cos(np.arange(50)) ** 2])
    found = probe_data(net, X, T)
    assert found["inputs"][:2] == [1, pytest.approx(np.sqrt(np.mean(X[:, 1] ** 2)))]
    assert found["targets"][:2] == [0, pytest.approx(np.sqrt(np.mean(T[:, 0] ** 2)))]  # a sigmoid's has its bounds
    assert found["leaks"] == [1, 0, 50]
    assert probe_data(net, X[:10], T[:10])["leaks"] == []  # too few rows to suspect anything
    T[:, 0] += 2 * X[:, 2]  # a correlation of 0.99
    assert probe_data(net, X, T)["leaks"] == []


def test_classes_that_overlap_in_a_single_row_are_no_leak():
    X, T = FLOWERS
    net = cr.Architecture.of([4, 3], output="softmax", cost="cross_entropy")
    assert probe_data(net, X, T)["leaks"] == []
    two = T < 2  # setosa and versicolor are apart in petal length and width
    leaks = probe_data(cr.Architecture.of([4, 2], output="softmax", cost="cross_entropy"), X[two], T[two])["leaks"]
    assert leaks[::3] == [2, 3]
    X = X.copy()
    X[0, 2] = X[60, 2]
    leaks = probe_data(cr.Architecture.of([4, 2], output="softmax", cost="cross_entropy"), X[two], T[two])["leaks"]
    assert leaks[::3] == [3]


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.3}, {"optimizer": cr.LBFGS(), "batch_size": None}])
def test_the_probe_changes_no_bit(settings):
    X, T = FLOWERS
    nets = [cr.Network([4, 8, 3], output="softmax", cost="cross_entropy") for _ in range(2)]
    seen, unseen = (
        cr.fit(net, X, T, epochs=4, probe=probe, **settings) for net, probe in zip(nets, (True, False), strict=True)
    )
    assert nets[0].theta.tobytes() == nets[1].theta.tobytes()
    assert seen.probes
    assert dataclasses.replace(seen, probes={}, seconds=0.0) == dataclasses.replace(unseen, seconds=0.0)


def test_probes_go_through_a_checkpoint(tmp_path):
    X, T = FLOWERS
    whole, first, second = (cr.Network([4, 8, 3], output="softmax", cost="cross_entropy") for _ in range(3))
    expected = cr.fit(whole, X, T, epochs=4).probes
    for net, epochs in ((first, 2), (second, 4)):
        checkpoint = cr.Checkpoint(tmp_path / "c.safetensors", resume=True)
        history = cr.fit(net, X, T, epochs=epochs, checkpoint=checkpoint)
    assert history.probes == expected


def test_a_function_of_ones_own_is_probed_too():
    net = cr.Network(
        [4, 16, 3], lambda z: np.exp(-z * z), "softmax", "cross_entropy", initializer="glorot_uniform", seed=1
    )
    history = cr.fit(net, *FLOWERS, epochs=5)
    assert history.probes["end dead"] == [0.0]
    assert np.isfinite(history.probes["end delta"]).all()


@pytest.mark.parametrize("weighted", ["", "rows", "terms"])
def test_the_cost_of_the_mean_is_that_of_a_network_that_always_answers_it(weighted):
    rng = np.random.default_rng(0)
    X, T = rng.normal(size=(40, 2)), rng.uniform(size=(40, 3))
    weight = {"": None, "rows": rng.uniform(size=40), "terms": rng.uniform(size=(40, 3))}[weighted]
    held = rng.normal(size=(9, 2)), rng.uniform(size=(9, 3))
    net = cr.Network([2, 3], output="identity", dtype="float64")
    training = cr.train(net, X, T, sample_weight=weight, validation=held, epochs=1)
    probes = list(training)[-1].history.probes
    means = np.average(T, axis=0, weights=weight if weighted == "terms" else np.repeat(weight[:, None], 3, axis=1)
                       if weighted else None)  # fmt: skip
    constant = cr.Network([2, 3], output="identity", initializer=([np.zeros((2, 3))], [means]), dtype="float64")
    expected = [constant.cost(X, T, sample_weight=weight), constant.cost(*held)]
    assert probes["start mean cost"] == pytest.approx(expected, rel=1e-12)


def test_the_probe_reads_rows_of_rare_classes_and_counts_weights():
    rng = np.random.default_rng(0)
    y = (np.arange(2000) % 100 == 0).astype(np.int32)  # 20 of 2,000, few of them among any 256 rows
    X = rng.normal(size=(2000, 2))
    always = [np.zeros((2, 2))], [[1.0, 0.0]]
    net = cr.Network([2, 2], output="softmax", cost="cross_entropy", initializer=always)
    settings = {"epochs": 1, "optimizer": cr.SGD(1e-30)}
    assert cr.fit(net, X, y, **settings).probes["end classes"] == [0.0, 0.99, 20.0, 1.0]
    even = cr.fit(net, X, y, **settings, sample_weight=np.where(y == 1, 99.0, 1.0))
    assert "end classes" not in even.probes
    left_out = cr.fit(net, X, y, **settings, sample_weight=1.0 - y)
    assert "end classes" not in left_out.probes  # no row of another class has a weight


def test_neurons_with_equal_weights_are_counted():
    W = np.random.default_rng(0).normal(size=(300, 5))
    W[:, 3] = W[:, 1]
    W[1, 4], W[:, 4] = 9.0, W[:, 0]
    W[7, 4] += 1.0  # in one weight of 300
    net = cr.Network([300, 5, 1], initializer=([W, np.zeros((5, 1))], [np.zeros(5), [0.0]]))
    found = probe_layers(net.architecture, net.theta, np.ones((2, 300)), np.zeros((2, 1)))
    assert found["same"] == [0.2]
