"""`python -m benchmarks.accuracy`: each recipe in turn, seed after seed, each in a process of its own; the table."""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.accuracy.recipes import RECIPES
from benchmarks.accuracy.worker import GOALS
from benchmarks.machine import environment, versions
from benchmarks.turns import ROOT

LIBRARIES = {"own": "chainrule", "torch_": "torch", "jax_": "JAX", "scikit": "scikit-learn"}
Rows = list[dict[str, Any]]


def main() -> None:
    """Run what the file of results lacks, then print the table."""
    asked = _options().parse_args()
    asked.results.parent.mkdir(parents=True, exist_ok=True)
    names = [name for name in RECIPES if name in asked.recipes.split(";")]
    rows: Rows = [json.loads(line) for line in asked.results.read_text().splitlines()] if asked.results.exists() else []
    done = {(row["recipe"], row["seed"], row["threads"]) for row in rows}
    for seed in range(asked.seeds):
        for threads in map(int, asked.threads.split(",")):
            for name in (name for name in names if (name, seed, threads) not in done):
                row = _run(name, seed, threads, asked.epochs)
                rows.append(row)
                with asked.results.open("a") as stream:
                    stream.write(json.dumps(row) + "\n")
    print(table(rows, names))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    add = parser.add_argument
    add("--results", type=Path, default=Path("build/accuracy.jsonl"), help="where the runs are kept")
    add("--recipes", default=";".join(RECIPES), help="names, separated by ;")
    add("--seeds", type=int, default=5, help="how many, from 0")
    add("--threads", default="1,2", help="numbers of threads, each pinned to as many processors")
    add("--epochs", type=int, default=10, help="the most epochs of a run")
    return parser


def _run(name: str, seed: int, threads: int, epochs: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.accuracy.worker", name, str(seed), str(threads), str(epochs)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(threads), capture_output=True, text=True, check=False, timeout=3600
    )
    if done.returncode:
        return {"recipe": name, "seed": seed, "threads": threads, "failed": done.stderr.strip()[-300:]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def table(rows: Rows, names: list[str]) -> str:
    """A Markdown table: medians over seeds; a recipe that does not reach a goal with most seeds has a dash there.

    The seconds of processors do not depend on what else the machine does, as far as caches allow.
    """
    heads = [f"{g:.0%}: {what}" for g in GOALS for what in ("updates", "seconds", "processor")]
    lines = [f"| threads | library | recipe | {' | '.join(heads)} | best | seeds |"]
    lines.append("|" + "---|" * (len(heads) + 5))
    for threads in sorted({row["threads"] for row in rows}):
        for name in names:
            own = [row for row in rows if (row["recipe"], row["threads"]) == (name, threads) and "best" in row]
            if not own:
                continue
            recipe = RECIPES[name]
            cells = [cell for goal in GOALS for cell in medians([row[f"{goal:.2f}"] for row in own])]
            best = f"{statistics.median(row['best'] for row in own):.1%}"
            words = f"{recipe.rule}, {recipe.words}"
            cells = [str(threads), LIBRARIES[recipe.library], words, *cells, best, str(len(own))]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", ", ".join(f"{name} {version}" for name, version in versions().items())])


def medians(reached: list[list[float] | None]) -> list[str]:
    """The medians of updates, seconds and processor's seconds over seeds; dashes where most did not get there.

    >>> medians([[100, 2.0, 1.0], None, [200, 4.0, 3.0]])
    ['200', '4.00', '3.00']
    """
    infinite = [[float("inf")] * 3 if each is None else each for each in reached]
    middle = [statistics.median(column) for column in zip(*infinite, strict=True)]
    return [
        "-" if value == float("inf") else f"{value:,.0f}" if k == 0 else f"{value:.2f}"
        for k, value in enumerate(middle)
    ]


if __name__ == "__main__":
    main()
