"""What the training doctor says after `train`, and that it says nothing false of real tables."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.model import TableSettings, TableTraining
from chainrule.tables.sources import as_source, with_target
from chainrule.training.probe import sample


def table(folder: Path) -> None:
    rng = np.random.default_rng(2)
    rows = [[*rng.normal(size=6), rng.choice(["yes", "no"])] for _ in range(150)]
    with (folder / "noise.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "b", "c", "d", "e", "f", "answer"], *rows])


def test_findings_are_said_and_in_the_json_and_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table(tmp_path)
    monkeypatch.chdir(tmp_path)
    command = ["train", "noise.csv", "--target", "answer", "--learning-rate", "0.02", "--validation", "0.3"]
    command += ["--epochs", "100"]
    assert run(command) == 0
    said = capsys.readouterr().out.splitlines()
    at = next(k for k, line in enumerate(said) if line.startswith("overfitting: the validation cost rose from "))
    assert said[at + 1].startswith("  to fix it: stop earlier")
    assert run([*command, "--json"]) == 0
    end = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [finding["name"] for finding in end["findings"]] == ["overfitting"]
    assert end["findings"][0].keys() == {"name", "words", "change", "numbers"}
    kept = cr.load("model.safetensors").summary["findings"]
    assert kept == {"overfitting": end["findings"][0]["words"]}
    assert run(["inspect", "model.safetensors"]) == 0
    assert "overfitting the validation cost" in capsys.readouterr().out


def test_a_training_in_good_health_is_not_talked_about(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    command = [
        "train",
        "t.csv",
        "--target",
        "answer",
        "--drop",
        "colour",
        "--validation",
        "0",
        "--out",
        "h.safetensors",
    ]
    assert run(command) == 0
    assert "to fix it" not in capsys.readouterr().out
    assert "findings" not in cr.load("h.safetensors").summary
    assert run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["findings"] == []


SHARED = {
    "mushroom-train.csv.gz": ("y", {}),
    "building-train.csv.gz": (["y1", "y2", "y3"], {}),
    "titanic.csv": ("survived", {"drop": ("boat", "body")}),
    "diamonds.csv.gz": ("price", {"test_every": 5}),
}
HOW = [
    {"hidden": (64,), "epochs": 10, "start": "random"},
    pytest.param({}, marks=pytest.mark.full),
]  # a small one, and as it is


@pytest.mark.parametrize("how", HOW, ids=["small", "as it is"])
@pytest.mark.parametrize("name", SHARED)
def test_nothing_false_is_said_of_real_tables(name: str, how: dict[str, Any], shared_data) -> None:
    target, settings = SHARED[name]
    check(TableTraining(shared_data(name), target, TableSettings(**settings, **how)))


@pytest.mark.parametrize("how", HOW, ids=["small", "as it is"])
def test_nothing_false_is_said_of_real_digits(how: dict[str, Any], shared_data) -> None:
    images, labels = (shared_data(f"mnist-10k/t10k-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
    source = with_target(as_source(images), as_source(labels))
    check(TableTraining(source, "label", TableSettings(test_every=2, **how)))


@pytest.mark.parametrize("kind", ["rare", "outliers", "few epochs"])
def test_nothing_false_is_said_where_the_rows_looked_at_are_easier_than_all(kind: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=600)
    unseen = np.setdiff1d(np.arange(600), sample(np.arange(600), 256))
    rare = np.where(np.isin(np.arange(600), unseen[::80]), "pos", "neg")
    y = {"rare": rare, "outliers": np.where(rare == "pos", 1e6, x), "few epochs": np.where(x > 0, "a", "b")}[kind]
    training = TableTraining({"x": x + rng.normal(size=600), "y": y}, "y", TableSettings(epochs=8, members=3, hidden=8))
    for _ in training.events():
        pass
    names = [finding.name for finding in training.findings()]
    assert names == (["unbalanced classes"] if kind == "rare" else [])  # which is true: six rows of 600


def test_a_leak_is_spoken_of_where_it_made_the_answers_good(shared_data) -> None:
    for settings, there in (({}, True), ({"drop": ("boat",)}, False)):  # body alone helps little
        training = TableTraining(
            shared_data("titanic.csv"), "survived", TableSettings(hidden=(64,), epochs=15, start="random", **settings)
        )
        for _ in training.events():
            pass
        found = {finding.name: finding for finding in training.findings()}
        assert ("leak" in found) is there
        if there:
            assert found["leak"].change.startswith("drop boat, body, unless")
            assert "boat alone predicts survived" in found["leak"].words
            assert found["leak"].words in training.model.summary["findings"]["leak"]


def check(training: TableTraining) -> None:
    """Overfitting may be said where the curves have it; nothing else is wrong with these."""
    for _ in training.events():
        pass
    found = [finding.name for finding in training.findings()]
    history = training.model.history
    if found:
        best = int(np.argmin(history.validation))
        assert found == ["overfitting"]
        assert history.validation[-1] > 1.1 * history.validation[best]
        assert history.cost[-1] < history.cost[best]
