"""One row at a time: every operation is there, and every cell has the bits that it has in a table, or is refused."""

import dataclasses
import datetime
import decimal
import random
import warnings

import numpy as np
import pandas as pd
import pytest

from chainrule.errors import DataError
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.cells import READERS, STEPS, WRITERS, RowEncoder
from chainrule.tables.inputs.cells.texts import OddCellError
from chainrule.tables.inputs.cells.writers import PLACES
from chainrule.tables.inputs.operations import CYCLES, INPUTS, READINGS
from chainrule.tables.inputs.operations import STEPS as OPERATIONS
from chainrule.tables.inputs.operations import Time as TimeReading
from chainrule.tables.inputs.transforms import (
    DETAILS,
    KINDS,
    PARTS,
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
    Valued,
    ValuedLog,
    WeightedText,
)
from chainrule.tables.missing import MISSING, PLACEHOLDERS
from chainrule.tables.number_forms import PLAIN
from chainrule.tables.profile.dates import CLOCK, FORMS
from chainrule.tables.sources import as_source

WORDS = ("red", "1", "true", "Zürich", "0.5", "2020-01-02", "5.0", "?", "red")  # the last three are no cell's word
TRANSFORMS = [
    Scaled("c", True, 3.0, 0.7, False),
    Scaled("c", False, -1e5, 1e-3, True, form="$1,234.5"),
    Log("c", True, 0.3, 1.7, 0.2, 1.1),
    Numbers("c", True, 3.0, 1e-3),
    Categories("c", WORDS, True),
    Frequent("c", WORDS, False),
    Ordered("c", WORDS, True),
    LabelSet("c", ("red", "1", "Zürich", "$1", "true"), True, ",", True),
    LabelSet("c", ("red", "2024"), False, "-", False),
    TextWords("c", ("red", "1", "234", "zürich", "true", "red 1", "5 0"), True),
    WeightedText("c", ("red", "5", "0", "zürich", "0 5", "red red"), True, (0.5, 1 / 3, 2.0, 1.0, 3.0, 0.1)),
    Presence("c", "it says nothing"),
    Curved("c", True, 3.0, 0.7, False),
    CurvedLog("c", False, 0.3, 1.7, 0.2, 1.1),
    Binned("c", True, 3.0, 0.7, True, edges=(-2.5, 0.0, 0.1, 1.5, 1e16)),
    BinnedLog("c", False, 0.3, 1.7, 0.2, 1.1, edges=(0.1, 1.0)),
    CurvedBinned("c", True, 3.0, 0.7, False, edges=(-2.5, 0.0, 1.5)),
    CurvedBinnedLog("c", False, 0.3, 1.7, 0.2, 1.1, edges=(0.1, 1.0)),
    Valued("c", True, 3.0, 0.7, True, edges=(-2.5, 0.0, 1.5), values=(-2.5, 0.0, 0.5, 1.0, 1e16)),
    ValuedLog("c", False, 0.3, 1.7, 0.2, 1.1, edges=(0.1, 1.0), values=(0.1, 1.0)),
    Coded("c", True, 3.0, 0.7, True, values=(-2.5, 0.5, 1e16)),
    CodedLog("c", False, 0.3, 1.7, 0.2, 1.1, values=(0.1, 1.0)),
    CurvedValued("c", True, 3.0, 0.7, True, edges=(-2.5, 0.0, 1.5), values=(-2.5, 0.5, 1e16)),
    CurvedValuedLog("c", False, 0.3, 1.7, 0.2, 1.1, edges=(0.1, 1.0), values=(0.1, 1.0)),
    *(Times("c", form, PARTS, True, 18000.0, 400.0, False) for form in FORMS),
    DetailedTimes("c", "day/month/year", PARTS, True, 18000.0, 400.0, False, DETAILS),
    BinnedTimes("c", "day/month/year", PARTS, True, 18000.0, 400.0, False, DETAILS, edges=(-1e9, 0.0, 0.25, 2e9)),
    BinnedTimes("c", CLOCK, ("days",), True, 0.5, 0.1, False, edges=(0.0, 48600.5, 86400.0)),
]
DAY = datetime.datetime(2024, 2, 29, 13, 30, 5, 123457)
CELLS = [
    *(None, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), np.float64("nan"), float("inf"), -float("inf")),
    *(0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 0.0, -0.0, 1.0, 0.1, -2.5, 1e300, 5e-324, 1e16),
    *(True, False, np.True_, np.float32(0.1), np.float32(7), np.float16(0.5), np.int8(-3), np.uint64(2**63), 2 + 0j),
    *(decimal.Decimal("1.50"), datetime.timedelta(days=2), np.timedelta64(36, "h"), datetime.time(13, 30), b"red", np),
    *("1.5", " 1.50 ", "+5", "5.", ".5", "1e3", "1e999", "-0", "0001", "1_000", "1,000", "0x10", "inf", "١٢", "１２"),
    *("red", " red\t", "true", "TRUE", "false", "1.0", "-0.0", "01.0", "5.0", "5", "Zürich", "Zürich ", "\xa01"),
    *("\x1c1\x1f", "\x001", "\x0b", "\u200b1", "x" * 300, "$1,234.50", "($5)", "500-", "1 234", "-$5"),
    *("", " ", "?", "-", "0.10000000149011612", float(np.float32(0.1))),
]  # fmt: skip
TIMES = [
    *("2024-02-29", "2024-02-30", "2024-2-9 1:05 pm", "2024-02-29T13:30:05.123457Z", "0001-01-01", "9999-12-31"),
    *("29/02/2024", "2/29/2024 24:00", "29.2.24 1.30", "29 Feb 2024", "February 3rd, 2020", "Thu Feb 29 13:30:00 2024"),
    *("20240229", 20240229, 20240229.0, "20240229T1330", "2024-02", "Feb 2024", "24-02-29", "68-1-1", "69-1-1"),
    *("13:30", "00/00/0000"),
    *("1:30 a.m.", "12:00 AM", "0:30 pm", "23:59:60.5", "23:59:61", "2024-02-29 13:30:00,25 [Europe/Berlin]"),
    *(DAY, DAY.date(), DAY.replace(microsecond=0), DAY.replace(tzinfo=datetime.UTC), datetime.date(1, 1, 1)),
    *(datetime.datetime(1931, 5, 6, 7), pd.Timestamp(DAY), pd.Timestamp("2024-02-29 13:30:05.123456789")),
    *(np.datetime64("2024-02-29"), np.datetime64(DAY), np.datetime64(DAY, "ns"), np.datetime64("2024-02")),
    *("2024-02-29T13", np.str_("1")),
    *(np.datetime64("2024-02-29T13:30"), np.datetime64("12024-02-29"), np.datetime64("2024-02-29T13", "h")),
]  # fmt: skip


