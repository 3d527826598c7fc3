"""The command line as a person meets it: the main job from end to end, help, and the front door."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.cli import COMMANDS, run

from .processes import CLEAN, call, here


def test_the_main_job_from_table_to_answers(folder: Path) -> None:
    out, err = here("evaluate", "m.safetensors", "t.csv", cwd=folder)
    assert "120 rows" in out
    assert "answer: accuracy 1" in out
    assert err == ""
    out, _ = call("predict", "m.safetensors", "new.csv.gz", "--out", "p.csv", cwd=folder)
    assert "2 answers" in out
    with (folder / "p.csv").open() as stream:
        found = list(csv.DictReader(stream))
    assert [row["answer"] for row in found] == ["yes", "no"]
    assert float(found[0]["answer=yes"]) > 0.5
    out, _ = here("predict", "m.safetensors", "new.csv.gz", "--no-probabilities", cwd=folder)
    assert out.split() == ['"answer"', '"yes"', '"no"']
    out, _ = here("inspect", "m.safetensors", cwd=folder)
    for word in ("softmax", "colour", "red", "best epoch", "parameters"):
        assert word in out


def test_the_doctor_finds_a_healthy_installation(tmp_path: Path) -> None:
    out, _ = call("doctor", cwd=tmp_path)
    assert "engine reference: works" in out
    assert "0e+00" not in out
    assert out.count("pip install") == out.count("; to install it: ")
    assert "NO " not in out


def test_help_names_every_command_and_every_command_has_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = call("--help", cwd=tmp_path)
    for command in COMMANDS:
        assert command in out
        assert run([command, "--help"]) == 0
        assert f"Usage: chainrule {command}" in capsys.readouterr().out
    assert call("--version", cwd=tmp_path)[0].strip().count(".") == 2


def test_help_needs_none_of_the_slow_libraries() -> None:
    code = (
        "import sys\nfrom chainrule.cli import run\nassert run(['--help']) == 0\n"
        "slow = {'numpy', 'scipy', 'sklearn', 'pyarrow', 'pandas', 'jax'} & set(sys.modules)\nassert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_terminal_without_letters_shows_their_codes(folder: Path) -> None:
    for command in (["inspect", "m.safetensors"], ["train", "--help"], ["demo", "--help"]):
        call(*command, cwd=folder, env={**CLEAN, "PYTHONIOENCODING": "ascii"})


def test_the_package_is_a_command_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "--version"], cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stdout.strip()
