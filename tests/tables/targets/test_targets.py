"""The targets: classes or numbers, there and back, and what survives a model file."""

import decimal
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from tests.tables.cutting import Cut
from tests.tables.reading import read_table

from chainrule.errors import DataError, ModelFileError, SettingError
from chainrule.tables.chunks import chunks_of
from chainrule.tables.profile import profile_columns
from chainrule.tables.sources import as_source
from chainrule.tables.targets import Block, LogQuantity, Quantity, Targets, target_profiles

TABLE = {
    "digit": ["10", "9", "10", None, "2"],
    "cut": ["b", "a", "b", "c", "a"],
    "price": [326.5, 327.0, None, 400.0, 326.5],
    "tax": [1.5, 2.5, 3.5, 4.5, 1.0],
    "alive": [True, False, True, None, True],
}


def fitted(columns, names=None, task="auto"):
    """The targets of a table whose texts have no type, as in a CSV."""
    table = read_table(columns)
    return Targets.fit(Cut(table, []), names or table.column_names, task), table


def type_of(values, task="auto"):
    """What a target with these values becomes: the type of its classes, or `numbers`."""
    target = fitted({"y": values}, task=task)[0].columns[0]
    return getattr(target, "type", target.kind)


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (["a", "b"], "text"),
        (["1", "b"], "text"),
        (["true", "false", ""], "boolean"),
        ([True, False, None], "boolean"),
        ([0, 1], "integer"),
        ([0.0, 1.0, None], "integer"),
        (["1.0", "2", "?"], "integer"),
        ([-1, 1, 1], "integer"),
        (list(range(10)) * 10, "integer"),
        (list(range(20)) * 10, "integer"),
        (pa.array([5, 6, 7]).dictionary_encode(), "integer"),
        ([0, 1, 2], "numbers"),
        (list(range(10)) * 9, "numbers"),
        ([*range(10)] * 10 + [None] * 5, "integer"),
        ([*range(10)] * 9 + [None] * 10, "numbers"),
        (list(range(21)) * 10, "numbers"),
        ([0.5, 1.0] * 50, "numbers"),
        ([0.1, 0.2, 0.3], "numbers"),
        ([2**53, 2**53 + 2, 2**60], "numbers"),
    ],
)
def test_auto_decides_by_the_values(values, type_):
    assert type_of(values) == type_


@pytest.mark.parametrize(
    ("values", "task", "type_"),
    [
        ([0, 1], "regression", "numbers"),
        ([True, False], "regression", "numbers"),
        ([5, 6, 7], "classification", "integer"),
        ([0.5, 1.5, 7.0], "classification", "number"),
        ([True, False], "classification", "boolean"),
        ([f"w{i}" for i in range(50)], "classification", "text"),
        ([2**53 + 1, 2**53], "classification", "text"),
    ],
)
def test_a_task_decides_for_every_target(values, task, type_):
    assert type_of(values, task) == type_


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["10", "9", "-1", "2.0"], "classification", [-1, 2, 9, 10]),
        (["b", "10", "9", "a"], "auto", ["10", "9", "a", "b"]),
        ([0.5, -0.0, 1e-7, 12.25], "classification", [0.0, 1e-7, 0.5, 12.25]),
        (["True", "FALSE"], "auto", [False, True]),
        ([2**53 + 1, 2**53], "classification", ["9007199254740992", "9007199254740993"]),
    ],
)
def test_classes_are_sorted_and_come_back_in_their_own_type(values, task, classes):
    targets, table = fitted({"y": values}, task=task)
    assert targets.classes["y"].tolist() == classes
    assert "-0.0" not in targets.columns[0].words
    T = targets.encode(table, "float64")
    decoded = targets.decode(T)["y"]
    assert decoded.dtype == {str: object}.get(type(classes[0]), np.array(classes).dtype)
    np.testing.assert_array_equal(targets.encode(read_table({"y": decoded}), "float64"), T)


