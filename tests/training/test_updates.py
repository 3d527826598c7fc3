"""The updates of an epoch: what they descend, at which learning rates, and that no bit depends on how they are cut."""

import contextlib
import dataclasses
import itertools
import math

import numpy as np
import pytest
from tests.training.common import EVERYTHING, HELD, N, S, T, X, events, metric_of, net, trained

from chainrule.network import Network
from chainrule.optimizers import LBFGS, SGD, Adam, RProp
from chainrule.schedules import SCHEDULES, Plateau, Schedule, StepDecay
from chainrule.training import EpochEnd, Progress, fit, train


@pytest.mark.parametrize("seconds", [0.0, 1e-4, 1e3])
def test_how_long_a_call_of_the_engine_takes_changes_no_bit(seconds, monkeypatch):
    expected = trained(**EVERYTHING)
    monkeypatch.setattr("chainrule.training.updates.CALL_SECONDS", seconds)
    assert trained(**EVERYTHING) == expected


# --- what is optimised -----------------------------------------------------------------------------------------------


def test_the_cost_of_an_epoch_is_that_of_its_definition():
    """A line a = w x + b, batches (x1, x2) and (x3), plain descent: every number by hand."""
    x, t, s, eta, alpha, l1 = (1.0, 2.0, 3.0), (2.0, 2.0, 5.0), (1.0, 2.0, 3.0), 0.01, 0.6, 0.3
    w, b, total, expected = 0.5, 0.25, sum(s), []
    for _ in range(2):
        cost = 0.0
        for batch in ((0, 1), (2,)):
            scaled = [s[i] * 3 / total for i in batch]
            errors = [w * x[i] + b - t[i] for i in batch]
            cost += sum(k * e**2 / 2 for k, e in zip(scaled, errors, strict=True))  # |B| c_k: the sum over the batch
            dw = sum(k * e * x[i] for k, e, i in zip(scaled, errors, batch, strict=True)) / len(batch)
            db = sum(k * e for k, e in zip(scaled, errors, strict=True)) / len(batch)
            w, b = w - eta * (dw + (alpha * w + l1 * math.copysign(1, w)) / total), b - eta * db
        expected.append(cost / 3 + alpha / (2 * total) * w**2 + l1 / total * abs(w))
    line = Network([1, 1], output="identity", initializer=([[[0.5]]], [[0.25]]), dtype="float64")
    data = [[v] for v in x], [[v] for v in t]
    settings = {"optimizer": SGD(eta), "batch_size": 2, "shuffle": False, "alpha": alpha, "l1": l1}
    history = fit(line, *data, epochs=2, sample_weight=s, **settings)
    assert history.cost == pytest.approx(expected, rel=1e-13)
    assert line.theta.tolist() == pytest.approx([w, b], rel=1e-13)


@pytest.mark.parametrize("weight", [None, S, np.stack([S, 2 * S], axis=1)], ids=["none", "rows", "terms"])
def test_a_full_batch_descends_the_cost_of_the_network_itself(weight):
    settings = {"alpha": 0.3, "l1": 0.05}
    expected, network = net(), net()
    for _ in range(3):
        expected.theta -= 0.5 * expected.gradient(X, T, weight, **settings)
    before = network.cost(X, T, weight)
    history = fit(network, X, T, optimizer=SGD(0.5), batch_size=None, epochs=3, sample_weight=weight, **settings)
    np.testing.assert_allclose(network.theta, expected.theta, rtol=1e-12, atol=1e-14)
    first = net()
    fit(first, X, T, optimizer=SGD(0.5), batch_size=None, epochs=1, sample_weight=weight, **settings)
    total = N if weight is None else weight.reshape(N, -1).mean(axis=1).sum()
    assert history.cost[0] == pytest.approx(
        before + first.architecture.penalty(first.theta, 0.3, 0.05, total), rel=1e-12
    )


@pytest.mark.parametrize("optimizer", [SGD(0.5), SGD(0.1, momentum=0.9), Adam(0.01)], ids=str)
@pytest.mark.parametrize("terms", [False, True])
def test_weight_2_is_the_row_twice_under_a_full_batch(optimizer, terms):
    s = np.tile([1, 2, 3], 8)[:N]
    weight = np.stack([s, s], axis=1) if terms else s
    twice = np.repeat(np.arange(N), s)
    a, b = net(), net()
    settings = {"optimizer": optimizer, "batch_size": None, "epochs": 5, "alpha": 0.2, "l1": 0.02}
    costs = [fit(a, X, T, sample_weight=weight, **settings).cost, fit(b, X[twice], T[twice], **settings).cost]
    np.testing.assert_allclose(costs[0], costs[1], rtol=1e-12)
    np.testing.assert_allclose(a.theta, b.theta, rtol=0, atol=1e-12 * np.abs(b.theta).max())


