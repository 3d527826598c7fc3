"""Which columns of numbers get more inputs than one."""

import numpy as np
import pytest
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.model import TableSettings, TableTraining
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.choose_beside import BINS, LEAST_COLUMNS, MANY, MOST, MOST_COLUMNS, plain
from chainrule.tables.inputs.transforms import (
    Binned,
    BinnedLog,
    BinnedTimes,
    Coded,
    CodedLog,
    Curved,
    CurvedBinned,
    CurvedBinnedLog,
    CurvedLog,
    CurvedValued,
    CurvedValuedLog,
    DetailedTimes,
    Log,
    Scaled,
    Times,
    Valued,
    ValuedLog,
)


def table(rows=60, columns=LEAST_COLUMNS):
    draw = np.random.default_rng(0)
    numbers = {f"x{k}": draw.normal(size=rows) for k in range(columns - 1)}
    return numbers | {"fare": np.exp(draw.normal(0, 3, rows)), "kind": ["a", "b"] * (rows // 2)}


def kinds(table, **more):
    return {transform.name: type(transform) for transform in Encoder.fit(table, more=True, **more).transforms}


def test_numbers_of_a_small_table_have_square_and_cube():
    chosen = kinds(table())
    assert [chosen[name] for name in ("x0", "x1", "fare")] == [Curved, Curved, CurvedLog]
    names = Encoder.fit(table(), more=True).feature_names
    assert names[:3] == ["x0", "x0 squared", "x0 cubed"]


def test_numbers_of_a_large_table_have_bins():
    chosen = kinds(table(MANY + 2))
    assert [chosen[name] for name in ("x0", "x1", "fare")] == [Binned, Binned, BinnedLog]
    edges = Encoder.fit(table(MANY + 2), more=True).transforms[0].edges
    assert len(edges) == BINS + 1
    counts, _ = np.histogram(table(MANY + 2)["x0"], edges)
    assert counts.min() > 0.9 * counts.max()


def test_a_value_that_comes_often_has_a_bin_on_both_sides():
    values = np.random.default_rng(0).uniform(1, 2, MANY + 1)
    values[::3] = 1.25
    edges = Encoder.fit(table(MANY + 1 + 1) | {"x0": np.append(values, 1.5)}, more=True).transforms[0].edges
    at = edges.index(1.25)
    near = np.unique(values)
    assert edges[at - 1] == near[near < 1.25].max()
    assert edges[at + 1] == near[near > 1.25].min()


@pytest.mark.parametrize("columns", [LEAST_COLUMNS - 1, MOST_COLUMNS + 1])
def test_places_and_pixels_stay_as_they_are(columns):
    assert set(kinds(table(columns=columns)).values()) & {Curved, CurvedLog} == set()


def test_columns_of_few_values_and_tables_that_are_larger_yet_stay_as_they_are(monkeypatch):
    few = table() | {"x0": np.arange(60) % 3}
    assert kinds(few)["x0"] is Scaled
    assert kinds(few)["x1"] is Curved
    monkeypatch.setattr("chainrule.tables.inputs.choose_beside.MOST", 50)
    assert MOST == 10**6
    assert kinds(table())["x1"] is Scaled


def test_the_plain_encoder_is_the_one_without_more_inputs():
    for rows in (60, MANY + 2):
        more, one = Encoder.fit(table(rows), more=True), Encoder.fit(table(rows))
        assert more.plain == one
        assert more.width > one.width
        np.testing.assert_array_equal(more.plain.encode(read_table(table(rows))), one.encode(read_table(table(rows))))
    assert [type(plain(each)) for each in one.transforms[:3]] == [Scaled, Scaled, Log]


def test_small_tables_have_squares_and_bins_where_trials_choose() -> None:
    both, squares = Encoder.fit(table(60), more=True, bins=True), Encoder.fit(table(60), more=True)
    assert both.curved == squares
    assert both.plain == squares.plain
    assert squares.curved is squares
    assert {type(each) for each in both.transforms} >= {CurvedBinned, CurvedBinnedLog}
    rows = read_table(table(60))
    for fewer in (both.curved, both.plain):
        np.testing.assert_array_equal(both.encode(rows)[:, both.places_of(fewer)], fewer.encode(rows))


def test_large_tables_have_inputs_for_frequent_values_where_trials_choose(monkeypatch) -> None:
    rows = MANY + 2
    draw, some = np.random.default_rng(1), np.arange(rows)
    every = table(rows) | {"x0": some % 40, "x1": draw.normal(size=rows), "fare": np.exp(some % 30 / 2)}
    every["x0"][:2] = -1, 77
    both, bins = Encoder.fit(every, more=True, bins=True), Encoder.fit(every, more=True)
    assert [type(each) for each in both.transforms[:3]] == [Valued, Binned, ValuedLog]
    assert both.transforms[0].values == tuple(range(40)), "what comes once is no value"
    assert both.curved == bins
    assert both.plain == bins.plain
    X = both.encode(read_table(every))
    np.testing.assert_array_equal(X[:, both.places_of(bins)], bins.encode(read_table(every)))
    monkeypatch.setattr("chainrule.tables.inputs.choose_beside.MOST_NUMBERS", 31 * rows)
    assert [type(each) for each in Encoder.fit(every, more=True, bins=True).transforms[:3]] == [
        Binned,
        Binned,
        ValuedLog,
    ]
    different = every | {"x0": some // 9, "fare": some % 15}
    assert Encoder.fit(different, more=True, bins=True) == Encoder.fit(different, more=True), "too rare, and too few"


def test_small_tables_have_inputs_for_frequent_values_where_trials_choose(monkeypatch) -> None:
    some, draw = np.arange(400), np.random.default_rng(1)
    every = table(400) | {"x0": some % 40, "x1": draw.normal(size=400), "fare": np.exp(some % 30 / 2)}
    both = Encoder.fit(every, more=True, bins=True)
    assert [type(each) for each in both.transforms[:3]] == [CurvedValued, CurvedBinned, CurvedValuedLog]
    assert both.transforms[0].values == tuple(range(40))
    assert both.curved == Encoder.fit(every, more=True)
    assert both.plain == Encoder.fit(every)
    assert [type(each) for each in both.without_values.transforms[:3]] == [CurvedBinned, CurvedBinned, CurvedBinnedLog]
    few = both.with_values(both.plain)
    assert [type(each) for each in few.transforms[:3]] == [Coded, Scaled, CodedLog]
    assert both.narrowest([few, both.plain]) == few
    assert both.narrowest([few, both.curved]) == both.with_values(both.curved)
    assert both.narrowest([both.plain, both.curved]) == both.curved
    assert both.narrowest([both]) is both
    rows = read_table(every)
    for fewer in (both.without_values, both.curved, both.plain, few):
        np.testing.assert_array_equal(both.encode(rows)[:, both.places_of(fewer)], fewer.encode(rows))
    monkeypatch.setattr("chainrule.tables.inputs.choose_beside.MOST_CANDIDATES", 69)
    kinds = [type(each) for each in Encoder.fit(every, more=True, bins=True).transforms[:3]]
    assert kinds == [CurvedBinned, CurvedBinned, CurvedValuedLog], "those of the fewest values first"


@pytest.mark.parametrize(
    ("decimals", "dtype", "known"),
    [
        (np.arange(1, 41) / 10, np.float32, np.arange(1, 41) / 10),
        (np.arange(1, 41) / 3, np.float64, np.arange(1, 41) / 3),
        (16777217.0 + np.arange(40), np.float64, 16777217.0 + np.arange(40)),
        (16777216.0 + 8 * np.arange(40), np.float32, 16777216.0 + 8 * np.arange(40)),
    ],
)
def test_values_of_float32_are_the_numbers_as_they_are_written(decimals, dtype, known) -> None:
    cells = decimals.astype(dtype)[np.arange(400) % 40]
    code = Encoder.fit({"a": cells}, more=True, bins=True)
    assert code.transforms[0].values == tuple(known)
    X = code.encode(read_table({"a": cells[:40]}))
    assert (X[:, 1:] == np.eye(40)).all()
    for same in (known, cells[:40].astype(float), [str(cell) for cell in cells[:40]]):
        np.testing.assert_allclose(code.encode(read_table({"a": same})), X, rtol=0, atol=1e-6)


def test_a_small_table_of_one_number_or_two_has_values_alone() -> None:
    some, draw = np.arange(400), np.random.default_rng(1)
    every = {"a": some % 40, "b": draw.normal(size=400), "kind": ["u", "v"] * 200}
    both = Encoder.fit(every, more=True, bins=True)
    assert [type(each) for each in both.transforms[:2]] == [Coded, Scaled]
    assert both.plain == both.curved == both.without_values == Encoder.fit(every)
    assert both.with_values(both.plain) == both
    many = {name: np.resize(column, MANY + 1) for name, column in every.items()}
    assert Encoder.fit(many, more=True, bins=True) == Encoder.fit(many)


def test_times_have_details_and_bins_whatever_else_there_is(monkeypatch) -> None:
    days = np.datetime64("2020-01-01") + np.arange(400)
    every = {"day": days, "kind": ["a", "b"] * 200}
    both = Encoder.fit(every, more=True, bins=True)
    assert [type(each) for each in (both.transforms[0], both.curved.transforms[0], both.plain.transforms[0])] == [
        BinnedTimes,
        DetailedTimes,
        Times,
    ]
    assert both.curved == Encoder.fit(every, more=True)
    assert both.plain == Encoder.fit(every)
    edges = np.array(both.transforms[0].edges)
    assert len(edges) == BINS + 1
    assert (edges[[0, -1]] == days[[0, -1]].astype("datetime64[s]").astype(float)).all()
    rows = read_table(every)
    for fewer in (both.curved, both.plain):
        np.testing.assert_array_equal(both.encode(rows)[:, both.places_of(fewer)], fewer.encode(rows))
    monkeypatch.setattr("chainrule.tables.inputs.choose_beside.MANY", 399)
    many = Encoder.fit(every, more=True)
    assert isinstance(many.transforms[0], BinnedTimes)
    assert "powers" not in many.transforms[0].details
    assert many.curved is many
    assert many.plain == both.plain
    monkeypatch.setattr("chainrule.tables.inputs.choose_beside.MOST", 399)
    assert Encoder.fit(every, more=True) == both.plain


def test_a_linear_model_stays_linear_in_its_columns():
    rows = table()
    rows["y"] = rows["x0"] ** 2 + rows["x1"] ** 2
    widths = [TableTraining(rows, "y", TableSettings(hidden=hidden)).model.encoder.width for hidden in ((), (8,))]
    assert widths == [5, 11]
    how = {"preset": "tabular", "max_iter": 1, "random_state": 0}
    mlps = [cr.MLPRegressor(hidden_layer_sizes=hidden, **how) for hidden in [(), (8,)]]
    X = np.stack([rows["x0"], rows["x1"], rows["fare"]], axis=1)
    assert [len(mlp.fit(X, rows["y"]).input_names_) for mlp in mlps] == [3, 9]
