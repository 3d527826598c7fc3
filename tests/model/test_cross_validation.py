"""Cross-validation: no split learns from the rows that it is tested on, and differences are paired."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import DataError, SettingError
from chainrule.model import cross_validation
from chainrule.model.baselines import outputs_of_baseline

PARTS = slice(0, 150), slice(150, 200)
SMALL = {"hidden": (4,), "members": 1, "epochs": 3, "validation": 0.0}


def table(rows=90):
    draw = np.random.default_rng(0)
    x = draw.normal(size=rows)
    return {
        "x": x.tolist(),
        "word": [["a", "b", None][k % 3] for k in range(rows)],
        "group": [f"g{k % 7}" for k in range(rows)],
        "when": list(range(rows)),
        "kind": np.where(x + 0.1 * draw.normal(size=rows) > 0, "yes", "no").tolist(),
        "y": np.where(np.arange(rows) % 30 == 4, np.nan, 2 * x + 1).tolist(),
    }


def test_scores_are_those_of_models_of_the_other_rows(monkeypatch):
    seen = []
    evaluate = cr.Model.evaluate

    def noting(model, source, **more):
        seen.append((model, source))
        return evaluate(model, source, **more)

    monkeypatch.setattr(cr.Model, "evaluate", noting)
    scores = cr.cross_validate(table(), "kind", folds=3, compare=(), seed=5, **SMALL)
    assert len(seen) == 3
    assert scores.sizes == ((60, 30),) * 3
    rows = [tuple(row.values()) for _, test in seen for row in test.to_pylist()]
    assert len(rows) == len(set(rows)) == 90
    for k, (model, test) in enumerate(seen):
        tested = set(test.column("x").to_pylist())
        chosen = [row for row, x in enumerate(table()["x"]) if x not in tested]
        kept = {name: [cells[row] for row in chosen] for name, cells in table().items()}
        again = cr.train_table(kept, "kind", seed=5 + k, task="classification", **SMALL)
        assert np.array_equal(again.network.theta, model.network.theta)
        accuracy = evaluate(again, test)["targets"]["kind"]["accuracy"]
        assert scores.scores["network"]["kind"]["accuracy"][k] == accuracy


def test_a_column_that_gives_the_group_away_does_not_help():
    groups = np.repeat(np.arange(30), 4)
    level = np.random.default_rng(1).normal(size=30)[groups]
    rows = {"group": [f"g{g}" for g in groups], "copy": [f"g{g}" for g in groups], "y": level.tolist()}
    settings = {"compare": ("linear",), "kinds": {"copy": "category"}, "folds": 4, **SMALL}
    leaking = cr.cross_validate(rows, "y", **settings)
    honest = cr.cross_validate(rows, "y", group="group", **settings)
    assert leaking.mean("linear", "y", "r2") > 0.8
    assert honest.mean("linear", "y", "r2") < 0.1


def test_the_linear_model_is_linear_in_the_columns():
    draw = np.random.default_rng(4)
    X = np.column_stack([draw.normal(size=(200, 3)), np.exp(3 * draw.normal(size=200))])
    y = X[:, 0] ** 2 + X[:, 1] + np.log(X[:, 3])
    rows = {f"x{k}": values for k, values in enumerate(X.T)} | {"y": y}
    train, test = (pa.table({k: v[part] for k, v in rows.items()}) for part in PARTS)
    model = cr.train_table(train, "y", epochs=1, members=2)
    assert {"scaled", "log"}.isdisjoint({t.kind for t in model.encoder.transforms}), "squares beside each number"
    found = model.targets.decode(outputs_of_baseline("linear", model.encoder, model.targets, train, test, 0))["y"]
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13))).fit(X[PARTS[0]], y[PARTS[0]])
    assert np.allclose(found, ridge.predict(X[PARTS[1]]))


def test_every_metric_is_among_the_scores_of_every_model():
    def sure(y_true, y_pred, probabilities):
        return float(probabilities.max(axis=1).mean())

    settings = {"folds": 2, "compare": "linear", **SMALL, "validation": 0.2}
    scores = cr.cross_validate(table(), "kind", metric=[sure, "average_precision"], mode="max", **settings)
    for model in ("network", "linear"):
        assert {"accuracy", "sure", "average_precision"} <= scores.scores[model]["kind"].keys()
    assert scores.difference("linear", "kind", "sure").better in (0, 1, 2)
    scores = cr.cross_validate(table(), "kind", metric=["average_precision", sure], **settings)
    assert scores.difference("linear", "kind", "sure").better is None
    assert json.dumps(scores.document(), allow_nan=False)


def test_several_targets_time_and_repeats():
    forward = cr.cross_validate(table(), ["y", "kind"], folds=2, time_column="when", **SMALL)
    assert forward.rows == 87
    assert [sizes[0] for sizes in forward.sizes] == [29, 58]
    assert set(forward.scores) == {"network", "linear", "boosting"}
    assert set(forward.scores["boosting"]) == {"y", "kind"}
    assert forward.mean("linear", "y", "r2") > 0.99
    assert forward.mean("boosting", "kind", "accuracy") > 0.8
    twice = cr.cross_validate(table(), "kind", folds=2, repeats=2, compare=(), **SMALL)
    assert len(twice.sizes) == 4
    assert len(set(twice.scores["network"]["kind"]["log_loss"])) == 4


def test_differences_are_paired_and_their_interval_is_corrected():
    network, linear = np.array([0.8, 0.9, 0.7]), np.array([0.7, 0.85, 0.7])
    scores = {"network": {"y": {"accuracy": network}}, "linear": {"y": {"accuracy": linear}}}
    result = cr.CrossValidation(90, "", ((60, 30),) * 3, scores)
    difference = result.difference("linear", "y", "accuracy")
    assert difference.mean == pytest.approx(0.05)
    assert difference.better == 2
    reach = 4.302653 * math.sqrt((1 / 3 + 1 / 2) * np.var([0.1, 0.05, 0.0], ddof=1))  # t of 2 degrees, 97.5%
    assert (difference.low, difference.high) == pytest.approx((0.05 - reach, 0.05 + reach), rel=1e-6)
    undefined = {m: {"y": {"auc": np.full(3, np.nan)}} for m in ("network", "linear")}
    empty = cr.CrossValidation(90, "", ((60, 30),) * 3, undefined)
    assert math.isnan(empty.difference("linear", "y", "auc").mean)
    assert "-" in str(empty).splitlines()[-1]
    assert json.dumps(empty.document(), allow_nan=False)


def test_classes_that_are_whole_numbers_are_classes_in_every_split():
    rows = {"x": list(range(210)), "y": [k % 21 // 7 for k in range(210)]}
    scores = cr.cross_validate(rows, "y", folds=7, compare=(), **SMALL)
    assert "accuracy" in scores.scores["network"]["y"]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"folds": 1}, "folds is 1, but must be a whole number from 2"),
        ({"folds": 91}, "there are 91 parts to make of 90 rows: take fewer folds"),
        ({"repeats": 0}, "repeats is 0, but must be a whole number from 1"),
        ({"compare": ("forest",)}, r"compare is \['forest'\], but must be some of linear, boosting, or None"),
        ({"compare": 3}, "compare is 3, but must be names"),
        ({"time_column": "when", "group": "group"}, "time_column fixes the order of the rows"),
        ({"test_every": 5}, "every split has its own rows for the test: leave out test_every"),
    ],
)
def test_refusals(settings, line):
    with pytest.raises(SettingError, match=f"^{line}[^\n]*$"):
        cr.cross_validate(table(), "kind", **settings)


def test_rows_that_cannot_be_learned_from_are_those_of_a_split():
    rows = table() | {"kind": ["rare", *["common"] * 89]}
    line = r"in the rows to train on of split [12] of 2: target 'kind' has only one value, 'common': [^\n]*"
    with pytest.raises(DataError, match=f"^{line}$"):
        cr.cross_validate(rows, "kind", folds=2, compare=(), **SMALL)


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = table()
    lines = [",".join(map(str, cells)) for cells in zip(rows["x"], rows["group"], rows["kind"], strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["x,group,kind", *lines]) + "\n")
    options = ["--target", "kind", "--folds", "3", "--epochs", "3", "--hidden", "4", "--members", "1", "--seed", "2"]
    assert run(["cv", "t.csv", *options, "--group", "group"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("90 rows, 3 folds; rows with the same group stay together; mean ± standard deviation")
    assert out.splitlines()[1].split()[:3] == ["network", "linear", "boosting"]
    assert err.count("training") == 3
    assert run(["cv", "t.csv", *options, "--compare", "none", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["models"]) == ["network"]
    more = ["--compare", "linear", "--validation", "0.2", "--metric", "mcc,kappa", "--json"]
    assert run(["cv", "t.csv", *options, *more]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    assert list(models) == ["network", "linear"]
    assert {"mcc", "kappa"} <= models["linear"]["kind"].keys()
    assert run(["cv", "t.csv", *options, "--compare", "both"]) == 2
    assert "compare is ['both'], but must be some of linear, boosting, or None" in capsys.readouterr().err
    assert len(document["models"]["network"]["kind"]["accuracy"]["scores"]) == 3
    assert run(["cv", "t.csv", "--target", "kind", "--group", "gruop"]) == 1
    assert "did you mean 'group'?" in capsys.readouterr().err
    assert cross_validation.OURS == "network"
