"""`python -m benchmarks.accuracy`: runs what the file of results lacks, then prints or writes the table."""

import argparse
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.accuracy.recipes import RECIPES
from benchmarks.accuracy.report import Rows, markdown
from benchmarks.machine import cpus, describe, environment, rest, versions
from benchmarks.markers import between
from benchmarks.options import numbers, whole, writable
from benchmarks.turns import ROOT
from chainrule.engines import ENGINES

WORKER = [sys.executable, "-m", "benchmarks.accuracy.worker"]


def main() -> None:
    """Count updates, time them, report."""
    asked = _options().parse_args()
    for name, least in (("seeds", 0), ("epochs", 1), ("rounds", 1)):
        setattr(asked, name, whole(f"--{name}", getattr(asked, name), least))
    asked.threads = [n for n in numbers("--threads", asked.threads, 0) if n]
    writable("--results", asked.results)
    unknown = set(asked.recipes.split(";") if asked.recipes else ()) - set(RECIPES)
    if unknown:
        raise SystemExit(
            f"there is no recipe {', '.join(map(repr, sorted(unknown)))}: choose from {', '.join(RECIPES)}"
        )
    names = [name for name in _possible() if asked.recipes is None or name in asked.recipes.split(";")]
    rows: Rows = [json.loads(line) for line in asked.results.read_text().splitlines()] if asked.results.exists() else []
    with asked.results.open("a") as stream:
        for row in _new(rows, names, asked):
            rows.append(row)
            stream.write(json.dumps(row) + "\n")
            stream.flush()
    if not rows:
        raise SystemExit(f"{asked.results} has no runs: count and time some first")
    text = markdown(rows)
    print(text)
    if asked.pages:
        between(ROOT / "docs" / "speed.md", "accuracy", text)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    add = parser.add_argument
    add("--results", type=Path, default=Path(__file__).with_name("results.jsonl"), help="where the runs are kept")
    add("--recipes", help="names, separated by ;")
    add("--seeds", default="5", help="how many, from 0; 0 counts no updates")
    add("--epochs", default="6", help="the most epochs of a run")
    add("--threads", default="1,2", help="numbers of threads, each pinned to as many processors; 0 times no updates")
    add("--rounds", default="5", help="turns of each recipe")
    add("--pages", action="store_true", help="write the table into docs/speed.md")
    return parser


def _possible() -> list[str]:
    """The recipes that this processor can run: those in half precision need AMX or AVX512_BF16."""
    half = getattr(ENGINES["native"](), "half", None)
    return [name for name, recipe in RECIPES.items() if half or not recipe.half]


def _new(rows: Rows, names: list[str], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The rows that are missing; before the first, with which machine and versions they are made."""
    new = _runs(rows, names, asked)
    if (first := next(new, None)) is not None:
        yield {"about": {"machine": describe(), "versions": versions()}}
        yield first
        yield from new


def _runs(rows: Rows, names: list[str], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    counted = {(row["recipe"], row["seed"]) for row in rows if "seed" in row}
    for seed in range(asked.seeds):
        runs = (_count(name, seed, asked.epochs) for name in names if (name, seed) not in counted)
        yield from filter(None, runs)
    for threads in asked.threads:
        timed = {row["recipe"] for row in rows if row.get("threads") == threads}
        yield from _paces([name for name in names if name not in timed], threads, asked.rounds)


def _count(name: str, seed: int, epochs: int) -> dict[str, Any] | None:
    """The updates of a run; None, with a line that says so, where its process fails."""
    command = [*WORKER, "count", name, str(seed), str(epochs)]
    done = subprocess.run(command, cwd=ROOT, env=environment(1), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}, seed {seed}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return None
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _paces(names: list[str], threads: int, rounds: int) -> Iterator[dict[str, Any]]:
    """The time of an update of each recipe: the median of pieces that are timed in turns."""
    pinned = ",".join(map(str, cpus(threads)))
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    workers, micros = {}, {name: [] for name in names}
    for name in names:
        command = [*WORKER, "pace", name, str(threads), pinned]
        workers[name] = subprocess.Popen(command, cwd=ROOT, env=environment(threads), **pipes)
        workers[name].stdout.readline()  # it is ready before the next one begins
    for _ in range(rounds):
        for name, worker in workers.items():
            with contextlib.suppress(BrokenPipeError):
                worker.stdin.write("\n")
            if line := worker.stdout.readline():
                micros[name] += json.loads(line)
                rest(worker.pid)
    for name, worker in workers.items():
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()
        if worker.wait() or not micros[name]:
            print(f"{name}, {threads} threads: its process ended with {worker.returncode}", file=sys.stderr)
            continue
        wall, processor = (sorted(each)[len(each) // 2] for each in zip(*micros[name], strict=True))
        yield {"recipe": name, "threads": threads, "micros": wall, "processor": processor}


if __name__ == "__main__":
    main()
