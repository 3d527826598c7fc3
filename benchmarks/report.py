"""What was measured, as ratios: on the terminal, in the README, in a JSON document.

The document's `results` have one entry for each task, number of threads and contender; `beside` names the task that a
measurement of the peak took turns with. A share is that of the best peak of the whole run: the strictest.
"""

import dataclasses
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS, OWN
from benchmarks.markers import between
from benchmarks.tasks import PEAK, PEAK_FLOPS, kind_of
from benchmarks.workloads import GOAL, NORM_GOAL, ROW_GOAL, WORKLOADS

__all__ = ["Row", "rows", "show", "write_readme"]

TITLES = {"rowW1": "one row, W1", "rowW2": "one row, W2", "rowW3": "one row, W3", "goal": "to 88%"}
TITLES |= {"fitW1": "cr.fit, W1", "fitW6": "cr.fit, W6"}


@dataclasses.dataclass(frozen=True)
class Row:
    """A task with one number of threads; best times in µs of every contender that was timed."""

    task: str
    threads: int
    micros: dict[str, float]
    medians: dict[str, float]
    peak: float | None  # the run's best GFLOP/s of a matrix product, with as many threads

    @property
    def own(self) -> float | None:
        """chainrule's time."""
        return self.micros.get(OWN)

    @property
    def peer(self) -> str | None:
        """The fastest of the others."""
        return min((name for name in self.micros if name != OWN), key=self.micros.__getitem__, default=None)

    @property
    def ratio(self) -> float | None:
        """How many times faster chainrule is than the best peer."""
        return self.micros[self.peer] / self.own if self.own and self.peer else None

    @property
    def goal(self) -> float | None:
        """The ratio that is wished for."""
        kind = kind_of(self.task)
        found = {"row": ROW_GOAL, "norms": NORM_GOAL, "fit": None}
        return found[kind] if kind in found else {**WORKLOADS, **GOAL}[self.task].goal

    def share(self, name: str | None) -> float | None:
        """The useful floating-point operations of a contender, as a share of the peak; for training only."""
        if name not in self.micros or not self.peak or self.task not in WORKLOADS:
            return None
        return WORKLOADS[self.task].flops / (self.micros[name] * 1e3) / self.peak


def rows(document: dict[str, Any]) -> list[Row]:
    """The rows of a document, in its order."""
    keys = dict.fromkeys((r["task"], r["threads"]) for r in document["results"] if r["task"] != PEAK)
    return [_row(document["results"], task, threads) for task, threads in keys]


def _row(results: list[dict[str, Any]], task: str, threads: int) -> Row:
    timed = [r for r in results if r["threads"] == threads and r["best"] is not None and not r["refused"]]
    here = [r for r in timed if r["task"] == task]
    products = [r["best"] for r in timed if r["task"] == PEAK]
    peak = PEAK_FLOPS / (min(products) * 1e3) if products else None
    micros, medians = ({r["contender"]: r[key] for r in here} for key in ("best", "median"))
    return Row(task, threads, micros, medians, peak)


def show(document: dict[str, Any], console: Console) -> None:
    """The table on a terminal, and what is not in it."""
    found = rows(document)
    for threads in dict.fromkeys(row.threads for row in found):
        console.print(_table([row for row in found if row.threads == threads], threads))
    console.print(_about(document), style="dim")
    for line in notes(document):
        console.print(f"[yellow]{line}")


def _table(found: list[Row], threads: int) -> Table:
    peers = [name for name in CONTENDERS if name != OWN and any(name in row.micros for row in found)]
    table = Table(
        title=f"{threads} thread{'s' * (threads > 1)}: best time of an update or call (chainrule's median)", box=None
    )
    for title in ("", "chainrule", "ratio", "goal", "of peak", *peers, "sgemm"):
        table.add_column(title, justify="left" if title == "" else "right")
    for row in found:
        own = f"{duration(row.own)} ({duration(row.medians.get(OWN))})"
        cells = [own, _ratio(row), f"{row.goal:g}" if row.goal else "-", _percent(row.share(OWN))]
        cells += [f"[{'bold' if name == row.peer else 'none'}]{duration(row.micros.get(name))}" for name in peers]
        table.add_row(TITLES.get(row.task, row.task), *cells, f"{row.peak:.0f} GFLOP/s" if row.peak else "")
    return table


def _ratio(row: Row) -> str:
    if row.ratio is None or row.goal is None:
        return "-"
    return f"[{'green' if row.ratio >= row.goal else 'red'}]{row.ratio:.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def duration(micros: float | None) -> str:
    """A time in three figures: µs, ms or s."""
    if micros is None:
        return "-"
    for unit, size in (("s", 1e6), ("ms", 1e4)):
        if micros >= size:
            return f"{micros / (1e6 if unit == 's' else 1e3):.3g} {unit}"
    return f"{micros:.3g} µs" if micros < 1000 else f"{micros:.0f} µs"


def notes(document: dict[str, Any]) -> list[str]:
    """Who was left out or not timed, and why."""
    found = [f"{name} is left out: {why}" for name, why in document["left_out"].items()]
    refused = [r for r in document["results"] if r["refused"]]
    found += [f"{r['contender']} on {r['task']}, {r['threads']} thread(s): {r['refused']}" for r in refused]
    needed = [f"{r['contender']} {r['updates']}" for r in document["results"] if r.get("updates")]
    if needed:
        found.append(f"updates that were needed to 88%: {', '.join(needed)}")
    if document.get("padding"):
        made = ", ".join(f"{name} {ratio:.2f}" for name, ratio in document["padding"].items())
        found.append(f"products that chainrule makes for each that is asked for (whole vectors): {made}")
    if document["dropped"]:
        found.append(f"settings of this environment that no contender got: {', '.join(document['dropped'])}")
    return found


def _about(document: dict[str, Any]) -> str:
    machine, versions = document["machine"], document["versions"]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    isa = ", ".join(name for name in machine["isa"] if name in ("avx2", "avx512f", "amx_tile"))
    return f"{machine['model']} ({isa}; {caches}), {machine['date'][:10]}. Engine {document['engine']}. {listed}."


def write_readme(document: dict[str, Any], path: Path) -> None:
    """The table between the markers of the README."""
    between(path, "benchmarks", markdown(document))


def markdown(document: dict[str, Any]) -> str:
    """The table as Markdown: a line for each task, columns for each number of threads."""
    found = {(row.task, row.threads): row for row in rows(document)}
    tasks, threads = dict.fromkeys(task for task, _ in found), dict.fromkeys(n for _, n in found)
    head = ["", "network, batch"]
    for n in threads:
        head += [f"{n} thread{'s' * (n > 1)}: chainrule", "best peer", "times faster", "of peak"]
    lines = [head, ["---"] * len(head)]
    for task in tasks:
        cells = [cell for n in threads for cell in _cells(found.get((task, n)))]
        lines.append([TITLES.get(task, task), _text(task), *cells])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{table}\n\n{_about(document)}"


def _cells(row: Row | None) -> list[str]:
    if row is None or row.own is None:
        return ["-"] * 4
    peer = f"{duration(row.micros[row.peer])} ({CONTENDERS[row.peer].title})" if row.peer else "-"
    return [duration(row.own), peer, "-" if row.ratio is None else f"{row.ratio:.1f}", _percent(row.share(OWN))]


def _text(task: str) -> str:
    texts = {"row": "a prediction", "norms": "per-example gradient norms, net of W3, batch 256"}
    texts |= {"fit": "an update of a whole call of `cr.fit`, one epoch"}
    return texts.get(kind_of(task)) or {**WORKLOADS, **GOAL}[task].text
