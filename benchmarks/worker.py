"""The process of one contender with one number of threads: `python -m benchmarks.worker NAME THREADS CPUS FOLDER`.

It reads one JSON request a line and answers with one line each:

    {"do": "prepare", "task": "W1"}               {"deviation": 1e-7}, or {"failed": why}
    {"do": "pin", "task": "W1", "each": true}     {}: each thread that works on a processor of its own, or on any
    {"do": "turn", "task": "W1", "seconds": 0.5}  {"micros": [...]}, or {"failed": why}
    {"do": "forget", "task": "W1"}                {}
    {"do": "about"}                               {"pools": [...]}: the BLAS kernels in use

Nothing that reads the environment or counts processors is imported before the process is pinned.
"""

import json
import os
import sys
from typing import Any, TextIO

__all__ = ["main"]

PIN_SECONDS = 0.05  # of work that shows which threads do it


def main() -> None:
    """Pin, import the contender, serve."""
    name, threads, cpus, folder = sys.argv[1:]
    os.sched_setaffinity(0, [int(cpu) for cpu in cpus.split(",")])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not come between
    serve(Server(name, int(threads), folder), answers)


def serve(server: "Server", answers: TextIO) -> None:
    """Answer request after request until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(server, request.pop("do"))(**request)
        except Exception as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            answer = {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        answers.write(json.dumps(answer) + "\n")


class Server:
    """The contender's module and the tasks that are ready."""

    def __init__(self, name: str, threads: int, folder: str) -> None:
        self._name, self._threads, self._folder = name, threads, folder
        self._cpus = sorted(os.sched_getaffinity(0))
        self._tasks: dict[str, Any] = {}

    def prepare(self, task: str) -> dict[str, Any]:
        """Make a task and compare it with the oracle."""
        from importlib import import_module
        from pathlib import Path

        import numpy as np

        from benchmarks.contenders import CONTENDERS
        from benchmarks.tasks import make

        module = import_module(f"benchmarks.contenders.{CONTENDERS[self._name].module}")
        path = Path(self._folder) / f"{task}.npy"
        self._tasks[task] = make(task, module, self._threads, np.load(path) if path.exists() else None)
        return {"deviation": self._tasks[task].check()}

    def pin(self, task: str, each: bool) -> dict[str, Any]:
        """Let the threads that work on the task stay each on one of the process's processors, or go where they like."""
        from functools import partial

        from benchmarks.machine import busiest, threads_of_this

        for thread in threads_of_this():
            os.sched_setaffinity(thread, self._cpus)
        if each:
            working = busiest(partial(self._tasks[task].turn, PIN_SECONDS), self._threads)
            for thread, cpu in zip(working, self._cpus, strict=False):
                os.sched_setaffinity(thread, [cpu])
        return {}

    def turn(self, task: str, seconds: float) -> dict[str, Any]:
        """Timed pieces of a task."""
        return {"micros": self._tasks[task].turn(seconds)}

    def forget(self, task: str) -> dict[str, Any]:
        """Let a task's memory go."""
        self._tasks.pop(task, None)
        return {}

    def about(self) -> dict[str, Any]:
        """Which BLAS kernels run, with how many threads."""
        try:
            from threadpoolctl import threadpool_info
        except ModuleNotFoundError:
            return {"pools": []}
        keys = ("internal_api", "version", "num_threads", "architecture", "threading_layer")
        return {"pools": [{key: pool[key] for key in keys if key in pool} for pool in threadpool_info()]}


if __name__ == "__main__":
    main()
