"""Columns of Python's objects and of NumPy: the same cells are the same column in every form."""

import datetime as dt
import decimal
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.tables.reading import column_as_words, read_table

import chainrule as cr
from chainrule.errors import DataError
from chainrule.tables.columns import read_numbers
from chainrule.tables.inputs import Encoder
from chainrule.tables.sources import as_source

DAY = dt.datetime(2020, 1, 5, 10)
MIXED = {
    "postcodes": [10001, "K1A 0B1", 10002, "K1A 0B1"],
    "words first": ["K1A", 10001, 10001.0, "K1A"],
    "numbers and a placeholder": [1.5, "n/a", 2.5, "unknown"],
    "booleans and a word": [True, "maybe", False, None],
    "booleans and numbers": [True, 2.5, False, np.nan],
    "times and a word": [pd.Timestamp(DAY), "unknown", pd.Timestamp("2021-03-06"), pd.NaT],
    "times and dates": [DAY, dt.date(2020, 1, 7), None, DAY],
    "dates and numbers": [dt.date(2020, 1, 7), 5, dt.date(2020, 1, 8), 5],
    "two zones": [pd.Timestamp(DAY, tz="UTC"), pd.Timestamp(DAY, tz="Asia/Tokyo"), pd.Timestamp(DAY, tz="UTC"), None],
    "NumPy's numbers": [np.int64(1), np.float32(0.1), np.int8(3), np.nan],
    "decimals and floats": [decimal.Decimal("1.50"), 0.25, 2, decimal.Decimal("NaN")],
    "integers beyond int64": [2**70, 1, 0.5, None],
    "clocks and words": [dt.time(9, 30), "noon", dt.time(9, 30), None],
    "UUIDs and words": [uuid.UUID(int=7), "none", uuid.UUID(int=7), None],
    "words and NaN": ["a", np.nan, pd.NA, "b"],
    "NaN alone": [np.nan, None, pd.NA, np.nan],
}


