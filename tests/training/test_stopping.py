"""The reasons to stop before the last epoch: cancelled, out of patience, out of time, diverged."""

import itertools
import math

import numpy as np
import pytest
from scipy.sparse import csr_array
from tests.training.common import HELD, T, X, batches_of, by_hand, events, metric_of, net

from chainrule.network import Network
from chainrule.optimizers import LBFGS, SGD, Adam
from chainrule.schedules import StepDecay
from chainrule.training import EpochEnd, Finished, Progress, Stopped, fit, train
from chainrule.training.stopping import Gains

# --- cancelled, out of time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("updates", [0, 1, 7])
@pytest.mark.parametrize("validation", [None, HELD])
def test_cancel_ends_training_between_updates(updates, validation, every_batch):
    network, asked = net(), itertools.count()
    expected = by_hand(network, batches_of(0, 2), SGD(0.5))
    found = events(network, optimizer=SGD(0.5), validation=validation, cancel=lambda: next(asked) >= updates)
    assert found[-2:] == [Stopped("cancelled", "cancelled"), Finished(found[-1].history)]
    history = found[-1].history
    assert (history.stopped, history.epochs) == ("cancelled", updates // 5)
    kept = 5 if validation and updates >= 5 else updates  # the best weights, once there are any
    np.testing.assert_allclose(network.theta, expected[kept], rtol=1e-12)


def test_time_ends_training_between_updates(every_batch, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("chainrule.training.bookkeeping.time.monotonic", lambda: float(next(clock)))
    found = events(net(), time=20.0, epochs=100)
    assert found[-2] == Stopped("time", "the time is over")
    assert 0 < sum(isinstance(event, Progress) for event in found) < 20


# --- patience --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "patience", "min_delta", "epochs"),
    [
        ([5, 4, 3, 4, 4, 4, 9], 2, 0.0, 5),
        ([5, 4, 3, 4, 2, 4, 4, 9], 2, 0.0, 7),
        ([5, 4.9, 4.8, 4.7, 9], 2, 0.5, 3),
        ([math.nan, math.nan, math.nan, 1], 3, 0.0, 3),
        ([9, 3, math.nan, 2, 2, 9], 1, 0.0, 3),
        ([9, 3, math.inf, 2, 2, 2, 9], 2, 0.0, 6),
        ([5, 4, 3, 2, 1, 0, -1], 1, 0.0, 7),
    ],
)
def test_patience_ends_training_after_so_many_epochs_without_a_gain(values, patience, min_delta, epochs):
    settings = {"metrics": {"m": metric_of(values)}, "monitor": "m", "mode": "min", "validation": HELD}
    found = events(net(), epochs=7, patience=patience, min_delta=min_delta, **settings)
    history = found[-1].history
    assert history.epochs == epochs
    assert history.stopped == ("patience" if epochs < 7 else "")
    if epochs < 7:
        assert found[-2] == Stopped("patience", f"no gain in {patience} epoch{'s' * (patience > 1)}")
    finite = [v for v in values[:epochs] if math.isfinite(v)]
    assert history.best_epoch == (values.index(min(finite)) if finite else -1)


def test_without_a_validation_set_patience_watches_the_cost_in_training():
    history = fit(net(), X, T, optimizer=SGD(1e-300), epochs=9, patience=2, shuffle=False)
    assert (history.epochs, history.stopped) == (3, "patience")
    assert history.watched == history.cost


def test_going_on_after_patience_has_ended_trains_nothing():
    network = net()
    settings = {"metrics": {"m": lambda A, T: 1.0}, "monitor": "m", "validation": HELD, "patience": 2}
    first = train(network, X, T, epochs=9, **settings)
    assert list(first)[-1].history.epochs == 3
    rest = events(network, epochs=9, **settings | {"state": first.state, "batch_size": "auto"})
    assert [type(event) for event in rest[1:]] == [Stopped, Finished]
    assert rest[-1].history.epochs == 3


def test_gains_are_counted_from_the_best_ever():
    for values, least, expected in [([], 0, 0), ([3, 2, 2, 2], 0, 2), ([3, 2.5, 2.4], 0.3, 1), ([math.nan], 0, 1)]:
        assert Gains(least).epochs_without(values) == expected


def test_epochs_without_gain_are_counted_in_one_reading():
    watched, gains = [], Gains(0.1)
    for value in [math.nan, 3.0, 2.95, 2.0, math.inf, 1.9, 1.85, -math.inf, 1.0]:
        watched.append(value)
        best = [min((v for v in watched[:k] if math.isfinite(v)), default=math.inf) for k in range(len(watched))]
        gained = [k for k, v in enumerate(watched) if v < best[k] - 0.1]
        assert gains.epochs_without(watched) == len(watched) - 1 - max(gained, default=-1)


# --- divergence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("eta", [10.0, 1e8, 1e30, 1e300])
@pytest.mark.parametrize("batch_size", [5, None])
@pytest.mark.parametrize("penalty", [{}, {"alpha": 1.0}])
@pytest.mark.parametrize("activation", ["identity", "sigmoid"])
def test_training_that_diverges_stops_in_words_and_leaves_finite_weights(dtype, eta, batch_size, penalty, activation):
    network = net((4, 3, 2), activation, output="identity", dtype=dtype)
    found = events(network, 100 * X, T, optimizer=SGD(eta), batch_size=batch_size, epochs=200, **penalty)
    history = found[-1].history
    assert np.isfinite(network.theta).all()
    assert np.isfinite(history.cost).all()
    if activation == "identity" or eta >= 1e8:
        assert isinstance(found[-2], Stopped)
        assert f"no longer finite in epoch {history.epochs + 1}" in history.message
        assert "smaller learning rate" in history.message
        assert "\n" not in history.message


def test_divergence_is_explained_by_the_rate_and_the_column_that_is_not_scaled():
    far = X * [1, 1, 5000, 1]
    settings = {"optimizer": SGD(50.0), "epochs": 100}
    named = fit(net(output="identity"), far, T, **settings, feature_names=["a", "b", "income", "d"])
    assert named.stopped == "diverged"
    assert "try a smaller learning rate than 50, and standardise input 'income', which reaches" in named.message
    assert "input 3 (X[:, 2])" in fit(net(output="identity"), far, T, **settings).message
    targets = fit(net(output="identity"), X, 1e6 * T, **settings).message
    assert "standardise the targets" in targets
    plain = fit(net(output="identity"), X, T, **settings)
    assert plain.message.endswith("smaller learning rate than 50")


def test_the_rate_that_is_named_is_that_of_the_schedule():
    settings = {"schedule": StepDecay(factor=0.5, every=1), "shuffle": False, "epochs": 100}
    history = fit(net(output="identity"), X, T, optimizer=Adam(1e300), **settings)
    rate = 1e300 * 0.5**history.epochs
    assert f"than {rate:g}" in history.message


def test_where_a_line_search_sets_the_steps_no_other_rate_is_advised():
    network = net(activation="relu", output="identity", seed=0)
    history = fit(network, np.full((9, 4), 1e200), np.ones((9, 2)), optimizer="lbfgs", epochs=5)
    assert history.stopped == "diverged"
    assert "rate" not in history.message
    assert "try other first weights, or adam, and standardise input 1" in history.message


# --- a gradient that is small enough ---------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [SGD(0.5), Adam(0.05), LBFGS(tolerance=0.1)], ids=str)
@pytest.mark.parametrize(
    "more", [{}, {"alpha": 0.5, "sample_weight": [0.0, *[1.0, 2.5] * 11]}], ids=["plain", "weighted"]
)
def test_training_ends_before_the_first_epoch_with_a_small_gradient(rule, more):
    sizes, seen = [], []
    network = net((4, 2), output="identity", seed=5)
    settings = {"optimizer": rule, "batch_size": None, "epochs": 4000, "tolerance": 1e-4, **more}
    training = train(network, X, T, **settings)
    for event in training:
        if isinstance(event, EpochEnd):
            sizes.append(abs(network.gradient(X, T, **more)).max())
        seen.append(event)
    assert isinstance(seen[-2], Stopped)
    assert seen[-2].reason == training.history.stopped == "converged"
    assert seen[-2].message.startswith("converged: max|dC/dtheta| is ")
    assert seen[-2].message.endswith(" ≤ 0.0001")
    assert sizes[-1] <= 1e-4 * (1 + 1e-9)
    assert all(size > 1e-4 * (1 - 1e-9) for size in sizes[:-1])


def test_a_gradient_that_is_small_at_the_start_trains_nothing():
    history = fit(net(), X, T, tolerance=1e9)
    assert (history.epochs, history.stopped) == (0, "converged")


@pytest.mark.parametrize("stop", [0, 1, 7, 12, 16])
def test_resuming_ends_by_the_gradient_where_a_whole_training_does(stop, every_batch):
    settings = {"optimizer": SGD(0.5), "batch_size": 5, "epochs": 300, "tolerance": 2e-3, "shuffle": False}
    parts = {"sizes": (4, 2), "output": "identity"}
    whole, pieces = net(**parts), net(**parts)
    expected = fit(whole, X, np.zeros_like(T), **settings)
    assert expected.stopped == "converged"
    assert 3 < expected.epochs < 300
    first = train(pieces, X, np.zeros_like(T), **settings)
    updates = (event for event in first if isinstance(event, Progress))
    for _ in range(stop):
        next(updates)
    state = first.state
    resumed = fit(pieces, X, np.zeros_like(T), **settings, state=state)
    assert (resumed.epochs, resumed.message) == (expected.epochs, expected.message)
    assert pieces.theta.tobytes() == whole.theta.tobytes()
    further = fit(pieces, X, np.zeros_like(T), **{**settings, "tolerance": 1e-4}, state=state)
    assert further.epochs > expected.epochs


def test_a_small_gradient_within_an_epoch_ends_nothing_when_resumed(every_batch):
    """The rows pull the bias to 1/2, where the mean of all is, and then to 0 and 1."""
    rows = np.zeros((3, 1)), np.array([[0.5], [0.0], [1.0]])
    settings = {"optimizer": SGD(1.0), "batch_size": 1, "shuffle": False, "epochs": 3, "tolerance": 0.1}
    network = Network([1, 1], output="identity", initializer=([[[1.0]]], [[1.0]]), dtype="float64")
    training = train(network, *rows, **settings)
    next(event for event in training if isinstance(event, Progress))
    assert network.b[0].tolist() == [0.5]
    history = fit(network, *rows, **settings, state=training.state)
    assert (history.epochs, history.stopped) == (3, "")


def test_a_tolerance_changes_no_bit_of_the_epochs_before():
    kept = events(net(), epochs=4, optimizer=SGD(0.5), tolerance=0.0)[-1].history
    free = events(net(), epochs=4, optimizer=SGD(0.5))[-1].history
    assert kept.cost == free.cost


@pytest.mark.parametrize("weight", [None, np.r_[0.0, np.linspace(0.5, 2, 22)], np.linspace(0.5, 2, 46).reshape(23, 2)])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_gradient_of_all_rows_is_that_of_the_network(weight, sparse, monkeypatch):
    monkeypatch.setattr("chainrule.examples.examples._ROWS", 4)
    monkeypatch.setattr("chainrule.examples.sparse.PART", 200)
    network = net()
    inputs = csr_array(X) if sparse else X
    problem = train(network, inputs, T, sample_weight=weight, alpha=0.3, l1=0.1, dropout=0.5).problem
    expected = network.gradient(X, T, sample_weight=weight, alpha=0.3, l1=0.1)
    np.testing.assert_allclose(problem.gradient(network.theta), expected, rtol=1e-12, atol=1e-15)
