"""The report of an estimator: that of a model of the same columns, for every kind of y, in Python and as a command."""

import re

import numpy as np
import pyarrow as pa
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import DataError, SettingError
from chainrule.estimators.reported import subject_of
from chainrule.model.report import study
from chainrule.model.report.study import study_of
from chainrule.tables.sources import as_source

X = np.random.default_rng(0).normal(size=(60, 3))
YES = np.where(X[:, 0] > 0, "yes", "no")
Y = {
    "two classes": YES,
    "one class that a table would call missing": np.where(X[:, 0] > 0, "NA", "no"),
    "three classes": np.digitize(X[:, 0], [-0.5, 0.5]),
    "booleans": X[:, 0] > 0,
    "labels": (X[:, :2] > 0).astype(int),
    "numbers": 2 * X[:, 0] + X[:, 1],
    "several numbers": X[:, :2] + X[:, 1:],
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(autouse=True)
def linear_only(monkeypatch):
    """A report without boosting, which takes most of its time."""
    monkeypatch.setattr(study, "BASELINES", {"linear": study.BASELINES["linear"]})


def fitted(y, **choice):
    kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
    return kind(hidden_layer_sizes=(4,), max_iter=5, random_state=0, **choice).fit(X, y)


def data_of(page):
    """The numbers of the page with all their digits."""
    return [float(value) for value in re.findall(r'<data value="([^"]+)"', page)]


@pytest.mark.parametrize("kind", Y)
def test_every_kind_of_y_has_the_scores_of_its_predictions(kind, tmp_path):
    y, mlp = Y[kind], fitted(Y[kind])
    mlp.report(tmp_path / "r.html", X, y)
    page = (tmp_path / "r.html").read_text("utf-8")
    right = mlp.predict(X).reshape(len(X), -1) == y.reshape(len(X), -1)
    scores = [mlp.score(X, y)] if kind == "numbers" else [] if y.dtype.kind == "f" else right.mean(axis=0).tolist()
    for score in scores:
        assert np.isclose(data_of(page), score, rtol=1e-9, atol=0).any()
    assert all(f">{name}</" in page for name in ("x0", "x1", "x2"))


def test_a_preset_reads_its_table_and_shows_its_settings(tmp_path):
    table = {"a": X[:, 0].tolist(), "word": ["u", "v", "u"] * 20}
    mlp = cr.MLPClassifier(preset="tabular", max_iter=5, random_state=0).fit(pa.table(table), YES)
    mlp.report(tmp_path / "r.html", pa.table(table), YES)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert all(text in page for text in ("categories", "2 words", "members", "of 8 networks side by side"))


def test_rows_are_judged_and_learned_from_as_with_a_model(tmp_path):
    mlp, rows = fitted(YES), as_source({"x0": X[:, 0], "x1": X[:, 1], "x2": X[:, 2], "y": YES})
    own = study_of(subject_of(mlp, None), rows, None, 2, 0)
    assert own.judged.numbers.tolist() == list(range(0, 60, 2))
    assert "learned from 30 rows" in own.others
    np.testing.assert_array_equal(own.judged.A, mlp.predict_proba(X[::2]))
    for choice in ({"test_every": 2}, {"train": (X[:30], YES[:30])}):
        mlp.report(tmp_path / "r.html", X, YES, **choice)
        assert "The others learned from" in (tmp_path / "r.html").read_text("utf-8")


def test_names_of_targets(tmp_path):
    mlp = fitted(YES)
    mlp.report(tmp_path / "r.html", X, YES, target_names="sold")
    assert "It predicts <strong>sold</strong>" in (tmp_path / "r.html").read_text("utf-8")
    named = fitted(YES).fit(pa.table({"y": X[:, 0], "b": X[:, 1]}), YES)
    named.report(tmp_path / "r.html", pa.table({"y": X[:, 0], "b": X[:, 1]}), YES)
    assert "target y" in (tmp_path / "r.html").read_text("utf-8")
    for names in (["a", "b"], "x0", [1]):
        with pytest.raises(SettingError, match=r"^target_names is "):
            mlp.report(tmp_path / "r.html", target_names=names)


def test_without_rows_and_without_a_training(tmp_path):
    fitted(YES).report(tmp_path / "r.html", notes="For tests.")
    assert "For tests." in (tmp_path / "r.html").read_text("utf-8")
    mlp = cr.MLPRegressor(hidden_layer_sizes=(2,), random_state=0).initialize(3)
    mlp.report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "nan" not in page


def test_refusals(tmp_path):
    mlp = fitted(YES)
    with pytest.raises(DataError, match="classes not seen before"):
        mlp.report(tmp_path / "r.html", X, np.where(YES == "no", "maybe", YES))
    with pytest.raises(SettingError, match="give a table too"):
        mlp.report(tmp_path / "r.html", test_every=2)
    with pytest.raises(SettingError, match=r"^y has the class 'no' alone"):
        fitted(np.full(60, "no")).report(tmp_path / "r.html", X, np.full(60, "no"))
    with pytest.raises(ValueError, match="is not fitted yet"):
        cr.MLPClassifier().report(tmp_path / "r.html")


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cr.save(fitted(YES), "m.safetensors")
    lines = [
        ",".join([*map(str, row), "" if k == 7 else word]) for k, (row, word) in enumerate(zip(X, YES, strict=True))
    ]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,sold", *lines]))
    assert run(["report", "m.safetensors", "t.csv", "--target", "sold"]) == 0
    page = (tmp_path / "m.html").read_text("utf-8")
    assert "It predicts <strong>sold</strong>" in page
    assert all(f">{name}</" in page for name in "abc")
    assert "left out, without a target" in page
    assert run(["report", "m.safetensors"]) == 0
    assert run(["report", "m.safetensors", "t.csv"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,sold", *lines, "1,,2,yes"]))
    assert run(["report", "m.safetensors", "t.csv", "--target", "sold"]) == 1
    assert "row 61 of column 'b' is missing: fill it" in capsys.readouterr().err
