"""Ratios, shares of the peak, the README's table and the pictures, from numbers made up to be divided easily."""

import io
from pathlib import Path

import pytest
from benchmarks.results import Point, Results, Threads
from benchmarks.sweeps import SWEEPS
from benchmarks.tasks import PEAK_FLOPS
from benchmarks.workloads import WORKLOADS
from rich.console import Console

from benchmarks import pictures, report

ROOT = Path(__file__).resolve().parents[2]
ONE, TWO, FREE = Threads(1), Threads(2), Threads(2, pinned=False)
PRODUCT = PEAK_FLOPS / 100e3  # µs at 100 GFLOP/s
ABOUT = {
    "machine": {"model": "a machine", "isa": ["avx2"], "caches": {"L1 data": "32K"}, "date": "2026-01-02T03:04:05"},
    "versions": {"numpy": "2.4"},
    "engine": "native",
}


def point(task: str, threads: Threads, best: dict[str, float], **more: dict[str, float]) -> Point:
    micros = {name: [micros, 2 * micros] for name, micros in best.items()}
    return Point(task, threads, micros, **{"refused": {}, "deviation": {}, "peak": {}, **more})


@pytest.fixture
def results(tmp_path: Path) -> Results:
    kept = Results(tmp_path / "results.jsonl")
    kept.begin(ABOUT)
    peak = {"numpy": PRODUCT, "torch": 2 * PRODUCT}
    refused = {"torch": "deviates"}
    kept.add(point("W1", ONE, {"chainrule": 10.0, "numpy": 60.0, "jax": 40.0}, refused=refused, peak=peak))
    kept.add(point("W1", TWO, {"chainrule": 20.0}, peak={"torch": PRODUCT / 2}))
    kept.add(point("norms", ONE, {"numpy": 5.0}))
    kept.add(point("width 8", ONE, {"chainrule": 10.0, "jax": 5.0}))
    kept.add(point("width 8", FREE, {"chainrule": 10.0, "jax": 25.0}))
    return kept


def test_a_ratio_is_that_to_the_fastest_peer_that_was_timed(results: Results) -> None:
    first, second, norms, *_ = results.points.values()
    assert (first.task, first.threads, first.peer, first.ratio, first.goal) == ("W1", ONE, "jax", 4.0, 4.0)
    assert results.peak(ONE) == pytest.approx(100)
    assert results.peak(TWO) == pytest.approx(200)
    assert results.share(first, "chainrule") == pytest.approx(WORKLOADS["W1"].flops / 10e-6 / 100e9)
    assert results.share(second, "chainrule") == pytest.approx(results.share(first, "chainrule") / 4)
    assert (second.peer, second.ratio) == (None, None)
    assert (norms.own, norms.peer, norms.ratio, results.share(norms, "numpy")) == (None, "numpy", None, None)


def test_a_file_keeps_every_point(results: Results, tmp_path: Path) -> None:
    again = Results(tmp_path / "results.jsonl")
    assert (again.points, again.about) == (results.points, ABOUT)


def test_times_are_told_in_three_figures() -> None:
    durations = [report.duration(micros) for micros in (7.18, 333.4, 1234.4, 104_321, 3_810_000)]
    assert durations == ["7.18 µs", "333 µs", "1234 µs", "104 ms", "3.81 s"]


def test_the_readme_gets_the_table_between_its_markers_and_nothing_else(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    claim = "on 9 of the 7\n networks that we measure, by 9 to 9 times compared"
    page.write_text(f"{claim}\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nafter\n")
    for _ in range(2):
        report.write_readme(results, page)
    text = page.read_text()
    assert text.startswith("on 1 of the 7\n networks that we measure, by 4 to 4 times compared\n<!-- benchmarks -->\n|")
    assert text.endswith("<!-- /benchmarks -->\nafter\n")
    assert "old" not in text
    assert "width" not in text
    assert text.count("<!-- benchmarks -->") == 1
    line = next(line for line in text.splitlines() if line.startswith("| W1"))
    assert [cell.strip() for cell in line.split("|")[3:7]] == ["10 µs", "40 µs (JAX, one scan)", "4.0", "96%"]


def test_the_terminal_names_who_was_not_timed(results: Results) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    report.show(results, {"jax": "jax is not installed"}, console)
    text = console.export_text()
    assert "jax is left out: jax is not installed" in text
    assert "torch on W1, 1 thread: deviates" in text


def test_a_sweep_becomes_lines_and_pictures(results: Results, tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text("before\n<!-- sweeps -->\n<!-- /sweeps -->\n")
    pictures.write_page(results, page)
    head, _, line, *_ = page.read_text().splitlines()[6:]
    assert "2 threads, not pinned: chainrule" in head
    assert line.startswith("| width: neurons of a hidden layer (64-n-n-10, batch 128) | 8 | ")
    assert line.endswith("| 10 µs | 5 µs (JAX, one scan) | 0.5 | 10 µs | 25 µs (JAX, one scan) | 2.5 |")
    for name in pictures.PICTURES:
        assert (tmp_path / name).read_text().startswith("<?xml")


def test_every_sweep_is_in_a_picture_and_varies_one_thing() -> None:
    assert sorted(SWEEPS) == sorted(axis for axes in pictures.PICTURES.values() for axis in axes)
    tasks = [w.name for sweep in SWEEPS.values() for w in sweep.points.values()]
    assert len(tasks) == len(set(tasks))
    assert all(name == f"{axis} {value}" for axis, s in SWEEPS.items() for value, name in _names(s).items())
    assert all(w.updates >= 4 for axis, s in SWEEPS.items() if axis != "rows" for w in s.points.values())


def _names(sweep: object) -> dict[str, str]:
    return {value: w.name for value, w in sweep.points.items()}


RESULTS = ROOT / "benchmarks" / "results.jsonl"


@pytest.mark.skipif(not RESULTS.exists(), reason="nothing was measured for the pages yet")
def test_the_pages_show_what_the_file_of_results_has() -> None:
    results = Results(RESULTS)
    readme = (ROOT / "README.md").read_text("utf-8")
    assert report.markdown(results) in readme
    count, least, most = report.claim(results)
    assert f"on {count} of the 7 networks that we measure, by {least:g} to {most:g} times" in " ".join(readme.split())
    assert pictures.markdown(results) in (ROOT / "docs" / "speed.md").read_text("utf-8")
    assert all((ROOT / "docs" / name).exists() for name in pictures.PICTURES)


@pytest.mark.skipif(not RESULTS.exists(), reason="nothing was measured for the pages yet")
def test_no_peer_is_faster_where_the_page_says_so() -> None:
    page = (ROOT / "docs" / "speed.md").read_text("utf-8")
    tasks = {w.name for sweep in SWEEPS.values() for w in sweep.points.values()}
    points = [p for p in Results(RESULTS).points.values() if p.task in tasks]
    assert {p.task for p in points} == tasks
    assert all(p.ratio >= 1 for p in points if p.threads.count == 1)
    assert "On one thread no peer is faster at any of these points." in page
    behind = ", ".join(p.task for p in points if p.threads.count == 2 and p.ratio < 1)
    assert f"On two threads a peer is faster at: {behind}." in page
