"""`chainrule export`: which file it writes, what it says, and what it refuses."""

import csv
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run
from chainrule.errors import SettingError

ROWS = {"size": [0.5, 2.0, None, 3.0] * 15, "colour": ["red", "blue", "red", ""] * 15, "y": ["no", "yes"] * 30}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a model of a table, a network, a model in float64, and tables for them."""
    folder = tmp_path_factory.mktemp("export")
    model = cr.train_table(ROWS, target="y", epochs=2, hidden=(4,), members=1, validation=0.0)
    cr.save(model, folder / "m.safetensors")
    net = cr.Network([2, 3, 1], seed=0, dtype="float64")
    cr.save(net, folder / "net.safetensors")
    own = cr.Network([2, 3, 1], lambda z: z / (1 + z * z))
    assert own is not None
    lines = [
        "size,colour",
        *(f"{'' if s is None else s},{c}" for s, c in zip(ROWS["size"], ROWS["colour"], strict=True)),
    ]
    (folder / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "numbers.csv").write_text("a,b\n1,2\n0.5,-3\n", encoding="utf-8")
    (folder / "three.csv").write_text("a,b,c\n1,2,3\n", encoding="utf-8")
    (folder / "empty.csv").write_text("a,b\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def _in_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)


def test_the_file_has_the_name_of_the_model_and_is_checked(capsys):
    assert run(["export", "m.safetensors", "--to", "python", "--check", "t.csv"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("m.py: Python without packages, ")
    assert second.startswith("y: 60 rows, largest difference ")
    assert second.endswith("(allowed 1.0e-05), 0 labels differ")
    assert run(["export", "m.safetensors", "--to", "python"]) == 2
    assert "'m.py' exists: remove it, or name the file to write with --out" in capsys.readouterr().err


def test_the_program_answers_as_the_model_does(folder):
    assert run(["export", "m.safetensors", "--out", "answers.py"]) == 0
    command = [sys.executable, "-S", "-I", "answers.py", "t.csv"]
    theirs = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    ours = cr.load("m.safetensors").predict("t.csv")
    assert [row[0] for row in csv.reader(theirs.splitlines())] == ["y", *ours.tolist()]


def test_a_network_in_another_type(folder, capsys):
    options = ["--out", "net.py", "--dtype", "float32", "--check", "numbers.csv", "--json"]
    assert run(["export", "net.safetensors", *options]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "python"
    assert document["bytes"] == (folder / "net.py").stat().st_size
    assert document["check"][0]["ok"]
    assert 0 < document["check"][0]["largest"] < document["check"][0]["allowed"] == 1e-5
    assert document["check"][0]["labels"] is None


def test_more_digits_than_the_model_has_are_no_error(capsys):
    assert run(["export", "m.safetensors", "--out", "m64.py", "--dtype", "float64", "--check", "t.csv"]) == 0
    assert "(allowed 1.0e-05), 0 labels differ" in capsys.readouterr().out


def test_numbers_have_no_labels(capsys):
    assert run(["export", "net.safetensors", "--out", "n.py", "--check", "numbers.csv"]) == 0
    assert capsys.readouterr().out.endswith("(allowed 1.0e-12)\n")


def test_smaller_weights_are_compared_with_no_bound(capsys, monkeypatch):
    from chainrule.export import FORMATS

    def runner(self, path, program):
        return lambda rows: program.answers(np.full((len(rows["x1"]), 1), 0.25))

    monkeypatch.setattr(type(FORMATS["c"]), "runner", runner)
    options = ["--out", "n.c", "--weights", "int8", "--check", "numbers.csv"]
    assert run(["export", "net.safetensors", *options]) == 0
    assert re.search(r"largest difference \S+\n", capsys.readouterr().out)
    assert run(["export", "net.safetensors", *options, "--json"]) == 0
    (checked,) = json.loads(capsys.readouterr().out)["check"]
    assert checked["ok"]
    assert checked["allowed"] is None


def test_a_difference_is_an_error(capsys, monkeypatch):
    from chainrule.export import FORMATS

    right = type(FORMATS["python"]).runner

    def wrong(self, path, program):
        run_right = right(self, path, program)
        return lambda rows: run_right({name: cells[::-1] for name, cells in rows.items()})

    monkeypatch.setattr(type(FORMATS["python"]), "runner", wrong)
    assert run(["export", "m.safetensors", "--out", "w.py", "--check", "t.csv"]) == 1
    assert "labels differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "there is no format: name one with --to"),
        (("--out", "m.foo"), "'m.foo' does not end like a format: let the name end in .py"),
        (("--to", "cobol"), "there is no format 'cobol': choose one of python"),
        (("--to", "python", "--out", "no/such/m.py"), "no/such/m.py: its folder does not exist"),
        (("--out", "q.py", "--weights", "int8"), "Python without packages has no options, but weights was given"),
        (("--out", "q.py", "--check", "numbers.csv"), "there are no input columns 'size', 'colour'"),
        (("--out", "q.py", "--check", "no.csv"), "no.csv"),
        (("--out", "m.safetensors", "--to", "python"), "which is also an input"),
    ],
)
def test_refusals_are_one_line(arguments, line, capsys):
    assert run(["export", "m.safetensors", *arguments]) in (1, 2)
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert not Path("q.py").exists()


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("t.csv", "row 3 of column 'size' is missing: fill it"),
        ("empty.csv", "no rows"),
        ("three.csv", "has 3 columns, but"),
    ],
)
def test_other_tables_for_a_network(table, line, capsys):
    assert run(["export", "net.safetensors", "--out", "net2.py", "--check", table]) == 1
    assert line in capsys.readouterr().err


def test_a_function_of_ones_own_cannot_be_exported():
    own = cr.Network([2, 3, 1], lambda z: z / (1 + z * z))
    with pytest.raises(SettingError, match=r"^activation [^\n]*, which only Python can compute: train with[^\n]*$"):
        own.export("own.py")


def test_a_cost_of_ones_own_does_not_matter():
    own = cr.Network([2, 3, 1], cost=lambda A, T: np.sum((A - T) ** 2, axis=1), seed=0)
    own.export("cost.py")
    assert runpy.run_path("cost.py")["METADATA"]["digest"] == ""


def test_an_estimator_that_was_fitted_to_an_array_takes_columns_in_order(capsys):
    X = np.random.default_rng(0).normal(0, 1, (20, 2))
    mlp = cr.MLPRegressor(hidden_layer_sizes=(3,), random_state=0).partial_fit(X, X[:, 0])
    cr.save(mlp, "array.safetensors")
    assert run(["export", "array.safetensors", "--out", "array.py", "--check", "numbers.csv"]) == 0
    assert "y: 2 rows" in capsys.readouterr().out


@pytest.mark.parametrize("options", [{"to": ["c"]}, {"to": 5}, {"to": "c", "weights": ["int8"]}])
def test_options_of_another_type_are_refused(options):
    with pytest.raises(SettingError, match=r"^[^\n]*$"):
        cr.Network([2, 1]).export("odd.c", **options)


def test_nothing_is_half_written(folder, monkeypatch):
    from chainrule.export import python

    (folder / "old.py").write_text("old")
    monkeypatch.setattr(python, "as_json", lambda program: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cr.load("m.safetensors").export("old.py")
    assert (folder / "old.py").read_text() == "old"
