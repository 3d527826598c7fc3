"""Members of other trials that join an ensemble: what joins, on which rows that is decided, and what the model is."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.examples import RowArrays
from chainrule.model import TableSettings, TableTraining, preparation, trials
from chainrule.model.blend import Tried, joining, members_on
from chainrule.model.ensemble import Ensemble, on_inputs
from chainrule.model.members import members_of
from chainrule.random import as_seed

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 3))
ROWS = RowArrays(X, (X[:, :1] + X[:, 1:2]) / 2, None)


def linear(inputs: int, place: int, slope: float) -> cr.Network:
    """x[place] times a slope, by two neurons of relu."""
    W = [np.zeros((inputs, 2)), np.array([[slope], [-slope]])]
    W[0][place] = 1, -1
    return cr.Network([inputs, 2, 1], "relu", "identity", initializer=(W, [np.zeros(2), np.zeros(1)]), dtype="float64")


def tried(place: int, slope: float, places=None) -> Tried:
    """Two of four members, all of which answer slope times an input; the mean of the first two inputs is the target."""
    one = linear(3 if places is None else len(places), place, slope)
    half = Ensemble(one.architecture, 2, np.arange(60) % 4)
    return Tried(half, half._joined([one, one], 0, "float64"), None if places is None else np.array(places), 1.0)


def test_a_trial_joins_whose_mean_with_the_best_costs_less() -> None:
    first, second, wrong = tried(0, 1.0), tried(1, 1.0), tried(2, 50.0)
    assert joining(first, [wrong, second], 4, ROWS) == [second]
    assert joining(first, [wrong], 4, ROWS) == []
    assert joining(first, [second._replace(cost=np.inf)], 4, ROWS) == []
    assert joining(first._replace(cost=np.inf), [second], 4, ROWS) == []


def test_there_are_at_most_twice_as_many_members() -> None:
    first, second = tried(0, 1.0), tried(1, 1.0)
    rows = RowArrays(X, X[:, 1:2], None)
    assert joining(first, [second, second, second], 4, rows) == [second, second]
    assert joining(first, [second], 1, ROWS) == []


def test_only_rows_that_a_member_has_not_seen_decide() -> None:
    """Rows of the other folds are learned by both trials: what is there, and what lies in them, must not count."""
    first, second = tried(0, 1.0), tried(1, 1.0)
    seen = np.arange(60) % 4 >= 2
    T = np.where(seen[:, None], -1e6, ROWS.T)
    Z = np.where(seen[:, None], 1e6, X)
    assert joining(first, [second], 4, RowArrays(Z, T, None)) == [second]
    weight = np.where(seen, 1.0, 0.0)
    assert joining(first, [second], 4, RowArrays(X, ROWS.T, weight)) == [], "no cost is left to gain"


def test_a_row_is_answered_by_the_member_that_leaves_it_out() -> None:
    """Each member answers the rows of its own fold well and all others wildly."""
    fold, m = np.arange(60) % 4, X[:, 1]
    Z = np.stack([X[:, 0], np.where(fold == 0, m, 1e3), np.where(fold == 1, m, 1e3)], axis=1)
    first, members = tried(0, 1.0), [linear(3, 1, 1.0), linear(3, 2, 1.0)]
    second = Tried(first.ensemble, first.ensemble._joined(members, 0, "float64"), None, 1.0)
    assert joining(first, [second], 4, RowArrays(Z, ((X[:, 0] + m) / 2)[:, None], None)) == [second]


def test_members_of_fewer_inputs_join_as_networks_of_all() -> None:
    narrow = tried(1, 1.0, places=(0, 1))
    wide = members_on([narrow], 3)
    assert [net.sizes[0] for net in wide] == [3, 3]
    assert wide[0].predict(X)[:, 0] == pytest.approx(X[:, 1])


@pytest.mark.parametrize("places", [None, [2, 0]])
def test_the_merged_network_is_the_mean_of_all_members(places) -> None:
    width = 3 if places is None else 2
    one = cr.Architecture.of([width, 4, 4, 2], "gelu", "softmax", "cross_entropy")
    own = Ensemble(one, 3)
    network = own.network("he_uniform", 1, "float64")
    more = [cr.Network([3, 4, 4, 2], "gelu", "softmax", "cross_entropy", seed=k, dtype="float64") for k in (8, 9)]
    ensemble = Ensemble(one, 3, None, tuple(more), None if places is None else np.array(places))
    merged = ensemble.merged(network)
    apart = [own.member(network, k).predict(ensemble.seen(X)) for k in range(3)] + [net.predict(X) for net in more]
    mean = np.exp(np.mean(np.log(apart), axis=0))
    assert merged.predict(X) == pytest.approx(mean / mean.sum(axis=1, keepdims=True), rel=1e-12)
    logs = np.log(members_of(ensemble, network).outputs(merged, X))
    assert np.exp(logs) == pytest.approx(np.stack(apart, axis=1), rel=1e-9)
    network.theta = network.theta * 1.5
    ensemble.update(merged, network)
    assert (merged.theta == ensemble.merged(network).theta).all()


def test_members_join_that_see_other_inputs_of_the_same_column(monkeypatch, tmp_path) -> None:
    """The best trial has values of one number, another the squares of all: the model has both, each member its own."""
    draw, n = np.random.default_rng(4), 200
    rows = {"a": np.arange(n) % 17, "b": draw.normal(size=n), "c": draw.normal(size=n), "y": draw.normal(size=n)}
    trained_on = []

    def trained(ensemble, rows, held_out, settings, cancel):
        trained_on.append(rows.X)
        network = ensemble.network(settings.first_weights, as_seed(settings.seed), settings.dtype)
        cost = {9: 2.0, 3: 1.5, 20: 1.0}[rows.X.shape[1]] + (settings.rule.weight_decay < 1)
        return network, trials.Outcome(cost, settings.epochs - 1)

    monkeypatch.setattr(trials, "_trained", trained)
    monkeypatch.setattr(trials, "joining", lambda best, others, count, rows: list(others[:1]))
    monkeypatch.setattr(preparation, "worth_trials", lambda encoder, *rows: encoder)
    training = TableTraining(rows, "y", TableSettings(seed=1, patience=2, threads=1))
    squares, _, values, _ = trained_on
    kinds = [transform.kind for transform in training.model.encoder.transforms]
    assert kinds == ["curved valued", "curved", "curved"]
    X, further = training.rows.X, training.ensemble.further[0]
    assert (training.ensemble.seen(X) == values).all()
    assert (X[:, further.W[0].any(axis=1)] == squares).all()
    assert len(list(training.events())) > 2
    answers = training.model.predict(rows)
    training.model.save(tmp_path / "m.safetensors")
    assert (cr.load(tmp_path / "m.safetensors").predict(rows) == answers).all()


def test_a_network_on_more_inputs_answers_the_same() -> None:
    net = cr.Network([2, 3, 1], "gelu", "identity", seed=3)
    wide = on_inputs(net, np.array([2, 0]), 3)
    assert wide.predict(X) == pytest.approx(net.predict(X[:, [2, 0]]), rel=1e-5, abs=1e-6)
    assert not wide.W[0][1].any()
    assert on_inputs(net, None, 2) is net


@pytest.fixture(params=["squares", "plain"])
def blended(request, monkeypatch):
    """A short training whose trials say that all that was tried joins, and which inputs are the best."""
    plain = request.param == "plain"

    def trained(ensemble, rows, held_out, settings, cancel):
        network = ensemble.network(settings.first_weights, as_seed(settings.seed), settings.dtype)
        narrow = rows.X.shape[1] == 3
        cost = (1.0 if narrow == plain else 2.0) + (settings.rule.weight_decay < 1)
        return network, trials.Outcome(cost, settings.epochs - 1)

    monkeypatch.setattr(trials, "_trained", trained)
    monkeypatch.setattr(trials, "joining", lambda best, others, count, rows: list(others[:1]))
    y = DRAW.normal(size=60)
    rows = dict(zip("abc", X.T, strict=True)) | {"y": y}
    training = TableTraining(rows, "y", TableSettings(seed=1, patience=2, threads=1))
    assert (training.ensemble.count, len(training.ensemble.further)) == (8, 4)
    assert (training.ensemble.places is None) != plain
    return training, rows


def test_a_table_is_trained_with_further_members(blended, tmp_path) -> None:
    training, rows = blended
    list(training.events())
    model, ensemble = training.model, training.ensemble
    assert model.encoder.width == model.network.sizes[0] == training.rows.X.shape[1] == 9
    assert (model.network.theta == ensemble.merged(training.network).theta).all()
    assert model.summary["members"] == 8
    assert model.summary["members_of_trials"] == 4
    assert model.out_of_fold.members.count == 12
    A = np.stack([ensemble.member(training.network, k).predict(ensemble.seen(training.rows.X)) for k in range(8)])
    assert model.out_of_fold.A[:, 0] == pytest.approx(A[ensemble.fold, np.arange(60), 0], rel=1e-4, abs=1e-5)
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    new = {name: rows[name] for name in "abc"}
    assert (again.predict(new) == model.predict(new)).all()
    low, high = again.predict_interval(new, coverage=0.8).T
    assert (low < high).all()
    assert isinstance(training.findings(), list)


def test_a_stopped_training_has_further_members_too(blended) -> None:
    training, _ = blended
    events = training.events()
    for event in events:
        if isinstance(event, cr.EpochEnd):
            break
    assert (training.model.network.theta == training.ensemble.merged(training.network).theta).all()
    assert set(training.scores())
