"""What was measured: a point for each task, number of threads and way of pinning, in a file of one JSON object a line.

Lines with "about" say on which machine and with which versions the points after them were measured.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

from benchmarks.contenders import OWN
from benchmarks.tasks import PEAK_FLOPS, kind_of, workload_of
from benchmarks.workloads import NORM_GOAL, ROW_GOAL

__all__ = ["Point", "Results", "Threads"]


@dataclasses.dataclass(frozen=True, order=True)
class Threads:
    """How many, and whether each is pinned to a processor of its own."""

    count: int
    pinned: bool = True

    @property
    def text(self) -> str:
        """Such as "2 threads, not pinned"."""
        return "1 thread" if self.count == 1 else f"{self.count} threads, {'' if self.pinned else 'not '}pinned"


@dataclasses.dataclass(frozen=True)
class Point:
    """A task with one number of threads: µs of an update or call of every contender that was timed.

    - micros: the best and the median of all pieces.
    - refused: why the others were not timed.
    - deviation: from float64.
    - peak: µs of a product of 1024 × 1024 by those who multiply, beside the task.
    """

    task: str
    threads: Threads
    micros: dict[str, list[float]]
    refused: dict[str, str]
    deviation: dict[str, float]
    peak: dict[str, float]

    @property
    def own(self) -> float | None:
        """chainrule's best time."""
        return self.best(OWN)

    @property
    def peer(self) -> str | None:
        """The fastest of the others."""
        return min((name for name in self.micros if name != OWN), key=self.micros.__getitem__, default=None)

    @property
    def ratio(self) -> float | None:
        """How many times faster chainrule is than the best peer."""
        return self.micros[self.peer][0] / self.own if self.own and self.peer else None

    @property
    def goal(self) -> float | None:
        """The ratio that is wished for."""
        goals = {"row": ROW_GOAL, "norms": NORM_GOAL, "fit": None}
        kind = kind_of(self.task)
        return goals[kind] if kind in goals else workload_of(self.task).goal

    def best(self, name: str) -> float | None:
        """A contender's best time."""
        return self.micros[name][0] if name in self.micros else None

    def document(self) -> dict[str, Any]:
        """The point as its line has it."""
        values = dataclasses.asdict(self)
        return {"task": values.pop("task"), **values.pop("threads"), **values}


class Results:
    """The points of a file, to which new ones are added; in memory only where there is none."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path and path.exists() else []
        documents = _documents(lines, path)
        self.about: dict[str, Any] = next((d["about"] for d in reversed(documents) if "about" in d), {})
        self.points = {(p.task, p.threads): p for p in (_point(d) for d in documents if "about" not in d)}

    def begin(self, about: dict[str, Any]) -> None:
        """Say of what machine and versions the next points are, which have to be those of the points before."""
        if self.points and _origin(about) != _origin(self.about):
            raise SystemExit(f"{self._path} has points of another machine or of other versions: name a new file")
        self.about = about
        self._write({"about": about})

    def add(self, point: Point) -> None:
        """Keep a point."""
        self.points[point.task, point.threads] = point
        self._write(point.document())

    def _write(self, document: dict[str, Any]) -> None:
        if self._path:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(document, ensure_ascii=False) + "\n")

    def peak(self, threads: Threads) -> float | None:
        """The greatest GFLOP/s of a matrix product beside any task with so many threads: the strictest measure."""
        micros = [m for p in self.points.values() if p.threads == threads for m in p.peak.values()]
        return PEAK_FLOPS / (min(micros) * 1e3) if micros else None

    def share(self, point: Point, name: str) -> float | None:
        """The useful floating-point operations of a contender, as a share of the peak; for training in float32."""
        peak, micros = self.peak(point.threads), point.best(name)
        if not peak or not micros or kind_of(point.task) != "train" or workload_of(point.task).feature == "bf16":
            return None
        return workload_of(point.task).flops / (micros * 1e3) / peak


def _documents(lines: list[str], path: Path | None) -> list[dict[str, Any]]:
    """The objects of the lines; a last line that was cut when a run was stopped is left out."""
    documents: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            documents.append(json.loads(line))
        except json.JSONDecodeError:
            if number < len(lines):
                raise SystemExit(f"line {number} of {path} is not a point: remove it") from None
    return documents


def _origin(about: dict[str, Any]) -> tuple[Any, Any]:
    return about["machine"]["model"], about["versions"]


def _point(d: dict[str, Any]) -> Point:
    threads = Threads(d.pop("count"), d.pop("pinned"))
    return Point(threads=threads, **d)