# classes that are codes, and texts of tables that have types ---------------------------------------------------------

PLAIN_CODES = [  # of a CSV, whose cells have no type
    (["02139", "10001", "90210"] * 12, "auto", ["02139", "10001", "90210"]),
    (["1", "01", "2"] * 9, "auto", ["01", "1", "2"]),
    (["01", "1"] * 9, "auto", ["01", "1"]),
    (["00", "01", "10", "11"] * 10, "auto", ["00", "01", "10", "11"]),
    (["1.1", "1.10", "2"] * 9, "classification", ["1.1", "1.10", "2"]),
    (["+1", "1", "-1"] * 9, "classification", ["+1", "-1", "1"]),
    (["-05", "5"] * 9, "auto", ["-05", "5"]),
    (["+1", "-1"] * 9, "auto", [-1, 1]),
    (["1", "1.0", "2"] * 9, "auto", [1, 2]),
    (["1.50", "2.25"] * 9, "classification", [1.5, 2.25]),
    ([f"{k:03}" for k in range(40)], "classification", [f"{k:03}" for k in range(40)]),
    (["True", "maybe"] * 9, "auto", ["True", "maybe"]),
    (["0", "1"] * 9, "auto", [0, 1]),
    (["TRUE", "False"] * 9, "auto", [False, True]),
]


@pytest.mark.parametrize("cuts", [[], [1, 7]], ids=str)
@pytest.mark.parametrize(("cells", "task", "classes"), PLAIN_CODES)
def test_classes_of_a_csv_keep_what_their_numbers_would_lose(cells, task, classes, cuts):
    targets = Targets.fit(Cut({"y": cells}, cuts), "y", task)
    assert targets.classes["y"].tolist() == classes
    decoded = targets.decode(targets.encode(read_table({"y": cells}), "float64"))["y"].tolist()
    meant = {"TRUE": True, "False": False}
    assert decoded == (cells if isinstance(classes[0], str) else [float(meant.get(cell, cell)) for cell in cells])


TYPED = {
    "texts": pa.array(["1", "0"] * 9),
    "large texts": pa.array(["1", "0"] * 9, pa.large_string()),
    "categories": pa.array(["1", "0"] * 9).dictionary_encode(),
    "decimal points": pa.array(["1.0", "2.0", "1"] * 9),
    "truth values": pa.array(["True", "False"] * 9),
    "other words": pa.array(["True", "no"] * 9),
    "codes": pa.array(["007", "7", "07"] * 9),
}


@pytest.mark.parametrize("name", TYPED)
def test_classes_of_text_are_text_in_a_table_that_has_types(name, tmp_path):
    cells = TYPED[name]
    path = tmp_path / "y.parquet"
    pq.write_table(pa.table({"y": cells}), path)
    for source in (pa.table({"y": cells}), path, pa.table({"y": cells}).to_pandas()):
        targets = Targets.fit(source, "y")
        assert targets.columns[0].type == "text"
        assert targets.columns[0].words == tuple(sorted(set(cells.to_pylist())))
        decoded = targets.decode(targets.encode(read_table(source), "float64"))["y"]
        assert decoded.tolist() == cells.to_pylist()
    assert Targets.from_document(targets.document(), targets.tensors()) == targets


def test_texts_of_many_numbers_are_numbers_unless_classes_are_asked_for():
    cells = pa.table({"y": [f"{k:02}.50" for k in range(40)]})
    assert Targets.fit(cells, "y").columns[0].kind == "numbers"
    assert Targets.fit(cells, "y", "regression").columns[0].kind == "numbers"
    assert Targets.fit(cells, "y", "classification").columns[0].words[:2] == ("00.50", "01.50")


