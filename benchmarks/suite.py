"""The order in which things are measured, and the document that they make."""

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fashion, machine
from benchmarks.contenders import CONTENDERS, OWN, missing
from benchmarks.tasks import PEAK, expected, kind_of
from benchmarks.turns import Measured, Worker, measure, workers
from benchmarks.workloads import FIT, GOAL, NORMS, ROWS, WORKLOADS

__all__ = ["TASKS", "Said", "suite", "write"]

TASKS = [*WORKLOADS, *ROWS, *NORMS, *FIT, *GOAL]
FASHION = [name for name, w in {**WORKLOADS, **ROWS, **FIT, **GOAL}.items() if w.data == "fashion"]
WHOLE_RUNS = 3  # of training to 88%
Said = Callable[[str, int, int], None]  # what is done, how much is done, of how much


def suite(
    tasks: list[str], peers: list[str], threads: list[int], rounds: int, seconds: float, said: Said
) -> dict[str, Any]:
    """Measure tasks with numbers of threads: the document with everything that was found."""
    document = _document({"rounds": rounds, "seconds": seconds, "threads": threads})
    names = [name for name in (OWN, *peers) if not _lacking(document, name)]
    tasks = [task for task in tasks if not _without_data(document, task)]
    done, total = 0, len(tasks) * len(threads)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for task in tasks:
            said(f"{task}: float64 oracle", done, total)
            if (answer := expected(task)) is not None:
                np.save(folder / f"{task}.npy", answer)
        for n in threads:
            with workers(dict.fromkeys([*names, *_multipliers()]), n, folder) as running:
                for task in tasks:
                    words = f"{task}, {n} thread{'s' * (n > 1)}: "
                    tell = partial(_tell, said, words, done, total)
                    found = _measure(task, names, running, rounds, seconds, tell)
                    document["results"] += [_result(measured, task, n) for measured in found]
                    done += 1
                document["pools"] |= {f"{name}, {n}": worker.ask(do="about") for name, worker in running.items()}
    return document


def _tell(said: Said, before: str, done: int, total: int, text: str) -> None:
    said(before + text, done, total)


def _document(settings: dict[str, Any]) -> dict[str, Any]:
    from benchmarks.contenders.own import ENGINE

    return {
        "machine": machine.describe(),
        "versions": machine.versions(),
        "engine": ENGINE,
        "padding": _padding(),
        "settings": settings,
        "dropped": machine.disturbing(),
        "left_out": {},
        "pools": {},
        "results": [],
    }


def _padding() -> dict[str, float]:
    """Products made for each that a workload asks for; nothing where the engine pads nothing."""
    from benchmarks.contenders.own import ENGINE
    from chainrule.architecture import Architecture
    from chainrule.engines import ENGINES
    from chainrule.engines.native import NativeEngine

    engine = ENGINES[ENGINE]()
    if not isinstance(engine, NativeEngine):
        return {}
    float32 = np.dtype("float32")
    return {name: engine.padding(Architecture.of(w.sizes), float32) for name, w in WORKLOADS.items()}


def _lacking(document: dict[str, Any], name: str) -> bool:
    if lacks := missing(name):
        document["left_out"][name] = f"{', '.join(lacks)} is not installed (pip install 'chainrule[bench]')"
    return bool(lacks)


def _without_data(document: dict[str, Any], task: str) -> bool:
    why = fashion.available() if task in FASHION else None
    if why:
        document["left_out"][task] = why
    return bool(why)


def _multipliers() -> Iterator[str]:
    """Who multiplies matrices for the machine's peak."""
    return (name for name, c in CONTENDERS.items() if "peak" in c.kinds and not missing(name))


def _measure(
    task: str, names: list[str], running: dict[str, Worker], rounds: int, seconds: float, said: Callable[[str], None]
) -> list[Measured]:
    """One task: those who can do it, and the matrix product beside it."""
    kind = kind_of(task)
    able = "train" if kind == "goal" else kind
    entries = [(running[name], task) for name in names if able in CONTENDERS[name].kinds]
    entries += [(running[name], PEAK) for name in _multipliers()]
    return measure(entries, min(rounds, WHOLE_RUNS) if kind == "goal" else rounds, seconds, said)


def _result(measured: Measured, task: str, threads: int) -> dict[str, Any]:
    return {
        "task": measured.task,
        "beside": task,
        "threads": threads,
        "contender": measured.contender,
        "deviation": measured.deviation,
        "refused": measured.refused,
        "best": measured.best,
        "median": measured.median,
        "pieces": len(measured.micros),
        "updates": measured.updates,
    }


def write(document: dict[str, Any], path: Path) -> None:
    """The document as JSON."""
    path.write_text(json.dumps(document, indent=1) + "\n")
