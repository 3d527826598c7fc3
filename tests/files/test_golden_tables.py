"""A file with every kind of column and target that tables have had since: written again byte for byte, for ever."""

import math
from pathlib import Path

import numpy as np
import pytest
from tests.tables.reading import read_table

import chainrule as cr
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import (
    KINDS,
    Binned,
    BinnedLog,
    BinnedTimes,
    Categories,
    Coded,
    CodedLog,
    Curved,
    CurvedBinned,
    CurvedBinnedLog,
    CurvedLog,
    CurvedValued,
    CurvedValuedLog,
    DetailedTimes,
    Dropped,
    Frequent,
    LabelSet,
    Log,
    Numbers,
    Ordered,
    Presence,
    Scaled,
    TextWords,
    Times,
    Transform,
    Valued,
    ValuedLog,
    WeightedText,
)
from chainrule.tables.targets import Classes, LogQuantity, Quantity, Targets

GOLDEN = Path(__file__).parent / "golden" / "any-table.safetensors"
NUMBERS = GOLDEN.with_name("numbers.safetensors")  # columns of numbers that have several inputs, which came later
BINS = GOLDEN.with_name("bins.safetensors")  # columns of numbers that have squares and bins, which came later still
VALUES = GOLDEN.with_name("values.safetensors")  # and those that have an input for each frequent value
ALL = GOLDEN.with_name("curved-values.safetensors")  # and those that have values alone, or squares, bins and values
DATES = GOLDEN.with_name("dates.safetensors")  # and columns of times with more waves, squares and bins
TEXTS = GOLDEN.with_name("texts.safetensors")  # and texts whose words have weights

EVERY = (
    Scaled("size", True, 2.5, 0.75, False),
    Scaled("width", False, 3.5, 0.5, True),
    Log("fare", False, 0.0, 2.0, 1.5, 0.5),
    Numbers("age", True, 30.0, 12.5),
    Categories("colour", ("red", "blue"), True),
    Frequent("town", ("Bern", "Genf"), False),
    Ordered("grade", ("low", "middle", "high"), True),
    Times("sold", "day.month.year", ("days", "season", "weekday", "clock"), True, 18000.0, 512.0, False),
    Times("opens", "hour:minute", ("days", "clock"), False, 0.375, 0.0625, True),
    Presence("cabin", "every value is the same"),
    Dropped("name", "hardly any word comes twice, as in names and identifiers"),
)

# those of `test_golden_labels`, which came later
LATER = (
    LabelSet("tags", ("new", "old"), True, ";", True),
    TextWords("note", ("fog", "größe"), False),
    Times("day", "yearmonthday", ("days", "weekday"), True, 18000.0, 512.0, False),
    Scaled("size", False, 2.5, 0.75, False),
)

TABLE = {
    "size": [1.0, None, 1e300],
    "width": [3.25, 59.0, None],
    "fare": [0.0, 7.25, -512.0],
    "age": [22.0, None, 71.5],
    "colour": ["red", "green", None],
    "town": ["Genf", "Chur", ""],
    "grade": ["high", "low", "?"],
    "sold": ["24.12.2019 18:30", "", "2020-02-29"],
    "opens": ["9:00", "0:05", "23:59"],
    "cabin": ["C85", None, "-"],
    "name": ["a", "b", "c"],
}


MORE = (
    Curved("size", True, 2.5, 0.75, False),
    CurvedLog("fare", False, 0.0, 2.0, 1.5, 0.5),
    Binned("age", True, 30.0, 12.5, True, edges=(0.5, 20.0, 30.0, 80.0)),
    BinnedLog("width", False, 0.0, 2.0, 1.5, 0.5, edges=(1.0, 4.0)),
)

BOTH = (
    CurvedBinned("age", True, 30.0, 12.5, True, edges=(0.5, 20.0, 30.0, 80.0)),
    CurvedBinnedLog("width", False, 0.0, 2.0, 1.5, 0.5, edges=(1.0, 4.0)),
)

BY_VALUE = (
    Valued("age", True, 30.0, 12.5, True, edges=(0.5, 20.0, 30.0, 80.0), values=(21.0, 22.0, 55.0)),
    ValuedLog("width", False, 0.0, 2.0, 1.5, 0.5, edges=(1.0, 4.0), values=(0.0, 1.5)),
)

WITH_ALL = (
    CurvedValued("age", True, 30.0, 12.5, True, edges=(0.5, 20.0, 30.0, 80.0), values=(21.0, 22.0, 55.0)),
    CurvedValuedLog("width", False, 0.0, 2.0, 1.5, 0.5, edges=(1.0, 4.0), values=(0.0, 1.5)),
    Coded("size", True, 30.0, 12.5, True, values=(21.0, 55.0)),
    CodedLog("fare", False, 0.0, 2.0, 1.5, 0.5, values=(0.0, 1.5)),
)