def test_other_types_keep_their_own():
    for cells, classes in [
        (pa.array([1, 0] * 9, pa.int8()), [0, 1]),
        (pa.array([2.0, 1.0] * 9), [1, 2]),
        (pa.array([True, False] * 9), [False, True]),
        (pa.array([decimal.Decimal("1.00"), decimal.Decimal("2.00")] * 9), [1, 2]),
        (pa.array([5, 3] * 9).dictionary_encode(), [3, 5]),
    ]:
        assert Targets.fit(pa.table({"y": cells}), "y").classes["y"].tolist() == classes


def test_ordered_categories_keep_their_order():
    cells = pd.Series(pd.Categorical(["mid", "low", "high"] * 9, ["low", "mid", "high", "never"], ordered=True))
    targets = Targets.fit(pd.DataFrame({"y": cells}), "y")
    assert targets.columns[0].type == "ordered"
    assert targets.classes["y"].tolist() == ["low", "mid", "high"]
    assert targets.encode(read_table({"y": ["high", "low"]}), "float64").argmax(axis=1).tolist() == [2, 0]
    assert Targets.from_document(targets.document(), targets.tensors()) == targets
    unordered = Targets.fit(pd.DataFrame({"y": cells.astype(str)}), "y")
    assert unordered.classes["y"].tolist() == ["high", "low", "mid"]


@pytest.mark.parametrize(
    ("classes", "cells", "codes"),
    [
        (["0", "1"], [1, 0], [1, 0]),
        (["0", "1"], ["1.0", "0"], [1, 0]),
        (["01", "1"], ["1.0", "01"], [1, 0]),
        (["True", "False"], [True, False], [1, 0]),
    ],
)
def test_another_table_may_write_texts_in_its_own_way(classes, cells, codes):
    targets = Targets.fit(pa.table({"y": classes * 9}), "y")
    assert targets.encode(read_table({"y": cells}), "float64").argmax(axis=1).tolist() == codes


def test_several_targets_make_blocks_in_their_order():
    targets, table = fitted(TABLE, ["cut", "price", "tax", "digit", "alive"], "auto")
    assert targets.blocks == [
        *[Block("classes", "cut", 3), Block("numbers", "price, tax, digit", 3), Block("classes", "alive", 2)]
    ]
    assert (targets.width, targets.names) == (8, ["cut", "price", "tax", "digit", "alive"])
    there = targets.present(table)
    assert there.tolist() == [True, True, False, False, True]
    rows = table.filter(pa.array(there))
    T = targets.encode(rows, "float64")
    assert T.flags.c_contiguous
    np.testing.assert_array_equal(T[:, :3], [[0, 1, 0], [1, 0, 0], [1, 0, 0]])
    prices, digits = np.array([326.5, 327, 400, 326.5]), np.array([10.0, 9, 10, 2])
    np.testing.assert_allclose(T[:, 3], (prices[[0, 1, 3]] - prices.mean()) / prices.std(), rtol=1e-12)
    np.testing.assert_allclose(T[:, 5], (digits[[0, 1, 3]] - digits.mean()) / digits.std(), rtol=1e-12)
    np.testing.assert_array_equal(T[:, 6:], [[0, 1], [1, 0], [0, 1]])
    decoded = targets.decode(T)
    assert list(decoded) == targets.names
    assert decoded["cut"].tolist() == ["b", "a", "a"]
    assert decoded["alive"].tolist() == [True, False, True]
    np.testing.assert_allclose(decoded["price"], [326.5, 327, 326.5], rtol=1e-14)
    assert list(targets.probabilities(T)) == ["cut=a", "cut=b", "cut=c", "alive=false", "alive=true"]
    np.testing.assert_array_equal(targets.probabilities(T)["cut=b"], [1, 0, 0])


