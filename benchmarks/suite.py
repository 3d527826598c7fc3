"""The order in which things are measured: what the results lack, task after task."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import fashion, machine
from benchmarks.contenders import CONTENDERS, OWN, missing
from benchmarks.results import Point, Results, Threads
from benchmarks.tasks import PEAK, expected, kind_of, workload_of
from benchmarks.turns import Measured, Worker, measure, workers
from benchmarks.workloads import FIT, HALF, NORMS, ROWS, WORKLOADS

__all__ = ["TASKS", "Said", "suite"]

TASKS = [*WORKLOADS, *HALF, *ROWS, *NORMS, *FIT]
Said = Callable[[str, int, int], None]  # what is done, how much is done, of how much
Wanted = list[tuple[str, Threads]]


def suite(
    results: Results, wanted: Wanted, peers: list[str], rounds: int, seconds: float, said: Said
) -> dict[str, str]:
    """Measure the points that are not there yet. Returns who and what was left out, and why."""
    left_out = {name: f"{', '.join(lacks)} is not installed" for name in peers if (lacks := missing(name))}
    names = [name for name in (OWN, *peers) if name not in left_out]
    why = fashion.available()
    if why:
        left_out |= {task: why for task, _ in wanted if workload_of(task).data == "fashion"}
    if without_half := _why_no_half():
        left_out |= {task: without_half for task, _ in wanted if workload_of(task).feature == "bf16"}
    todo = [(t, n) for t, n in wanted if t not in left_out and (t, n) not in results.points]
    if todo:
        results.begin(_about({"rounds": rounds, "seconds": seconds}))
        with tempfile.TemporaryDirectory() as place:
            for k, point in enumerate(_points(todo, names, rounds, seconds, Path(place), said)):
                results.add(point)
                said(f"{point.task}, {point.threads.text}", k + 1, len(todo))
    return left_out


def _points(todo: Wanted, names: list[str], rounds: int, seconds: float, folder: Path, said: Said) -> Iterator[Point]:
    done = 0
    for count in dict.fromkeys(threads.count for _, threads in todo):
        with workers(dict.fromkeys([*names, *_multipliers()]), count, folder) as running:
            for task, threads in (each for each in todo if each[1].count == count):
                path = folder / f"{task}.npy"
                if not path.exists() and (answer := expected(task)) is not None:
                    np.save(path, answer)
                tell = partial(_tell, said, f"{task}, {threads.text}: ", done, len(todo))
                measured = measure(_entries(task, names, running), rounds, seconds, tell, threads.pinned)
                yield _point(task, threads, measured)
                done += 1


def _tell(said: Said, before: str, done: int, total: int, text: str) -> None:
    said(before + text, done, total)


def _multipliers() -> Iterator[str]:
    """Who multiplies matrices for the machine's peak."""
    return (name for name, c in CONTENDERS.items() if "peak" in c.kinds and not missing(name))


def _entries(task: str, names: list[str], running: dict[str, Worker]) -> list[tuple[Worker, str]]:
    """Those who can do it, and beside W1 to W7 the matrix product."""
    w, kind = workload_of(task), kind_of(task)
    entries = [(running[name], task) for name in names if CONTENDERS[name].takes(w, kind)]
    return entries + [(running[name], PEAK) for name in _multipliers() if task in WORKLOADS]


def _point(task: str, threads: Threads, measured: list[Measured]) -> Point:
    of_task = [m for m in measured if m.task == task]
    return Point(
        task,
        threads,
        micros={m.contender: [_short(m.best), _short(m.median)] for m in of_task if m.micros and not m.refused},
        refused={m.contender: m.refused for m in of_task if m.refused},
        deviation={m.contender: _short(m.deviation) for m in of_task if m.deviation is not None},
        peak={m.contender: _short(m.best) for m in measured if m.task == PEAK and m.micros},
    )


def _short(number: float | None) -> float:
    return float(f"{number:.5g}")


def _about(settings: dict[str, Any]) -> dict[str, Any]:
    from benchmarks.contenders.own import ENGINE

    return {
        "machine": machine.describe(),
        "versions": machine.versions(),
        "engine": ENGINE,
        "padding": _padding(),
        "settings": settings,
        "dropped": [*machine.disturbing()],
    }


def _why_no_half() -> str:
    """Why the core multiplies nothing in half precision here; "" where it does."""
    from chainrule.engines import ENGINES, available
    from chainrule.engines.native import NativeEngine

    engine = ENGINES["native"]() if "native" in available() else None
    return "" if isinstance(engine, NativeEngine) and engine.half else "this processor has no AMX or AVX512_BF16"


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
    ratios = {name: engine.padding(Architecture.of(w.sizes), float32) for name, w in WORKLOADS.items()}
    return {name: round(ratio, 3) for name, ratio in ratios.items()}
