"""kill -9 at random moments: no file is ever torn, and the run that goes on ends with the bytes of one never killed."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.training.state_file import read_state

from . import processes

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

COMMAND = ("train", "t.csv", "--target", "c", "--hidden", "300,50", "--dropout", 0.1, "--schedule", "plateau", "--json")


def start(folder: Path, epochs: int, *more: str) -> subprocess.Popen[str]:
    return processes.start(*COMMAND, "--epochs", epochs, *more, cwd=folder)


def finish(process: subprocess.Popen[str]) -> None:
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, ""), (out, err)


def kill_in_training(process: subprocess.Popen[str], seconds: float) -> None:
    """Kill it so long after its first line, which is that of an epoch."""
    assert process.stdout is not None
    assert process.stderr is not None
    late = threading.Timer(60, process.kill)
    late.start()
    line = process.stdout.readline()
    late.cancel()
    assert '"epoch"' in line, (line, process.stderr.read())
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)


def torn_by_kills(folder: Path, kills: int, epochs: int, longest: float) -> int:
    """Kill a run so many times and let it end; how many kills were in the middle of a save.

    Each hidden file that such a kill leaves is gone after the next save.
    """
    rng = np.random.default_rng(20260104)
    x = rng.normal(size=(600, 2))
    rows = [f"{a},{b},{'yes' if a * b > 0 else 'no'}" for a, b in x]
    (folder / "t.csv").write_text("\n".join(["a,b,c", *rows]))
    finish(start(folder, epochs, "--out", "whole"))
    keep = ("--checkpoint", "run", "--checkpoint-every", "0.05s", "--resume", "--out", "pieces")
    before, torn = (0, 0), 0
    for _ in range(kills):
        kill_in_training(start(folder, epochs, *keep), rng.uniform(0, longest))
        assert not (folder / "pieces").exists(), "it was over before it was killed: give it more epochs"
        torn += len(list(folder.glob(".chainrule-*.tmp")))
        state = read_state(folder / "run").state if (folder / "run").exists() else None
        assert state is None or (state.epoch, state.run.step) >= before
        before = (state.epoch, state.run.step) if state else before
    finish(start(folder, epochs, *keep))
    assert before > (0, 0)
    assert (folder / "pieces").read_bytes() == (folder / "whole").read_bytes()
    assert isinstance(cr.load(folder / "pieces"), cr.Model)
    assert list(folder.glob(".chainrule-*.tmp")) == []
    return torn


def test_a_run_killed_at_3_random_moments_ends_with_the_same_bytes(tmp_path: Path) -> None:
    torn_by_kills(tmp_path, kills=3, epochs=800, longest=0.3)


@pytest.mark.full
def test_a_run_killed_at_200_random_moments_ends_with_the_same_bytes_and_some_kills_hit_a_save(tmp_path: Path) -> None:
    assert torn_by_kills(tmp_path, kills=200, epochs=40_000, longest=0.3) > 0
