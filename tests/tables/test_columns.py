"""One column: which cells are numbers, and the one text that each value has."""

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tables.reading import column_as_words

from chainrule.errors import DataError, RowError
from chainrule.tables.columns import column_as_numbers, first_non_number, read_numbers


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", " -2.5\t", "+3", "1e-3", ".5", "5.", "-0"], [1, -2.5, 3, 1e-3, 0.5, 5, 0]),
        (["", "?", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", " ? "], [np.nan] * 10),
        (["true", "False", "", "TRUE"], [1, 0, np.nan, 1]),
        ([True, None, False], [1, np.nan, 0]),
        ([1, None, -3], [1, np.nan, -3]),
        (pa.array([2**60 + 1, 5]), [2.0**60, 5]),
        (pa.array([1.5, float("nan"), None]), [1.5, np.nan, np.nan]),
        (pa.array(np.array([1.5], "f2")), [1.5]),
        (pa.array([None, None]), [np.nan, np.nan]),
        (pa.array(["1", "2", None, "1"]).dictionary_encode(), [1, 2, np.nan, 1]),
        (pa.array(["1.50"]).cast(pa.decimal128(5, 2)), [1.5]),
        (pa.array(["7", "8"], pa.string_view()), [7, 8]),
    ],
)
def test_numbers_are_recognised(cells, values):
    found, missing = column_as_numbers(cells)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, values)
    np.testing.assert_array_equal(missing, np.isnan(np.array(values, float)))


@pytest.mark.parametrize(
    "word", ["1_000", "0x10", "1,5", "x", "1 2", "١", "-", "1e", "--1", "1.2.3", "true", "2020-01-01"]
)
def test_words_are_no_numbers(word):
    assert column_as_numbers(["1", "", word]) is None
    assert first_non_number(["1", "", word]) == (2, word)


@pytest.mark.parametrize("word", ["inf", "-Infinity", "1e400", "9" * 400])
def test_a_number_that_is_not_finite_is_refused_but_stays_a_word_among_words(word):
    with pytest.raises(DataError, match=r"row 2 of column 'x' is .* not a finite number"):
        column_as_numbers(["1", word], "x")
    assert column_as_numbers(["a", word]) is None


@given(st.text(st.sampled_from("0123456789.+-eE_xa ,infNaN"), max_size=7))
def test_the_two_readings_of_a_number_agree(cell):
    """What is cast and what the pattern of `first_non_number` takes for a number are the same cells."""
    try:
        is_number = column_as_numbers([cell, "1"]) is not None
    except DataError:
        return
    spelled = cell.strip().lower().lstrip("+-") == "nan"  # in any spelling a missing number
    assert is_number == (first_non_number([cell, "1"]) == (0, "")) or spelled


@pytest.mark.parametrize(
    "cells",
    [
        ["1", " 1.0", "-3", "?", "10.00", "0.5"],
        pa.array([1, 1, -3, None, 10, 0.5]),
        pa.array([1, 1, -3, float("nan"), 10, 0.5], pa.float32()),
        pa.chunked_array([["1", "1"], ["-3", None], ["10.0", "0.5"]]),
        pa.chunked_array([pa.array(c).dictionary_encode() for c in (["1", "1.0"], ["-3", None, "10", "0.5"])]),
        pa.chunked_array(
            [
                pa.DictionaryArray.from_arrays(
                    [0, 0, 1, None, 2, 3], pa.array(["1", "-3", "10", "0.5"], pa.string_view())
                )
            ]
        ),
        pd.Series(["1", "1", "-3", None, "10", "0.5"], dtype="category"),
    ],
)
def test_a_value_has_one_word_whatever_it_came_as(cells):
    words, missing = column_as_words(cells)
    assert words.tolist() == ["1", "1", "-3", None, "10", "0.5"]
    assert missing.tolist() == [False, False, False, True, False, False]


@pytest.mark.parametrize("big", [123456789, 10**15, 2**53 - 1, -(10**15)])
def test_whole_floats_are_written_as_integers_are(big):
    assert column_as_words(pa.array([float(big)]))[0] == column_as_words(pa.array([big]))[0] == [str(big)]


def test_words_keep_what_only_looks_like_a_number():
    kept = ["007", "1.10", "00.0", "12e4", "+1", "9007199254740993"]
    assert column_as_words(kept)[0].tolist() == kept
    assert column_as_words(pa.array([9007199254740993]))[0].tolist() == ["9007199254740993"]


def test_booleans_have_one_word_and_are_recognised():
    for cells in (["True", "false", ""], [True, False, None]):
        assert column_as_words(cells)[0].tolist() == ["true", "false", None]
        assert read_numbers(cells).boolean
    for cells in ([0, 1], ["0", "1"], pa.array([None])):
        assert not read_numbers(cells).boolean
    assert read_numbers(["true", "x"]) is None


@pytest.mark.parametrize("column", [pa.array([[1]]), pa.array([b"x"]), pa.array([{"a": 1}])])
def test_columns_of_other_things_are_refused(column):
    assert column_as_numbers(column) is None
    with pytest.raises(DataError, match=re.escape(f"column 'x' holds {column.type}")):
        column_as_words(column, "x")


def test_an_error_about_a_cell_keeps_braces_that_are_its_own():
    with pytest.raises(
        RowError, match=r"^row 2 of column '\{row\}' is inf, which is not a finite number: fix it$"
    ) as caught:
        column_as_numbers(["1", "inf"], "{row}")
    assert str(caught.value.at([6, 8])).startswith("row 9 of column '{row}' is inf")
