"""`--interval`, `--sets`, `--spread`, `--threshold` and what `train` and `evaluate` say of them, in this process."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and a model of each of its targets."""
    folder, draw = tmp_path_factory.mktemp("sure"), np.random.default_rng(0)
    x, noise = draw.uniform(-2, 2, 150), draw.normal(size=150)
    columns = {"x": x, "price": 3 * x + noise, "kind": np.digitize(x + noise, [-1, 1]), "ok": x + noise > 1}
    with (folder / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([columns, *zip(*(v.tolist() for v in columns.values()), strict=True)])
    few: dict[str, Any] = {"keep": ("x",), "epochs": 5, "seed": 0}
    for name in ("price", "kind", "ok"):
        cr.train_table(folder / "t.csv", name, **few).save(folder / f"{name}.safetensors")
    cr.train_table(folder / "t.csv", "price", quantiles=(0.1, 0.9), **few).save(folder / "quantiles.safetensors")
    cr.train_table(folder / "t.csv", "price", cost="gaussian", hidden=4, **few).save(folder / "gaussian.safetensors")
    cr.save(cr.Network([1, 1]), folder / "net.safetensors")
    return folder


@pytest.fixture
def call(here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(here)

    def call(*arguments: str, code: int = 0) -> str:
        assert run(list(arguments)) == code
        out, error = capfd.readouterr()
        return error if code else out

    return call


def rows(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


def test_an_interval_has_two_columns(call: Any, here: Path) -> None:
    written = rows(call("predict", "price.safetensors", "t.csv", "--interval", "0.8", "--spread"))
    model = cr.load(here / "price.safetensors")
    ends, spread = model.predict_interval(here / "t.csv", 0.8), model.spread(here / "t.csv")
    assert list(written[0]) == ["price", "price low", "price high", "price spread"]
    assert [[float(row[f"price {end}"]) for end in ("low", "high")] for row in written] == ends.tolist()
    assert [float(row["price spread"]) for row in written] == spread.tolist()


def test_sets_are_texts_in_csv_and_lists_in_json(call: Any, here: Path) -> None:
    inside = cr.load(here / "kind.safetensors").predict_set(here / "t.csv", 0.9, method="aps")
    expected = [np.flatnonzero(row).tolist() for row in inside]
    options = ("predict", "kind.safetensors", "t.csv", "--sets", "0.9", "--sets-by", "aps", "--no-probabilities")
    written = rows(call(*options))
    assert [row["kind set"] for row in written] == [";".join(map(str, row)) for row in expected]
    assert [json.loads(line)["kind set"] for line in call(*options, "--json").splitlines()] == expected
    assert {row["ok set"] for row in rows(call("predict", "ok.safetensors", "t.csv", "--sets", "0.95"))} <= {
        "false",
        "true",
        "false;true",
    }


def test_quantiles_and_deviations_are_there_unasked(call: Any) -> None:
    assert list(rows(call("predict", "quantiles.safetensors", "t.csv"))[0]) == ["price", "price 0.1", "price 0.9"]
    assert list(rows(call("predict", "gaussian.safetensors", "t.csv"))[0]) == ["price", "price deviation"]


def test_evaluate_shows_the_coverage(call: Any) -> None:
    lines = call("evaluate", "price.safetensors", "t.csv", "--interval", "0.9").splitlines()
    assert lines[2].startswith("price: 90% intervals have the true value in ")
    lines = call("evaluate", "kind.safetensors", "t.csv", "--sets", "0.9").splitlines()
    assert lines[1].split(", ")[-2:][0].startswith("brier ")
    assert lines[2].startswith("kind: 90% sets have the true value in ")
    document = json.loads(call("evaluate", "kind.safetensors", "t.csv", "--sets", "0.9", "--json"))
    assert set(document["coverage"]["kind"]["set"]) == {"promised", "coverage", "size"}


def test_train_chooses_a_threshold_and_predict_another(call: Any, here: Path) -> None:
    out = call(
        *("train", "t.csv", "--target", "ok", "--keep", "x", "--epochs", "5", "--out", "new.safetensors"),
        *("--threshold", "recall=0.9", "--calibrate"),
    )
    assert "true is the answer from probability " in out
    assert "temperature of ok: " in out
    model = cr.load(here / "new.safetensors")
    assert model.summary["threshold"]["rule"] == "recall=0.9"
    answers = [row["ok"] for row in rows(call("predict", "new.safetensors", "t.csv"))]
    assert answers == [str(each).lower() for each in model.predict(here / "t.csv").tolist()]
    other = [row["ok"] for row in rows(call("predict", "new.safetensors", "t.csv", "--threshold", "rate=0.1"))]
    expected = model.with_threshold("rate=0.1").predict(here / "t.csv").tolist()
    assert other == [str(each).lower() for each in expected] != answers
    chance = model.probabilities(here / "t.csv")["ok=true"]
    number = [row["ok"] for row in rows(call("predict", "new.safetensors", "t.csv", "--threshold", "0.75"))]
    assert number == [str(bool(p >= 0.75)).lower() for p in chance]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("predict", "price.safetensors", "t.csv", "--interval", "1"), "coverage of interval is 1.0, but must be"),
        (("predict", "price.safetensors", "t.csv", "--sets", "0.9"), "a set is for targets of classes"),
        (
            ("predict", "price.safetensors", "t.csv", "--threshold", "f1"),
            "threshold is for one target with two classes",
        ),
        (("predict", "gaussian.safetensors", "t.csv", "--spread"), "this model is of one network"),
        (("predict", "net.safetensors", "t.csv", "--interval", "0.9"), "only a model that `train` wrote says how sure"),
        (
            ("predict", "net.safetensors", "t.csv", "--threshold", "f1"),
            "threshold 'f1' needs a model that `train` wrote",
        ),
        (("train", "t.csv", "--target", "ok", "--threshold", "best"), "threshold is 'best', but must be a probability"),
        (("train", "t.csv", "--target", "price", "--quantiles", "0.9,0.1"), "quantiles is"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(call: Any, arguments: tuple[str, ...], line: str) -> None:
    error = call(*arguments, code=2)
    assert line in error
    assert len(error.splitlines()) == 1


def test_columns_that_have_one_name_are_refused(call: Any, here: Path) -> None:
    with (here / "named.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["x", "price low"], [1.0, 2.0]])
    error = call("predict", "price.safetensors", "named.csv", "--id", "price low", "--interval", "0.8", code=2)
    assert "two columns would be named 'price low': leave out --id" in error
