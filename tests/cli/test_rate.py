"""`chainrule rate`: the range test on a table, its curve, its suggestion, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.model import TableSettings, TableTraining
from chainrule.training import RangeTest

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(2, 120))
COLUMNS = {"a": A, "b": B, "y": 2 * A - np.sin(3 * B)}
TRAINING = ["t.csv", "--target", "y", "--hidden", "8", "--activation", "tanh", "--optimizer", "sgd"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table."""
    rows = zip(*(column.tolist() for column in COLUMNS.values()), strict=True)
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *(",".join(map(repr, row)) for row in rows)]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert run(["rate", *arguments, "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


def test_it_is_the_range_test_of_the_network_that_train_begins_with(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, *TRAINING, "--lowest", "1e-5", "--highest", "5", "--updates", "60")
    settings = TableSettings(hidden=8, activation="tanh", optimizer="sgd")
    training = TableTraining("t.csv", "y", settings)
    X, T, _ = training.rows
    rows = {"optimizer": "sgd", "batch_size": training.settings.batch_size}
    test = cr.find_learning_rate(training.network, X, T, lowest=1e-5, highest=5.0, updates=60, **rows)
    assert (found["rates"], found["costs"]) == (test.rates, test.costs)
    assert (found["smooth"], found["suggestion"], found["plot"]) == (test.smooth, test.suggestion, None)


def test_the_costs_of_several_members_are_means_and_training_is_not_disturbed() -> None:
    settings = TableSettings(members=3, epochs=2)
    searched, plain = (TableTraining("t.csv", "y", settings) for _ in range(2))
    test = searched.find_learning_rate(updates=20)
    for training in (searched, plain):
        [*_] = training.events()
    assert searched.model.network.theta.tobytes() == plain.model.network.theta.tobytes()
    assert test.costs[0] == pytest.approx(plain.model.history.cost[0], rel=0.5)


def test_people_read_a_small_table_and_the_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert run(["rate", *TRAINING, "--plot", "r.svg"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(k for k, line in enumerate(lines) if line.split() == ["learning", "rate", "cost"])
    assert lines[head - 1].split(" updates")[0].endswith("of 200")
    table = [line.split() for line in lines[head + 1 : -2]]
    assert 12 <= len(table) <= 13
    assert float(table[0][0]) == 1e-6
    (steepest,) = [row for row in table if len(row) == 3]
    assert lines[-2:] == [
        "curve plotted in r.svg",
        f"suggestion: {steepest[0]}, where the cost falls most steeply; use it by --learning-rate {steepest[0]}, all "
        "else as here",
    ]
    assert Path("r.svg").read_text().startswith("<?xml")


def test_a_linear_start_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rate", "t.csv", "--target", "y"]) in (0, 1)
    assert "training begins from the best linear model" in capsys.readouterr().out


def test_a_cost_that_only_rises_has_no_suggestion(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rising = RangeTest([*np.geomspace(1e-3, 1, 10)], [*np.arange(10.0)])
    monkeypatch.setattr(TableTraining, "find_learning_rate", lambda *_: rising)
    assert run(["rate", *TRAINING]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "no suggestion: the cost only rises, so try a smaller --lowest"
    assert run(["rate", *TRAINING, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["suggestion"] is None


def test_options_come_from_a_file_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("chainrule.toml").write_text('[rate]\ntarget = "y"\nhidden = 8\noptimizer = "sgd"\nactivation = "tanh"\n')
    assert document(capsys, "t.csv") == document(capsys, *TRAINING, "--config", "none")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--epochs", "3"], "Unknown option: --epochs"),
        (["--learning-rate", "0.1"], "Unknown option: --learning-rate"),
        (["--schedule", "cosine"], "Unknown option: --schedule"),
        (["--optimizer", "lbfgs"], "optimizer lbfgs has no learning rate"),
        (["--lowest", "0"], "lowest is 0.0, but must be a number above 0"),
        (["--lowest", "nan"], "lowest is nan"),
        (["--highest", "1e-9"], "highest is 1e-09, but must be above lowest"),
        (["--updates", "3"], "updates is 3, but must be a whole number from 10"),
        (["--updates", "many"], "'many' is not a whole number"),
        (["--plot", "t.csv"], "--plot is 't.csv', which is also an input"),
        (["--plot", "r.jpeg"], "must end in .png, .svg or .pdf"),
        (["--lowest", "1e5", "--highest", "1e9"], "lowest is 100000.0, but must be lower: the cost explodes at once"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_takes_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "--plot" in arguments:
        pytest.importorskip("matplotlib")
    assert run(["rate", *TRAINING[:-2], *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert captured.err.count("\n") == 1
