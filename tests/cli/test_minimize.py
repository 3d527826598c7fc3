"""`chainrule minimize`: formulas, places to start from, pictures, exit codes."""

import json
import os
import signal

import pytest

from chainrule.cli import run
from chainrule.cli.signals import Interrupt

ROSENBROCK = "(1-x)^2 + 100*(y-x^2)^2"


def test_the_first_example_finds_the_valley_and_draws_the_way(tmp_path, capsys):
    plot = tmp_path / "path.png"
    assert run(["minimize", ROSENBROCK, "--start", "-1,2", "--plot", str(plot)]) == 0
    said = capsys.readouterr()
    assert "converged after" in said.out
    assert "x = 0.99999998" in said.out or "x = 1" in said.out
    assert str(plot) in said.out
    assert said.err == ""
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("start", [["--start", "-1,2"], ["--start=-1,2"], ["--start", "y=2, x=-1"]])
def test_a_start_may_begin_with_a_minus_or_be_named(start, capsys):
    assert run(["minimize", ROSENBROCK, *start, "--optimizer", "lbfgs", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["success"] is True
    assert found["x"] == pytest.approx({"x": 1.0, "y": 1.0}, abs=1e-8)
    assert list(found["x"]) == ["x", "y"]


def test_a_formula_may_begin_with_a_minus(capsys):
    assert run(["minimize", "-cos(x)", "--start", "-0.5", "--optimizer", "sgd:momentum=0.5"]) == 0
    assert "cost -1" in capsys.readouterr().out


def test_what_does_not_converge_prints_the_best_point_and_leaves_with_1(capsys):
    assert run(["minimize", ROSENBROCK, "--start", "-1,2", "--max-steps", "3", "--optimizer", "rprop"]) == 1
    said = capsys.readouterr().out
    assert "not converged after 3 steps" in said
    assert "(the best point so far)" in said
    assert run(["minimize", ROSENBROCK, "--start", "-1,2", "--optimizer", "sgd"]) == 1
    said = capsys.readouterr().out
    assert "smaller than 0.1" in said
    assert "x = -1, y = 2: cost 104" in said


@pytest.mark.parametrize(
    "arguments",
    [
        [ROSENBROCK, "--start", "-1,2"],
        [ROSENBROCK, "--start", "-1,2", "--schedule", "cosine"],
        ["-cos(x) + x^2/10", "--start", "x=2", "--learning-rate", "0.05"],
        ["10^9 + x^2", "--start", "3", "--relative-tolerance", "1e-9", "--optimizer", "sgd"],
    ],
)
def test_the_default_rule_converges(arguments, capsys):
    assert run(["minimize", *arguments]) == 0
    assert capsys.readouterr().out.startswith("converged after ")


def test_a_saddle_is_named_and_leaves_with_1(capsys):
    assert run(["minimize", "x^2 - y^2", "--start", "0,0"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("a saddle point or a maximum after 0 steps")
    assert said.endswith("x = 0, y = 0: cost 0\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x^2 + ", "--start", "1"], "at character 7"),
        (["x^2", "--start", "1,2"], "the variables are x"),
        (["x^2", "--start", "y=1"], "no value for 'x'"),
        (["x^2", "--start", "x=1,y=1"], "a value for 'y'"),
        (["x^2", "--start", "x=1,x=2"], "name it once"),
        (["x*y", "--start", "x=1,1"], "'1' without a name"),
        (["x^2", "--start", "one"], "'one', but takes finite numbers"),
        (["x^2", "--start", "inf"], "'inf', but takes finite numbers"),
        (["x^2", "--start", "1", "--plot", "path.gif"], "must end in"),
        (["x^2", "--start", "1", "--optimizer", "lbfgs", "--learning-rate", "2"], "learning_rate of lbfgs"),
        (["x^2", "--start", "1", "--optimizer", "lbfgs", "--schedule", "cosine"], "no schedule"),
        (["x^2"], "start"),
        (["x^2", "--start"], "start"),
    ],
)
def test_wrong_usage_is_told_in_one_line(arguments, message, capsys):
    assert run(["minimize", *arguments]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_picture_that_cannot_be_written_is_told_before_the_descent(tmp_path, capsys):
    assert run(["minimize", "x^2", "--start", "1", "--plot", str(tmp_path / "no" / "path.svg")]) == 1
    said = capsys.readouterr()
    assert "its folder does not exist" in said.err
    assert said.out == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_with_the_best_point(number, code, monkeypatch, capsys):
    defer = Interrupt.defer

    def defer_and_signal(self, save):
        defer(self, save)
        assert save() == "stopped before the first step"
        os.kill(os.getpid(), number)

    monkeypatch.setattr(Interrupt, "defer", defer_and_signal)
    assert run(["minimize", "x^4", "--start", "1"]) == code
    said = capsys.readouterr()
    assert "cancelled after" in said.out
    assert "x = 1: cost 1 (the best point so far)" in said.out
    assert said.err == ""
