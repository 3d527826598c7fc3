"""Workers take turns: one runs at a time, round after round, so that a slow minute of the machine hits all alike."""

import contextlib
import dataclasses
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import cpus, environment, rest
from benchmarks.tasks import PEAK, TOLERANCE, kind_of

__all__ = ["ROOT", "Measured", "Worker", "measure", "workers"]

ROOT = Path(__file__).resolve().parents[1]
PEAK_SECONDS = 0.1


@dataclasses.dataclass
class Measured:
    """What one contender's turns gave, in µs per update or call; or why it was not timed."""

    contender: str
    task: str
    deviation: float | None = None
    refused: str | None = None
    micros: list[float] = dataclasses.field(default_factory=list)

    @property
    def best(self) -> float | None:
        """The least of all pieces."""
        return min(self.micros, default=None)

    @property
    def median(self) -> float | None:
        """The median of all pieces."""
        return statistics.median(self.micros) if self.micros else None


class Worker:
    """A contender's process. Where it ends, its tasks are lost, and the next `prepare` begins a new one."""

    def __init__(self, name: str, threads: int, folder: Path) -> None:
        self.name, self.threads, self._folder, self._log = name, threads, folder, folder / f"{name}-{threads}.log"
        self._ended = ""  # why it has
        self._process = self._begin()

    def _begin(self) -> "subprocess.Popen[str]":
        pinned = ",".join(map(str, cpus(self.threads)))
        with self._log.open("w") as log:
            arguments = [self.name, str(self.threads), pinned, str(self._folder)]
            command = [sys.executable, "-m", "benchmarks.worker", *arguments]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
            return subprocess.Popen(command, cwd=ROOT, env=environment(self.threads), text=True, **pipes)

    @property
    def has_ended(self) -> bool:
        """Whether its process is there no more."""
        return bool(self._ended)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer, and until its threads are at rest."""
        if self._ended and request["do"] == "prepare":
            self._ended, self._process = "", self._begin()
        if self._ended:
            return {"failed": self._ended}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if line:
            rest(self._process.pid)
            return json.loads(line)
        self.close()
        words = self._log.read_text().strip().splitlines() or [f"left with {self._process.returncode}"]
        self._ended = f"the process ended: {words[-1]}"
        return {"failed": self._ended}

    def close(self) -> None:
        """Let it end, or end it."""
        try:
            self._process.communicate(timeout=10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def workers(names: Iterable[str], threads: int, folder: Path) -> Iterator[dict[str, Worker]]:
    """A worker for each contender, ended at the end."""
    found = {name: Worker(name, threads, folder) for name in names}
    try:
        yield found
    finally:
        for worker in found.values():
            if not worker.has_ended:
                worker.close()


def measure(
    entries: list[tuple[Worker, str]],
    rounds: int,
    seconds: float,
    said: Callable[[str], None] = lambda text: None,
    pinned: bool = True,
) -> list[Measured]:
    """Prepare each worker for its task, leave out those that fail or deviate, then let the others take turns.

    Where workers have several threads, each thread is pinned to a processor of its own unless `pinned` is false.
    """
    found = [_prepared(worker, task, said, pinned) for worker, task in entries]
    ready = [(worker, m) for (worker, _), m in zip(entries, found, strict=True) if m.refused is None]
    for k in range(rounds):
        at = k % max(1, len(ready))
        for worker, measured in ready[at:] + ready[:at]:
            said(f"round {k + 1} of {rounds}: {worker.name}")
            if measured.refused is None:
                _turn(worker, measured, seconds)
    for worker, task in entries:
        worker.ask(do="forget", task=task)
    return found


def _prepared(worker: Worker, task: str, said: Callable[[str], None], pinned: bool) -> Measured:
    said(f"preparing {worker.name}")
    answer = worker.ask(do="prepare", task=task)
    found = Measured(worker.name, task, answer.get("deviation"), answer.get("failed"))
    tolerance = TOLERANCE[kind_of(task)]
    if found.deviation is not None and not found.deviation <= tolerance:
        found.refused = f"deviates from float64 by {found.deviation:.1e}, more than {tolerance:.0e}"
    if found.refused is None and worker.threads > 1:
        found.refused = worker.ask(do="pin", task=task, each=pinned).get("failed")
    return found


def _turn(worker: Worker, measured: Measured, seconds: float) -> None:
    seconds = min(seconds, PEAK_SECONDS) if measured.task == PEAK else seconds
    answer = worker.ask(do="turn", task=measured.task, seconds=seconds)
    measured.micros += answer.get("micros", [])
    measured.refused = answer.get("failed")
