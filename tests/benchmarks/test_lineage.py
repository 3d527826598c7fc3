"""The pages of docs/lineage: their tables are those of the recorded results, which a new measurement gives again."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.lineage import pages, pictures
from benchmarks.lineage.measure import measured
from benchmarks.lineage.studies import STUDIES, SUMMARY, Row

PAGES = sorted(page.stem for page in pages.FOLDER.glob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_is_recorded(page: str) -> None:
    text = (pages.FOLDER / f"{page}.md").read_text("utf-8")
    said = f"docs/lineage/{page}.md is old: `python -m benchmarks.lineage tables` writes it again"
    assert pages.filled(text, pages.read("results.json")) == text, said


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_is_recorded_with_all_its_seeds(name: str) -> None:
    study, recorded = STUDIES[name], pages.read("results.json")[name]
    assert recorded["seeds"] == study.seeds
    assert {row.name for row in study.rows} <= set(recorded["values"])
    assert {len(values) for values in recorded["values"].values()} == {study.seeds}
    assert f"<!-- {name} -->" in (pages.FOLDER / f"{study.page}.md").read_text("utf-8")


def test_a_table_that_was_changed_by_hand_is_noticed() -> None:
    text, recorded = (pages.FOLDER / "symmetry.md").read_text("utf-8"), pages.read("results.json")
    assert pages.filled(text.replace("| 1,425 |", "| 1,426 |"), recorded) == text
    other = copy.deepcopy(recorded)
    other["symmetry"]["values"]["sweeps"] = [7] * STUDIES["symmetry"].seeds
    assert pages.filled(text, other) != text


def test_medians_and_quartiles_are_over_the_runs_that_have_the_value() -> None:
    rows = (Row("n", "sweeps", "9", "d"), Row("yes", "runs", "-"), Row("part", "share", "0.5"), Row("absent", "", ""))
    values = {"n": [1000, 2000, None, 3000, 6000], "yes": [True, True, False, True, True], "part": [0.5] * 5}
    assert pages.table(rows, {"seeds": 5, "values": values}).splitlines()[2:] == [
        "| sweeps | 9 | 2,500 | 1,750 to 3,750 | 4 of 5 |",
        "| runs | - | 80% of runs |  | 5 |",
        "| share | 0.5 | 50.0% | 50.0% to 50.0% | 5 |",
    ]


def test_the_page_of_all_names_rows_that_exist() -> None:
    for study, row, _ in SUMMARY:
        assert row in {each.name for each in STUDIES[study].rows}


def test_pictures_are_drawn_from_recorded_numbers(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need matplotlib: pip install '.[plot]'")
    recorded = pages.read("pictures.json")
    assert set(recorded) == set(pictures.NUMBERS)
    pictures.draw(recorded, tmp_path)
    for name in recorded:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (pages.FOLDER / f"{name}.png").stat().st_size < 150_000
        assert f"({name}.png)" in (pages.FOLDER / f"{name}.md").read_text("utf-8")


@pytest.mark.full
@pytest.mark.parametrize("name", STUDIES)
def test_a_new_measurement_has_the_recorded_distribution(
    name: str, shared_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Medians within the recorded quartiles, shares within three standard errors; the bits depend on the machine."""
    if (why := STUDIES[name].missing()) is not None:
        pytest.skip(why)
    monkeypatch.setenv("CHAINRULE_DATA", str(shared_data("mnist-10k").parent))
    monkeypatch.chdir(pages.FOLDER.parents[1])
    recorded = pages.read("results.json")[name]["values"]
    for row, values in measured(name, STUDIES[name].seeds)["values"].items():
        assert agree(values, recorded[row]), f"{row}: {values}, recorded {recorded[row]}"


def agree(values: list[Any], recorded: list[Any]) -> bool:
    """Whether two lists of values are from one distribution, roughly."""
    known, before = ([value for value in each if value is not None] for each in (values, recorded))
    if all(isinstance(value, bool) for value in before):
        share = np.mean(before)
        return abs(np.mean(known) - share) <= 3 * np.sqrt(max(share * (1 - share), 0.02) / len(before))
    low, high = np.percentile(before, (25, 75))
    slack = 1e-3 * (abs(low) + abs(high))
    return bool(low - slack <= np.median(known) <= high + slack)


def test_other_distributions_do_not_agree() -> None:
    many = list(range(100))
    assert agree(many, many)
    assert not agree([2 * value for value in many], many)
    assert agree([True] * 60 + [False] * 40, [True] * 63 + [False] * 37)
    assert not agree([True] * 30 + [False] * 70, [True] * 63 + [False] * 37)
