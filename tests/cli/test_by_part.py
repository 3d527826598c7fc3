"""`chainrule predict --by-part`: a file of answers for each part, shared by hosts, begun again."""

import json
import os
import time

import numpy as np
import pytest

import chainrule as cr
from chainrule.cli import run

pa = pytest.importorskip("pyarrow")

from pyarrow import csv, parquet  # noqa: E402


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.linspace(0, 1, 60)
    (tmp_path / "parts").mkdir()
    for k in range(4):
        some = x[k * 15 : (k + 1) * 15]
        parquet.write_table(pa.table({"x": some, "z": some**2}), tmp_path / "parts" / f"p-{k}.parquet")
    model = cr.train_table({"x": x, "z": x**2, "y": 3 * x}, "y", epochs=2, hidden=4)
    model.save(tmp_path / "m.safetensors")
    return tmp_path


def predict(*more):
    return run(["predict", "m.safetensors", "parts", "--by-part", "--out", "answers", *more])


def test_two_hosts_answer_all_parts_and_a_third_has_nothing_to_do(here, capsys):
    assert predict("--host", "0/2") == 0
    assert sorted(path.name for path in (here / "answers").glob("*.csv")) == ["p-0.csv", "p-2.csv"]
    assert predict("--host", "1/2") == 0
    assert predict("--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {
        "parts": 4, "kept": 4, "of": 4, "rows": 0, "out": "answers",
    }  # fmt: skip
    answers = np.concatenate([csv.read_csv(here / "answers" / f"p-{k}.csv").column("y").to_numpy() for k in range(4)])
    whole = cr.load(here / "m.safetensors").predict(here / "parts")
    assert np.allclose(answers, whole, rtol=1e-6)


def test_a_part_that_is_newer_or_has_no_answers_is_answered_again(here, capsys):
    assert predict() == 0
    (here / "answers" / "p-1.csv").unlink()
    os.utime(here / "parts" / "p-3.parquet", (time.time() + 5,) * 2)
    assert predict() == 0
    assert "30 answers for 2 parts of 4 in answers; 2 were there" in capsys.readouterr().out


def test_a_part_without_rows_gets_no_file(here, capsys):
    nothing = parquet.read_table(here / "parts" / "p-1.parquet").slice(0, 0)
    parquet.write_table(nothing, here / "parts" / "p-1.parquet")
    assert predict() == 0
    assert "45 answers for 3 parts of 4 in answers; 1 without rows" in capsys.readouterr().out
    assert not (here / "answers" / "p-1.csv").exists()
    (here / "parts2").mkdir()
    (here / "parts2" / "a.csv").write_text("x,z\n")
    assert run(["predict", "m.safetensors", "parts2", "--by-part", "--out", "none"]) == 0


def test_answers_of_another_model_or_other_options_are_refused(here, capsys):
    assert predict() == 0
    assert predict("--id", "z") == 2
    assert "'answers' has answers of another model or with other options" in capsys.readouterr().err


def test_auto_takes_the_place_that_the_launcher_says(here, monkeypatch):
    for name, value in {"JAX_NUM_PROCESSES": "4", "JAX_PROCESS_ID": "3", "JAX_COORDINATOR_ADDRESS": "a:1"}.items():
        monkeypatch.setenv(name, value)
    assert predict("--host", "auto") == 0
    assert [path.name for path in (here / "answers").glob("*.csv")] == ["p-3.csv"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["parts", "--by-part"], 2, "--by-part writes a file for each part: add --out FOLDER"),
        (["parts", "--host", "0/2", "--out", "a"], 2, "--host shares the parts of a folder: add --by-part"),
        (["parts", "--by-part", "--out", "a", "--host", "2/2"], 2, "--host is '2/2', but must be I/N"),
        (["parts/p-0.parquet", "--by-part", "--out", "a"], 1, "is not a folder: --by-part answers each file"),
        (["parts", "--by-part", "--out", "./parts"], 2, "--out is 'parts', which has the parts: name another folder"),
    ],
)
def test_options_that_do_not_fit_are_refused(here, capsys, arguments, code, words):
    assert run(["predict", "m.safetensors", *arguments]) == code
    assert words in capsys.readouterr().err


def test_parts_whose_answers_would_have_one_name_are_refused(here, capsys):
    (here / "both").mkdir()
    for name in ("a.csv", "A.csv.gz"):
        (here / "both" / name).write_text("x,z\n1,2\n")
    assert run(["predict", "m.safetensors", "both", "--by-part", "--out", "answers"]) == 1
    assert "and 'a.csv' would both be 'a.csv': rename one of them" in capsys.readouterr().err
    assert not (here / "answers").exists()
