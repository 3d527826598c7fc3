"""The forms of numbers: what people write, each cell with the number that it is."""

import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.tables.lengths import LENGTHS, days_of, lengths_of
from chainrule.tables.number_forms import cells_in, forms_of, is_form, minus_first, numbers_in

READ = {
    "1234.5": {"−5": -5, "１２．５": 12.5, "(5)": -5, "500-": -500, "1e3": 1000, "+7": 7, "5\u200b": 5, ".5": 0.5},
    "1,234.5": {"45,100": 45100, "1,234,567.25": 1234567.25, "12,34,567": 1234567, "-1,000": -1000, "999": 999},
    "1.234,5": {"1.056": 1056, "1.234,5": 1234.5, "-0,125": -0.125, "1,5e3": 1500, "1.234.567": 1234567},
    "1 234,5": {"45 100,5": 45100.5, "45\u00a0100": 45100, "45\u202f100": 45100, "45\u2009100,25": 45100.25},
    "1'234.5": {"45'100.5": 45100.5, "45’100": 45100},
    "1234,5": {"0,5": 0.5, "45100,25": 45100.25},
    "$1,234.5": {"$45,100.25": 45100.25, "-$5": -5, "$-5": -5, "($5.50)": -5.5, "$(1,234)": -1234, "$ 7": 7},
    "€1.234,5": {"€ 1.234,50": 1234.5, "-€3": -3},
    "EUR 1234.5": {"EUR 12.5": 12.5, "-EUR 3": -3},
    "US$1,234.5": {"US$ 1,000": 1000},
    "1234.5%": {"12.25%": 12.25, "12 %": 12, "-3%": -3, "５％": 5, "(3%)": -3},
    "1 234,5 EUR": {"45 100,25 EUR": 45100.25, "5EUR": 5},
    "1234.5 kg": {"45.1 kg": 45.1, "45kg": 45, "-3\u00a0kg": -3},
    "1,234.5+": {"10,000+": 10000},
    "1234.5 m2": {"12 m²": 12, "12 m2": 12},
    "1234.5°C": {"-3.5 °C": -3.5, "3℃": 3},
}
CASES = [(form, cell, value) for form, cells in READ.items() for cell, value in cells.items()]


def text(*cells):
    return pa.array(cells, pa.large_string())


@pytest.mark.parametrize(("form", "cell", "value"), CASES)
def test_a_cell_is_the_number_that_people_mean(form, cell, value):
    assert numbers_in(text(cell), form).tolist() == [value]
    assert cells_in(minus_first(text(cell)), form).tolist() == [True]
    assert is_form(form)


@pytest.mark.parametrize(("form", "cell"), [(form, cell) for form, cell, _ in CASES])
def test_the_form_of_a_cell_is_among_those_that_it_may_have(form, cell):
    plain = minus_first(text(cell))[0].as_py()
    assert form in forms_of(plain)


@pytest.mark.parametrize(
    ("form", "cells"),
    {
        "1234.5": [
            "1,234",
            "5-",
            "12-",
            "--5",
            "1 234",
            "5%",
            "0x10",
            "1_000",
            "",
            "x",
            "٣",
            "1.2.3",
            "+-5",
            "-5-",
            "-",
        ],
        "1,234.5": ["1,23", "12,3456", "1.234,5", "0,123", ",123", "1,,234", "1, 234"],
        "1.234,5": ["1.05", "0.125", "12.5", "1.2345"],
        "$1,234.5": ["45,100.25", "€5", "$5 kg", "$", "5$"],
        "1234.5 kg": ["5", "5 lb", "5 KG", "kg"],
    }.items(),
)
def test_a_cell_in_another_form_is_none(form, cells):
    assert np.isnan(numbers_in(text(*cells), form)).all()
    assert not cells_in(minus_first(text(*cells)), form).any()


