"""The learning-rate range test: its rates, what it suggests, that the network keeps its weights, and refusals."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.optimizers import OPTIMIZERS
from chainrule.training.range_test import RangeTest

X = np.linspace(-1, 1, 64)[:, None]


def network():
    return cr.Network([1, 16, 1], activation="tanh", output="identity", dtype="float64")


def test_the_rates_grow_by_one_factor_and_the_network_keeps_its_weights():
    net = network()
    before = net.theta.tobytes()
    test = cr.find_learning_rate(net, X, X**2, optimizer="sgd", batch_size=16, lowest=1e-5, highest=1e-1, updates=41)
    assert net.theta.tobytes() == before
    np.testing.assert_allclose(test.rates, np.geomspace(1e-5, 1e-1, 41), rtol=1e-12)
    assert len(test.costs) == 41


def test_each_cost_is_that_of_training_at_the_rates_so_far():
    """The same updates by hand: gradient descent over all rows, at the growing rate."""
    test, net = cr.find_learning_rate(network(), X, X**2, optimizer="sgd", batch_size=None, highest=0.1), network()
    for rate, cost in zip(test.rates, test.costs, strict=True):
        assert net.cost(X, X**2) == pytest.approx(cost, rel=1e-9)
        net.theta[...] -= rate * net.gradient(X, X**2)


def test_it_ends_when_the_cost_explodes_and_again_gives_the_same():
    tests = [cr.find_learning_rate(network(), X, X**2, optimizer="sgd", highest=1e3) for _ in range(2)]
    assert tests[0] == tests[1]
    assert len(tests[0].costs) < 200
    assert tests[0].rates[-1] < 1e2


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lion", "rmsprop", cr.Muon(), cr.SGD(5.0, momentum=0.9)], ids=str)
@pytest.mark.filterwarnings("ignore:engine native has no optimizer")
def test_training_at_the_suggestion_beats_a_hundredth_and_a_thousand_times_of_it(optimizer):
    rate = cr.find_learning_rate(network(), X, X**2, optimizer=optimizer, batch_size=16).suggestion
    costs = []
    for factor in (1, 0.01, 1000):
        net, rule = network(), OPTIMIZERS.get(optimizer)
        cr.fit(net, X, X**2, optimizer=_at(rule, rate * factor), batch_size=16, epochs=5)
        costs.append(net.cost(X, X**2))
    assert costs[0] < min(costs[1:])


def _at(rule, rate):
    return type(rule)(**{k: v for k, v in rule.document().items() if k != "name"} | {"learning_rate": rate})


def test_the_suggestion_is_where_the_costs_fall_most_steeply():
    rates = np.geomspace(1e-4, 1, 100)
    costs = 1 / (1 + np.exp((np.log10(rates) + 2) * 6))  # a step at 0.01
    assert np.log10(RangeTest([*rates], [*costs]).suggestion) == pytest.approx(-2, abs=0.05)
    noisy = costs + np.random.default_rng(0).normal(size=100) * 0.1
    assert np.log10(RangeTest([*rates], [*noisy]).suggestion) == pytest.approx(-2, abs=0.4)
    assert RangeTest([*rates], [*-costs]).suggestion is None


def test_fewer_than_three_costs_have_no_suggestion():
    for n in range(3):
        test = RangeTest([10.0**k for k in range(n)], [1.0 - k / 8 for k in range(n)])
        assert test.suggestion is None
        assert len(test.smooth) == n
    assert RangeTest([1.0, 10.0, 100.0], [1.0, 0.9, 0.8]).suggestion == 10.0
    test = cr.find_learning_rate(network(), X, X**2, optimizer="sgd", lowest=0.5, highest=1e9, updates=10)
    assert (len(test.costs), test.suggestion) == (2, None)


def test_the_plot_marks_the_suggestion(tmp_path):
    test = cr.find_learning_rate(network(), X, X**2, optimizer="sgd")
    (axes,) = test.plot(tmp_path / "rates.png").axes
    assert (tmp_path / "rates.png").read_bytes().startswith(b"\x89PNG")
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == ("learning rate", "cost", "log")
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["cost of a batch"].get_ydata()) == test.costs
    assert list(lines[f"suggestion: {test.suggestion:.2g}"].get_xdata()) == [test.suggestion] * 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"lowest": 0}, "lowest is 0, but must be a number above 0"),
        ({"lowest": 1.0, "highest": 0.5}, "highest is 0.5, but must be above lowest, 1"),
        ({"updates": 3}, "updates is 3, but must be a whole number from 10"),
        ({"optimizer": "lbfgs"}, "optimizer lbfgs has no learning rate"),
        ({"schedule": "cosine"}, "schedule does not go with the search for a learning rate: leave it out"),
        ({"epochs": 3}, "epochs does not go with"),
        ({"lowest": 1e6, "highest": 1e9}, "lowest is 1000000.0, but must be lower"),
        ({"bath_size": 3}, "there is no setting 'bath_size'"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_in_one_line(settings, words):
    with pytest.raises(SettingError, match=words) as refusal:
        cr.find_learning_rate(network(), X, X**2, **{"optimizer": "sgd", **settings})
    assert "\n" not in str(refusal.value)
