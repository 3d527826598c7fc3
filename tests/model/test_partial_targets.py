"""A row that lacks one of several targets teaches the others, as if the target were learned from its own rows alone."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.model import TableSettings, TableTraining

N = 120
RNG = np.random.default_rng(3)
X = RNG.normal(size=(N, 2))
A = X @ [1.0, -2.0] + RNG.normal(0, 0.3, N)
B = X @ [0.5, 1.0] + RNG.normal(0, 0.3, N)
CLASS = np.where(X[:, 0] + RNG.normal(0, 0.5, N) > 0, "yes", "no")
HAS_A, HAS_B = np.arange(N) % 3 > 0, np.arange(N) % 4 > 0
EXACT = {"hidden": (), "optimizer": "lbfgs", "epochs": 300, "validation": 0.0, "tolerance": None, "seed": 1}
EXACT |= {"batch_size": None, "dtype": "float64", "patience": None}


def gaps(values, there):
    return [value if own else None for value, own in zip(values.tolist(), there, strict=True)]


def table(**targets):
    return {"x": X[:, 0], "z": X[:, 1], **targets}


def of_those(there, values):
    return {"x": X[there, 0], "z": X[there, 1], "y": values[there]}


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "a", "b"], ["a", "c", "b"]])
def test_each_target_is_learned_from_the_rows_that_have_it(order):
    whole = table(a=gaps(A, HAS_A), b=gaps(B, HAS_B), c=gaps(CLASS, HAS_B))
    together = cr.train_table(whole, order, **EXACT)
    answers, chances = together.predict(table()), together.probabilities(table())
    for name, values, there in (("a", A, HAS_A), ("b", B, HAS_B)):
        alone = cr.train_table(of_those(there, values), "y", **EXACT).predict(table())
        np.testing.assert_allclose(answers[name], alone, atol=1e-4)
    alone = cr.train_table(of_those(HAS_B, CLASS), "y", **EXACT)
    np.testing.assert_allclose(chances["c=yes"], alone.probabilities(table())["y=yes"], atol=1e-3)


def test_cells_of_rows_that_lack_a_target_change_nothing_of_it():
    """Another target's gaps do not reach a target: the same bits for it under one batch of all rows."""
    first = TableTraining(table(a=A, b=gaps(B, HAS_B)), ["a", "b"], TableSettings(**EXACT))
    assert first.rows.weight.shape == (N, 2)
    assert (first.rows.weight == np.stack([np.ones(N), HAS_B], axis=1)).all()
    assert "30 rows without b, from which the other targets are learned" in first.notes
    both = TableTraining(table(a=gaps(A, HAS_A), b=gaps(B, HAS_B)), ["a", "b"], TableSettings(**EXACT))
    assert f"{N // 12} rows lack every target and are left out" in both.notes


def test_scores_count_the_rows_that_have_the_target():
    whole = table(a=gaps(A, HAS_A), c=gaps(CLASS, HAS_B))
    model = cr.train_table(whole, ["a", "c"], epochs=20, hidden=(8,), validation=0.25, seed=0)
    scores = model.evaluate(whole)
    assert (scores["rows"], scores["without_target"]) == (N - N // 12, N // 12)
    answers = model.predict(table())
    error = (answers["a"] - A)[HAS_A]
    assert scores["targets"]["a"]["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert scores["targets"]["c"]["accuracy"] == pytest.approx(np.mean((answers["c"] == CLASS)[HAS_B]))
    assert sum(each["rows"] for each in scores["mistakes"]["c"]["classes"]) == HAS_B.sum()
    assert 0 <= model.summary["at_best_epoch"]["accuracy c"] <= 1


@pytest.mark.parametrize("class_weight", ["balanced", {"yes": 0.0}, {"yes": 3.0}])
def test_class_weights_beside_gaps(class_weight):
    training = TableTraining(
        table(c=gaps(CLASS, HAS_B), a=gaps(A, HAS_A)), ["c", "a"], TableSettings(class_weight=class_weight, hidden=(4,))
    )
    there = training.model.targets.there(training.rows.T)
    assert ((training.rows.weight[:, 2] > 0) == there[:, 1]).all()
    assert (training.rows.weight[~there[:, 0], :2] == 0).all()


def test_members_and_rows_for_the_test_take_gaps():
    whole = table(a=gaps(A, HAS_A), b=gaps(B, HAS_B))
    model = cr.train_table(whole, ["a", "b"], epochs=2, members=3, test_every=5)
    assert set(model.summary["test"]["targets"]) == {"a", "b"}
    suspects = model.suspicious(N)["suspects"]
    assert {row["targets"]["b"]["true"] is None for row in suspects} == {True, False}
