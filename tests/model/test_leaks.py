"""Columns that give the target away are pointed out, and no others."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from tests.tables.reading import read_table

from chainrule.model import TableSettings, TableTraining
from chainrule.model.leaks import suspects
from chainrule.tables.inputs import Encoder
from chainrule.tables.targets import Targets

N = 600
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4))
SICK = np.where(X[:, 0] + X[:, 1] + RNG.normal(size=N) > 0.5, "sick", "well")
PRICE = X[:, 0] + X[:, 1] ** 2 + RNG.normal(size=N)
FAR = np.abs(X[:, 0]) > 0.7
COLUMNS = {f"x{k}": X[:, k] for k in range(4)}


def found(columns: Any, target: str = "y") -> list[tuple[str, str]]:
    table = read_table(columns)
    encoder, targets = Encoder.fit(table, target), Targets.fit(table, target)
    there = table.filter(targets.present(table))
    return [(s.column, s.why) for s in suspects(encoder, targets, encoder.encode(there), targets.encode(there))]


def names(columns: Any, target: str = "y") -> list[str]:
    return [name for name, _ in found(columns, target)]


def slips(values: Any, share: float, others: Any) -> Any:
    return np.where(np.random.default_rng(1).random(N) < share, others, values)


@pytest.mark.parametrize(
    "leak",
    [
        SICK,
        slips(SICK, 0.04, "well"),
        np.where(SICK == "sick", "ward " + RNG.integers(1, 6, N).astype(str).astype(object), "home"),
        np.where(SICK == "sick", RNG.uniform(38, 41, N), RNG.uniform(36, 37.9, N)),
        np.where(SICK == "sick", RNG.lognormal(size=N), np.nan),
        np.where(SICK == "sick", "2020-01-01", "2021-01-01"),
    ],
    ids=["itself", "nearly", "words", "ranges", "presence", "times"],
)
def test_a_column_that_tells_the_class_alone_is_pointed_out(leak: Any) -> None:
    assert names(COLUMNS | {"leak": leak, "y": SICK}) == ["leak"]


@pytest.mark.parametrize("leak", [PRICE * 1.2 + 7, -PRICE, np.exp(3 * PRICE), PRICE + 0.1 * RNG.normal(size=N)])
def test_a_column_that_tells_the_number_alone_is_pointed_out(leak: Any) -> None:
    assert names(COLUMNS | {"leak": leak, "y": PRICE}) == ["leak"]


def test_a_leak_that_is_there_twice_does_not_hide_itself() -> None:
    assert names(COLUMNS | {"euro": PRICE, "dollar": 1.1 * PRICE, "y": PRICE}) == ["euro", "dollar"]
    assert names(COLUMNS | {"a": SICK, "b": np.char.upper(SICK.astype(str)), "y": SICK}) == ["a", "b"]


def test_cells_that_are_there_for_one_class_alone_are_pointed_out() -> None:
    days = np.where((SICK == "sick") & (np.arange(N) % 3 == 0), RNG.uniform(1, 9, N), np.nan)
    assert found(COLUMNS | {"days": days, "y": SICK}) == [("days", "is filled in only where y is sick")]
    codes = [f"n{k}" if sick and k % 3 else None for k, sick in enumerate(SICK == "sick")]
    assert found(COLUMNS | {"code": codes, "y": SICK}) == [("code", "is filled in only where y is sick")]
    gone = np.where((SICK == "sick") & (np.arange(N) % 3 == 0), np.nan, RNG.normal(size=N))
    assert found(COLUMNS | {"gone": gone, "y": SICK}) == [("gone", "is missing only where y is sick")]


@pytest.mark.parametrize(
    "columns",
    [
        COLUMNS | {"y": SICK},
        COLUMNS | {"y": PRICE},
        {"x": X[:, 0], "y": 3 * X[:, 0]},  # there is nothing else to compare with
        COLUMNS | {"good": PRICE + 0.5 * RNG.normal(size=N), "y": PRICE},
        COLUMNS | {"good": slips(SICK, 0.2, "well"), "y": SICK},
        COLUMNS | {"y": X[:, 0] + X[:, 1]},
        COLUMNS | {"few": np.where((SICK == "sick") & (np.arange(N) < 20), 1.5, np.nan), "y": SICK},
        COLUMNS | {"gaps": np.where(RNG.random(N) < 0.5, np.nan, 1.5), "y": SICK},
        COLUMNS | {"rare": np.where(RNG.random(N) < 0.4, np.nan, 1.5), "y": np.where(np.arange(N) == 9, "b", "a")},
        {"x": X[:, 0], "far": slips(FAR, 0.02, False), "y": FAR},
        {"x": X[:200, 0], "twice": [f"n{k // 2}" for k in range(200)], "y": np.repeat(SICK[:100], 2)},
        {name: column[:40] for name, column in (COLUMNS | {"leak": SICK, "y": SICK}).items()},
    ],
    ids=[
        "classes",
        "numbers",
        "alone",
        "good",
        "good words",
        "sum",
        "few",
        "gaps",
        "rare class",
        "others alone",
        "pairs",
        "few rows",
    ],
)
def test_honest_columns_are_not(columns: Any) -> None:
    assert names(columns) == []


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_tables_that_everyone_knows_have_none(name: str) -> None:
    assert names(getattr(datasets, f"load_{name}")(as_frame=True).frame, "target") == []


def test_the_shared_tables_have_none_but_titanics_boat_and_body(shared_data: Any) -> None:
    whole = names(shared_data("titanic.csv"), "survived")
    assert whole == ["boat", "body"]
    frame = pd.read_csv(shared_data("titanic.csv"), na_values="?")
    assert names(frame.drop(columns=["boat", "body"]), "survived") == []
    assert names(frame, "pclass") == names(frame, "embarked") == names(frame, "age") == []
    assert names(shared_data("mushroom-train.csv.gz")) == []
    for target in ("price", "carat", "cut"):
        assert names(shared_data("diamonds.csv.gz"), target) == []
    building = pd.read_csv(shared_data("building-train.csv.gz"))
    for target in ("y1", "y2", "y3"):
        assert names(building.drop(columns={"y1", "y2", "y3"} - {target}), target) == []


def test_it_is_said_before_training(shared_data: Any) -> None:
    notes = TableTraining(shared_data("titanic.csv"), "survived", TableSettings()).notes
    assert [note for note in notes if note.startswith("boat alone predicts survived in 97")]
    assert "body is filled in only where survived is 0: drop it unless it is known when you predict" in notes


def test_a_copy_of_the_target_is_found_once_in_a_table() -> None:
    """By `suspects`: the probe, which would find it too, does not search a table's inputs."""
    training = TableTraining(COLUMNS | {"leak": 2 * PRICE, "y": PRICE}, "y", TableSettings(epochs=40, hidden=(8,)))
    for _ in training.events():
        pass
    assert [suspect.column for suspect in training.suspects] == ["leak"]
    assert training.model.history is not None
    assert "start inputs" in training.model.history.probes
    assert "start leaks" not in training.model.history.probes
    said = [finding for finding in training.findings() if finding.name == "leak"]
    assert [finding.change for finding in said] == ["drop leak, unless known when you predict"]
