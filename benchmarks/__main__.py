"""`python -m benchmarks`: the options."""

import math
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import benchmarks
from benchmarks import memory, pictures, report, suite
from benchmarks.contenders import CONTENDERS, OWN
from benchmarks.options import chosen, numbers, whole, writable
from benchmarks.results import Results, Threads
from benchmarks.sweeps import SWEEPS
from benchmarks.tasks import kind_of
from benchmarks.turns import ROOT
from benchmarks.workloads import HALF

app = App(name="python -m benchmarks", help=benchmarks.__doc__, help_format="plaintext", version_flags=[])
RESULTS = ROOT / "benchmarks" / "results.jsonl"
Flag = Annotated[bool, Parameter(negative="")]


@app.default
def run(
    *,
    quick: Flag = False,
    only: str | None = None,
    sweeps: str | None = None,
    peers: str | None = None,
    threads: str | None = None,
    unpinned: Flag = False,
    rounds: int | None = None,
    seconds: float | None = None,
    results: Path | None = None,
    pages: Flag = False,
    measure_memory: Annotated[bool, Parameter(name="--memory", negative="")] = False,
) -> None:
    """Measure chainrule beside its peers and print the table.

    Parameters
    ----------
    quick
        One thread, few rounds, no compiled torch, no half precision and no `fit`: less than a minute.
    only
        Tasks, such as W1,W3,rowW1,norms.
    sweeps
        Measure sweeps instead of tasks: all, or such as batch,width.
    peers
        Such as jax,torch.
    threads
        Such as 1,2.
    unpinned
        Let threads go to any processor; else each is pinned to one of its own where there are several.
    rounds
        Turns of each contender.
    seconds
        The length of a turn.
    results
        A file for all numbers, a line for each point. Points that it has are not measured again.
    pages
        Measure nothing; write the tables and pictures of README.md and docs/speed.md from the file of results,
        benchmarks/results.jsonl if none is named.
    measure_memory
        Measure how much memory training takes instead.
    """
    console = Console(width=None if sys.stdout.isatty() else 200)
    if measure_memory:
        memory.show([memory.measure(name) for name in memory.CASES], console)
        return
    counts = [Threads(n, not unpinned or n == 1) for n in numbers("--threads", threads or ("1" if quick else "1,2"), 1)]
    rounds = whole("--rounds", (3 if quick else 10) if rounds is None else rounds, 1)
    seconds = (0.05 if quick else 0.5) if seconds is None else seconds
    if not 0 < seconds < math.inf:
        raise SystemExit(f"--seconds is {seconds}, but must be a number above 0")
    kept = Results(results if results is None or pages else writable("--results", results))
    if pages:
        kept = Results(results or RESULTS)
        if not kept.points:
            raise SystemExit(f"{results or RESULTS} has no points: measure with --results first")
        report.write_readme(kept, ROOT / "README.md")
        pictures.write_page(kept, ROOT / "docs" / "speed.md")
        return
    tasks = [task for task in suite.TASKS if not quick or (kind_of(task) != "fit" and task not in HALF)]
    if only is not None:
        tasks = chosen("--only", only.split(","), suite.TASKS)
    if sweeps is not None:
        axes = [*SWEEPS] if sweeps == "all" else chosen("--sweeps", sweeps.split(","), [*SWEEPS])
        tasks = [w.name for name in axes for w in SWEEPS[name].points.values()]
    others = [name for name in CONTENDERS if name != OWN]
    names = [name for name in others if CONTENDERS[name].quick or not quick]
    if peers is not None:
        names = chosen("--peers", peers.split(","), others)
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("")
        left_out = suite.suite(
            kept,
            [(task, n) for n in counts for task in tasks],
            names,
            rounds,
            seconds,
            lambda text, k, n: progress.update(bar, description=text, completed=k, total=n),
        )
    if quick and peers is None:
        left_out |= {n: "--quick does without it" for n in others if not CONTENDERS[n].quick}
    report.show(kept, left_out, console)


app()
