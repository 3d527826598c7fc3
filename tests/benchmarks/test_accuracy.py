"""The table of the times to accuracy, from rows that are made up, and the page that shows the measured ones."""

import json
from pathlib import Path

import pytest
from benchmarks.accuracy.recipes import RECIPES
from benchmarks.accuracy.report import markdown, seconds, updates

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "accuracy" / "results.jsonl"


def counted(recipe: str, seed: int, reached: int | None) -> dict[str, object]:
    return {"recipe": recipe, "seed": seed, "best": 0.89, "updates": 900, "0.88": reached, "0.90": None}


ROWS = [
    *(counted("own schedule_free", seed, n) for seed, n in enumerate((400, 500, 900))),
    *(counted("torch_ adam", seed, n) for seed, n in enumerate((2000, 3000, 2500))),
    *(counted("torch_ schedule_free", seed, n) for seed, n in enumerate((None, None, 500))),
    {"recipe": "own schedule_free", "threads": 1, "micros": 2000.0, "processor": 1990.0},
    {"recipe": "torch_ adam", "threads": 1, "micros": 3000.0, "processor": 2990.0},
]


def test_time_is_the_median_of_updates_times_that_of_one() -> None:
    assert updates(ROWS, "own schedule_free", 0.88) == 500
    assert updates(ROWS, "torch_ schedule_free", 0.88) is None
    assert seconds(ROWS, "torch_ adam", 0.88, 1) == 7.5
    assert seconds(ROWS, "torch_ adam", 0.88, 2) is None


def test_the_table_has_a_line_for_each_recipe_and_says_how_much_sooner() -> None:
    text = markdown(ROWS)
    words = "schedule free, rate 0.01, batch 128, centred"
    assert f"| chainrule | {words} | 500 | 1.00 s | - | - | 89.0% | 3 |" in text
    assert f"| torch | {words} | - | - | - | - | 89.0% | 3 |" in text
    assert "1 thread, for the usual recipe and the best one: torch 7.5 and 7.5; JAX - and -" in text


def test_the_first_recipe_of_each_library_is_the_usual_one() -> None:
    first = {recipe.library: name for name, recipe in reversed(RECIPES.items())}
    assert set(first.values()) == {f"{library} adam" for library in first}


@pytest.mark.skipif(not RESULTS.exists(), reason="nothing was measured for the page yet")
def test_the_page_shows_what_the_file_of_results_has() -> None:
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    assert markdown(rows) in (ROOT / "docs" / "speed.md").read_text("utf-8")
