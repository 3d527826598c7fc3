"""The end of an epoch: the scores on the validation set, and the weights to go back to."""

import math

import numpy as np
import pytest
from tests.training.common import HELD, RNG, T, X, events, mae, metric_of, net

from chainrule.engines import choose
from chainrule.network import Network
from chainrule.optimizers import SGD, Adam
from chainrule.schedules import Plateau
from chainrule.training import EpochEnd, Finished, fit, train

# --- validation and the best weights ---------------------------------------------------------------------------------


def test_validation_cost_has_no_penalty_and_metrics_see_outputs_and_targets():
    network, seen = net(), []
    metrics = {"bias": lambda A, T: (A - T).mean(), "n": lambda A, T: len(A)}
    held = (*HELD, RNG.uniform(0.5, 2, 9))
    for event in train(network, X, T, validation=held, metrics=metrics, alpha=1.0, l1=1.0, epochs=4, batch_size=5):
        if isinstance(event, EpochEnd):
            seen.append(event)
            assert event.validation == pytest.approx(network.cost(*held), rel=1e-12)
            bias = (network.predict(HELD[0]) - HELD[1]).mean()
            assert event.metrics == {"bias": pytest.approx(bias, rel=1e-12), "n": 9.0}
        elif isinstance(event, Finished):
            assert event.history.validation == [e.validation for e in seen]
            assert event.history.metrics == {name: [e.metrics[name] for e in seen] for name in metrics}


def test_the_best_weights_come_back_at_finished_and_no_sooner():
    network, thetas = net(), []
    worse = (X, 1 - T)  # the better the fit to T, the worse to 1 - T
    for event in train(network, X, T, validation=worse, optimizer=SGD(1.0), batch_size=5, epochs=4):
        if isinstance(event, EpochEnd):
            thetas.append((event.best, network.theta.copy()))
        elif isinstance(event, Finished):
            assert event.history.validation == sorted(event.history.validation)
            assert event.history.best_epoch == 0
            assert network.theta.tobytes() == thetas[0][1].tobytes()
    assert [best for best, _ in thetas] == [True, False, False, False]
    assert len({theta.tobytes() for _, theta in thetas}) == 4


@pytest.mark.parametrize("mode", ["min", "max", None])
def test_the_weights_of_the_best_value_of_the_monitored_metric_come_back(mode):
    network, thetas = net(), []
    settings = {"metrics": {"m": metric_of([2, 1, 4, 3])}, "monitor": "m", "mode": mode, "validation": HELD}
    for event in train(network, X, T, epochs=4, **settings):
        if isinstance(event, EpochEnd):
            thetas.append(network.theta.copy())
    best = 1 if mode == "min" else 2
    assert isinstance(event, Finished)
    assert (event.history.best_epoch, event.history.monitor, event.history.mode) == (best, "m", mode or "max")
    assert network.theta.tobytes() == thetas[best].tobytes()


def test_rows_of_weight_0_in_the_validation_set_do_not_count():
    s = np.array([1.0, 0, 2] * 3)
    costs = [fit(net(), X, T, validation=v).validation for v in ((*HELD, s), tuple(a[s > 0] for a in (*HELD, s)))]
    assert costs[0] == costs[1]


def test_a_validation_cost_that_is_no_number_is_never_the_best():
    network, values = net(output="identity"), iter([math.nan, 3.0, math.nan, 2.0, 2.5])
    engine = choose("reference", network.architecture)
    engine.cost = lambda *args: next(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.training.starting.choose", lambda *args: engine)
        history = fit(network, X, T, validation=HELD, epochs=5)
    assert history.best_epoch == 3


# --- a validation set that is only reported --------------------------------------------------------------------------


def test_a_validation_set_that_is_only_reported_changes_no_bit():
    settings = {"optimizer": Adam(0.1), "schedule": Plateau(0.5, 2), "epochs": 12, "patience": 3, "min_delta": 1e-2}
    alone, beside, chosen = net(), net(), net()
    without = events(alone, **settings)[-1].history
    found = events(beside, validation=HELD, monitor="training", metrics={"mae": mae}, **settings)[-1].history
    assert beside.theta.tolist() == alone.theta.tolist()
    assert (found.cost, found.rate, found.stopped) == (without.cost, without.rate, without.stopped)
    assert len(found.validation) == len(found.metrics["mae"]) == found.epochs
    assert found.best_epoch == found.epochs - 1
    events(chosen, validation=HELD, **settings)
    assert chosen.theta.tolist() != alone.theta.tolist()


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_what_diverges_beside_a_validation_set_that_is_only_reported_keeps_the_last_good_weights():
    settings = {"optimizer": SGD(40.0), "epochs": 60, "batch_size": 5}
    line = {"output": "identity", "cost": "quadratic", "dtype": "float64", "seed": 3}
    alone, beside = (Network([4, 2], **line) for _ in range(2))
    without = fit(alone, X, T, **settings)
    found = fit(beside, X, T, validation=HELD, monitor="training", **settings)
    assert (found.stopped, found.epochs) == ("diverged", without.epochs)
    assert found.epochs > 1
    assert beside.theta.tolist() == alone.theta.tolist()
    assert beside.theta.tolist() != Network([4, 2], **line).theta.tolist()


# --- the last good weights -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("epochs", [1, 2])
def test_weights_that_overflow_in_the_very_last_update_are_not_left_behind(epochs):
    network = net(output="identity", dtype="float32")
    before = network.theta.copy()
    history = fit(network, X, T, optimizer=SGD(1e300), batch_size=None, epochs=epochs)
    assert "no longer finite in epoch 1" in history.message
    assert history.epochs == 0
    assert network.theta.tobytes() == before.tobytes()


def test_divergence_goes_back_to_the_last_good_epoch():
    network, seen = net(output="identity"), []
    for event in train(network, X, T, optimizer=SGD(50.0), batch_size=5, epochs=100):
        if isinstance(event, EpochEnd):
            seen.append(network.theta.copy())
    assert len(seen) > 1
    assert network.theta.tobytes() == seen[-1].tobytes()


def test_lbfgs_from_weights_whose_cost_is_not_finite_diverges_as_other_rules_do():
    far = net(output="identity", dtype="float32")
    far.theta[...] = 1e30
    before = far.theta.tobytes()
    history = fit(far, X, T, optimizer="lbfgs", epochs=5)
    assert (history.stopped, history.epochs) == ("diverged", 0)
    assert far.theta.tobytes() == before