def refused(function, *arguments):
    """The result, or the error in one line."""
    try:
        return function(*arguments)
    except DataError as error:
        return str(error)


def in_a_table(encoder, cell, dtype):
    return encoder.encode(as_source({"c": [cell]}).table(), dtype)[0]


def takes(transform, cell, dtype):
    """Whether a cell needs no column of Arrow."""
    x = np.zeros(len(transform.features), dtype)
    try:
        value = READERS[type(transform.reading)](transform.reading)(cell)
        for part in transform.inputs:
            WRITERS[type(part)](part, 0, np.dtype(dtype))(value, x)
    except OddCellError:
        return False
    return True


def differences(transform, cells, dtype):
    """The cells that are read without a column, and are not what they are in a table."""
    encoder, different = Encoder((transform,)), []
    rows = RowEncoder(encoder, dtype, ["c"])
    for cell in (cell for cell in cells if takes(transform, cell, dtype)):
        expected, x = refused(in_a_table, encoder, cell, dtype), rows.of_mapping({"c": cell})
        if isinstance(expected, str) or x.tobytes() != expected.tobytes():
            different.append((cell, expected, x))
    return different


def test_every_operation_has_an_entry():
    assert set(READERS) == set(READINGS)
    assert set(WRITERS) == set(INPUTS)
    assert set(STEPS) == set(OPERATIONS)
    assert set(PLACES) == set(CYCLES)
    assert {type(transform) for transform in TRANSFORMS} == {*KINDS.values()} - {Dropped}


@pytest.mark.parametrize("transform", TRANSFORMS, ids=lambda t: f"{t.kind} {getattr(t, 'form', '')}")
def test_an_odd_cell_is_what_it_is_in_a_table(transform):
    dtype = "float32" if isinstance(transform, Numbers | Log) else "float64"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert differences(transform, TIMES if isinstance(transform, Times) else [*CELLS, *TIMES[::4]], dtype) == []


@pytest.mark.parametrize("transform", [TRANSFORMS[0], TRANSFORMS[4], TRANSFORMS[8]], ids=lambda t: t.kind)
def test_what_is_odd_goes_through_its_column(transform):
    encoder, cells = Encoder((transform,)), ["١٢", " 1.5 ", "Zürich", "no time", "$5", decimal.Decimal("1.5"), [1], np]
    rows = RowEncoder(encoder, "float32", ["c"])
    for cell in cells * 2:
        expected, x = refused(in_a_table, encoder, cell, "float32"), refused(rows.of_cells, [cell])
        assert isinstance(x, str) == isinstance(expected, str)
        assert isinstance(x, str) or (x == expected).all()