@pytest.mark.parametrize("name", MIXED)
def test_mixed_cells_are_what_they_are_in_a_csv(name, tmp_path):
    cells = MIXED[name] * 30
    frame = pd.DataFrame({"x": np.arange(120), "c": pd.Series(cells, dtype=object)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    array = np.empty((120, 2), object)
    array[:, 0], array[:, 1] = frame["x"], cells
    forms = [frame, {"c": cells}, {"c": np.array([*cells, None], object)[:-1]}, {"c": tuple(cells)}]
    expected = read_table(tmp_path / "t.csv")["c"]
    columns = [read_table(form)["c"] for form in forms] + [read_table(array)["x2"]]
    for column in columns:
        assert column_as_words(column)[0].tolist() == column_as_words(expected)[0].tolist()
        assert (read_numbers(column, True) is None) == (read_numbers(expected, True) is None)
    as_csv = Encoder.fit(tmp_path / "t.csv", "x").document() if name != "NaN alone" else None
    assert as_csv is None or Encoder.fit(frame, "x").document() == as_csv


def test_an_array_of_objects_is_a_table_with_and_without_the_preset():
    cells = np.array([[k, word] for k, word in zip(range(120), [10001, "K1A", 10001] * 40, strict=True)], dtype=object)
    y = np.arange(120.0)
    preset = cr.MLPRegressor(preset="tabular", max_iter=2, random_state=0).fit(cells, y)
    assert preset.input_names_.tolist() == ["x0", "x1=10001", "x1=K1A"]
    table = read_table(cells)
    assert (table.column_names, as_source(cells).named) == (["x1", "x2"], False)
    assert Encoder.fit(table).feature_names == ["x1", "x2=10001", "x2=K1A"]


def test_lengths_of_time_among_words_are_days():
    column = read_table({"c": [dt.timedelta(hours=12), "unknown", np.timedelta64(36, "h"), pd.Timedelta(days=2)]})["c"]
    np.testing.assert_array_equal(read_numbers(column, True).values, [0.5, np.nan, 1.5, 2.0])


X, W = np.arange(6.0), np.array(list("uvuvuv"))
RECORDS = np.array(list(zip(X, W, strict=True)), dtype=[("x", "f8"), ("w", "U1")])
SAME = {
    "structured": RECORDS,
    "records": RECORDS.view(np.recarray),
    "bytes": RECORDS.astype([("x", "f8"), ("w", "S1")]),
    "big-endian": RECORDS.astype([("x", ">f8"), ("w", ">U1")]),
    "mapping of bytes": {"x": X.astype("f4"), "w": W.astype("S1")},
    "mapping of longer floats": {"x": X.astype(np.longdouble), "w": W},
    "frame of objects": pd.DataFrame({"x": X, "w": W}).astype(object),
    "categories of objects": pd.DataFrame({"x": X, "w": W}),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_table_is_taken_in_every_form(name, tmp_path):
    forms = [SAME[name]]
    if isinstance(forms[0], np.ndarray):
        np.save(tmp_path / "t.npy", forms[0])
        forms.append(tmp_path / "t.npy")
    for form in forms:
        assert read_table(form).cast(pa.schema({"x": pa.float64(), "w": pa.string()})).to_pydict() == {
            "x": X.tolist(),
            "w": W.tolist(),
        }


def test_sparse_columns_of_pandas_are_numbers():
    dummies = pd.get_dummies(pd.DataFrame({"x": X, "w": W}), columns=["w"], sparse=True, dtype=float)
    dense = dummies.sparse.to_dense() if hasattr(dummies, "sparse") and False else dummies.astype(float)
    assert read_table(dummies).to_pydict() == read_table(dense).to_pydict()
    assert read_table(dummies.astype("Sparse[float]"))["w_u"].to_pylist() == [1.0, 0.0] * 3
    assert read_table({"b": pd.arrays.SparseArray([True, False])})["b"].to_pylist() == [True, False]
    preset = cr.MLPRegressor(preset="tabular", max_iter=2, random_state=0)
    assert preset.fit(pd.concat([dummies] * 20), np.tile(X, 20)).input_names_.tolist() == ["x", "w_u", "w_v"]


def test_categories_of_several_kinds_are_words():
    frame = pd.DataFrame({"c": pd.Categorical([1, "a", None, 1], categories=["a", 1], ordered=True)})
    column = read_table(frame)["c"]
    assert column_as_words(column)[0].tolist() == ["1", "a", None, "1"]
    assert column.type.ordered


TYPES = {
    "Int64": pd.array([1, None, 3], "Int64"),
    "boolean": pd.array([True, None, False], "boolean"),
    "string": pd.array(["a", None, "b"], "string"),
    "views": pd.array(["a", None, "b"], dtype=pd.ArrowDtype(pa.string_view())),
    "int8 of Arrow": pd.array([1, None, 3], dtype=pd.ArrowDtype(pa.int8())),
    "times": pd.array(pd.to_datetime(["2020-01-01", None, "2021-01-01"])),
    "zoned": pd.array(pd.to_datetime(["2020-01-01", None, "2021-01-01"]).tz_localize("Europe/Berlin")),
    "lengths": pd.array(pd.to_timedelta([1, None, 3], "D")),
}


@pytest.mark.parametrize("name", TYPES)
def test_types_of_pandas_are_what_arrow_has(name):
    expected = pa.Table.from_pandas(pd.DataFrame({"c": TYPES[name]}), preserve_index=False)
    for form in (pd.DataFrame({"c": TYPES[name]}), {"c": TYPES[name]}, {"c": pd.Series(TYPES[name])}):
        assert column_as_words(read_table(form)["c"])[0].tolist() == column_as_words(expected["c"])[0].tolist()


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps"])
def test_times_of_numpy_have_any_unit(unit):
    times = np.array(["2020-01-01", "NaT", "2021-01-01"], f"M8[{'D' if unit == 'W' else unit}]").astype(f"M8[{unit}]")
    if unit == "ps":
        times = np.array([10**12, "NaT", 3 * 10**12], "M8[ps]")
    words = column_as_words(read_table({"c": times})["c"])[0].tolist()
    assert [word and pd.Timestamp(word) for word in words] == [
        None if np.isnat(time) else pd.Timestamp(time.astype("M8[s]")) for time in times
    ]


@pytest.mark.parametrize("kind", ["m8[Y]", "m8[M]", "m8", "V3", "c16"])
def test_what_numpy_cannot_say_in_days_is_refused(kind):
    with pytest.raises(DataError, match="column 'c' cannot be read"):
        read_table({"c": np.zeros(2, np.int64).astype(kind) if kind != "V3" else np.zeros(2, "V3")})


def test_masked_cells_are_missing():
    masked = np.ma.masked_array([[1.0, 2], [3, 4]], [[True, False], [False, False]])
    assert read_table(masked).to_pydict() == {"x1": [None, 3.0], "x2": [2.0, 4.0]}
    assert read_table({"c": masked[:, 0]}).to_pydict() == {"c": [None, 3.0]}


class Interchange:
    """A frame that offers `__dataframe__` alone."""

    def __init__(self, frame):
        self.__dataframe__ = frame.__dataframe__


def test_frames_by_the_interchange_protocol_are_tables():
    table = pa.table({"x": [1.0, 2.0], "w": ["u", "v"]})
    assert read_table(Interchange(table)).to_pydict() == table.to_pydict()