def test_a_class_is_the_greatest_output_and_numbers_are_computed_in_float64():
    targets, _ = fitted({"c": ["x", "y", "z"], "n": [1e9, 1e9 + 1, 1e9 + 2]})
    decoded = targets.decode(np.array([[0.2, 0.7, 0.1, 0.0], [5, 5, -1, 1]], np.float32))
    assert decoded["c"].tolist() == ["y", "x"]
    assert decoded["n"].dtype == np.float64
    assert decoded["n"][0] == 1e9 + 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "column", [["2", "10.0"], [2, 10], [2.0, 10.0], pa.array(["2", "10"]).dictionary_encode(), pd.Series([2, 10])]
)
def test_targets_are_found_by_name_and_by_value(column, dtype):
    targets, _ = fitted({"digit": [2, 9, 10]}, task="classification")
    T = targets.encode(read_table({"other": [1, 2], "digit": column}), dtype)
    assert T.dtype == dtype
    np.testing.assert_array_equal(T, [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("values", "task", "words"),
    [
        (["x", "x", ""], "auto", ["only one value, 'x'"]),
        ([7, 7], "auto", ["only one value, '7'"]),
        ([7, 7], "regression", ["only one value, 7"]),
        ([True, True], "auto", ["only one value, 'true'"]),
        (["", None, "?"], "auto", ["no values"]),
        ([1.0, np.inf], "auto", ["'y'", "inf", "row 2"]),
        (["1", "", "two"], "regression", ["'y'", "'two'", "row 3", "classification"]),
        (["1", "2", "no"], "regression", ["'no'", "row 3"]),
        ([str(i) for i in range(40)] + ["n.a."], "auto", ["'y'", "'n.a.'", "row 41", "leave the cell empty"]),
        ([f"n{i}" for i in range(40)], "auto", ["40 different words", "40 rows"]),
        ([[1], [2]], "auto", ["'y'"]),
    ],
)
def test_targets_that_cannot_be_learned_are_refused_in_one_line(values, task, words):
    with pytest.raises(DataError) as caught:
        Targets.fit(pa.table({"y": values}), ["y"], task)
    assert "\n" not in str(caught.value)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("prise", r"no target column 'prise' \(did you mean 'price'\?\): the columns are 'digit', 'cut', 'price'"),
        (["cut", "zzz"], "no target column 'zzz': the columns are"),
        ([], "none"),
        (["cut", "cut"], "'cut', 'cut': name one column or more, each once"),
    ],
)
def test_unknown_targets_are_refused_with_the_nearest_name(names, message):
    with pytest.raises(DataError, match=message):
        Targets.fit(read_table(TABLE), names)


def test_an_unknown_task_is_refused():
    with pytest.raises(SettingError, match="'cluster', but must be one of auto, classification, regression"):
        Targets.fit(read_table(TABLE), "cut", "cluster")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"c": ["x", "w"], "n": [1, 2], "i": [0, 1]}, ["'c'", "'w'", "row 2", "'x', 'y'"]),
        ({"c": ["x", "y"], "n": ["1", "one"], "i": [0, 1]}, ["'n'", "'one'", "row 2"]),
        ({"c": ["x", "y"], "n": [1, 2], "i": [0, 5]}, ["'i'", "'5'", "row 2", "0, 1"]),
        ({"c": ["x", "y"], "n": [1, 2], "i": [-3, 0]}, ["'i'", "'-3'", "row 1"]),
        ({"c": ["x", "y"], "n": [1, 2], "i": [0, 0.5]}, ["'i'", "'0.5'", "row 2"]),
        ({"c": ["x", "y"], "n": [1, 2], "i": ["0", "no"]}, ["'i'", "'no'", "row 2"]),
        ({"c": ["x", None], "n": [1, 2], "i": [0, 1]}, ["row 2", "no value"]),
        ({"c": ["x", "y"], "n": [1, 2]}, ["target column 'i'"]),
        ({"c": ["x", "y"], "n": [1, 1e300], "i": [0, 1]}, ["'n'", "row 2", "too far"]),
    ],
)
def test_rows_that_do_not_fit_are_refused_in_one_line(column, words):
    targets, _ = fitted({"c": ["x", "y", "y"], "n": [1, 2, 3], "i": [0, 1, 1]})
    with pytest.raises(DataError) as caught:
        targets.encode(read_table(column))
    assert "\n" not in str(caught.value)
    assert [word for word in words if word not in str(caught.value)] == []


