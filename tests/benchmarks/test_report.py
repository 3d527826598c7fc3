"""Ratios, shares of the peak and the README's table, from a document with numbers made up to be divided easily."""

import io
from pathlib import Path

import pytest
from benchmarks.tasks import PEAK_FLOPS
from benchmarks.workloads import WORKLOADS
from rich.console import Console

from benchmarks import report


def result(task: str, contender: str, best: float | None, threads: int = 1, **more: object) -> dict[str, object]:
    found = {"task": task, "beside": "W1", "threads": threads, "contender": contender, "deviation": 0.0}
    return {**found, "refused": None, "best": best, "median": best, "pieces": 1, **more}


@pytest.fixture
def document() -> dict[str, object]:
    product = PEAK_FLOPS / 100e3  # µs at 100 GFLOP/s
    results = [
        result("W1", "chainrule", 10.0),
        result("W1", "numpy", 60.0),
        result("W1", "jax", 40.0),
        result("W1", "torch", 1.0, refused="deviates"),
        result("peak", "numpy", product),
        result("peak", "torch", 2 * product),
        result("peak", "torch", 3 * product, beside="norms"),
        result("peak", "torch", product / 2, threads=2),
        result("W1", "chainrule", 20.0, threads=2),
        result("norms", "numpy", 5.0),
    ]
    machine = {"model": "a machine", "isa": ["avx2"], "caches": {"L1 data": "32K"}, "date": "2026-01-02T03:04:05"}
    base = {"machine": machine, "versions": {"numpy": "2.4"}, "engine": "native", "dropped": {}, "left_out": {}}
    return {**base, "results": results}


def test_a_ratio_is_that_to_the_fastest_peer_that_was_timed(document: dict[str, object]) -> None:
    first, second, norms = report.rows(document)
    assert (first.task, first.threads, first.peer, first.ratio, first.goal) == ("W1", 1, "jax", 4.0, 4.0)
    assert first.peak == pytest.approx(100)
    assert second.peak == pytest.approx(200)
    assert first.share("chainrule") == pytest.approx(WORKLOADS["W1"].flops / 10e-6 / 100e9)
    assert second.share("chainrule") == pytest.approx(first.share("chainrule") / 4)
    assert (second.peer, second.ratio) == (None, None)
    assert (norms.own, norms.peer, norms.ratio, norms.share("numpy")) == (None, "numpy", None, None)


def test_times_are_told_in_three_figures() -> None:
    found = [report.duration(micros) for micros in (7.18, 333.4, 1234.4, 104_321, 3_810_000)]
    assert found == ["7.18 µs", "333 µs", "1234 µs", "104 ms", "3.81 s"]


def test_the_readme_gets_the_table_between_its_markers_and_nothing_else(
    document: dict[str, object], tmp_path: Path
) -> None:
    page = tmp_path / "README.md"
    page.write_text("before\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nafter\n")
    for _ in range(2):
        report.write_readme(document, page)
    text = page.read_text()
    assert text.startswith("before\n<!-- benchmarks -->\n|")
    assert text.endswith("<!-- /benchmarks -->\nafter\n")
    assert "old" not in text
    assert text.count("<!-- benchmarks -->") == 1
    line = next(line for line in text.splitlines() if line.startswith("| W1"))
    assert [cell.strip() for cell in line.split("|")[3:7]] == ["10 µs", "40 µs (JAX, one scan)", "4.0", "96%"]


def test_the_terminal_names_who_was_not_timed(document: dict[str, object]) -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    report.show({**document, "left_out": {"jax": "jax is not installed"}}, console)
    text = console.export_text()
    assert "jax is left out: jax is not installed" in text
    assert "torch on W1, 1 thread(s): deviates" in text
