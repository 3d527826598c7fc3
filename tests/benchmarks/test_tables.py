"""The comparison of defaults on tables: its sets, its scores and what it says of them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from benchmarks.tables import __main__ as program
from benchmarks.tables.report import first_of, table
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
    assert capsys.readouterr().out == line


def test_scores_are_accuracy_and_r2() -> None:
    words = pd.DataFrame({"y": ["a", "b", "b", "b"]})
    assert program._score(Split(words, words, "y", "classes"), np.array(["a", "b", "b", "a"])) == 0.75
    numbers = pd.DataFrame({"y": [1.0, 2.0, 3.0]})
    assert program._score(Split(numbers, numbers, "y", "numbers"), np.array([1.0, 2.0, 2.0])) == pytest.approx(0.5)


def rows(**scores: float) -> list[dict[str, object]]:
    return [
        {"set": "s", "contender": who, "seed": seed, "score": score + seed / 100, "seconds": 1.0}
        for who, score in scores.items()
        for seed in range(2)
    ]


def test_the_best_is_bold_and_the_first_of_the_networks_is_told() -> None:
    found = table(rows(chainrule=0.9, MLP=0.8, boosting=0.95))
    assert "| s | 0.905 | 0.805 | **0.955** |" in found
    assert "| seeds | 2 | 2 | 2 |" in found
    assert "First of the networks on 1 sets of 1" in found
    assert first_of(rows(chainrule=0.79, MLP=0.8)) == (0, 1)
    assert first_of(rows(chainrule=0.7999, MLP=0.8)) == (1, 1)