def test_the_decay_of_a_weight_does_not_depend_on_the_batch_size():
    """Where the cost does not move a weight, every update multiplies it by 1 - eta alpha / S."""
    for m in (1, 5, None):
        network = net(output="identity", initializer="he_normal")
        network.W[1][...] = network.b[1][...] = 0
        W = network.W[0].copy()
        zeros = np.zeros_like(T)
        fit(network, X, zeros, optimizer=SGD(0.1), batch_size=m, epochs=2, alpha=0.5)
        updates = 2 * -(-N // (m or N))
        np.testing.assert_allclose(network.W[0], W * (1 - 0.1 * 0.5 / N) ** updates, rtol=1e-12)


# --- schedules -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SCHEDULES.names())
def test_every_schedule_gives_each_update_its_rate(name, every_batch):
    rule, schedule = SGD(0.25), SCHEDULES.get(name)
    found = events(net(), optimizer=rule, schedule=name, epochs=4)
    rates = [event.rate for event in found if isinstance(event, Progress)]
    costs, expected = found[-1].history.cost, []
    for epoch in range(4):
        expected += (0.25 * schedule.factors(5 * epoch, 5, 5, 20, costs[:epoch])).tolist()
    assert rates == expected
    assert found[-1].history.rate == expected[4::5]


def test_a_schedule_is_what_halving_the_rate_by_hand_is():
    whole, pieces = net(), net()
    fit(whole, X, T, optimizer=SGD(0.5), schedule=StepDecay(factor=0.5, every=1), epochs=3, batch_size=5, shuffle=False)
    for rate in (0.5, 0.25, 0.125):
        fit(pieces, X, T, optimizer=SGD(rate), epochs=1, batch_size=5, shuffle=False)
    assert whole.theta.tobytes() == pieces.theta.tobytes()


def test_a_plateau_sees_the_validation_cost_or_the_metric_that_is_monitored():
    schedule, worse = Plateau(factor=0.5, patience=1), metric_of(range(10, 0, -1))
    settings = {"schedule": schedule, "optimizer": SGD(0.25), "validation": HELD, "epochs": 4}
    history = fit(net(), X, T, **settings, metrics={"score": worse}, monitor="score")
    assert history.watched == [-10, -9, -8, -7]
    assert history.rate[0] == 0.25
    assert history.rate[-1] < 0.25
    better = fit(net(), X, T, **settings, metrics={"score": metric_of(range(4))}, monitor="score")
    assert better.rate == [0.25] * 4


@dataclasses.dataclass(frozen=True)
class Alternating(Schedule):
    name = "alternating"

    def factors(self, first, count, per_epoch, total, watched):
        return np.arange(first, first + count) % 2.0


def test_a_schedule_of_ones_own_is_followed(every_batch):
    found = events(net(), optimizer=SGD(0.5), schedule=Alternating(), epochs=1)
    assert [event.rate for event in found if isinstance(event, Progress)] == [0.0, 0.5, 0.0, 0.5, 0.0]


# --- optimizers of all rows ------------------------------------------------------------------------------------------


def test_rprop_takes_all_rows_by_itself():
    found = events(net(), optimizer=RProp(), batch_size="auto", epochs=30)
    assert found[0].batches == 1
    assert found[-1].history.cost[-1] < 0.5 * found[-1].history.cost[0]


@pytest.mark.parametrize("weight", [None, np.r_[0.0, np.arange(1.0, N)]], ids=["all", "weighted"])
def test_lbfgs_comes_to_the_minimum_of_the_objective(weight):
    """A line has one minimum, that of the weighted least squares with alpha: solved apart."""
    line = Network([4, 2], output="identity", dtype="float64", seed=2)
    history = fit(line, X, T, optimizer="lbfgs", epochs=200, sample_weight=weight, alpha=0.5)
    s = np.ones(N) if weight is None else weight
    total, A = s.sum(), np.hstack([X, np.ones((N, 1))])
    decay = np.diag([0.5] * 4 + [0.0]) / total
    exact = np.linalg.solve((A.T * s) @ A / total + decay, (A.T * s) @ T / total)
    np.testing.assert_allclose(np.vstack([line.W[0], line.b[0]]), exact, atol=2e-5)
    assert history.stopped == "converged"
    assert line.cost(X, T, weight, alpha=0.5) == pytest.approx(history.cost[-1], rel=1e-6)


def test_lbfgs_counts_an_iteration_as_an_epoch_and_is_ahead_of_plain_descent():
    a, b = net(), net()
    found = events(a, optimizer=LBFGS(memory=5), batch_size="auto", epochs=12)
    costs = [event.cost for event in found if isinstance(event, EpochEnd)]
    assert len(costs) == 12
    assert costs == sorted(costs, reverse=True)
    assert costs[0] == pytest.approx(net().cost(X, T), rel=1e-12)
    assert a.cost(X, T) < costs[-1] < fit(b, X, T, optimizer=SGD(0.5), batch_size=None, epochs=12).cost[-1]


def test_lbfgs_ends_where_it_was_told_to():
    endless = fit(net(), X, T, optimizer=LBFGS(), epochs=200).epochs
    rough = fit(net(), X, T, optimizer=LBFGS(reduction=1e-3), epochs=200)
    loose = fit(net(), X, T, optimizer=LBFGS(tolerance=1e-2), epochs=200)
    bounded = fit(net(), X, T, optimizer=LBFGS(evaluations=6), epochs=200)
    assert max(rough.epochs, loose.epochs) < endless
    assert (rough.stopped, loose.stopped) == ("converged", "converged")
    assert 2 <= bounded.epochs <= 6
    assert (bounded.stopped, "more than allowed" in bounded.message) == ("evaluations", True)


@pytest.mark.parametrize("leave", ["break", "cancel", "error"])
def test_leaving_lbfgs_leaves_current_weights(leave):
    network, asked = net(), itertools.count()

    def cancel():
        if leave == "error" and next(asked) == 3:
            raise RuntimeError("from the caller")
        return leave == "cancel" and next(asked) == 3

    run = train(network, X, T, optimizer="lbfgs", epochs=50, cancel=cancel)
    with contextlib.suppress(RuntimeError):
        for event in run:
            if leave == "break" and isinstance(event, EpochEnd) and event.epoch == 2:
                break
    assert network.cost(X, T) < net().cost(X, T)
    assert run.state.run.theta.tobytes() == network.theta.tobytes()
