"""How long training goes on and with what rate: schedules, patience, time, the monitored value, L-BFGS, divergence."""

import contextlib
import dataclasses
import itertools
import math

import numpy as np
import pytest

from chainrule.errors import SettingError
from chainrule.network import Network
from chainrule.optimizers import LBFGS, SGD, Adam, Clip, RProp
from chainrule.schedules import SCHEDULES, Cosine, Plateau, Schedule, StepDecay
from chainrule.training import EpochEnd, Finished, Progress, Stopped, fit, train
from chainrule.training.events import Gains

RNG = np.random.default_rng(5)
N = 23
X = RNG.normal(size=(N, 4))
T = RNG.uniform(size=(N, 2))
HELD = (RNG.normal(size=(9, 4)), RNG.uniform(size=(9, 2)))


def net(sizes=(4, 6, 2), activation="tanh", **parts):
    return Network(sizes, activation, **{"dtype": "float64"} | parts)


def events(network, *data, **settings):
    return list(train(network, *(data or (X, T)), **{"batch_size": 5, "epochs": 3} | settings))


@pytest.fixture
def every_batch(monkeypatch):
    monkeypatch.setattr("chainrule.training.loop.GLANCE", 0.0)


def metric_of(values):
    """A metric that gives these values, one an epoch."""
    left = iter(values)
    return lambda A, T: next(left)


# --- schedules -----------------------------------------------------------------------------------------------------


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


# --- patience, time, what is monitored -----------------------------------------------------------------------------


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
        assert found[-2] == Stopped("patience", f"no gain in {patience} epochs")
    finite = [v for v in values[:epochs] if math.isfinite(v)]
    assert history.best_epoch == (values.index(min(finite)) if finite else -1)


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


def test_time_ends_training_between_updates(every_batch, monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("chainrule.training.loop.time.monotonic", lambda: float(next(clock)))
    found = events(net(), time=20.0, epochs=100)
    assert found[-2] == Stopped("time", "the time is over")
    assert 0 < sum(isinstance(event, Progress) for event in found) < 20


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        *[("patience", {"patience": p}) for p in (0, -1, 1.5, True, "3")],
        *[("min_delta", {"min_delta": d}) for d in (-1.0, math.nan, math.inf, None, "0")],
        *[("time", {"time": t}) for t in (0, -1.0, math.nan, "10s", True)],
        ("monitor is 'm', but must be one of cost", {"monitor": "m"}),
        ("mode", {"mode": "most"}),
        ("mode", {"mode": "max"}),
        ("named otherwise", {"metrics": {"cost": len}, "validation": HELD}),
        ("no schedule 'cosin': did you mean 'cosine'", {"schedule": "cosin"}),
        ("no schedule", {"schedule": 0.5}),
        ("needs all 23 rows", {"optimizer": RProp(), "batch_size": 5}),
        ("needs all 23 rows", {"optimizer": "lbfgs", "batch_size": 22}),
        ("dropout does not go with lbfgs", {"optimizer": "lbfgs", "dropout": 0.5}),
        ("clip does not go with lbfgs", {"optimizer": "lbfgs", "clip": Clip(norm=1.0)}),
        ("schedule does not go with lbfgs", {"optimizer": "lbfgs", "schedule": Cosine()}),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_what_makes_no_sense_is_refused_in_one_line(words, settings):
    with pytest.raises((SettingError, ValueError)) as caught:
        train(net(), X, T, **settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


# --- optimizers of all rows ----------------------------------------------------------------------------------------


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


def test_lbfgs_from_weights_whose_cost_is_not_finite_diverges_as_other_rules_do():
    far = net(output="identity", dtype="float32")
    far.theta[...] = 1e30
    before = far.theta.tobytes()
    history = fit(far, X, T, optimizer="lbfgs", epochs=5)
    assert (history.stopped, history.epochs) == ("diverged", 0)
    assert far.theta.tobytes() == before


# --- divergence ----------------------------------------------------------------------------------------------------


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


def test_what_a_callback_may_read_cannot_be_changed():
    run = train(net(), X, T)
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.settings.epochs = 3


def test_gains_are_counted_from_the_best_ever():
    history = fit(net(), X, T, epochs=2)
    for values, least, expected in [([], 0, 0), ([3, 2, 2, 2], 0, 2), ([3, 2.5, 2.4], 0.3, 1), ([math.nan], 0, 1)]:
        history.cost = values
        assert history.epochs_without_gain(least) == expected
        assert history.watched == values


def test_epochs_without_gain_are_counted_in_one_reading():
    watched, gains = [], Gains(0.1)
    for value in [math.nan, 3.0, 2.95, 2.0, math.inf, 1.9, 1.85, -math.inf, 1.0]:
        watched.append(value)
        best = [min((v for v in watched[:k] if math.isfinite(v)), default=math.inf) for k in range(len(watched))]
        gained = [k for k, v in enumerate(watched) if v < best[k] - 0.1]
        assert gains.since(watched) == len(watched) - 1 - max(gained, default=-1)


# --- the cost in training is monitored -----------------------------------------------------------------------------


def test_a_validation_set_that_is_only_looked_at_changes_no_bit():
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


def mae(A, T):
    return abs(A - T).mean()


def test_the_total_weight_divides_the_penalties_of_a_part_as_those_of_the_whole():
    whole, part = net(), net()
    settings = {"optimizer": SGD(0.5), "epochs": 1, "alpha": 0.3, "l1": 0.1, "batch_size": None}
    events(part, X[:4], T[:4], total_weight=20.0, **settings)
    g = net().gradient(X[:4], T[:4])
    W_only = np.zeros_like(g)
    for slices, W in zip(net().architecture.slices, net().W, strict=True):
        W_only[slices[0]] = (0.3 * W + 0.1 * np.sign(W)).ravel() / 20.0
    np.testing.assert_allclose(part.theta, net().theta - 0.5 * (g + W_only), rtol=1e-12)
    events(whole, X[:4], T[:4], **settings)
    assert whole.theta.tolist() != part.theta.tolist()
    for wrong in (0, -1.0, float("nan"), "4"):
        with pytest.raises(SettingError, match=r"^total_weight is [^\n]*, but must be a number above 0, or None$"):
            events(net(), total_weight=wrong)


@pytest.mark.parametrize("name", ["cost", "training"])
def test_a_metric_cannot_have_the_name_of_a_cost(name):
    with pytest.raises(SettingError, match=f"metrics is '{name}', but must be named otherwise"):
        events(net(), validation=HELD, metrics={name: mae})


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_what_diverges_beside_a_validation_set_that_is_only_looked_at_keeps_the_last_good_weights():
    settings = {"optimizer": SGD(40.0), "epochs": 60, "batch_size": 5}
    line = {"output": "identity", "cost": "quadratic", "dtype": "float64", "seed": 3}
    alone, beside = (Network([4, 2], **line) for _ in range(2))
    without = fit(alone, X, T, **settings)
    found = fit(beside, X, T, validation=HELD, monitor="training", **settings)
    assert (found.stopped, found.epochs) == ("diverged", without.epochs)
    assert found.epochs > 1
    assert beside.theta.tolist() == alone.theta.tolist()
    assert beside.theta.tolist() != Network([4, 2], **line).theta.tolist()