IN_DETAIL = (
    DetailedTimes("sold", "day.month.year", ("days", "season", "weekday"), True, 18000.0, 512.0, False,
                  details=("powers", "season 2", "season 4", "weekday 2", "weekday 3")),
    BinnedTimes("opens", "hour:minute", ("days", "clock"), False, 0.375, 0.0625, True,
                details=("powers", "clock 3"), edges=(3600.0, 28800.0, 36000.5)),
    BinnedTimes("day", "yearmonthday", ("days",), False, 18000.0, 512.0, False, edges=(0.0, 1577836800.0)),
)  # fmt: skip


WITH_WEIGHTS = (
    WeightedText("note", ("fog", "größe", "great fog"), True, (0.75, 1.0, 1.25)),
    WeightedText("title", ("old", "new"), False, (1.5, 2.0)),
)


def every_kind(transforms: tuple[Transform, ...] = EVERY) -> cr.Model:
    encoder = Encoder(transforms)
    targets = Targets(
        (Classes("kind", "text", ("a", "b")), Quantity("price", 31.0, 8.0), LogQuantity("dose", -2.0, 3.0))
    )
    sizes = [encoder.width, 4, targets.width]
    count = cr.Architecture.of(sizes).parameter_count
    network = cr.Network(
        sizes,
        "tanh",
        [("softmax", 2), ("identity", 2)],
        ["cross_entropy", "quadratic"],
        initializer=(np.arange(count) * 37 % 64 - 31) / 64,
    )
    return cr.Model(encoder, targets, network, {"epochs": 3})


FILES = [
    (EVERY, GOLDEN),
    (MORE, NUMBERS),
    (BOTH, BINS),
    (BY_VALUE, VALUES),
    (WITH_ALL, ALL),
    (IN_DETAIL, DATES),
    (WITH_WEIGHTS, TEXTS),
]


def test_every_kind_of_column_is_in_it() -> None:
    assert {transform.kind for transforms, _ in [*FILES, (LATER, None)] for transform in transforms} == set(KINDS)


