"""The reasons to stop before the last epoch: cancelled, out of patience, out of time, diverged."""

import itertools
import math

import numpy as np
import pytest
from tests.training.common import HELD, T, X, batches_of, by_hand, events, metric_of, net

from chainrule.optimizers import SGD, Adam
from chainrule.schedules import StepDecay
from chainrule.training import Finished, Progress, Stopped, fit, train
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
