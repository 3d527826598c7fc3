"""The process of one contender, `python -m benchmarks.tables.worker NAME SECONDS`: {"set": ..., "seed": ...} a line.

It answers each with one line: score, seconds and peak memory in MB, or why it failed. A run is a process that is
forked after all imports, so that its peak is its own and no run pays for an import. One takes at most SECONDS.
"""

import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.tables.contenders import CONTENDERS, Answers
from benchmarks.tables.sets import Split, splits

__all__ = ["apart", "main", "score"]


def main() -> None:
    """Import, say that it is ready, serve."""
    name, seconds = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not come between
    try:
        contender = CONTENDERS[name].make()
    except ImportError as error:
        answers.write(json.dumps({"missing": str(error)}) + "\n")
        return
    _import_all(contender)
    answers.write(json.dumps({"ready": name}) + "\n")
    for line in sys.stdin:
        asked = json.loads(line)
        parts = splits(asked["set"], asked["seed"])  # before the fork, which is the beginning of the peak
        found = apart(partial(_run, contender, parts, asked["seed"]), int(seconds))
        answers.write(json.dumps({**asked, **found}) + "\n")


def apart(work: Callable[[], dict[str, Any]], seconds: int) -> dict[str, Any]:
    """What `work` gives in a process of its own, and the peak of that process's memory; or why there is nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        with os.fdopen(writing, "w") as stream:
            try:
                json.dump(work(), stream)
            except Exception as error:
                json.dump({"failed": f"{type(error).__name__}: {error}"[:300]}, stream)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    _, status, usage = os.wait4(child, 0)
    if os.WIFSIGNALED(status):
        return {"failed": f"{signal.Signals(os.WTERMSIG(status)).name} (at most {seconds} s)"}
    return {**json.loads(text), "memory": round(usage.ru_maxrss / 1024)}


def _run(contender: Answers, parts: list[Split], seed: int) -> dict[str, Any]:
    began, processor = time.monotonic(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = [score(part, contender(part, seed)) for part in parts]
    spent = {"seconds": time.monotonic() - began, "processor": time.process_time() - processor}
    return {"score": float(np.mean(scores)), **{name: round(value / len(parts), 4) for name, value in spent.items()}}


def score(split: Split, answers: Any) -> float:
    """Accuracy, or R²."""
    y = split.test[split.target].to_numpy()
    if split.kind == "classes":
        return float(np.mean(np.asarray(answers) == y))
    return float(1 - np.mean((y - answers) ** 2) / np.mean((y - y.mean()) ** 2))


def _import_all(contender: Answers) -> None:
    """Import what two small tables need: a process finds out which modules, so that nothing has run in this one."""
    names = apart(lambda: {"modules": _modules(contender)}, 600).get("modules", [])
    for name in names:
        with suppress(Exception):
            import_module(name)


def _modules(contender: Answers) -> list[str]:
    rows = np.arange(80)
    frame = pd.DataFrame({"n": rows % 13 * 1.0, "w": [f"w{k % 3}" for k in rows]})
    frame["d"] = [f"2020-0{1 + k % 9}-1{k % 7}" for k in rows]
    for kind, y in (("classes", [f"c{k % 2}" for k in rows]), ("numbers", rows % 5 * 1.0)):
        with suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = frame.assign(y=y)
            contender(Split(whole, whole, "y", kind), 0)
    return list(sys.modules)


if __name__ == "__main__":
    main()