@pytest.mark.parametrize(("transforms", "golden"), FILES)
def test_the_golden_files_are_written_again_byte_for_byte(transforms, golden, tmp_path: Path) -> None:
    every_kind(transforms).save(tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == golden.read_bytes()


def test_the_golden_file_still_loads_and_answers() -> None:
    model = cr.load(GOLDEN)
    assert isinstance(model, cr.Model)
    assert model.encoder.transforms == EVERY
    found = model.predict(TABLE)
    assert found["kind"].tolist() == ["b", "b", "b"]
    np.testing.assert_allclose(found["price"], [27.446512, 31.280705, 25.438645], rtol=1e-6)
    np.testing.assert_allclose(found["dose"], [0.05825213, 0.04885184, 1.609194], rtol=1e-5)


def test_numbers_with_several_inputs_become_what_they_became() -> None:
    """By hand, in half of the last bin of the age and a sixth of that of the width."""
    model = cr.load(NUMBERS)
    assert isinstance(model, cr.Model)
    assert model.encoder.transforms == MORE
    row = model.encoder.encode(read_table({"size": [1.0], "fare": [0.0], "age": [55.0], "width": [1.5]}), "float64")[0]
    size = [-2.0, 3 / math.sqrt(8), -2 / math.sqrt(24), 0]
    bent = 5 - 2.5**2 / 3  # z is -3
    np.testing.assert_allclose(row[:4], size, rtol=1e-12)
    np.testing.assert_allclose(row[4:6], [-3.0, (bent**2 - 1) / math.sqrt(8)], rtol=1e-12)
    np.testing.assert_allclose(row[7:12], [2.0, 1, 1, 0.5, 0], rtol=1e-12)
    np.testing.assert_allclose(row[-1], 1 / 6, rtol=1e-12)


def test_numbers_with_squares_and_bins_become_what_they_became() -> None:
    """The inputs of both kinds, each in its place: the number, its powers, its bins, the flag."""
    model = cr.load(BINS)
    assert isinstance(model, cr.Model)
    assert model.encoder.transforms == BOTH
    row = model.encoder.encode(read_table({"age": [55.0], "width": [1.5]}), "float64")[0]
    np.testing.assert_allclose(row[[0, 1, 3, 4, 5, 6]], [2.0, 3 / math.sqrt(8), 1, 1, 0.5, 0], rtol=1e-12)
    np.testing.assert_allclose(row[[7, 10]], [(math.asinh(0.75) - 1.5) / 0.5, 1 / 6], rtol=1e-12)


def test_numbers_by_value_become_what_they_became() -> None:
    """The inputs of both kinds, each in its place: the number, its bins, its values, the flag."""
    model = cr.load(VALUES)
    assert isinstance(model, cr.Model)
    assert model.encoder.transforms == BY_VALUE
    rows = model.encoder.encode(read_table({"age": [55.0, None], "width": [1.5, 1.4]}), "float64")
    np.testing.assert_allclose(rows[0, :8], [2.0, 1, 1, 0.5, 0, 0, 1, 0], rtol=1e-12)
    np.testing.assert_allclose(rows[0, 8:], [(math.asinh(0.75) - 1.5) / 0.5, 1 / 6, 0, 1], rtol=1e-12)
    assert rows[1, 1:8].tolist() == [0, 0, 0, 0, 0, 0, 1]
    assert rows[1, 10:].tolist() == [0, 0]


def test_numbers_with_values_alone_or_with_all_become_what_they_became() -> None:
    """The inputs of both kinds, each in its place: the number, its powers, its bins, its values, the flag."""
    model = cr.load(ALL)
    assert isinstance(model, cr.Model)
    assert model.encoder.transforms == WITH_ALL
    table = {"age": [55.0], "width": [1.5], "size": [55.0], "fare": [1.5]}
    row = model.encoder.encode(read_table(table), "float64")[0]
    np.testing.assert_allclose(row[[0, 1]], [2.0, 3 / math.sqrt(8)], rtol=1e-12)
    assert row[3:10].tolist() == [1, 1, 0.5, 0, 0, 1, 0]
    np.testing.assert_allclose(row[[10, 13]], [(math.asinh(0.75) - 1.5) / 0.5, 1 / 6], rtol=1e-12)
    assert row[14:16].tolist() == [0, 1]
    assert row[16:20].tolist() == [2.0, 0, 1, 0]
    np.testing.assert_allclose(row[20], (math.asinh(0.75) - 1.5) / 0.5, rtol=1e-12)
    assert row[21:].tolist() == [0, 1]


def test_times_in_detail_become_what_they_became() -> None:
    """By hand: a Tuesday, the 358th day of its year; half past nine, four hundred and fifty of 600.0416 minutes."""
    model = cr.load(DATES)
    assert isinstance(model, cr.Model)
    assert model.encoder.transforms == IN_DETAIL
    table = {"sold": ["24.12.2019 18:30", ""], "opens": ["9:30", "0:30"], "day": ["20191224", "20200102"]}
    rows = model.encoder.encode(read_table(table), "float64")
    z = (18254 + 1110 / 1440 - 18000) / 512
    turns = [357 / 365.25, 1 / 7, 2 * 357 / 365.25, 4 * 357 / 365.25, 2 / 7, 3 / 7]
    waves = [wave(2 * math.pi * turn) for turn in turns for wave in (math.sin, math.cos)]
    powers = [(z**2 - 1) / math.sqrt(8), (z**3 - 3 * z) / math.sqrt(24)]
    np.testing.assert_allclose(rows[0, :16], [z, *waves[:4], *powers, *waves[4:], 0], rtol=1e-12, atol=1e-12)
    assert rows[1, :16].tolist() == [0] * 15 + [1]
    z = (570 / 1440 - 0.375) / 0.0625
    turns = [570 / 1440, 3 * 570 / 1440]
    waves = [wave(2 * math.pi * turn) for turn in turns for wave in (math.sin, math.cos)]
    powers = [(z**2 - 1) / math.sqrt(8), (z**3 - 3 * z) / math.sqrt(24)]
    opens = [z, *waves[:2], *powers, *waves[2:], 1, 5400 / 7200.5]
    np.testing.assert_allclose(rows[0, 16:25], opens, rtol=1e-12, atol=1e-12)
    assert rows[1, 23:25].tolist() == [0, 0]
    np.testing.assert_allclose(rows[:, 26], [18254 / 18262, 1], rtol=1e-12)


def test_texts_with_weights_become_what_they_became() -> None:
    """By hand: 3 w / ||w|| over the words and pairs that a text has."""
    model = cr.load(TEXTS)
    assert isinstance(model, cr.Model)
    assert model.encoder.transforms == WITH_WEIGHTS
    table = {"note": ["Fog, fogs", "great fog? größe", None], "title": ["new-old", "newold", "old"]}
    rows = model.encoder.encode(read_table(table), "float64")
    length = math.sqrt(0.75**2 + 1 + 1.25**2)
    expected = [[3, 0, 0, 0, 1.8, 2.4], [2.25 / length, 3 / length, 3.75 / length, 0, 0, 0], [0, 0, 0, 1, 3, 0]]
    np.testing.assert_allclose(rows, expected, rtol=1e-15)


def test_its_columns_become_what_they_became() -> None:
    """The first row, by hand: a Tuesday, the 358th day of its year."""
    row = Encoder(EVERY).encode(read_table(TABLE), "float64")[0]
    turns = [357 / 365.25, 1 / 7, 1110 / 1440]
    waves = [wave(2 * math.pi * turn) for turn in turns for wave in (math.sin, math.cos)]
    opens = [0.0, math.sin(0.75 * math.pi), math.cos(0.75 * math.pi)]
    numbers = [-2.0, 0, -0.5, -3.0, -0.64, 0]
    words = [1, 0, 0, 0, 1, 0, 1, 1, 0]
    expected = [*numbers, *words, (18254 + 1110 / 1440 - 18000) / 512, *waves, 0, *opens, 0]
    np.testing.assert_allclose(row, expected, rtol=1e-12, atol=1e-12)
