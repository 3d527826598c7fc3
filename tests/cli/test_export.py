"""`chainrule export`: which file it writes, what it says, and what it refuses."""

import csv
import json
import subprocess
import sys

import pytest

import chainrule as cr
from chainrule.cli import run

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
    with pytest.raises(cr.ChainruleError, match=r"^[^\n]*own[^\n]*$"):
        own.export("own.py")


def test_nothing_is_half_written(folder, monkeypatch):
    from chainrule.export import python

    (folder / "old.py").write_text("old")
    monkeypatch.setattr(python, "as_json", lambda program: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cr.load("m.safetensors").export("old.py")
    assert (folder / "old.py").read_text() == "old"
