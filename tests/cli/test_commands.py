"""The command line as a person meets it: real processes, their output, their exit codes, and what they leave behind."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.cli import COMMANDS

from .processes import CLEAN, call, start


def test_the_main_job_from_table_to_answers(folder: Path) -> None:
    out, err = call("evaluate", "m.safetensors", "t.csv", cwd=folder)
    assert "120 rows" in out
    assert "answer: accuracy 1" in out
    assert err == ""
    out, _ = call("predict", "m.safetensors", "new.csv.gz", "--out", "p.csv", cwd=folder)
    assert "2 answers" in out
    with (folder / "p.csv").open() as stream:
        found = list(csv.DictReader(stream))
    assert [row["answer"] for row in found] == ["yes", "no"]
    assert float(found[0]["answer=yes"]) > 0.5
    out, _ = call("predict", "m.safetensors", "new.csv.gz", "--no-probabilities", cwd=folder)
    assert out.split() == ['"answer"', '"yes"', '"no"']
    out, _ = call("inspect", "m.safetensors", cwd=folder)
    for word in ("softmax", "colour", "red", "best epoch", "parameters"):
        assert word in out


def test_json_is_one_object_an_epoch_and_one_at_the_end(folder: Path) -> None:
    out, err = call(
        "train", "t.csv", "--target", "answer", "--epochs", "3", "--out", "j.safetensors", "--json", cwd=folder
    )
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in lines] == ["epoch"] * 3 + ["end"]
    assert [line["epoch"] for line in lines[:3]] == [1, 2, 3]
    assert lines[-1]["epochs"] == 3
    assert err == ""
    for command in (["evaluate", "j.safetensors", "t.csv"], ["inspect", "j.safetensors"], ["doctor"]):
        assert isinstance(json.loads(call(*command, "--json", cwd=folder)[0]), dict)


def test_the_same_command_writes_the_same_bytes(folder: Path) -> None:
    for name in ("x.safetensors", "y.safetensors"):
        call("train", "t.csv", "--target", "answer", "--epochs", "3", "--out", name, cwd=folder)
    assert (folder / "x.safetensors").read_bytes() == (folder / "y.safetensors").read_bytes()


def test_the_demo_runs_and_so_does_what_it_says_to_try_next(tmp_path: Path) -> None:
    out, _ = call("demo", "--epochs", "12", cwd=tmp_path)
    accuracy = float(out.split("digit: accuracy ")[1].split(",")[0])
    assert accuracy > 0.93
    tries = [line.split() for line in out.splitlines() if line.startswith("  chainrule ") and "YOUR" not in line]
    assert [words[1] for words in tries] == ["inspect", "evaluate", "predict"]
    for words in tries:
        call(*words[1:], cwd=tmp_path)
    assert (tmp_path / "answers.csv").exists()


def test_the_doctor_finds_a_healthy_installation(tmp_path: Path) -> None:
    out, _ = call("doctor", cwd=tmp_path)
    assert "engine reference: works" in out
    assert "NO " not in out


WRONG_USE = [
    [],
    ["train"],
    ["trane"],
    ["train", "t.csv"],
    ["train", "t.csv", "--target", "answer", "--bogus"],
    ["train", "t.csv", "--target", "answer", "--hidden", "3,x"],
    ["train", "t.csv", "--target", "answer", "--activation", "rel"],
    ["train", "t.csv", "--target", "answer", "--epochs", "many"],
    ["train", "t.csv", "--target", "answer", "--epochs", "0"],
    ["train", "t.csv", "--target", "answer", "--validation", "1.5"],
    ["train", "t.csv", "--target", "answer", "--learning-rate", "-1"],
    ["train", "t.csv", "--target", "answer", "--seed", "-1"],
    ["train", "t.csv", "--target", "answer", "--epochs", "1.5"],
    ["train", "t.csv", "--target", "answer", "--seed", "2.7"],
    ["train", "t.csv", "--target", "answer", "--out", "t.csv"],
    ["predict", "m.safetensors", "t.csv", "--out", "t.csv"],
    ["predict", "m.safetensors", "t.csv", "--out", "m.safetensors"],
    ["predict", "m.safetensors"],
]


@pytest.mark.parametrize("arguments", WRONG_USE[1:], ids=" ".join)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    out, err = call(*arguments, cwd=folder, code=2)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert err.startswith("chainrule: ")
    assert err.count("\n") == 1
    assert out == ""


FAILURES = [
    (["train", "none.csv", "--target", "answer"], "none.csv"),
    (["train", ".", "--target", "answer"], "folder"),
    (["train", "t.csv", "--target", "anser"], "did you mean 'answer'"),
    (["train", "t.csv", "--target", "answer", "--drop", "nothing"], "nothing"),
    (["train", "t.csv", "--target", "answer", "--task", "regression"], "answer"),
    (["train", "t.csv", "--target", "answer", "--out", "no/such/m.safetensors"], "no/such"),
    (["train", "t.csv", "--target", "answer", "--out", "."], "folder"),
    (["train", "t.csv", "--target", "b", "--optimizer", "sgd", "--learning-rate", "1e30"], "learning rate"),
    (["train", "t.csv", "--target", "b", "--learning-rate", "1e38", "--epochs", "1", "--batch-size", "999"], "saved"),
    (["evaluate", "t.csv", "t.csv"], "text"),
    (["evaluate", "m.safetensors", "new.csv.gz"], "answer"),
    (["predict", "none.safetensors", "t.csv"], "none.safetensors"),
    (["predict", "m.safetensors", "m.safetensors"], "m.safetensors"),
    (["predict", "m.safetensors", "t.csv", "--out", "no/such.csv"], "no/such.csv"),
    (["inspect", "t.csv"], "t.csv"),
]


@pytest.mark.parametrize(("arguments", "said"), FAILURES, ids=[" ".join(a) for a, _ in FAILURES])
def test_a_failure_is_one_line_names_the_cause_and_leaves_nothing(
    arguments: list[str], said: str, folder: Path
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    _, err = call(*arguments, cwd=folder, code=1)
    assert err.startswith("chainrule: ")
    assert err.count("\n") == 1
    assert said in err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
def test_a_full_disk_is_told(folder: Path) -> None:
    _, err = call("train", "t.csv", "--target", "answer", "--epochs", "1", "--out", "/dev/full", cwd=folder, code=1)
    assert "/dev/full" in err
    _, err = call("predict", "m.safetensors", "t.csv", "--out", "/dev/full", cwd=folder, code=1)
    assert "/dev/full" in err


def test_debug_shows_the_traceback(folder: Path) -> None:
    process = start("train", "none.csv", "--target", "y", "--debug", cwd=folder)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" in err


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_weights_so_far(number: int, code: int, folder: Path) -> None:
    model = folder / f"stopped-{code}.safetensors"
    process = start("train", "t.csv", "--target", "answer", "--epochs", "100000", "--out", model, "--json", cwd=folder)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    asked = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5
    assert process.returncode == code, err
    assert json.loads(out.splitlines()[-1])["stopped"] == "cancelled"
    call("evaluate", model, "t.csv", cwd=folder)


def test_help_names_every_command_and_every_command_has_help(tmp_path: Path) -> None:
    out, _ = call("--help", cwd=tmp_path)
    for command in COMMANDS:
        assert command in out
        assert f"Usage: chainrule {command}" in call(command, "--help", cwd=tmp_path)[0]
    assert call("--version", cwd=tmp_path)[0].strip().count(".") == 2


def test_help_needs_none_of_the_slow_libraries() -> None:
    code = (
        "import sys\nfrom chainrule.cli import run\nassert run(['--help']) == 0\n"
        "slow = {'numpy', 'scipy', 'sklearn', 'pyarrow', 'pandas', 'jax'} & set(sys.modules)\nassert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_output_into_a_closed_pipe_ends_quietly(folder: Path) -> None:
    process = start("predict", "m.safetensors", "t.csv", cwd=folder)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)


def test_columns_with_commas_and_spaces_in_their_names_can_be_named(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a,b", " y", "z"], *([k, "p" if k % 2 else "q", k % 2] for k in range(40))])
    call("train", "t.csv", "--target", "y", "--drop", "a,b", "--epochs", "1", "--out", "m.safetensors", cwd=tmp_path)
    out, _ = call("inspect", "m.safetensors", cwd=tmp_path)
    assert "a,b" not in out
    call("train", "t.csv", "--target", "a,b", "--epochs", "1", "--out", "m.safetensors", cwd=tmp_path)


def test_a_terminal_without_letters_shows_their_codes(folder: Path) -> None:
    for command in (["inspect", "m.safetensors"], ["train", "--help"], ["demo", "--help"]):
        program = [sys.executable, "-c", "from chainrule.cli import main; main()", *command]
        done = subprocess.run(
            program, cwd=folder, env={**CLEAN, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_signal_before_the_first_epoch_is_over_leaves_the_old_model(folder: Path) -> None:
    rows = [[k, k % 7, (k * k) % 11] for k in range(60_000)]
    with (folder / "long.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["a", "b", "c"], *rows])
    model = folder / "old.safetensors"
    model.write_bytes(b"the old model")
    process = start("train", "long.csv", "--target", "a", "--batch-size", "1", "--out", model, cwd=folder)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "nothing is saved" in err
    assert model.read_bytes() == b"the old model"


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


def test_the_package_is_a_command_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "--version"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.strip()
