"""Networks trained as one: each as if it were alone, validated by the rows that it has not seen, merged exactly."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.examples import RowArrays, folds
from chainrule.model import TableSettings, TableTraining
from chainrule.model.ensemble import Ensemble
from chainrule.training import EpochEnd

SHAPES = {
    "one softmax": ([3, 5, 4, 3], ["gelu", "relu"], [("softmax", 3)], ["cross_entropy"]),
    "several blocks": ([3, 4, 5], ["silu"], [("softmax", 3), ("identity", 2)], ["cross_entropy", "quadratic"]),
    "no hidden layer": ([3, 2], [], [("identity", 2)], ["quadratic"]),
}


def members_of(shape: str, count: int = 4, rows: int = 40) -> Ensemble:
    sizes, hidden, output, costs = SHAPES[shape]
    return Ensemble(cr.Architecture.of(sizes, hidden, output, costs), count, folds(1, count, rows))


def examples(members: Ensemble, rows: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    parts = [
        np.eye(block.width)[rng.integers(block.width, size=rows)]
        if block.cost.distribution
        else rng.normal(size=(rows, block.width))
        for block in members.one.blocks
    ]
    return rng.normal(size=(rows, members.one.sizes[0])), np.hstack(parts)


def member(members: Ensemble, net: cr.Network, k: int) -> cr.Network:
    """Member k as a network of its own, cut out of the joint one."""
    parts = range(len(members.one.sizes))
    W = [net.W[l][members.part(l, k), members.part(l + 1, k)] for l in parts[:-1]]
    b = [net.b[l][members.part(l + 1, k)] for l in parts[:-1]]
    return members._network((W, b), 0, net.dtype)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_members_know_nothing_of_each_other(shape: str) -> None:
    members = members_of(shape)
    net = members.network("he_normal", 3, "float64")
    X, _ = examples(members)
    alone = [member(members, net, k) for k in range(4)]
    np.testing.assert_allclose(net.predict(X), np.hstack([one.predict(X) for one in alone]), rtol=1e-12)
    assert len({one.theta.tobytes() for one in alone}) == 4


@pytest.mark.parametrize("shape", SHAPES)
def test_a_member_has_the_gradient_of_its_own_rows_alone(shape: str) -> None:
    members = members_of(shape)
    net = members.network("he_normal", 3, "float64")
    X, T = examples(members)
    (_, targets, weight), _ = members.shared(RowArrays(X, T, None))
    g = net.gradient(X, targets, weight)
    for k in range(4):
        seen = members.fold != k
        own = member(members, net, k).gradient(X[seen], T[seen])
        given = member(members, cr.Network.from_parts(net.architecture, g), k).theta
        np.testing.assert_allclose(given, own, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_merged_gives_the_mean_of_the_members_sums(shape: str) -> None:
    members = members_of(shape)
    net = members.network("he_normal", 3, "float64")
    X, _ = examples(members)
    expected = np.ones(1)
    for start, stop in [(block.start, block.stop) for block in members.one.blocks]:
        outs = np.stack([member(members, net, k).predict(X)[:, start:stop] for k in range(4)])
        softmax = members.one.blocks[[b.start for b in members.one.blocks].index(start)].cost.distribution
        mean = np.exp(np.log(outs).mean(axis=0)) if softmax else outs.mean(axis=0)
        expected = mean / mean.sum(axis=1, keepdims=True) if softmax else mean
        np.testing.assert_allclose(members.merged(net).predict(X)[:, start:stop], expected, rtol=1e-10)


def test_the_validation_cost_and_score_are_those_of_the_members_that_have_not_seen_the_rows() -> None:
    members = members_of("one softmax")
    net = members.network("he_normal", 3, "float64")
    X, T = examples(members)
    weight = np.linspace(0.5, 2, 40)
    _, (_, targets, held) = members.shared(RowArrays(X, T, weight))
    assert members.fold is not None
    unseen = np.array([member(members, net, k).predict(X[i : i + 1])[0] for i, k in enumerate(members.fold)])
    cost = -(weight * np.log((unseen * T).sum(axis=1))).sum() / weight.sum()
    assert net.cost(X, targets, held) / 4 == pytest.approx(cost, rel=1e-12)
    score = members.unseen(lambda A, T: float((A.argmax(axis=1) == T.argmax(axis=1)).mean()))
    assert score(net.predict(X), targets) == (unseen.argmax(axis=1) == T.argmax(axis=1)).mean()


def waves(rows: int = 60) -> dict[str, object]:
    x = np.linspace(-2, 2, rows)
    return {"x": x, "z": x**2, "y": np.where(np.sin(3 * x) > 0, "up", "down"), "w": np.arange(rows) % 3}


def test_a_table_of_few_rows_is_learned_by_members_and_costs_are_their_mean() -> None:
    training = TableTraining(waves(), "y", TableSettings(epochs=3, drop="w", members=4))
    ends = [event for event in training.events() if isinstance(event, EpochEnd)]
    assert training.model.summary["members"] == 4
    assert [end.cost for end in ends] == training.model.history.cost  # type: ignore[union-attr]
    _, held = training.ensemble.shared(training.rows)
    best = training.model.history.best_epoch  # type: ignore[union-attr]
    X, T, weight = held
    assert training.network.cost(X, T, weight) / 4 == pytest.approx(ends[best].validation, rel=1e-5)
    assert [block.width for block in training.model.network.architecture.blocks] == [2]


def test_a_member_alone_in_the_table_is_the_network_that_was_asked_for() -> None:
    for settings in ({"hidden": 8}, {"validation": 0.2}, {"members": 1}):
        model = cr.train_table(waves(), "y", epochs=1, drop="w", **settings)
        assert "members" not in model.summary
    assert cr.train_table(waves(9), "y", epochs=1, drop="w").summary["validation_rows"] == 0


def test_the_least_gain_is_one_of_the_mean_of_the_members() -> None:
    table = {"x": np.arange(40.0), "y": np.sin(np.arange(40.0))}
    how = {"members": 2, "epochs": 2, "start": "random", "schedule": "constant", "learning_rate": 1e-4}
    first, second = cr.train_table(table, "y", **how).history.validation
    assert first > second
    how |= {"epochs": 4, "patience": 1, "min_delta": 1.5 * (first - second)}
    assert cr.train_table(table, "y", **how).history.epochs == 2


def test_the_least_gain_of_a_metric_is_in_its_own_unit() -> None:
    """However many members there are: their costs are summed, their metrics are not."""
    table = {"x": np.arange(40.0), "y": np.sin(np.arange(40.0))}
    how = {"members": 2, "start": "random", "schedule": "constant", "learning_rate": 1e-4, "metric": "rmse"}
    first, second = cr.train_table(table, "y", epochs=2, **how).history.metrics["rmse"]
    assert first > second
    for share, goes_on in ((0.75, True), (1.5, False)):
        stops = {"epochs": 3, "patience": 1, "min_delta": share * (first - second)}
        assert (cr.train_table(table, "y", **how, **stops).history.epochs > 2) == goes_on


def test_more_members_than_rows_are_refused() -> None:
    table = {"x": np.arange(12.0), "y": np.arange(12.0) ** 2}
    with pytest.raises(SettingError, match="members is 13, but there are 12 rows to train on"):
        cr.train_table(table, "y", members=13)


def test_members_stopped_and_resumed_have_the_same_bits(tmp_path) -> None:
    def train(path=None, stop=None, **more):
        seen = []
        training = TableTraining(waves(), "y", TableSettings(epochs=4, hidden=(8, 8), members=3, weight="w"))
        cancel = None if stop is None else lambda: len(seen) >= stop
        checkpoint = None if path is None else cr.Checkpoint(path, resume=True)
        for event in training.events(cancel, checkpoint):
            seen += [event] if isinstance(event, EpochEnd) else []
        return training.model

    whole = train()
    train(tmp_path / "c", stop=2)
    assert train(tmp_path / "c").network.theta.tobytes() == whole.network.theta.tobytes()


def test_patience_is_left_to_the_table_only_where_epochs_are() -> None:
    def found(**settings: object) -> object:
        return TableSettings(**settings).resolved(150, 4).patience

    assert [found(), found(epochs=9), found(epochs=9, patience=3), found(patience=None)] == [200, None, 3, None]
