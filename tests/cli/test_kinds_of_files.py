"""inspect, predict and evaluate of every kind of file that chainrule writes, and true words where one cannot."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run

RNG = np.random.Generator(np.random.PCG64(5))
X = RNG.normal(size=(40, 2))
YES = np.where(X[:, 0] > 0, "yes", "no")
NUMBER = 2 * X[:, 0] - X[:, 1]
TABLE: dict[str, Any] = {"a": X[:, 0].tolist(), "colour": ["red", "blue"] * 20, "same": [1] * 40}
FEW: dict[str, Any] = {"hidden_layer_sizes": (3,), "max_iter": 2, "batch_size": 20, "random_state": 0}


def write(path: Path, columns: dict[str, Any]) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "x.csv", {"p": X[:, 0], "q": X[:, 1]})
    write(tmp_path / "xy.csv", {"p": X[:, 0], "answer": YES, "q": X[:, 1]})
    write(tmp_path / "y.csv", {"answer": YES})
    write(tmp_path / "n.csv", {"p": X[:, 0], "q": X[:, 1], "n": NUMBER})
    write(tmp_path / "t.csv", TABLE | {"answer": YES})
    return tmp_path


def saved(found: Any, name: str = "m.safetensors") -> str:
    cr.save(found, name)
    return name


def fitted(kind: Any, rows: Any, y: Any, **settings: Any) -> Any:
    with pytest.warns(UserWarning, match="ended before training converged"):
        return kind(**(FEW | settings)).fit(rows, y)


def out_of(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> str:
    capsys.readouterr()
    assert run([*command]) == code
    out, err = capsys.readouterr()
    assert err.count("\n") == (code != 0)
    return err if code else out


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_an_estimator_of_an_array(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mlp = fitted(cr.MLPClassifier, X, YES)
    name = saved(mlp)
    out = out_of(capsys, "inspect", name)
    for words in ("MLPClassifier(batch_size=20", "2 inputs → 3 relu → 1 sigmoid", "no, yes", "last loss", "2 inputs\n"):
        assert words in out
    rows = rows_of(out_of(capsys, "predict", name, "x.csv"))
    assert [row["y"] for row in rows] == mlp.predict(X).tolist()
    assert [float(row["y=yes"]) for row in rows] == mlp.predict_proba(X)[:, 1].tolist()
    assert list(rows_of(out_of(capsys, "predict", name, "x.csv", "--no-probabilities"))[0]) == ["y"]
    for arguments in (["x.csv", "--target", "y.csv"], ["xy.csv", "--target", "answer"]):
        scores = json.loads(out_of(capsys, "evaluate", name, *arguments, "--json"))
        assert scores["targets"]["answer"]["accuracy"] == mlp.score(X, YES)
    assert "add --target COLUMN" in out_of(capsys, "evaluate", name, "xy.csv", code=2)
    assert "3 columns of inputs, but the MLPClassifier takes 2" in out_of(capsys, "predict", name, "xy.csv", code=1)


def test_an_estimator_of_numbers_with_names(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd = pytest.importorskip("pandas")
    mlp = fitted(cr.MLPRegressor, pd.DataFrame(X, columns=["p", "q"]), NUMBER)
    name = saved(mlp)
    assert "2 inputs: 'p', 'q'" in out_of(capsys, "inspect", name)
    rows = rows_of(out_of(capsys, "predict", name, "xy.csv"))  # by name: the answer between them is not taken
    np.testing.assert_array_equal([float(row["y"]) for row in rows], mlp.predict(pd.DataFrame(X, columns=["p", "q"])))
    assert "n: r2" in out_of(capsys, "evaluate", name, "n.csv", "--target", "n")
    assert "no target column 'm'" in out_of(capsys, "evaluate", name, "n.csv", "--target", "m", code=1)
    assert "'no' came in row 1" in out_of(capsys, "evaluate", name, "xy.csv", "--target", "answer", code=1)


@pytest.mark.parametrize("hidden", [(3,), (100,)], ids=["one", "members"])
def test_an_estimator_of_a_table(hidden: Any, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(cr.ChainruleWarning, match="left out, because every value is the same: 'same'"):
        mlp = cr.MLPClassifier(hidden, preset="tabular", max_iter=1, random_state=0).fit(TABLE, YES)
    name = saved(mlp)
    out = out_of(capsys, "inspect", name)
    for words in ("preset='tabular'", "colour", "2 words: blue | red", "every value is the same", "no, yes"):
        assert words in out
    rows = rows_of(out_of(capsys, "predict", name, "t.csv"))
    assert [row["y"] for row in rows] == mlp.predict(TABLE).tolist()
    assert "answer: accuracy" in out_of(capsys, "evaluate", name, "t.csv", "--target", "answer")
    assert "no input column" in out_of(capsys, "predict", name, "x.csv", code=1)


def test_several_outputs_and_labels(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = np.stack([X[:, 0] > 0, np.arange(40) % 3], axis=1).astype(int)
    write(here / "xo.csv", {"p": X[:, 0], "q": X[:, 1], "one": outputs[:, 0], "two": outputs[:, 1]})
    name = saved(fitted(cr.MLPClassifier, X, outputs))
    columns = list(rows_of(out_of(capsys, "predict", name, "x.csv"))[0])
    assert columns == ["y0", "y1", "y0=0", "y0=1", "y1=0", "y1=1", "y1=2"]
    assert "one, two: accuracy" in out_of(capsys, "evaluate", name, "xo.csv", "--target", "one,two")
    name = saved(fitted(cr.MLPClassifier, X, (X > 0).astype(int)))
    assert list(rows_of(out_of(capsys, "predict", name, "x.csv"))[0]) == ["y0", "y1", "y0=1", "y1=1"]


def test_a_network(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = cr.Network([2, 3, 1], output="identity", dtype="float64")
    name = saved(net)
    assert "2 inputs → 3 sigmoid → 1 identity" in out_of(capsys, "inspect", name)
    rows = rows_of(out_of(capsys, "predict", name, "x.csv"))
    np.testing.assert_array_equal([float(row["output 1"]) for row in rows], net.predict(X)[:, 0])
    scores = json.loads(out_of(capsys, "evaluate", name, "n.csv", "--target", "n", "--json"))
    assert scores["targets"]["n"]["cost"] == net.cost(X, NUMBER[:, None])


def test_an_estimator_before_fit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = saved(cr.MLPRegressor(alpha=0.5))
    assert out_of(capsys, "inspect", name) == "estimator: MLPRegressor(alpha=0.5)\nit has not been fitted\n"
    assert "has not been fitted" in out_of(capsys, "predict", name, "x.csv", code=2)


def test_a_checkpoint(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cr.fit(cr.Network([2, 1], output="identity"), X, NUMBER[:, None], epochs=2, checkpoint="run")
    out = out_of(capsys, "inspect", "run")
    for words in ("2 epochs and 4 updates are done", "not a model: resume it", "3 parameters", "last cost", "adam"):
        assert words in out
    document = json.loads(out_of(capsys, "inspect", "run", "--json"))
    assert (document["kind"], document["epochs"], document["settings"]["sizes"]) == ("checkpoint", 2, [2, 1])
    for command in (["predict", "run", "x.csv"], ["evaluate", "run", "n.csv", "--target", "n"]):
        assert "it is the checkpoint of a training, not a model" in out_of(capsys, *command, code=1)


def test_warnings_of_a_model_are_shown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = cr.train_table(TABLE | {"answer": YES}, "answer", epochs=1, hidden=2)
    out = out_of(capsys, "inspect", saved(model))
    assert "left out, because every value is the same: 'same'" in out


def test_targets_that_are_not_those_of_the_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both = np.stack([YES, np.where(X[:, 1] > 0, "up", "down")], axis=1)
    write(here / "both.csv", {"p": X[:, 0], "q": X[:, 1], "one": both[:, 0], "two": both[:, 1]})
    classifier = fitted(cr.MLPClassifier, X, both)
    saved(classifier)
    error = out_of(capsys, "evaluate", "m.safetensors", "xy.csv", "--target", "answer", code=2)
    assert "has 2 outputs, but --target names 1: name as many columns" in error
    shown = out_of(capsys, "evaluate", "m.safetensors", "both.csv", "--target", "one,two", "--json")
    (scores,) = json.loads(shown)["targets"].values()
    assert scores == {"accuracy": classifier.score(X, both)}
    saved(fitted(cr.MLPClassifier, X, YES))
    error = out_of(capsys, "evaluate", "m.safetensors", "n.csv", "--target", "n", code=1)
    assert "no row of 'n' has a class that the file knows: the classes are 'no', 'yes'" in error
    saved(fitted(cr.MLPRegressor, X, np.stack([NUMBER, -NUMBER], axis=1)))
    assert "has 2 outputs" in out_of(capsys, "evaluate", "m.safetensors", "n.csv", "--target", "n", code=2)