@pytest.mark.parametrize("transform", [TRANSFORMS[k] for k in (0, 4, 7, 8)], ids=lambda t: t.kind)
def test_words_for_a_missing_value_and_spaces_are_what_they_are_in_a_table(transform):
    around = [f"{space}7{space}" for space in map(chr, range(128)) if not space.isprintable() or space == " "]
    assert differences(transform, [*MISSING, *random.Random(0).sample(PLACEHOLDERS, 40), *around], "float64") == []


def test_thousands_of_random_numbers_have_the_same_bits_one_by_one():
    rng = np.random.default_rng(0)
    numbers = np.concatenate([rng.normal(size=500), np.exp(rng.normal(0, 20, 500)), -rng.uniform(size=200) * 1e4])
    for transform in (each for each in TRANSFORMS if isinstance(each, Scaled | Log) and each.form == PLAIN):
        encoder = Encoder((transform,))
        for dtype in ("float32", "float64"):
            rows = RowEncoder(encoder, dtype, ["c"])
            X = encoder.encode(as_source({"c": numbers}).table(), dtype)
            typed = np.array([rows.of_cells([value]) for value in numbers.tolist()])
            written = np.array([rows.of_cells([repr(value)]) for value in numbers.tolist()])
            assert (typed == X).all()
            assert (written == X).all()


def written_times(form, moments):
    """Moments as people write them in a form."""
    as_clock = "%H:%M:%S" if form == CLOCK else ""
    patterns = {"year-month-day": "%Y-%m-%d %H:%M:%S.%f", "day/month/year": "%d/%m/%y %I:%M %p"}
    patterns |= {"name day, year": "%B %d, %Y", "day.month.year": "%d.%m.%Y %H:%M"}
    return [moment.strftime(as_clock or patterns[form]) for moment in moments]


@pytest.mark.parametrize("form", ["year-month-day", "day/month/year", "name day, year", "day.month.year", CLOCK])
def test_random_times_have_the_same_bits_as_text_and_as_objects(form):
    rng = random.Random(1)
    moments = [datetime.datetime.fromtimestamp(rng.uniform(-2e9, 4e9), datetime.UTC) for _ in range(300)]
    moments = [moment.replace(tzinfo=None) for moment in moments]
    transform = Times("c", form, PARTS, True, 9000.0, 4000.0, False)
    cells = written_times(form, moments) + ([] if form == CLOCK else moments)
    encoder = Encoder((transform,))
    rows = RowEncoder(encoder, "float64", ["c"])
    for part in (cells[:300], cells[300:]):
        X = encoder.encode(as_source({"c": part}).table(), "float64") if part else np.empty((0, 8))
        assert all((rows.of_cells([cell]) == x).all() for cell, x in zip(part, X, strict=True))


COMMON = {
    "scaled": ["1.5", 1.5, 2, True, None, "?", np.float64(2), np.int64(3)],
    "categories": ["red", "other", " red ", 1, 2.0, True, None, np.int64(1)],
    "times": ["2024-02-29", "2024-02-29 13:30", DAY, DAY.date(), pd.Timestamp(DAY), None, "3.1.2020"],
    "presence": ["x", 1, 1.5, None, "-"],
}  # fmt: skip


@pytest.mark.parametrize("kind", COMMON)
def test_common_cells_take_the_fast_road(kind):
    form = "day.month.year"
    transform = next(each for each in TRANSFORMS if each.kind == kind)
    reading = TimeReading(form) if kind == "times" else transform.reading
    read = READERS[type(reading)](reading)
    for cell in COMMON[kind]:
        read(cell)  # it raises OddCellError for the others


def test_the_texts_that_are_kept_are_bounded(monkeypatch):
    monkeypatch.setattr("chainrule.tables.inputs.cells.row_encoder.MOST_TEXTS", 3)
    rows = RowEncoder(Encoder((TRANSFORMS[0],)), "float64", ["c"])
    cells = [f" {value} " for value in (1, 2, 3, 4, 5, 1, 2)]
    assert [rows.of_cells([cell])[0] for cell in cells] == [rows.of_cells([float(cell)])[0] for cell in cells]


def test_a_table_of_columns_in_another_order_with_others_between_is_one_row_too():
    encoder = Encoder((dataclasses.replace(TRANSFORMS[0], name="a"), dataclasses.replace(TRANSFORMS[4], name="b")))
    rows = RowEncoder(encoder, "float32", ["b", "more", "a"])
    X = encoder.encode(as_source({"a": [1.5], "b": ["red"]}).table(), "float32")
    assert (rows.of_cells(["red", object(), 1.5]) == X[0]).all()
    assert (rows.of_mapping({"b": "red", "a": 1.5, "z": object()}) == X[0]).all()
