"""Suspect rows by estimators: the scores of a model of the same table, and which rows are recognised."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.errors import DataError, SettingError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 3))
CLASSES = np.array(["low", "middle", "high"])[np.digitize(X[:, 0], [-0.5, 0.5])]
NUMBERS = X[:, 0] * 2 + X[:, 1] ** 2
TABLE = {f"x{k}": X[:, k] for k in range(3)}


def tabular(y, **settings):
    kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
    return kind(preset="tabular", **{"max_iter": 10, "random_state": 3} | settings)


def plain(suspects):
    """What a user reads, without the name of the target."""
    return [(each["row"], each["score"], *each["targets"].values()) for each in suspects["suspects"]]


@pytest.mark.parametrize("y", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_the_scores_are_those_of_a_model_of_the_same_table(y):
    model = cr.train_table({**TABLE, "y": y}, "y", epochs=10, seed=3)
    mlp = tabular(y).fit(X, y)
    ours, theirs = mlp.suspicious(X, y, n=9), model.suspicious(9)
    assert (ours["method"], ours["rows"]) == (theirs["method"], theirs["rows"])
    assert ours["method"] == "out-of-fold cost of 8 members"
    assert plain(ours) == plain(theirs)


@pytest.mark.parametrize("y", [CLASSES, NUMBERS], ids=["classes", "numbers"])
def test_other_rows_are_scored_by_their_cost_as_a_model_does(y):
    model = cr.train_table({**TABLE, "y": y}, "y", epochs=10, seed=3)
    other = {name: values[:40] for name, values in {**TABLE, "y": y}.items()}
    ours, theirs = tabular(y).fit(X, y).suspicious(X[:40], y[:40]), model.suspicious(source=other)
    assert (ours["method"], theirs["method"], ours["rows"]) == ("cost", "cost", 40)
    assert [each[:2] for each in plain(ours)] == [each[:2] for each in plain(theirs)]


def test_a_wrong_label_comes_first_and_shows_what_was_predicted():
    y = CLASSES.copy()
    clear = int(np.argmax(X[:, 0]))
    y[clear] = "low"
    suspect = tabular(y, max_iter=30).fit(X, y).suspicious(X, y, n=1)["suspects"][0]
    assert suspect["row"] == clear
    cell = suspect["targets"]["y"]
    assert (cell["true"], cell["said"], cell["probability"] > 0.5) == ("low", "high", True)


def method(mlp, X=X, y=CLASSES):
    return mlp.suspicious(X, y, n=1)["method"].split()[0]


def test_which_rows_are_those_of_the_training(tmp_path):
    mlp = tabular(CLASSES, warm_start=True).fit(X, CLASSES)
    assert method(mlp) == method(pickle.loads(pickle.dumps(mlp))) == method(mlp.fit(X, CLASSES)) == "out-of-fold"
    assert method(mlp, X[::-1], CLASSES[::-1]) == method(mlp, X[1:], CLASSES[1:]) == "cost"
    swapped = CLASSES.copy()
    swapped[:2] = "high"
    assert method(mlp, y=swapped) == "cost"
    cr.save(mlp, tmp_path / "m")
    assert method(cr.load(tmp_path / "m")) == "cost"
    assert method(mlp.fit(X[::-1], CLASSES[::-1])) == "cost"  # folds of both calls have been seen
    assert method(mlp.set_params(warm_start=False).fit(X, CLASSES)) == "out-of-fold"
    assert method(tabular(CLASSES, hidden_layer_sizes=(4,)).fit(X, CLASSES)) == "cost"  # one member


def test_partial_fit_of_all_rows_is_a_fit_and_of_parts_is_not():
    whole, parts = tabular(CLASSES), tabular(CLASSES)
    for _ in range(2):
        whole.partial_fit(X, CLASSES, classes=np.unique(CLASSES))
        for rows in (slice(0, 75), slice(75, 150)):
            parts.partial_fit(X[rows], CLASSES[rows], classes=np.unique(CLASSES))
    assert (method(whole), method(parts), method(parts, X[75:], CLASSES[75:])) == ("out-of-fold", "cost", "cost")


def test_without_a_preset_sparse_rows_and_several_outputs_are_scored_too():
    two = np.stack([CLASSES, np.where(X[:, 1] > 0, "up", "down")], axis=1)
    labels = np.stack([X[:, 0] > 0, X[:, 1] > 0], axis=1).astype(int)
    for y, names in ((CLASSES, ["y"]), (CLASSES == "low", ["y"]), (two, ["y0", "y1"]), (labels, ["y0", "y1"])):
        mlp = cr.MLPClassifier(5, max_iter=3, random_state=0).fit(X, y)
        found = mlp.suspicious(X, y, n=4)
        assert list(found["suspects"][0]["targets"]) == names
        assert found == mlp.suspicious(sparse.csr_matrix(X), y, n=4)
        costs = mlp.backprop(X, y).cost
        scores = [each["score"] for each in found["suspects"]]
        np.testing.assert_allclose(scores, np.sort(costs)[::-1][:4], rtol=1e-5)
        for each in found["suspects"]:
            assert all(0 <= cell["probability"] <= 1 for cell in each["targets"].values())
    pairs = cr.MLPRegressor(hidden_layer_sizes=5, max_iter=3).fit(X, X[:, :2]).suspicious(X, X[:, :2], n=1)
    assert list(pairs["suspects"][0]["targets"]) == ["y0", "y1"]


def test_what_does_not_fit_is_refused():
    mlp = tabular(CLASSES).fit(X, CLASSES)
    with pytest.raises(NotFittedError):
        tabular(CLASSES).suspicious(X, CLASSES)
    with pytest.raises(SettingError, match=r"^n is 0, but must be a whole number from 1$"):
        mlp.suspicious(X, CLASSES, n=0)
    with pytest.raises(DataError, match=r"^y has classes not seen before, 'odd': [^\n]*$"):
        mlp.suspicious(X, np.full(150, "odd"))
    with pytest.raises(DataError, match=r"^X has 150 rows, but y has 149: give as many$"):
        mlp.suspicious(X, CLASSES[1:])
