"""`chainrule evaluate` with weights of rows and with more metrics."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run

X = np.linspace(-1, 1, 40)
ROWS: dict[str, Any] = {"x": X, "y": np.where(X > 0.1, "yes", "no"), "w": np.arange(40) % 3}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = (",".join(map(str, row)) for row in zip(*ROWS.values(), strict=True))
    (tmp_path / "t.csv").write_text("\n".join([",".join(ROWS), *lines]) + "\n")
    model = cr.train_table(ROWS, "y", drop="w", hidden=4, epochs=2)
    model.save("m.safetensors")
    cr.save(cr.MLPClassifier(4, solver="lbfgs", random_state=0).fit(X[:, None], ROWS["y"]), "e.safetensors")
    cr.save(cr.Network([1, 2], output="softmax", cost="cross_entropy", seed=0), "n.safetensors")
    return tmp_path


def scores(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(["evaluate", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_model_by_weight_and_with_more_metrics(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = scores(capsys, "m.safetensors", "t.csv", "--weight", "w", "--metric", "mcc,kappa")
    expected = cr.load("m.safetensors").evaluate(ROWS, weight="w", metric=["mcc", "kappa"])
    assert document["targets"] == expected["targets"]
    assert (document["rows"], document["weightless"]) == (26, 14)
    assert run(["evaluate", "m.safetensors", "t.csv", "--weight", "w", "--metric", "mcc"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "26 rows (14 more of weight 0)"
    assert ", mcc " in out[1]
    assert run(["evaluate", "m.safetensors", "t.csv", "--metric", "acc"]) == 2
    assert "metric is 'acc', but must be one of" in capsys.readouterr().err
    assert run(["evaluate", "m.safetensors", "t.csv", "--weight", "v"]) == 1
    assert "'v'" in capsys.readouterr().err


def test_an_estimator_and_a_network_by_weight(
    here: Path, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    mlp = cr.load("e.safetensors")
    assert run(["evaluate", "e.safetensors", "t.csv", "--target", "y", "--weight", "w"]) == 0
    assert f"accuracy {mlp.score(X[:, None], ROWS['y'], ROWS['w']):.4g}" in capsys.readouterr().out
    codes = here / "codes.csv"
    codes.write_text("c\n" + "\n".join(map(str, (X > 0.1).astype(int))) + "\n")
    (here / "xw.csv").write_text("x,w\n" + "\n".join(f"{x},{w}" for x, w in zip(X, ROWS["w"], strict=True)) + "\n")
    document = scores(capsys, "n.safetensors", "xw.csv", "--target", "codes.csv", "--weight", "w")
    net = cr.load("n.safetensors")
    cost = net.cost(X[:, None], (X > 0.1).astype(int), ROWS["w"].astype(float))
    assert document["targets"]["c"]["cost"] == pytest.approx(cost, rel=1e-6)
    assert run(["evaluate", "e.safetensors", "t.csv", "--target", "y", "--metric", "mcc"]) == 2
    assert "has one score: leave out --metric, or give a model" in capsys.readouterr().err


def test_truth_values_and_one_row_are_in_the_words_of_a_table(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "b.csv").write_text("x,y\n" + "\n".join(f"{x},{x > 0.1}" for x in X))
    (here / "one.csv").write_text("x,y\n0.5,True\n")
    assert run(["train", "b.csv", "--target", "y", "--hidden", "4", "--epochs", "2", "--out", "b.safetensors"]) == 0
    assert run(["evaluate", "b.safetensors", "b.csv"]) == 0
    out = capsys.readouterr().out
    assert {"false", "true"} < {line.split()[0] for line in out.splitlines() if line}
    assert "False" not in out
    assert run(["explain", "b.safetensors", "one.csv"]) == 0
    assert capsys.readouterr().out.startswith("1 row; how much worse")
    assert run(["inspect", "b.safetensors"]) == 0
    assert "network: 1 input → " in capsys.readouterr().out