@pytest.mark.parametrize("shape", [(3,), (3, 4), (4, 3, 1)])
def test_outputs_of_another_width_are_refused(shape):
    targets, _ = fitted({"c": ["x", "y", "z"]})
    with pytest.raises(DataError, match=r"but must be \(n, 3\)"):
        targets.decode(np.zeros(shape))


# model files -----------------------------------------------------------------------------------------------------


def test_targets_are_read_back_as_they_were():
    numbers = {"x": [0.5, -1e-7, 12.25, 3.0, 1e-300]}
    for task in ("auto", "classification"):
        targets, _ = fitted(TABLE | numbers | {"id": [2**60, 1, 2, 3, 4]}, task=task)
        document = json.loads(json.dumps(targets.document()))
        tensors = {k: np.frombuffer(v.tobytes(), v.dtype) for k, v in targets.tensors().items()}
        read = Targets.from_document(document, tensors)
        assert read == targets
        assert read.blocks == targets.blocks
        outputs = np.random.default_rng(0).random((4, targets.width))
        for name, values in targets.decode(outputs).items():
            np.testing.assert_array_equal(read.decode(outputs)[name], values)


def classes(**changes):
    return {"columns": [{"kind": "classes", "name": "y", "type": "integer", "words": ["0", "1"]} | changes]}


HOSTILE = [
    *[None, {}, {"columns": []}, {"columns": [3]}, classes(kind="ordinal"), classes(kind=3), classes(more=1)],
    *[classes(name=""), classes(name=None), classes(type="complex"), classes(type=["text"]), classes(type=None)],
    *[classes(words=w) for w in (None, "01", [], ["0"], ["1", "0"], ["0", "0"], ["0", 1], ["0", "1.0"], ["0", "x"])],
    *[
        classes(words=["0", "9" * 5000]),
        classes(words=["0", "01"]),
        classes(words=["-0", "0"]),
        classes(words=["0", "1\n"]),
    ],
    *[
        classes(type="number", words=w)
        for w in (["nan", "1"], ["1.0", "9e999"], ["1.0", "1.00"], ["2.0", "1.0"], ["0.5", "_"])
    ],
    *[classes(type="boolean", words=w) for w in (["true", "false"], ["false", "yes"], ["False", "True"])],
    *[classes(type="ordered", words=w) for w in (["a"], ["b", "a", "b"], ["b", ""])],
    *[classes(type="text", words=w) for w in (["b", "a"], ["a", ""], ["a", "a"], ["a", "\ud800"])],
    {"columns": classes()["columns"] * 2},
    {"columns": [{"kind": "numbers", "name": "y", "mean": 0.0, "scale": 1.0}]},
]


@pytest.mark.parametrize("document", HOSTILE, ids=lambda d: repr(d)[:90])
def test_a_hostile_document_is_refused_in_one_line(document):
    assert Targets.from_document(classes(), {"target.mean": np.zeros(0), "target.scale": np.ones(0)}).width == 2
    for n in (0, 1):
        with pytest.raises(ModelFileError) as caught:
            Targets.from_document(document, {"target.mean": np.zeros(n), "target.scale": np.ones(n)})
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 250


def test_statistics_must_fit_the_document():
    document = {"columns": [{"kind": "numbers", "name": "y"}]}
    good = {"target.mean": np.zeros(1), "target.scale": np.ones(1)}
    assert Targets.from_document(document, good).blocks == [Block("numbers", "y", 1)]
    for name in good:
        for bad in (np.zeros(0), np.zeros(2), np.ones(1, "f4"), np.array([np.nan]), None, [1.0]):
            with pytest.raises(ModelFileError, match=name):
                Targets.from_document(document, {**good, name: bad})
    with pytest.raises(ModelFileError, match="above 0"):
        Targets.from_document(document, good | {"target.scale": np.zeros(1)})


# numbers over many decades ------------------------------------------------------------------------------------------

