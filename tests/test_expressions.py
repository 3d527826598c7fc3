"""Formulas: read as people mean them, differentiated through, and refused with the place of what is wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import SettingError
from chainrule.expressions import FUNCTIONS, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x", 3.0),
        ("-x^2", -9.0),
        ("(-x)^2", 9.0),
        ("2^x^2", 512.0),
        ("2**-x", 0.125),
        ("1 - x - 1", -3.0),
        ("12 / x / 2", 2.0),
        ("1 + 2 * x", 7.0),
        ("--x", 3.0),
        ("+x", 3.0),
        (".5*x + 1e1 + 1.E-1", 11.6),
        ("max(x, 4) + min(x, 4)", 7.0),
        ("abs(-x)", 3.0),
        ("sqrt(x*x)", 3.0),
        ("pi*x + e", 3 * math.pi + math.e),
        ("log(exp(x))", 3.0),
        (" x\t", 3.0),
        ("1\n+\nx", 4.0),
        ("012*x + 1E0", 37.0),
        ("(" * 100 + "x" + ")" * 100, 3.0),
    ],
)
def test_a_formula_means_what_it_says(text, expected):
    assert parse(text)(3.0) == pytest.approx(expected, rel=1e-15)


def test_variables_are_in_alphabetical_order_and_may_be_arrays():
    formula = parse("b - 10*a + C")
    assert formula.names == ("C", "a", "b")
    assert formula(1.0, np.array([0.0, 1.0]), np.array([[2.0], [3.0]])).tolist() == [[3.0, -7.0], [4.0, -6.0]]


POINTS = {"acosh": 1.7, "atanh": 0.3, "asin": 0.3, "acos": 0.3}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_complex_step_passes_through_every_function(name):
    second = ", 0.1" if FUNCTIONS[name][0] == 2 else ""
    f, x = parse(f"{name}(x{second})"), POINTS.get(name, 0.7)
    numeric = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    assert f(x + 1e-30j).imag / 1e-30 == pytest.approx(numeric, rel=1e-8)
    own = {"abs": abs, "min": min, "max": max}.get(name) or getattr(math, name)
    assert f(x) == pytest.approx(own(x, 0.1) if second else own(x), rel=1e-15)


@pytest.mark.parametrize("text", ["max(x, 1)", "max(1, x)", "min(x, 1)", "min(1, x)"])
def test_what_has_no_value_has_no_greatest_and_no_least(text):
    assert math.isnan(parse(text)(math.nan))


def test_the_derivative_of_abs_is_0_at_0():
    assert parse("abs(x)")(1e-40j) == 0


@pytest.mark.parametrize(
    ("text", "slope"), [("x^2", -4.0), ("x^7", 448.0), ("x^-3", -3 / 16), ("x^0", 0.0), ("abs(x)", -1)]
)
def test_powers_of_negative_numbers_have_derivatives(text, slope):
    assert parse(text)(-2 + 1e-40j).imag / 1e-40 == pytest.approx(slope, rel=1e-14)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", 1, "the end"),
        ("x +", 4, "the end"),
        ("2x", 2, r"write \* for a product"),
        ("x (y)", 1, "no function 'x'"),
        ("(x", 1, "never closed"),
        ("x)", 2, "unmatched"),
        ("sin x", 5, "sin is a function"),
        ("sni(x)", 1, "did you mean 'sin'"),
        ("x @ y", 3, "'@' has no meaning"),
        ("x − 1", 3, "write -"),
        ("2·x", 2, r"write \*"),
        ("xy² + 1", 3, r"write \^2"),
        ("²", 1, r"write \^2"),
        ("x₁", 2, "has no meaning"),
        ("x.real", 2, "'.' has no meaning"),
        ("__import__('os')", 12, "has no meaning"),
        ("x if y else z", 3, "after a value"),
        ("max(x)", 1, "max takes 2 values, not 1"),
        ("1 + sin(x, y)", 5, "sin takes 1 value, not 2"),
        ("x,y", 1, "no function that takes them"),
        ("2*(x,y)", 3, "no function that takes them"),
        ("sin(x,)", 7, "must come here"),
        ("()", 2, "must come here"),
        ("sin(x)(y)", 7, "after a value"),
        ("sin", 4, "sin is a function"),
        ("x//y", 3, "must come here"),
        ("0x10", 2, "after a value"),
        ("x == y", 3, "no meaning"),
        ("x * * y", 5, "must come here"),
        ("(" * 200 + "x", 101, "nested parts"),
        ("-" * 200 + "x", 101, "nested parts"),
        ("2^" * 200 + "x", 201, "nested parts"),
    ],
)
def test_what_is_no_formula_is_told_with_its_place(text, place, words):
    with pytest.raises(SettingError, match=f"at character {place}: .*{words}") as error:
        parse(text)
    assert "\n" not in str(error.value)


def test_what_is_too_long_or_has_no_variable_is_refused():
    with pytest.raises(SettingError, match="at most 2,000"):
        parse("x" + "+x" * 1000)
    with pytest.raises(SettingError, match="no variable"):
        parse("2*pi")


def test_a_long_formula_needs_no_deep_recursion():
    assert parse("x" + "+x" * 999)(1.0) == 1000.0
    assert parse("x" + "*x" * 999)(1.0) == 1.0


@given(st.text(alphabet="xy12.e+-*/^(), sin\n_é", max_size=30))
def test_any_text_is_a_formula_or_one_line(text):
    message = ""
    try:
        parse(text)
    except SettingError as error:
        message = str(error)
    assert "\n" not in message
