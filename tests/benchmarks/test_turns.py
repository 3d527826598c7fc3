"""Workers in processes of their own: they take turns, and who computes something else is not timed."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks import machine, tasks, turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are pinned as Linux does")


def test_workers_take_turns_and_one_that_deviates_is_not_timed(tmp_path: Path) -> None:
    true, heard = tasks.expected("W6"), []
    np.save(tmp_path / "W6.npy", true)
    np.save(tmp_path / "norms.npy", np.ones(256))
    with turns.workers(["numpy", "chainrule"], 1, tmp_path) as running:
        entries = [(running[name], task) for name, task in [("numpy", "W6"), ("chainrule", "W6"), ("numpy", "norms")]]
        numpy, own, wrong = turns.measure(entries, rounds=2, seconds=0.01, said=heard.append)
    assert numpy.refused is None
    assert numpy.deviation < 1e-4
    assert len(numpy.micros) >= 2
    assert own.refused is None
    assert 0 < own.best <= own.median
    assert wrong.micros == []
    assert wrong.refused.startswith("deviates from float64 by")
    turn = [text.split()[-1] for text in heard if text.startswith("round")]
    assert turn == ["numpy", "chainrule", "chainrule", "numpy"]


def test_a_worker_that_cannot_do_a_task_says_why(tmp_path: Path) -> None:
    with turns.workers(["sklearn"], 1, tmp_path) as running:
        [found] = turns.measure([(running["sklearn"], "peak")], rounds=1, seconds=0.01)
    assert found.refused == "AttributeError: module 'benchmarks.contenders.scikit' has no attribute 'peak'"


def test_workers_get_their_number_of_threads_and_no_settings_that_disturb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    found = machine.environment(1)
    assert "OPENBLAS_CORETYPE" not in found
    assert "OPENBLAS_CORETYPE" in machine.disturbing()
    assert (found["OMP_NUM_THREADS"], found["OPENBLAS_NUM_THREADS"]) == ("1", "1")


def test_the_threads_that_work_are_those_that_are_pinned() -> None:
    done, numbers = threading.Event(), list[int]()

    def work() -> None:
        numbers.append(threading.get_native_id())
        total = 0
        while not done.is_set():
            total += 1

    helper = threading.Thread(target=work)
    helper.start()
    assert machine.busiest(lambda: time.sleep(0.1), 1) == numbers
    assert set(numbers) < set(machine.threads_of_this())
    done.set()
    helper.join()


SPINS = """
import sys, threading
done = threading.Event()
def spin():
    while not done.is_set():
        pass
thread = threading.Thread(target=spin)
thread.start()
print(flush=True)
sys.stdin.readline()
done.set()
thread.join()
sys.stdin.readline()
"""


def test_a_process_is_at_rest_once_no_thread_of_it_spins() -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", SPINS], text=True, bufsize=1, **pipes) as process:
        process.stdout.readline()
        assert not machine.is_at_rest(process.pid)
        process.stdin.write("\n")
        until = time.monotonic() + 60
        while not machine.is_at_rest(process.pid):
            assert time.monotonic() < until
            time.sleep(0.001)
        process.stdin.write("\n")
    assert process.returncode == 0


def test_a_turn_begins_when_the_worker_before_is_at_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = iter([False, False, True])
    monkeypatch.setattr(machine, "is_at_rest", lambda process: next(states))
    with turns.workers(["numpy"], 1, tmp_path) as running:
        assert "failed" not in running["numpy"].ask(do="about")
    assert list(states) == []
