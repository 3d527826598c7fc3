"""Bad options of the benchmarks' commands are one line, and a worker that ends does not take later tasks with it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.tables import __main__ as tables

from benchmarks import turns

ROOT = Path(__file__).resolve().parents[2]
BAD = {
    "benchmarks": [
        ["--threads", "two"], ["--threads", "0"], ["--threads", "1,"], ["--rounds", "0"], ["--seconds", "-1"],
        ["--seconds", "nan"], ["--only", "W9"], ["--peers", "pandas"], ["--sweeps", "colour"],
        ["--results", "/proc/x/y"],
    ],
    "benchmarks.accuracy": [
        ["--threads", "two"], ["--seeds", "-1"], ["--seeds", "x"], ["--rounds", "0"], ["--epochs", "0"],
        ["--recipes", "x"], ["--results", "/proc/x/y"],
    ],
    "benchmarks.tables": [
        ["--contenders", "x"], ["--sets", "x"], ["--seeds", "two"], ["--limit", "0"], ["--results", "/proc/x/y"],
    ],
    "benchmarks.scaling": [["W9"], ["--calls", "0"], ["--calls", "two"], ["--devices", "0"]],
}  # fmt: skip
ASKED = """
import json, runpy, sys
module = sys.argv[1]
for arguments in json.loads(sys.argv[2]):
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__")
        print("it ran", arguments)
    except SystemExit as end:
        print(json.dumps(str(end)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="workers are pinned as Linux does")
@pytest.mark.parametrize("module", BAD)
def test_bad_options_are_refused_in_one_line(module: str) -> None:
    command = [sys.executable, "-W", "ignore", "-c", ASKED, module, json.dumps(BAD[module])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(BAD[module])
    for line, (*_, value) in zip(lines, BAD[module], strict=True):
        assert "\n" not in line
        assert value.split(",")[0] in line
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="workers are pinned as Linux does")
def test_a_worker_that_ends_is_begun_anew_for_the_next_task(tmp_path: Path) -> None:
    with turns.workers(["numpy"], 1, tmp_path) as running:
        worker = running["numpy"]
        os.kill(worker._process.pid, signal.SIGKILL)
        worker._process.wait()
        lost, also = turns.measure([(worker, "W6"), (worker, "peak")], rounds=1, seconds=0.01)
        assert lost.refused == "the process ended: left with -9"
        assert also.refused is None
        os.kill(worker._process.pid, signal.SIGKILL)
        assert worker.ask(do="turn", task="peak", seconds=0.01)["failed"] == "the process ended: left with -9"
        assert worker.ask(do="forget", task="peak")["failed"] == "the process ended: left with -9"
        [measured] = turns.measure([(worker, "peak")], rounds=1, seconds=0.01)
        assert measured.refused is None
        assert measured.micros


def test_runs_on_tables_go_on_after_one_whose_process_ends(monkeypatch, capsys) -> None:
    program = (
        "import json, os, sys\nprint('{}', flush=True)\nfor line in sys.stdin:\n run = json.loads(line)\n"
        " os._exit(3) if run['set'] == 'bad' else print(json.dumps(run), flush=True)\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    monkeypatch.setattr(
        tables, "_worker", lambda name, limit: subprocess.Popen([sys.executable, "-c", program], **pipes)
    )
    runs = [{"set": name, "seed": 0} for name in ("one", "bad", "two", "bad", "three")]
    sets = [answer["set"] for answer in tables._answers("ours", runs, float("inf"), 10)]
    assert sets == ["one", "two", "three"]
    assert capsys.readouterr().err.count("ours on bad, seed 0: its process ended") == 2


def test_no_process_begins_after_the_time_that_the_command_has(monkeypatch) -> None:
    monkeypatch.setattr(tables, "_worker", None)
    assert list(tables._answers("ours", [{"set": "one", "seed": 0}], float("-inf"), 10)) == []
