"""Every option of `train` reaches the training, and what does not go together is one line."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from chainrule.cli import run
from chainrule.cli.training_options import TrainOptions
from chainrule.files import load
from chainrule.model import TableSettings
from chainrule.training import Progress, Started
from chainrule.training.display import Display

TABLE = "a,b,n,answer\n" + "".join(
    f"{k % 7},{k / 10},{k * k % 11 + 0.5},{'yes' if k % 3 else 'no'}\n" for k in range(90)
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a table."""
    (tmp_path / "t.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def trained(*arguments: str, target: str = "answer") -> Any:
    assert run(["train", "t.csv", "--target", target, "--config", "none", *arguments]) == 0
    return load("model.safetensors")


def test_options_are_the_settings_and_their_defaults_too() -> None:
    ours, python = TrainOptions(), TableSettings()
    assert {field.name: getattr(ours, field.name) for field in dataclasses.fields(python)} == dataclasses.asdict(python)
    assert {f.name for f in dataclasses.fields(ours)} - {f.name for f in dataclasses.fields(python)} == {
        "clip_norm",
        "clip_value",
        "clip_example",
        "clip_noise",
    }


def test_the_network_is_the_one_that_was_asked_for(here: Path) -> None:
    network = ["--hidden", "6,4", "--activation", "elu:alpha=2,tanh", "--output", "sigmoid", "--cost", "quadratic"]
    model = trained(*network, "--initializer", "nielsen", "--dtype", "float64", "--epochs", "1")
    assert model.network.architecture.describe() == "3 inputs → 6 elu(alpha=2.0) → 4 tanh → 2 sigmoid (quadratic)"
    assert model.network.dtype == "float64"


def test_the_descent_is_the_one_that_was_asked_for(here: Path) -> None:
    rule = ["--optimizer", "sgd:momentum=0.9,nesterov=true", "--learning-rate", "0.02", "--schedule", "cosine:warmup=1"]
    rest = [
        "--batch-size",
        "8",
        "--clip-norm",
        "1",
        "--clip-example",
        "0.5",
        "--alpha",
        "0.1",
        "--l1",
        "0.01",
        "--dropout",
        "0.2",
    ]
    summary = trained(*rule, *rest, "--epochs", "2").summary
    assert summary["optimizer"] == {"name": "sgd", "learning_rate": 0.02, "momentum": 0.9, "nesterov": True}
    assert summary["schedule"] == {"name": "cosine", "warmup": 1.0, "final": 0.0}
    assert (summary["clip"], summary["batch_size"]) == ({"norm": 1.0, "example": 0.5}, 8)
    assert (summary["alpha"], summary["l1"], summary["dropout"]) == (0.1, 0.01, 0.2)


def test_all_rows_make_an_update(here: Path) -> None:
    assert trained("--batch-size", "all", "--epochs", "1").summary["batch_size"] == 90
    assert trained("--optimizer", "rprop", "--epochs", "1").summary["batch_size"] == 90
    assert trained("--batch-size", "auto", "--epochs", "1").summary["batch_size"] == 32


def test_patience_a_metric_and_a_time_end_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = trained("--metric", "auc", "--patience", "3", "--min-delta", "0.001", "--epochs", "5000").summary
    assert (summary["stopped"], summary["metric"], summary["patience"]) == ("patience", "auc", 3)
    assert "stopped: " in capsys.readouterr().out
    summary = trained("--time", "0.5s", "--hidden", "8", "--epochs", "1000000").summary
    assert (summary["stopped"], summary["time"]) == ("time", 0.5)


def test_scores_of_every_epoch_are_in_the_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained("--metric", "f1", "--epochs", "2", "--json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all({"accuracy", "f1", "validation_cost", "cost"} <= line.keys() for line in lines[:2])


def test_rows_have_the_roles_and_weights_that_were_asked_for(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "held.csv").write_text(TABLE)
    columns = ["--keep", "b", "--weight", "a", "--class-weight", "yes=2,no=0.5", "--cache", "."]
    model = trained(*columns, "--test-every", "5", "--validation", "held.csv", "--epochs", "1")
    assert (model.encoder.columns, model.summary["test"]["rows"]) == (["b"], 15)
    assert model.summary["class_weight"] == {"yes": 2.0, "no": 0.5}
    out = capsys.readouterr().out
    assert "15 for the test" in out
    assert "on the 15 rows held out for the test:\nanswer: accuracy" in out
    assert {path.name for path in here.iterdir()} == {"t.csv", "held.csv", "model.safetensors"}


def test_a_metric_that_is_never_a_number_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "held.csv").write_text("".join(line + "\n" for line in TABLE.splitlines() if not line.endswith("no")))
    arguments = ["--validation", "held.csv", "--metric", "auc", "--epochs", "2"]
    assert run(["train", "t.csv", "--target", "answer", *arguments]) == 1
    assert "auc was never a number on the held-out rows" in capsys.readouterr().err
    assert not (here / "model.safetensors").exists()


def test_long_names_are_cut_wherever_a_table_is_shown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    question = "How satisfied are you with it? " * 160
    rows = "".join(f"{k},{k % 5},{'yes' if k % 3 else question}\n" for k in range(60))
    (here / "t.csv").write_text(f'"{question}",b,"{question}y"\n{rows}')
    trained("--epochs", "1", "--hidden", "4", target=question + "y")
    for command in ("inspect model.safetensors", "evaluate model.safetensors t.csv"):
        assert run(command.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 200
    assert sum(line.startswith("How satisfied are you with it? How s ... ") for line in lines) == 3
    assert run(["inspect", "model.safetensors", "--json"]) == 0
    assert question in capsys.readouterr().out


def test_counts_are_inspected_in_their_unit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = trained("--cost", "poisson", "--epochs", "1", target="n")
    assert model.network.architecture.blocks[0].activation.name == "exp"
    assert run(["inspect", "model.safetensors"]) == 0
    assert "in units of" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--optimizer zgd", "did you mean 'sgd'"),
        ("--optimizer sgd:speed=3", "has no parameter 'speed'"),
        ("--optimizer sgd --optimizer adam", "optimizer"),
        ("--schedule cosine:warmup=x", "'x' is not a number"),
        ("--optimizer lbfgs --schedule cosine", "does not go with lbfgs"),
        ("--optimizer lbfgs --learning-rate 0.1", "line search"),
        ("--optimizer rprop --batch-size 8", "needs all"),
        ("--hidden 8 --activation relu,tanh", "2 activations came for 1 hidden layers"),
        ("--hidden 4,3 --activation relu,tanh,relu", "3 activations came for 2"),
        ("--initializer glorot", "did you mean 'glorot_"),
        ("--output tanh", "choose softmax or sigmoid"),
        ("--cost poisson", "is for numbers"),
        ("--target n --output softmax", "does not suit numbers"),
        ("--target n,answer --cost quadratic", "leave both out"),
        ("--metric rmse", "choose from accuracy"),
        ("--metric acc", "accuracy"),
        ("--metric auc --validation 0", "held out"),
        ("--patience 0", "patience is 0"),
        ("--patience soon", "'soon' is not a whole number or 'none' or 'auto'"),
        ("--min-delta -1", "min_delta is -1"),
        ("--time 0", "time is 0"),
        ("--time soon", "is not a time"),
        ("--clip-norm 0", "norm of clip is 0"),
        ("--batch-size some", "not a whole number or 'all' or 'auto'"),
        ("--mode max", "Unknown option"),
        ("--class-weight yes=x", "'x' is not a number"),
        ("--class-weight even", "'balanced'"),
        ("--class-weight maybe=3", "the classes of 'answer'"),
        ("--test-every 1", "test_every is 1"),
        ("--keep a --drop a", "both kept"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    arguments: str, said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = [] if "--target" in arguments else ["--target", "answer"]
    assert run(["train", "t.csv", *target, *arguments.split()]) == 2
    error = capsys.readouterr().err
    assert error.startswith("chainrule: ")
    assert error.count("\n") == 1
    assert said in error
    assert not (here / "model.safetensors").exists()


def shown(display: Display, seconds: float, done: int) -> str:
    """The time left after 10 epochs of 5 updates began at 2 seconds, `done` of them made."""
    display.show(Started(50, 5, 10, "reference", 0))
    display.show(Progress(0, 1, 5, 1.0, 0.1, 2.0))
    return display.left(done, seconds)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "0:01:18 left"),
        ({"may_end": True}, "at most 0:01:18 left"),
        ({"time": 60.0}, "0:00:38 left"),
        ({"time": 600.0, "may_end": True}, "at most 0:01:18 left"),
        ({"time": 10.0}, "0:00:00 left"),
    ],
)
def test_the_time_left_is_honest(settings: dict[str, Any], said: str) -> None:
    """10 updates took 20 seconds, 39 are to come."""
    display = Display(silent=True, **settings)
    assert shown(display, 22.0, 11) == said
