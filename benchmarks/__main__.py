"""`python -m benchmarks`: the options."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import benchmarks
from benchmarks import memory, report, suite
from benchmarks.contenders import CONTENDERS, OWN
from benchmarks.tasks import kind_of
from benchmarks.turns import ROOT

app = App(name="python -m benchmarks", help=benchmarks.__doc__, help_format="plaintext", version_flags=[])
Flag = Annotated[bool, Parameter(negative="")]


@app.default
def run(
    *,
    quick: Flag = False,
    only: str | None = None,
    peers: str | None = None,
    threads: str | None = None,
    rounds: int | None = None,
    seconds: float | None = None,
    json: Path | None = None,
    readme: Flag = False,
    measure_memory: Annotated[bool, Parameter(name="--memory", negative="")] = False,
) -> None:
    """Measure chainrule beside its peers and print the table.

    Parameters
    ----------
    quick
        One thread, few rounds, no compiled torch, no `fit` and no training to 88%: less than a minute.
    only
        Tasks, such as W1,W3,rowW1,norms,goal.
    peers
        Such as jax,torch.
    threads
        Such as 1,2.
    rounds
        Turns of each contender.
    seconds
        The length of a turn.
    json
        A file for all numbers.
    readme
        Write the table into README.md.
    measure_memory
        Measure how much memory training takes instead.
    """
    console = Console(width=None if sys.stdout.isatty() else 200)
    if measure_memory:
        memory.show([memory.measure(name) for name in memory.CASES], console)
        return
    tasks = _chosen(
        only, suite.TASKS, [task for task in suite.TASKS if not quick or kind_of(task) not in ("goal", "fit")]
    )
    others = [name for name in CONTENDERS if name != OWN]
    names = _chosen(peers, others, [name for name in others if CONTENDERS[name].quick or not quick])
    counts = [int(n) for n in (threads or ("1" if quick else "1,2")).split(",")]
    pace = (rounds or (3 if quick else 10), seconds or (0.05 if quick else 0.5))
    columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("")
        document = suite.suite(
            tasks, names, counts, *pace, lambda text, k, n: progress.update(bar, description=text, completed=k, total=n)
        )
    if quick and peers is None:
        document["left_out"] |= {n: "--quick does without it" for n in others if not CONTENDERS[n].quick}
    report.show(document, console)
    if json:
        suite.write(document, json)
    if readme:
        report.write_readme(document, ROOT / "README.md")


def _chosen(given: str | None, known: list[str], default: list[str]) -> list[str]:
    """The names given, or the default."""
    names = default if given is None else given.split(",")
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"{', '.join(unknown)}: unknown; choose from {', '.join(known)}")
    return names


app()
