"""How much memory training takes: one epoch of W5, and of 10 million × 30 rows in a float32 memory map.

Anonymous pages (RssAnon) are ours alone; pages of files (RssFile) the system takes back whenever it needs them. Each
case runs in a process of its own: `python -m benchmarks.memory NAME` prints one JSON object.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machine import environment

__all__ = ["CASES", "measure", "show"]

CASES = ("W5", "memmap")
ROWS, COLUMNS, BLOCK = 10_000_000, 30, 500_000
ROOT = Path(__file__).resolve().parents[1]


class Sampler(threading.Thread):
    """The greatest RssAnon and RssFile of this process since it was last asked, in bytes, a hundred times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._peaks = {"RssAnon": 0, "RssFile": 0}

    def run(self) -> None:
        while True:
            self._look()
            time.sleep(0.01)

    def taken(self) -> dict[str, int]:
        """The peaks; the next ones start from here."""
        self._look()
        found, self._peaks = self._peaks, {"RssAnon": 0, "RssFile": 0}
        return found

    def _look(self) -> None:
        lines = Path("/proc/self/status").read_text().splitlines()
        sizes = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.endswith(" kB")}
        self._peaks = {kind: max(peak, sizes[kind]) for kind, peak in self._peaks.items()}


def measure(name: str, threads: int = 1) -> dict[str, Any]:
    """Run a case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", name]
    done = subprocess.run(command, cwd=ROOT, env=environment(threads), check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def case(name: str, folder: Path) -> dict[str, Any]:
    """The memory before training, with the data there, and at its greatest during one epoch."""
    import numpy as np

    from benchmarks.contenders.own import ENGINE, network, optimizer
    from chainrule.engines import choose
    from chainrule.settings import TrainingSettings

    given = _fashion() if name == "W5" else _memmap(folder)
    w, net = given.workload, network(given)
    sampler = Sampler()
    sampler.start()
    before = sampler.taken()
    settings = TrainingSettings(optimizer=optimizer(w), batch_size=w.batch, threads=1)
    run = choose(ENGINE, net.architecture, settings).start(net.architecture, net.theta, settings, float(len(given.X)))
    order = np.random.Generator(np.random.Philox(key=7)).permutation(len(given.X))
    batches, done, start = -(-len(order) // w.batch), 0, time.perf_counter()
    while done < batches:
        rates = np.full(batches - done, w.rate)
        done += len(run.steps(given.X, given.T, None, order[done * w.batch :], rates, 0, done))
    seconds, during = time.perf_counter() - start, sampler.taken()
    parts = {"data": given.X.nbytes + given.T.nbytes, "order": order.nbytes}
    parts |= {"parameters and slots": (1 + optimizer(w).slots) * given.theta.nbytes}
    parts |= {"activations of a batch": 4 * w.batch * sum(w.sizes)}
    return {"case": name, "engine": ENGINE, "seconds": seconds, "before": before, "during": during, "parts": parts}


def _fashion() -> Any:
    from benchmarks.workloads import WORKLOADS, problem

    return problem(WORKLOADS["W5"])


def _memmap(folder: Path) -> Any:
    """Normal numbers in a file, and W3's network on them."""
    import numpy as np

    from benchmarks.workloads import WORKLOADS, Problem, problem

    random = np.random.Generator(np.random.Philox(key=8))
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float32, (ROWS, COLUMNS))
    for start in range(0, ROWS, BLOCK):
        X[start : start + BLOCK] = random.standard_normal((BLOCK, COLUMNS), dtype=np.float32)
    T = (X[:, 0] > 0).astype(np.int32)
    X.flush()
    del X
    small = problem(WORKLOADS["W3"])
    return Problem(small.workload, np.load(folder / "X.npy", mmap_mode="r"), T, small.theta, small.order)


def show(found: list[dict[str, Any]], console: Console) -> None:
    """A table in MB: what must be there, what was there."""
    table = Table(title="one epoch, peak of resident memory in MB", box=None)
    columns = ("", "anonymous before", "during", "more by", "of files during", "data", "order")
    for title in (*columns, "parameters and slots", "activations of a batch", "seconds"):
        table.add_column(title, justify="left" if title == "" else "right")
    for one in found:
        before, during = one["before"]["RssAnon"], one["during"]["RssAnon"]
        sizes = (before, during, during - before, one["during"]["RssFile"], *one["parts"].values())
        table.add_row(one["case"], *(f"{size / 1e6:.1f}" for size in sizes), f"{one['seconds']:.1f}")
    console.print(table)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        print(json.dumps(case(sys.argv[1], Path(place))))