@pytest.mark.parametrize("name", ["", "x", "1234", "1.234.5", "1234.5 5", "12345", "1 234", "1234.5 kg ", "a\n1234.5"])
def test_other_names_are_no_forms(name):
    assert not is_form(name)


WAYS = {
    "1,234.5": lambda v: f"{v:,}",
    "1.234,5": lambda v: f"{v:,}".translate(str.maketrans(",.", ".,")),
    "1 234,5": lambda v: f"{v:,}".translate(str.maketrans(",.", "\N{NARROW NO-BREAK SPACE},")),
    "1'234.5": lambda v: f"{v:,}".replace(",", "\N{RIGHT SINGLE QUOTATION MARK}"),
    "$1,234.5": lambda v: f"${v:,}" if v >= 0 else f"(${-v:,})",
    "1234.5 kWh": lambda v: f"{v} kWh".replace("-", "\N{MINUS SIGN}"),
}


@settings(deadline=None, max_examples=50)
@given(st.decimals(-(10**9), 10**9, places=3), st.sampled_from(sorted(WAYS)))
def test_every_decimal_number_is_read_back(value, form):
    """The oracle is Python's own formatting of decimal numbers."""
    assert numbers_in(text(WAYS[form](value)), form).tolist() == [float(value)]


def test_what_may_be_in_a_form_is_in_it():
    """The quick look at a cell in Python and the reading of a column agree."""
    rng = np.random.default_rng(0)
    letters = list("0123456789.,-+() $€%kg'e:PTD")
    cells = minus_first(text(*("".join(rng.choice(letters, rng.integers(1, 9))).strip() for _ in range(1000))))
    forms = [forms_of(cell) for cell in cells.to_pylist()]
    for form in {*READ, *LENGTHS, *(own[0] for own in forms if own)}:
        fits = [form in own for own in forms]
        assert cells_in(cells, form).tolist() == fits
        assert (~np.isnan(numbers_in(cells, form))).tolist() == fits


LENGTHS_READ = {
    "3 days 04:05:06": {
        "1 days 06:00:00": 1.25,
        "-1 days +18:00:00": -0.25,
        "1 day, 12:00:00": 1.5,
        "36:00:00": 1.5,
        "-06:00:00": -0.25,
        "3 days": 3,
        "1 mon 2 days 12:00:00.000": 32.5,
        "1 year": 365.25,
        "90:00": 3.75,
    },
    "P3DT4H5M6S": {"P1DT6H": 1.25, "PT36H": 1.5, "P2W": 14, "-P1D": -1, "PT0.5H": 1 / 48},
    "3 d 4 h 5 min 6 s": {
        "1h 30m": 1.5 / 24,
        "2 hours, 30 minutes": 2.5 / 24,
        "1d 12h": 1.5,
        "90 min": 1 / 16,
        "5 s": 5 / 86400,
    },
}


@pytest.mark.parametrize(
    ("form", "cell", "days"),
    [(form, cell, days) for form, cells in LENGTHS_READ.items() for cell, days in cells.items()],
)
def test_lengths_of_time_are_days(form, cell, days):
    np.testing.assert_allclose(days_of(text(cell), form), [days], rtol=1e-14)
    assert form in lengths_of(cell)


@pytest.mark.parametrize("cell", ["", "P", "PT", "soon", "1:2:3:4", "5 x", "1.5.3 h", "12", "2020-01-01", "h"])
def test_other_cells_are_no_lengths(cell):
    assert lengths_of(cell) == []
    for form in LENGTHS:
        assert np.isnan(days_of(text(cell), form)).all() or cell == "12"


def test_every_length_is_tested():
    assert set(LENGTHS_READ) == set(LENGTHS)


def test_rounding_is_that_of_float():
    digits = [str(decimal.Decimal(k) / 7)[:19] for k in range(1, 40)]
    assert numbers_in(text(*(f"{d} kg" for d in digits)), "1234.5 kg").tolist() == [float(d) for d in digits]
