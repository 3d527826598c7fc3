"""Terminals: narrow ones, those without colours or a cursor, and none at all."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from chainrule.cli import COMMANDS, run

from .processes import CLEAN, PROGRAM

pty = pytest.importorskip("pty", reason="terminals are POSIX")

COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-9][;m]")
CURSOR = re.compile(r"\x1b\[[0-9;?]*[A-HJKhl]")


def on_terminal(*arguments: str, cwd: Path, **variables: str) -> str:
    """What a command writes onto a terminal, both streams."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments], cwd=cwd, env={**CLEAN, "TERM": "xterm-256color", **variables}, stdout=end, stderr=end
    )
    os.close(end)
    found = bytearray()
    try:
        while piece := os.read(terminal, 65536):
            found += piece
    except OSError:
        pass  # Linux ends a terminal so
    os.close(terminal)
    assert process.wait(timeout=60) == 0
    return found.decode()


TRAIN = ("train", "t.csv", "--target", "answer", "--epochs", "40", "--out", "n.safetensors")


def test_progress_is_shown_on_a_terminal_and_cleared(folder: Path) -> None:
    found = on_terminal(*TRAIN, cwd=folder)
    assert "epoch 40/40" in found
    assert COLOUR.search(found)
    assert "\x1b[2K" in found


def test_without_colours_the_cursor_still_moves(folder: Path) -> None:
    found = on_terminal(*TRAIN, cwd=folder, NO_COLOR="1")
    assert "epoch 40/40" in found
    assert not COLOUR.search(found)


def test_a_terminal_without_a_cursor_gets_lines_alone(folder: Path) -> None:
    found = on_terminal(*TRAIN, "--drop", "colour", "--validation", "0", cwd=folder, TERM="dumb")
    assert "\x1b" not in found
    assert len(found.split("\r\n")) == 6  # three notes, two results, and what comes after the last


def test_forced_colours_move_no_cursor_in_a_file(folder: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, *TRAIN], cwd=folder, env={**CLEAN, "FORCE_COLOR": "1"}, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert not CURSOR.search(done.stdout)


@pytest.mark.parametrize(("variables", "styled"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_help_in_a_file_is_plain_unless_colours_are_forced(variables: dict[str, str], styled: bool) -> None:
    done = subprocess.run([*PROGRAM, "--help"], env={**CLEAN, **variables}, capture_output=True, text=True, check=True)
    assert ("\x1b[" in done.stdout) is styled


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_help_fits_narrow_terminals(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in ([], *([name] for name in COMMANDS)):
        assert run([*command, "--help"]) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= columns


@pytest.mark.parametrize("columns", ["40", "80", "130"])
def test_progress_keeps_the_epoch_and_the_time_left_in_one_line(columns: str, folder: Path) -> None:
    arguments = ("train", "t.csv", "--target", "answer", "--time", "2", "--epochs", "100000", "--metric", "auc")
    found = on_terminal(*arguments, "--out", "n.safetensors", cwd=folder, COLUMNS=columns)
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", found.split("\x1b[2K")[-2])
    assert re.search(r"epoch \d+/100000 .*cost.* \d:\d\d:\d\d left", last) or columns == "40"
    assert re.search(r"epoch \d+/100000 .* \d:\d\d:\d\d left", last)
    assert len(last.strip()) <= int(columns)


def test_tables_fit_narrow_terminals(folder: Path) -> None:
    found = on_terminal("inspect", "m.safetensors", cwd=folder, COLUMNS="40")
    table = found[found.index("column") :]
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", table).split("\r\n"))) <= 40
