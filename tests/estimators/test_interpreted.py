"""What estimators make of their columns: each number is the one that predictions of changed rows give."""

import json

import numpy as np
import pytest
from scipy import sparse

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import DataError, SettingError
from chainrule.random import Purpose, permutation

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
WORD = np.array(["a", "b", "c"])[np.arange(60) % 3]
NO_YES = np.array(["no", "yes"])[(X[:, 0] + 0.5 * RNG.normal(size=60) > 0).astype(int)]
TARGETS = {
    "binary": NO_YES,
    "multiclass": 3 + np.digitize(X[:, 0], [-0.5, 0.5]),
    "multilabel": (X > 0).astype(int),
    "multioutput": np.stack([(X[:, 0] > 0).astype(int), 5 + np.digitize(X[:, 1], [-0.5, 0.5])], axis=1),
    "number": 3 * X[:, 0] ** 2,
    "numbers": X[:, :2] * [1, 1000],
}


def of_array(target, **parameters):
    y = TARGETS[target]
    kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
    return kind(hidden_layer_sizes=(5,), max_iter=30, learning_rate_init=0.02, random_state=0, **parameters).fit(X, y)


def of_table(y):
    kind = cr.MLPRegressor if y.dtype.kind == "f" else cr.MLPClassifier
    return kind(preset="tabular", max_iter=15, random_state=0).fit(table(), y)


def table():
    return {
        "x": X[:, 0].tolist(),
        "z": X[:, 1].tolist(),
        "word": [None if k % 9 == 2 else w for k, w in enumerate(WORD)],
    }


def score(estimator, inputs, y):
    """Accuracy or r2 as scikit-learn computes it."""
    return estimator.score(inputs, y)


@pytest.mark.parametrize("target", TARGETS)
def test_importance_is_the_loss_of_the_score_on_permuted_rows(target):
    estimator, y = of_array(target), TARGETS[target]
    importance = estimator.importance(X, y, repeats=2, seed=3, groups={"both": ["x1", "x2"]})
    assert set(importance.losses) == {"both", "x0"}
    assert list(importance.scores) == (["y"] if y.ndim == 1 else [f"y{k}" for k in range(y.shape[1])])
    metric = "r2" if y.dtype.kind == "f" else "accuracy"
    order = permutation(3, Purpose.PERMUTED, 1, 60)
    for name, columns in {"x0": [0], "both": [1, 2]}.items():
        changed = X.copy()
        changed[:, columns] = X[order][:, columns]
        for k, own in enumerate(importance.scores):
            before, after = (_score(metric, y, estimator.predict(rows), k) for rows in (X, changed))
            assert importance.scores[own][metric] == pytest.approx(before)
            assert importance.losses[name][own][metric][1] == pytest.approx(before - after)
    if target == "binary":
        from sklearn.metrics import log_loss

        assert importance.scores["y"]["log_loss"] == pytest.approx(log_loss(y, estimator.predict_proba(X)))


def _score(metric, y, prediction, k):
    from sklearn.metrics import accuracy_score, r2_score

    true, said = y.reshape(60, -1)[:, k], prediction.reshape(60, -1)[:, k]
    return (r2_score if metric == "r2" else accuracy_score)(true, said)


@pytest.mark.parametrize("target", TARGETS)
def test_contributions_and_what_if_are_of_the_predictions(target):
    estimator = of_array(target)
    raw = estimator.network_.predict(X)
    contributions = estimator.contributions(X[7:8], background=X)
    assert contributions.answer == pytest.approx(raw[7])
    assert contributions.base == pytest.approx(estimator.network_.predict(X.mean(axis=0)[None])[0])
    total = np.sum(list(contributions.columns.values()), axis=0)
    assert np.abs(total - (contributions.answer - contributions.base)).max() <= contributions.gap + 1e-12
    changes = estimator.what_if(X[7:8], {"x0": [-1, 2.5]})
    changed = np.repeat(X[7:8], 2, axis=0)
    changed[:, 0] = [-1, 2.5]
    assert changes.answers == pytest.approx(estimator.network_.predict(changed))
    assert changes.contributions["x0"] == pytest.approx(changes.answers - changes.answer, abs=changes.gap + 1e-9)
    dependence = estimator.dependence(X, "x1", points=4, rows=50)
    assert dependence.curves.shape == (50, 4, raw.shape[1])
    assert dependence.numbers[-1] == X[:50, 1].max()


