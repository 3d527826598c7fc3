"""`kinds`: a setting of tables, for inputs and targets, that models, files and scores follow."""

import json

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, SettingError
from chainrule.model import TableSettings, TableTraining

RNG = np.random.default_rng(5)
N = 150
X = RNG.normal(size=N)
SIZE = np.array(["S", "M", "L", "XL"])[np.digitize(X + RNG.normal(0, 0.2, N), [-0.7, 0.2, 0.9])]
HAS = np.stack([X > 0, X + RNG.normal(0, 0.3, N) < 0.5, RNG.random(N) < 0.2], axis=1)
TAGS = [";".join(np.array(["hot", "cold", "rare"])[row]) or ";" for row in HAS]
TABLE = {"x": X, "size": SIZE, "tags": TAGS}
QUICK = {"hidden": (8,), "epochs": 40, "seed": 0, "learning_rate": 0.02}


@pytest.mark.parametrize(
    "kinds", [{"x": "cat"}, {"x": 1}, {1: "date"}, ["x"], "x=date", {"x": "labels:,,"}, {"x": "ordered:a<"}]
)
def test_other_kinds_are_refused(kinds):
    with pytest.raises(SettingError):
        TableSettings(kinds=kinds)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"kinds": {"y": "date"}}, DataError, "no column 'y'"),
        ({"kinds": {"x": "number"}, "drop": "x"}, SettingError, "both named in `kinds`"),
        ({"kinds": {"size": "date"}}, DataError, "must be category, number, labels or ordered"),
        ({"kinds": {"size": "ordered:S<M<L<XL"}, "output": "softmax"}, SettingError, "does not suit ordered"),
        ({"kinds": {"size": "ordered:S<M<L<XL"}, "metric": "rmse"}, SettingError, "choose from accuracy"),
        ({"metric": "rank_error"}, SettingError, "for ordered classes, but no target has ordered classes"),
    ],
)
def test_kinds_that_contradict_the_table_or_other_settings(settings, error, words):
    with pytest.raises(error, match=words):
        TableTraining(TABLE, "size", TableSettings(**QUICK, **settings))


def test_ordered_classes_from_training_to_a_file(tmp_path):
    order = "ordered:S<M<L<XL"
    model = cr.train_table(TABLE, "size", kinds={"size": order}, metric="rank_error", **QUICK)
    assert model.network.architecture.describe().endswith("3 sigmoid (binary_cross_entropy)")
    scores = model.evaluate(TABLE)["targets"]["size"]
    assert scores["accuracy"] > 0.75
    assert scores["rank_error"] < 0.3
    assert scores["quadratic_kappa"] > 0.85
    assert model.summary["kinds"] == {"size": order}
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    assert (again.predict(TABLE) == model.predict(TABLE)).all()
    chances = np.stack(list(again.probabilities(TABLE).values()), axis=1)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    predict = again.predictor()
    for k in range(5):
        assert predict({"x": X[k], "tags": TAGS[k]}) == model.predict(TABLE)[k]
        assert list(predict.probabilities({"x": X[k], "tags": TAGS[k]}).values()) == chances[k].tolist()


def test_labels_from_training_to_a_file(tmp_path):
    model = cr.train_table(TABLE, "tags", kinds={"tags": "labels"}, drop="size", **QUICK)
    scores = model.evaluate(TABLE)
    said = np.stack([["hot" in row.split(";") for row in model.predict(TABLE)]], axis=1)[:, 0]
    assert np.mean(said == HAS[:, 0]) > 0.9
    assert scores["targets"]["tags"]["label_f1"] > 0.8
    json.dumps(scores)
    model.save(tmp_path / "m.safetensors")
    assert (cr.load(tmp_path / "m.safetensors").predict(TABLE) == model.predict(TABLE)).all()
    assert list(model.probabilities(TABLE)) == ["tags=cold", "tags=hot", "tags=rare"]
    assert model.predictor()({"x": 2.0}) == model.predict({"x": [2.0]})[0]
    assert model.suspicious(3, TABLE)["suspects"]


def test_cross_validation_follows_kinds_and_compares_with_others():
    scores = cr.cross_validate(
        TABLE, ["size", "tags"], folds=2, kinds={"size": "ordered:S<M<L<XL", "tags": "labels"}, **QUICK
    )
    for name in ("network", "linear", "boosting"):
        assert scores.mean(name, "size", "rank_error") < 0.6
        assert scores.mean(name, "tags", "label_f1") > 0.6
