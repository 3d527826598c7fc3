"""Drift: what training saw of each column, and by how much other rows differ."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import SettingError
from chainrule.tables.inputs.drift import ColumnSeen, Seen, Watch
from chainrule.tables.sources import as_source


def rows(n, seed, shift=0.0, **more):
    draw = np.random.default_rng(seed)
    columns = {
        "x": (draw.normal(size=n) + shift).tolist(),
        "town": draw.choice(["Bern", "Genf", "Chur"], n).tolist(),
        "tags": draw.choice(["a;b", "b", "a", "b;c", "c"], n).tolist(),
        "day": [f"2021-01-{day:02d}" for day in draw.integers(1, 29, n)],
        "clock": [f"{hour:02d}:30" for hour in draw.integers(8, 18, n)],
        "gap": [None if own else 1.5 + own for own in (draw.random(n) < 0.1)],
        "y": draw.normal(size=n).tolist(),
    }
    return {**columns, **{name: values * n if len(values) == 1 else values for name, values in more.items()}}


@pytest.fixture(scope="module")
def model():
    table = rows(400, 0)
    table["gap"] = [None if k % 10 == 0 else float(k) for k in range(400)]
    return cr.train_table(table, "y", hidden=(4,), epochs=1, validation=0.0, kinds={"tags": "labels"}, seed=0)


def like(n, seed, **more):
    return {**rows(n, seed), "gap": [None if k % 10 == 3 else float(k % 400) for k in range(n)], **more}


def test_what_training_saw(model):
    assert model.seen.rows == 400
    assert set(model.seen.columns) == set(model.encoder.columns)
    assert model.seen.columns["gap"] == ColumnSeen(40, 1.0, 399.0)
    assert model.seen.columns["town"] == ColumnSeen(0, other=0)
    low, high = model.seen.columns["day"].low, model.seen.columns["day"].high
    assert np.datetime64(int(low), "D") == np.datetime64("2021-01-01")
    assert np.datetime64(int(high), "D") == np.datetime64("2021-01-28")


def test_rows_like_those_of_training_do_not_drift(model):
    wrong = sum(bool(model.drift(like(n, seed))) for seed in range(1, 21) for n in (1, 20, 200))
    assert wrong <= 1


@pytest.mark.parametrize(
    ("column", "cells", "what", "words"),
    [
        ("x", [50.0], "outside", "x has values out of range in 100% of the rows (-"),
        ("town", ["Rome"], "unknown", "town has unknown words in 100% of the rows ('Rome'; 0% in training)"),
        ("tags", ["a;new"], "unknown", "tags has unknown words"),
        ("day", ["2023-05-01"], "outside", "day has values out of range in 100% of the rows (2021-01-01 to 2021-01-28"),
        ("clock", ["23:30"], "outside", "(08:30:00 to 17:30:00; 0% in training)"),
        ("gap", [None], "missing", "gap is missing in 100% of the rows (10% in training)"),
    ],
)
def test_each_kind_of_drift_is_said_in_one_line(model, column, cells, what, words):
    drift = model.drift(like(40, 7, **{column: cells * 40}))
    assert [(each.column, each.what, each.share) for each in drift.columns] == [(column, what, 1.0)]
    assert words in str(drift)
    assert "\n" not in str(drift)
    assert drift.document()["columns"][0]["column"] == column


@pytest.mark.filterwarnings("ignore::chainrule.errors.ChainruleWarning")
def test_texts_do_not_drift_by_their_words():
    table = {"note": ["good", "cold food", "bad", "Bad"] * 10, "y": [1.0, 0.0, 0.5, 2.0] * 10}
    kinds = {"note": "text", "y": "number"}
    model = cr.train_table(table, "y", hidden=(4,), epochs=1, validation=0.0, kinds=kinds, seed=0)
    assert model.seen.columns["note"] == ColumnSeen(0)
    assert not model.drift({"note": ["xyz"] * 40})


def test_the_counts_do_not_depend_on_blocks(model):
    table = as_source(like(300, 8, town=["Rome", "Bern", "Oslo"] * 100)).table()
    whole, parts = Watch(model.seen), Watch(model.seen)
    model.encoder.encode(table, "float32", whole)
    for _ in model.encoder.encode_parts(table, "float32", 7, parts):
        pass
    assert whole.drift() == parts.drift()
    assert whole.drift().columns[0].detail == "'Rome', 'Oslo'"


def test_the_test_and_the_validation_are_not_what_training_saw():
    table = {"x": [*range(1, 100), 10**6], "y": [k % 7 for k in range(100)]}
    table["x"] = table["x"][::-1]  # the first row is for the test
    trained = cr.train_table(table, "y", test_every=100, hidden=(2,), epochs=1, task="regression")
    assert trained.seen.columns["x"].high < 10**6
    assert trained.drift({"x": [10.0**6] * 5})


def test_a_model_of_an_older_version_knows_nothing(model):
    old = cr.model.Model(model.encoder, model.targets, model.network, {})
    assert old.watch() is None
    with pytest.raises(SettingError, match="train it again"):
        old.drift(like(3, 1))
    assert "seen" not in old.document()[0]


def test_a_record_goes_to_plain_data_and_back():
    seen = Seen(7, {"a": ColumnSeen(1, 0.1, 2.0), "b": ColumnSeen(0, other=3), "c": ColumnSeen(2)})
    assert Seen.from_document(seen.document(), ["a", "b", "c"]) == seen