@pytest.mark.parametrize("y", [NO_YES, TARGETS["number"]], ids=["classes", "numbers"])
def test_an_estimator_of_a_table_is_explained_by_its_columns(y):
    estimator, rows = of_table(y), table()
    importance = estimator.importance(rows, y, repeats=2)
    metric = "accuracy" if y.dtype.kind == "U" else "r2"
    assert importance.scores["y"][metric] == pytest.approx(score(estimator, rows, y))
    order = permutation(0, Purpose.PERMUTED, 0, 60)
    changed = rows | {"word": [rows["word"][i] for i in order]}
    lost = score(estimator, rows, y) - score(estimator, changed, y)
    assert importance.losses["word"]["y"][metric][0] == pytest.approx(lost, abs=1e-6)
    row = {name: cells[7:8] for name, cells in rows.items()}
    changes = estimator.what_if(row, {"word": ["a", None], "x": [1.0]})
    answer = (lambda t: estimator.predict_proba(t)[:, 1]) if y.dtype.kind == "U" else estimator.predict
    assert changes.answers[:, 0] == pytest.approx(
        answer(row | {"word": ["a", None], "x": [1.0] * 2, "z": row["z"] * 2})
    )
    contributions = estimator.contributions(row)
    assert contributions.answer == pytest.approx(answer(row))
    assert set(contributions.columns) == {"x", "z", "word"}
    dependence = estimator.dependence(rows, "word")
    assert dependence.values[-1] == "missing"
    assert dependence.mean[0, 0] == pytest.approx(answer(rows | {"word": [dependence.values[0]] * 60}).mean())
    assert json.dumps(dependence.document(), allow_nan=False)


def test_refusals_are_one_line():
    estimator = of_array("binary")
    with pytest.raises(SettingError, match=r"^background is None, but an array has no row to compare with"):
        estimator.contributions(X[:1])
    with pytest.raises(DataError, match=r"^row is 2 rows, but must be 1"):
        estimator.contributions(X[:2], background=X)
    with pytest.raises(DataError, match=r"^the values of 'x0' must be numbers, as in X$"):
        estimator.what_if(X[:1], {"x0": ["many"]})
    with pytest.raises(DataError, match=r"^the values must be finite numbers"):
        estimator.what_if(X[:1], {"x0": [np.nan]})
    with pytest.raises(SettingError, match=r"^'x3' is not an input: the inputs are 'x0', 'x1', 'x2'$"):
        estimator.dependence(X, "x3")
    with pytest.raises(DataError, match=r"y has classes not seen before"):
        estimator.importance(X, np.where(NO_YES == "no", "no", "new"))
    with pytest.raises(ValueError, match="features"):
        estimator.importance(X[:, :2], NO_YES)
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        cr.MLPClassifier().importance(X, NO_YES)


def test_sparse_rows_are_explained_as_dense_ones():
    estimator = of_array("binary")
    dense = estimator.importance(X, NO_YES, repeats=1).document()
    assert estimator.importance(sparse.csr_matrix(X), NO_YES, repeats=1).document() == dense


def test_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cr.save(of_array("binary"), "a.safetensors")
    cr.save(of_table(NO_YES), "t.safetensors")
    rows = [f"{x!r},{z!r},{w!r},{y}" for x, z, w, y in zip(*X.T.tolist(), NO_YES, strict=True)]
    (tmp_path / "a.csv").write_text("one,two,three,y\n" + "\n".join(rows) + "\n")
    rows = [f"{x!r},{z!r},{w or ''},{y}" for x, z, w, y in zip(*table().values(), NO_YES, strict=True)]
    (tmp_path / "t.csv").write_text("x,z,word,y\n" + "\n".join(rows) + "\n")
    assert run(["explain", "a.safetensors", "a.csv", "--target", "y", "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert out["columns"]["one"]["y"] == of_array("binary").importance(X, NO_YES).document()["columns"]["x0"]["y"]
    assert run(["explain", "a.safetensors", "a.csv", "--target", "y", "--row", "3", "--what-if", "one=1,2"]) == 0
    assert "by one" in capsys.readouterr().out
    assert run(["explain", "t.safetensors", "t.csv", "--row", "3", "--what-if", "word=a,", "--json"]) == 0
    assert [c["cells"] for c in json.loads(capsys.readouterr().out)["changed"]] == [{"word": "a"}, {"word": "missing"}]
    for arguments, line in {
        ("t.safetensors", "t.csv"): "does not know which column is the target: add --target COLUMN",
        ("t.safetensors", "t.csv", "--what-if", "x=1"): "--what-if changes the cells of one row: add --row N",
        ("t.safetensors", "t.csv", "--row", "1", "--what-if", "x"): "must be a column and its values",
        ("t.safetensors", "t.csv", "--row", "61"): "row is 61, but 't.csv' has rows 1 to 60",
        ("a.safetensors", "a.csv", "--target", "y", "--row", "1", "--what-if", "one=b"): "must be numbers",
    }.items():
        assert run(["explain", *arguments]) in (1, 2)
        err = capsys.readouterr().err
        assert line in err
        assert err.count("\n") == 1
