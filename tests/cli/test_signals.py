"""Signals at every moment of a command: what is saved, what is said, how soon it is gone."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import chainrule as cr
from chainrule.training.state_file import read_state

from . import processes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

BOTH = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"])
# A call of C that no signal interrupts and that lets other threads run, about as long as the number says; READY first.
STUCK = """
import hashlib, sys, time
def stuck(seconds):
    began = time.perf_counter(); hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000)
    rounds = int(200_000 * seconds / (time.perf_counter() - began))
    print("READY", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", rounds)
"""
SLOW_STEPS = """
from chainrule.engines.reference import ReferenceRun
steps, calls = ReferenceRun.steps, []
def slow(self, *given):
    calls.append(0)
    if len(calls) == 60: stuck(60)
    return steps(self, *given)
ReferenceRun.steps = slow
"""
SLOWED = ("--engine", "reference")  # the one whose steps are slow
SLOW_READING = """
from chainrule.model import TableTraining
TableTraining.__init__ = lambda self, *given, **more: stuck(60)
"""
SLOW_SAVING = """
from chainrule.files import container
pieces = container._pieces
def slow(*given):
    for piece in pieces(*given):
        yield piece
        stuck(60)
container._pieces = slow
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = ["a,b,c", *(f"{k},{k % 7},{'pq'[k % 3 % 2]}" for k in range(200))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    return tmp_path


def start(folder: Path, *arguments: object, before: str = "") -> subprocess.Popen[str]:
    program = [sys.executable, "-c", f"{before}\n{processes.MAIN}", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        program, cwd=folder, env=processes.CLEAN, stdout=pipe, stderr=pipe, text=True, encoding="utf-8"
    )


def training(folder: Path, *more: object, before: str = "") -> subprocess.Popen[str]:
    return start(folder, "train", "t.csv", "--target", "c", "--epochs", 10**7, *more, "--json", before=before)


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    """Read on until a line has the word; a process that never says it is killed after a minute."""
    assert process.stdout is not None
    late = threading.Timer(60, process.kill)
    late.start()
    try:
        assert any(word in line for line in process.stdout), process.communicate()
    finally:
        late.cancel()
    time.sleep(0.1)  # so that it is where it says that it will be next


def end(process: subprocess.Popen[str], *numbers: int, pause: float = 0.2) -> tuple[int, float, str, str]:
    """Exit code, seconds from the first signal, stdout, stderr."""
    asked = time.monotonic()
    for k, number in enumerate(numbers):
        time.sleep(pause if k else 0)
        process.send_signal(number)
    try:
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, time.monotonic() - asked, out, err


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"t.csv"}


@BOTH
def test_a_signal_in_training_saves_checkpoint_and_model_and_says_so_in_one_line(
    number: int, code: int, folder: Path
) -> None:
    process = training(folder, "--members", 1, "--checkpoint", "run", "--out", "m")
    wait_for(process, '"epoch": 3')
    found, seconds, out, err = end(process, number)
    assert (found, err) == (code, "")
    assert seconds < 5
    last = json.loads(out.splitlines()[-1])
    assert (last["stopped"], last["model"], last["checkpoint"]) == ("cancelled", "m", "run")
    assert left(folder) == {"run", "m"}
    state = read_state(folder / "run").state
    assert state.epoch == last["epochs"]
    assert cr.load(folder / "m").network.theta.tobytes() == state.kept.tobytes()


def test_a_person_reads_one_line(folder: Path) -> None:
    keep = ("--checkpoint", "run", "--checkpoint-every", "0.1s", "--out", "m")
    process = start(folder, "train", "t.csv", "--target", "c", "--epochs", 10**7, *keep)
    while not (folder / "run").exists() or not read_state(folder / "run").state.epoch:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    _, _, out, err = end(process, signal.SIGINT)
    assert len(out.splitlines()) == 4  # the notes on the table, and nothing after them
    assert len(err.splitlines()) == 1
    assert err.startswith("chainrule: stopped after ")
    assert err.endswith(" epochs: the best weights are in m; --resume continues from run\n")


def test_in_the_first_epoch_there_is_a_checkpoint_and_no_model(folder: Path) -> None:
    slow = STUCK + SLOW_STEPS.replace("60:", "2:")
    process = training(folder, *SLOWED, "--checkpoint", "run", "--out", "m", before=slow)
    wait_for(process, "READY")
    code, seconds, _, err = end(process, signal.SIGINT)
    assert code == 130
    assert seconds < 5
    assert err == "chainrule: stopped in the first epoch: there is no model yet; --resume continues from run\n"
    assert left(folder) == {"run"}


@BOTH
def test_a_slow_call_of_the_engine_is_left_with_what_was_reached_before_it(
    number: int, code: int, folder: Path
) -> None:
    process = training(folder, *SLOWED, "--checkpoint", "run", "--out", "m", before=STUCK + SLOW_STEPS)
    wait_for(process, "READY")
    found, seconds, _, err = end(process, number)
    assert (found, err.count("\n")) == (code, 1)
    assert seconds < 5
    assert "the best weights are in m; --resume continues from run" in err
    assert left(folder) == {"run", "m"}
    assert read_state(folder / "run").state.history.epochs >= 1
    cr.load(folder / "m")


def test_a_save_that_takes_too_long_is_left_and_nothing_is_half_written(folder: Path) -> None:
    process = training(
        folder, "--checkpoint", "run", "--checkpoint-every", "0.1s", "--out", "m", before=STUCK + SLOW_SAVING
    )
    wait_for(process, "READY")
    code, seconds, _, err = end(process, signal.SIGTERM)
    assert (code, err.count("\n")) == (143, 1)
    assert seconds < 5
    assert left(folder) <= {"m"}


@BOTH
def test_before_training_a_signal_ends_at_once(number: int, code: int, folder: Path) -> None:
    process = training(folder, "--checkpoint", "run", "--out", "m", before=STUCK + SLOW_READING)
    wait_for(process, "READY")
    found, seconds, out, err = end(process, number)
    assert (found, out, err) == (code, "", "chainrule: stopped\n")
    assert seconds < 4  # 1 on a machine with nothing else to do
    assert left(folder) == set()


@BOTH
def test_a_second_signal_ends_at_once(number: int, code: int, folder: Path) -> None:
    process = training(folder, *SLOWED, "--out", "m", before=STUCK + SLOW_STEPS)
    wait_for(process, "READY")
    found, seconds, _, err = end(process, signal.SIGINT, number)
    assert (found, err) == (code, "chainrule: stopped\n")
    assert seconds < 4  # 1 on a machine with nothing else to do
    assert left(folder) == set()


@BOTH
def test_any_command_ends_with_the_code_of_the_signal(number: int, code: int, folder: Path) -> None:
    before = f"{STUCK}\nimport chainrule.cli.evaluate as module\nmodule.answering = lambda path: stuck(60)"
    process = start(folder, "evaluate", "m", "t.csv", before=before)
    wait_for(process, "READY")
    found, seconds, out, err = end(process, number)
    assert (found, out, err) == (code, "", "chainrule: stopped\n")
    assert seconds < 4  # 1 on a machine with nothing else to do


def test_a_stopped_run_goes_on_to_the_bytes_of_one_that_was_not(folder: Path) -> None:
    common = (
        "train",
        "t.csv",
        "--target",
        "c",
        "--epochs",
        1500,
        "--hidden",
        100,
        "--json",
    )  # seconds, also on a fast machine
    whole = start(folder, *common, "--out", "whole")
    assert whole.communicate(timeout=60)[1] == ""
    for number in (signal.SIGINT, signal.SIGTERM):
        process = start(folder, *common, "--out", "m", "--checkpoint", "run", "--resume")
        wait_for(process, '"epoch"')
        end(process, number)
    process = start(folder, *common, "--out", "m", "--checkpoint", "run", "--resume")
    assert process.communicate(timeout=60)[1] == ""
    assert (folder / "m").read_bytes() == (folder / "whole").read_bytes()
