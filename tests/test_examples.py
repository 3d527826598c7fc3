"""The scripts of examples/ run, and make again what the repository keeps of them."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(script: str, folder: Path) -> str:
    command = [sys.executable, "-W", "error", EXAMPLES / script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_houses_are_those_of_the_script(tmp_path: Path) -> None:
    run("houses.py", tmp_path)
    assert (tmp_path / "houses.csv").read_bytes() == (EXAMPLES / "houses.csv").read_bytes()


def test_the_grid_is_searched() -> None:
    said = run("grid_search.py", EXAMPLES)
    assert float(said.rsplit(": ", 1)[1]) > 0.98


def test_the_spirals_are_told_apart_and_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: pip install '.[plot]'")
    assert "337 weights, 300 epochs: 100.0% of the points in between are right" in run("two_spirals.py", tmp_path)
    assert (tmp_path / "two-spirals.png").read_bytes().startswith(b"\x89PNG")
    assert (EXAMPLES.parent / "docs" / "two-spirals.png").stat().st_size < 100_000
