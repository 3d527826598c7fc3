"""How much memory a table larger than memory takes: writes Parquet parts, trains on them, samples the process.

    python benchmarks/larger_than_memory.py --rows 10000000 --columns 30 --folder /var/tmp

Memory is split as Linux does: anonymous pages are ours alone and cannot be given back; pages of files, those of the
cache among them, the system takes back whenever it needs them.
"""

import argparse
import multiprocessing
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from chainrule.model import TableSettings, TableTraining

PART = 500_000  # rows of one file
GROUP = 65_536  # rows of one group in it


def write_parts(folder: Path, rows: int, columns: int) -> None:
    """Parts with numbers, a tenth of them missing in the second, words in the last column but one, and y."""
    rng = np.random.Generator(np.random.PCG64(0))
    for number, start in enumerate(range(0, rows, PART)):
        n = min(PART, rows - start)
        X = rng.normal(size=(n, columns - 2))
        y = X[:, 0] - 2 * X[:, 1] + np.sin(X[:, 2]) + rng.normal(size=n) / 10
        table = {f"x{k}": X[:, k] for k in range(columns - 2)}
        table["x1"] = pa.array(X[:, 1], mask=rng.random(n) < 0.1)
        table["kind"] = pa.array([*"abcdefgh"]).take(pa.array(rng.integers(0, 8, n)))
        pq.write_table(pa.table({**table, "y": y}), folder / f"part-{number:04}.parquet", row_group_size=GROUP)


class Sampler(threading.Thread):
    """The greatest anonymous and file-backed memory of this process in each phase, in bytes, ten times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.phase, self.peaks = "", {}

    def run(self) -> None:
        while True:
            found = status()
            for kind in ("RssAnon", "RssFile"):
                key = (self.phase, kind)
                self.peaks[key] = max(self.peaks.get(key, 0), found[kind])
            time.sleep(0.1)


def status() -> dict[str, int]:
    """The sizes of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {line.split(":")[0]: 1024 * int(line.split()[1]) for line in lines if line.endswith(" kB")}


def main() -> None:
    """Write, train, report."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--columns", type=int, default=30)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        parts = Path(folder)
        print(
            f"{given.rows:,} rows x {given.columns} columns: {given.rows * given.columns * 8 / 1e9:.2f} GB as float64"
        )
        sampler = Sampler()
        sampler.start()
        before = time.monotonic()

        def done(phase: str) -> None:
            nonlocal before
            peak = {kind: sampler.peaks.get((sampler.phase, kind), 0) / 1e9 for kind in ("RssAnon", "RssFile")}
            seconds, before = time.monotonic() - before, time.monotonic()
            print(f"{phase}: {seconds:.1f} s, anonymous {peak['RssAnon']:.2f} GB, of files {peak['RssFile']:.2f} GB")

        sampler.phase = "write"
        task = (parts, given.rows, given.columns)
        writer = multiprocessing.get_context("spawn").Process(target=write_parts, args=task)
        writer.start()  # in a process of its own, so that its memory is not counted
        writer.join()
        size = sum(path.stat().st_size for path in parts.iterdir())
        done(f"parts written ({size / 1e9:.2f} GB)")
        sampler.phase = "encode"
        settings = TableSettings(hidden=16, epochs=1, batch_size=1024, cache=given.folder)
        training = TableTraining(parts, "y", settings)
        done("read in three passes and encoded")
        print(*training.notes, sep="\n")
        sampler.phase = "train"
        for _ in training.events():
            pass
        done("one epoch")
        sampler.phase = "evaluate"
        scores = training.model.evaluate(parts)
        done(f"evaluated on all rows (r2 {scores['targets']['y']['r2']:.4f})")
        print(f"peak of all (VmHWM): {status()['VmHWM'] / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
