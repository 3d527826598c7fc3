"""What was measured, as ratios: on the terminal and in the README. A share is that of the run's best peak."""

import re
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS, OWN
from benchmarks.markers import between
from benchmarks.results import Point, Results, Threads
from benchmarks.suite import TASKS
from benchmarks.tasks import kind_of, workload_of
from benchmarks.workloads import WORKLOADS

__all__ = ["about", "claim", "duration", "machine_text", "markdown", "show", "versions_text", "write_readme"]

TITLES = {"rowW1": "one row, W1", "rowW2": "one row, W2", "rowW3": "one row, W3"}
TITLES |= {"fitW1": "cr.fit, W1", "fitW6": "cr.fit, W6"}
CLAIM = re.compile(r"(on\s+)\d( of the 7\s+networks that we measure, by )[\d.]+ to [\d.]+( times)")


def show(results: Results, left_out: dict[str, str], console: Console) -> None:
    """The tables on a terminal, and what is not in them."""
    points = list(results.points.values())
    for threads in dict.fromkeys(point.threads for point in points):
        console.print(_table(results, [point for point in points if point.threads == threads], threads))
    console.print(about(results), style="dim")
    for line in _notes(results, left_out):
        console.print(f"[yellow]{line}")


def _table(results: Results, points: list[Point], threads: Threads) -> Table:
    peers = [name for name in CONTENDERS if name != OWN and any(name in point.micros for point in points)]
    table = Table(title=f"{threads.text}: best time of an update or call (chainrule's median)", box=None)
    for title in ("", "chainrule", "ratio", "goal", "of peak", *peers):
        table.add_column(title, justify="left" if title == "" else "right")
    for point in points:
        own = f"{duration(point.own)} ({duration(point.micros.get(OWN, [None, None])[1])})"
        goal = f"{point.goal:g}" if point.goal else "-"
        cells = [own, _ratio(point), goal, _percent(results.share(point, OWN))]
        cells += [f"[{'bold' if name == point.peer else 'none'}]{duration(point.best(name))}" for name in peers]
        table.add_row(TITLES.get(point.task, point.task), *cells)
    return table


def _ratio(point: Point) -> str:
    if point.ratio is None or point.goal is None:
        return "-"
    return f"[{'green' if point.ratio >= point.goal else 'red'}]{point.ratio:.2f}"


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


def _notes(results: Results, left_out: dict[str, str]) -> list[str]:
    """Who was left out or not timed, and why."""
    notes = [f"{name} is left out: {why}" for name, why in left_out.items()]
    for point in results.points.values():
        notes += [f"{name} on {point.task}, {point.threads.text}: {why}" for name, why in point.refused.items()]
    if results.about.get("padding"):
        made = ", ".join(f"{name} {ratio:.2f}" for name, ratio in results.about["padding"].items())
        notes.append(f"products that chainrule makes for each that is asked for (whole vectors): {made}")
    if results.about.get("dropped"):
        notes.append(f"settings of this environment that no contender got: {', '.join(results.about['dropped'])}")
    return notes


def about(results: Results) -> str:
    """Machine and versions on one line."""
    engine = f"Engine {results.about['engine']}."
    return f"{machine_text(results.about['machine'])} {engine} {versions_text(results.about['versions'])}"


def machine_text(machine: dict[str, Any]) -> str:
    """The processor, and the date."""
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    isa = ", ".join(name for name in machine["isa"] if name in ("avx2", "avx512f", "amx_tile"))
    return f"{machine['model']} ({isa}; {caches}), {machine['date'][:10]}."


def versions_text(versions: dict[str, str]) -> str:
    """The versions of chainrule, Python and the libraries."""
    return f"{', '.join(f'{name} {version}' for name, version in versions.items())}."


def write_readme(results: Results, path: Path) -> None:
    """The table between the markers of the README, and the sentence that says how much faster."""
    measured = {point.task for point in results.points.values() if point.threads.pinned and point.ratio}
    if measured.isdisjoint(WORKLOADS):
        raise SystemExit("none of W1 to W7 was measured with a peer: measure them, then write the pages")
    between(path, "benchmarks", markdown(results))
    count, least, most = claim(results)
    text = path.read_text("utf-8")
    path.write_text(CLAIM.sub(rf"\g<1>{count}\g<2>{least:g} to {most:g}\g<3>", text), "utf-8")


def claim(results: Results) -> tuple[int, float, int]:
    """On how many of W1 to W7 no peer is faster, with threads that are pinned, and the least and greatest ratio there.

    The ratios are those that the table shows.
    """
    ratios: dict[str, list[float]] = {}
    for point in results.points.values():
        if point.task in WORKLOADS and point.threads.pinned and point.ratio:
            ratios.setdefault(point.task, []).append(round(point.ratio, 1))
    ahead = [each for each in ratios.values() if min(each) > 1]
    return len(ahead), min(map(min, ahead)), int(max(map(max, ahead)))


def markdown(results: Results) -> str:
    """The table as Markdown: a line for each task that is no sweep's, columns for each number of threads."""
    points = {key: point for key, point in results.points.items() if key[0] in TASKS}
    tasks = [task for task in TASKS if any(task == name for name, _ in points)]
    threads = sorted(dict.fromkeys(n for _, n in points), key=lambda n: (n.count, not n.pinned))
    head = ["", "network, batch"]
    for n in threads:
        head += [f"{n.text}: chainrule", "best peer", "times faster", "of peak"]
    lines: list[list[Any]] = [head, ["---"] * len(head)]
    for task in tasks:
        cells = [cell for n in threads for cell in _cells(results, points.get((task, n)))]
        lines.append([TITLES.get(task, task), _text(task), *cells])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{table}\n\n{about(results)}"


def _cells(results: Results, point: Point | None) -> list[str]:
    if point is None or point.own is None:
        return ["-"] * 4
    peer = f"{duration(point.best(point.peer))} ({CONTENDERS[point.peer].title})" if point.peer else "-"
    ratio = "-" if point.ratio is None else f"{point.ratio:.1f}"
    return [duration(point.own), peer, ratio, _percent(results.share(point, OWN))]


def _text(task: str) -> str:
    texts = {"row": "a prediction", "norms": "per-example gradient norms, net of W3, batch 256"}
    texts |= {"fit": "an update of a whole call of `cr.fit`, one epoch"}
    return texts.get(kind_of(task)) or workload_of(task).text