DECADES = 10.0 ** np.linspace(-5, 5, 200)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (DECADES, LogQuantity),
        (10.0 ** np.linspace(0, 4.2, 200), LogQuantity),
        (10.0 ** np.linspace(0, 3.9, 200), Quantity),
        (np.append(DECADES, 0.0), Quantity),
        (np.append(DECADES, -1.0), Quantity),
        (np.linspace(1e6, 9e6, 200), Quantity),
        (np.linspace(1e-9, 1.0, 200), Quantity),
        ([*np.linspace(300.5, 20000, 199), 1e12], Quantity),  # one slip is not many decades
        ([*np.linspace(300.5, 20000, 199), 1e-12], Quantity),
    ],
)
def test_numbers_over_four_decades_are_learned_as_their_logarithms(values, kind):
    target = fitted({"y": np.random.default_rng(0).permutation(values)})[0].columns[0]
    assert type(target) is kind
    assert (target.kind, target.width) == ("numbers", 1)


def test_logarithms_there_and_back():
    targets, table = fitted({"y": DECADES})
    T = targets.encode(table, "float64")
    logs = np.log(DECADES)
    np.testing.assert_allclose(T[:, 0], (logs - logs.mean()) / logs.std(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(targets.decode(T)["y"], DECADES, rtol=1e-12)
    far = targets.decode(np.array([[1e30], [-1e30]], np.float32))["y"]
    assert np.isfinite(far).all()
    assert far[1] == 0
    some = Targets.of([facts_of({"y": DECADES[:100]})]).columns[0]
    assert targets.scaled_to({"y": facts_of({"y": DECADES[:100]})}).columns[0] == some
    alone = [targets.encode(table.slice(k, 1)) for k in range(200)]
    np.testing.assert_array_equal(np.concatenate(alone), targets.encode(table))


def facts_of(columns):
    (profile,) = target_profiles(as_source(columns), "y")
    profile_columns(lambda: chunks_of(as_source(columns), ["y"]), [profile])
    return profile


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_what_has_no_logarithm_is_refused_with_its_row(value):
    targets, _ = fitted({"y": DECADES})
    with pytest.raises(DataError, match=f"'y' is learned as its logarithm, but row 2 has {value:g}: leave the row out"):
        targets.encode(read_table({"y": [1.0, value]}))


def test_logarithms_are_read_back_from_a_file():
    targets, _ = fitted({"y": DECADES, "z": DECADES[::-1] + 1e6})
    document = json.loads(json.dumps(targets.document()))
    assert [column["kind"] for column in document["columns"]] == ["log numbers", "numbers"]
    assert Targets.from_document(document, targets.tensors()) == targets


# real data -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "names", "blocks"),
    [
        ("titanic.csv", "survived", [("classes", "survived", 2)]),
        ("titanic.csv", ["age", "pclass"], [("numbers", "age", 1), ("classes", "pclass", 3)]),
        ("diamonds.csv.gz", ["price", "cut"], [("numbers", "price", 1), ("classes", "cut", 5)]),
        ("mushroom-train.csv.gz", "y", [("classes", "y", 2)]),
        ("building-train.csv.gz", ["y1", "y2", "y3"], [("numbers", "y1, y2, y3", 3)]),
    ],
)
def test_real_targets_there_and_back(shared_data, file, names, blocks):
    source = as_source(shared_data(file))
    table, targets = read_table(shared_data(file)), Targets.fit(source, names)
    assert targets.blocks == blocks
    there = targets.present(table)
    frame = pd.read_csv(shared_data(file), na_values="?")[there].reset_index(drop=True)
    decoded = targets.decode(targets.encode(table.filter(pa.array(there)), "float64"))
    for name, values in decoded.items():
        if values.dtype == np.float64:
            np.testing.assert_allclose(values, frame[name], rtol=1e-13, atol=1e-13)
        else:
            np.testing.assert_array_equal(values, frame[name])
