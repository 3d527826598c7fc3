"""`chainrule predict`: answers by name, as CSV or JSON."""

import csv
import json
from pathlib import Path

import pytest

from chainrule.cli import run

from .processes import call


def test_answers_never_take_the_place_of_others(tmp_path: Path) -> None:
    rows = [[k, "p" if k % 2 else "q", k * 1.5] for k in range(40)]
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["x", "a", "a=p"], *rows])
    train = ("train", "t.csv", "--target", "a,a=p", "--epochs", "1", "--out", "m.safetensors")
    call(*train, cwd=tmp_path)
    assert "'a=p'" in call("predict", "m.safetensors", "t.csv", cwd=tmp_path, code=2)[1]
    out, _ = call("predict", "m.safetensors", "t.csv", "--no-probabilities", cwd=tmp_path)
    assert out.splitlines()[0] == '"a","a=p"'


def test_predictions_as_json_are_one_object_a_row(folder: Path) -> None:
    out, _ = call("predict", "m.safetensors", "new.csv.gz", "--json", cwd=folder)
    assert [json.loads(line)["answer"] for line in out.splitlines()] == ["yes", "no"]


@pytest.fixture
def seven(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are answered seven rows at a time: with five inputs each."""
    monkeypatch.setattr("chainrule.tables.chunks.AT_ONCE", 35)


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize("options", [(), ("--no-probabilities",), ("--json",)])
def test_answers_cut_into_blocks_are_those_of_one(
    folder: Path, options: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    model, table, out = (str(folder / name) for name in ("m.safetensors", "t.csv", "p.csv"))
    whole, _ = call("predict", model, table, *options, cwd=folder)
    assert run(["predict", model, table, *options]) == 0
    assert capfd.readouterr().out == whole
    assert run(["predict", model, table, *options, "--out", out]) == 0
    said = capfd.readouterr().out
    if "--json" in options:
        assert json.loads(said) == {"rows": 120, "columns": ["answer", "answer=no", "answer=yes"], "out": out}
    else:
        assert Path(out).read_text() == whole


@pytest.mark.usefixtures("seven")
def test_a_row_without_an_answer_is_named_and_leaves_no_half_file(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [[1, "blue" if k % 2 else "red", "about 3" if k == 90 else 2.5] for k in range(100)]
    with (tmp_path / "new.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "colour", "b"], *rows])
    (tmp_path / "p.csv").write_text("of old")
    command = ["predict", str(folder / "m.safetensors"), str(tmp_path / "new.csv")]
    assert run([*command, "--out", str(tmp_path / "p.csv")]) == 1
    assert "'about 3' came in row 91:" in capfd.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "p.csv"]
    assert (tmp_path / "p.csv").read_text() == "of old"
    assert run(command) == 1
    out, error = capfd.readouterr()
    assert "'about 3' came in row 91:" in error
    assert len(out.splitlines()) == 1 + 84  # the names, and the rows of the 12 blocks before
