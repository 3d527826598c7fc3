"""`chainrule suspects`: the rows that may have a wrong label, by a training of its own or by a model."""

import csv
import json
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.cli import run

WRONG = (40, 77)  # from 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, two labels of which are wrong, and a model and a network."""
    folder = tmp_path_factory.mktemp("suspects")
    rows = [[k % 7, k % 3, "yes" if (k % 3 == 0) != (k in WRONG) else "no"] for k in range(120)]
    with (folder / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "b", "answer"], *rows])
    cr.train_table(folder / "t.csv", "answer", epochs=30, members=3).save(folder / "m.safetensors")
    cr.save(cr.Network([2, 1]), folder / "n.safetensors")
    return folder


@pytest.fixture(autouse=True)
def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


TRAINING = ["t.csv", "--target", "answer", "--epochs", "30"]


@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        ([*TRAINING, "--members", "3"], "out-of-fold cost of 3 members"),
        ([*TRAINING, "--members", "1", "--validation", "0", "--hidden", "8"], "self-influence over 30 epochs"),
        (["m.safetensors", "t.csv"], "cost"),
    ],
    ids=["members", "one member", "model"],
)
def test_wrong_labels_come_first(arguments: list[str], method: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["suspects", *arguments, "-n", "2", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    found = json.loads(lines[0])
    assert (found["method"], found["rows"]) == (method, 120)
    assert sorted(each["row"] for each in found["suspects"]) == list(WRONG)
    assert found["suspects"][0]["targets"]["answer"]["true"] == "yes"  # neither row is divisible by 3
    assert run(["suspects", *arguments, "--count", "3"]) == 0
    shown = capsys.readouterr().out.splitlines()
    head = next(k for k, line in enumerate(shown) if line.startswith("row "))
    assert shown[head].split() == ["row", "score", "answer", "predicted", "probability"]
    assert shown[head - 1] == f"120 rows, scored by {method}; the most suspect first"
    rows = [line.split() for line in shown[head + 1 :]]
    assert len(rows) == 3
    assert sorted(int(row[0]) - 1 for row in rows[:2]) == list(WRONG)  # shown from 1
    assert [row[2] for row in rows[:2]] == ["yes", "yes"]


def test_rows_without_a_score_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["suspects", *TRAINING[:3], "--epochs", "2", "--validation", "0.25", "-n", "1"]) == 0
    shown = capsys.readouterr().out
    assert "90 rows, scored by self-influence over 2 epochs" in shown
    assert "30 rows held out for validation without a score: --members 5 scores all rows" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["t.csv"], 2, "add --target COLUMN after the table, or give a model and a table"),
        (["m.safetensors", "t.csv", "--target", "answer"], 2, "leave out --target and its settings"),
        (["m.safetensors", "t.csv", "--epochs", "3"], 2, "leave out --target and its settings"),
        (["n.safetensors", "t.csv"], 2, "it has a Network, which does not know the columns of a table"),
        (["t.csv", "t.csv"], 1, "not a safetensors file"),
        (["t.csv", "--target", "c"], 1, "no target column 'c'"),
        (["m.safetensors", "t.csv", "-n", "0"], 2, "n is 0, but must be a whole number from 1"),
        ([*TRAINING, "-n", "0"], 2, "n is 0, but must be a whole number from 1"),
        (["m.safetensors", "none.csv"], 1, "none.csv"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_takes_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["suspects", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1
