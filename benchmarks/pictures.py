"""The sweeps as pictures and as a table: how many times faster chainrule is than the best peer at each point."""

from pathlib import Path
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.markers import between
from benchmarks.report import about, duration
from benchmarks.results import Point, Results, Threads
from benchmarks.sweeps import SWEEPS, Sweep
from chainrule.plots.figures import COLOURS, new_figure, write_figure

__all__ = ["PICTURES", "draw", "markdown", "write_page"]

PICTURES = {
    "sweeps-network.svg": ("batch", "width", "depth", "classes"),
    "sweeps-data.svg": ("inputs", "rows", "sparsity", "features"),
}


def write_page(results: Results, path: Path) -> None:
    """The table between the markers of a page, and the pictures beside it."""
    swept = {workload.name for sweep in SWEEPS.values() for workload in sweep.points.values()}
    if swept.isdisjoint(point.task for point in results.points.values()):
        raise SystemExit("no sweep was measured: measure with --sweeps all, then write the pages")
    between(path, "sweeps", markdown(results))
    draw(results, path.parent)


def draw(results: Results, folder: Path) -> None:
    """Write both pictures."""
    for name, axes in PICTURES.items():
        figure, panels = new_figure([1.0] * len(axes), width=11.0, height=3.2)
        for panel, axis in zip(panels, axes, strict=True):
            _panel(panel, results, SWEEPS[axis])
        panels[0].set(ylabel="times faster than the best peer")
        panels[0].legend(frameon=False, fontsize=8)
        write_figure(figure, folder / name)


def _panel(axes: Any, results: Results, sweep: Sweep) -> None:
    """A line for each number of threads over the values; below 1 a peer is faster."""
    for k, threads in enumerate(_threads(results)):
        points = _points(results, sweep, threads)
        ratios = {value: point.ratio for value, point in points.items() if point.ratio}
        places = [float(value) if sweep.is_number else [*sweep.points].index(value) for value in ratios]
        axes.plot(places, [*ratios.values()], "o-", color=COLOURS[k], linewidth=1.5, markersize=4, label=threads.text)
    axes.axhspan(0.05, 1, color=COLOURS[1], alpha=0.08, linewidth=0)
    axes.set(title=sweep.base, xlabel=sweep.label, yscale="log", ylim=(0.3, 40))
    axes.title.set_fontsize(9)
    axes.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    if sweep.is_number:
        axes.set(xscale="log", xlim=_ends([float(value) for value in sweep.points]))
    else:
        axes.set_xticks(range(len(sweep.points)), [*sweep.points], rotation=45)
    axes.minorticks_off()


def _ends(values: list[float]) -> tuple[float, float]:
    """A little more than from the first to the last, where both are apart by factors."""
    more = (values[-1] / values[0]) ** 0.04
    return values[0] / more, values[-1] * more


def markdown(results: Results) -> str:
    """The pictures, then a line for each point and columns for each number of threads."""
    threads = _threads(results)
    head = ["", "value", *(cell for n in threads for cell in (f"{n.text}: chainrule", "best peer", "times faster"))]
    lines = [head, ["---"] * len(head)]
    for axis, sweep in SWEEPS.items():
        each = [_points(results, sweep, n) for n in threads]
        for value in sweep.points:
            if any(value in points for points in each):
                cells = [cell for points in each for cell in _cells(points.get(value))]
                lines.append([f"{axis}: {sweep.label} ({sweep.base})", value, *cells])
    pictures = "\n\n".join(
        f"![Times faster than the best peer by {', '.join(axes)}]({n})" for n, axes in PICTURES.items()
    )
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"{pictures}\n\n{table}\n\n{about(results)}"


def _threads(results: Results) -> list[Threads]:
    tasks = {w.name for sweep in SWEEPS.values() for w in sweep.points.values()}
    return sorted({threads for task, threads in results.points if task in tasks}, key=lambda n: (n.count, not n.pinned))


def _points(results: Results, sweep: Sweep, threads: Threads) -> dict[str, Point]:
    points = {value: results.points.get((w.name, threads)) for value, w in sweep.points.items()}
    return {value: point for value, point in points.items() if point}


def _cells(point: Point | None) -> list[str]:
    if point is None or point.own is None:
        return ["-"] * 3
    if point.peer is None or point.ratio is None:
        return [duration(point.own), "-", "-"]
    peer = f"{duration(point.best(point.peer))} ({CONTENDERS[point.peer].title})"
    return [duration(point.own), peer, f"{point.ratio:.2g}"]
