"""Cells as people write them, for a column of each reading, and models of that column alone.

What a cell stands for is what the library reads: an export has to give the same answer for it.
"""

import datetime
import decimal
import math
from typing import Any

import chainrule as cr
from chainrule.model import Model
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import DETAILS, BinnedTimes, Frequent, Numbers, Presence, Times, WeightedText
from chainrule.tables.targets import Classes, Quantity, Targets

WORDS = (
    *("red", "1", "0.5", "true", "1e+20", "1e-7", "1.00000000005e+10", "-0", "007.0"),
    *("2024-02-29", "2024-02-29 13:30:00.25"),
)
COLUMNS = {
    "number": Numbers("x", True, 4.0, 3.0),
    "word": Frequent("x", WORDS, True),
    "time": BinnedTimes(
        "x",
        "year-month-day",
        ("days", "season", "weekday", "clock"),
        True,
        18_000.0,
        900.0,
        False,
        DETAILS,
        edges=(-1e9, 0.0, 1_706_659_200.5, 4e10),
    ),
    "date": Times("x", "yearmonthday", ("days", "season", "weekday", "clock"), True, 18_000.0, 900.0, False),
    "clock": Times("x", "hour:minute", ("days", "clock"), True, 0.5, 0.2, False),
    "presence": Presence("x", "it is prose"),
    "text": WeightedText(
        "x",
        ("not", "good", "not good", "größe", "οδοσ", "iz", "κόσμος", "1 5"),
        True,
        (1.0, 1.5, 2.5, 3.0, 2.0, 1.25, 4.0, 3.5),
    ),
}
TEXTS = {
    "number": [
        *("1.5", " 1.5 ", "+.5", "5.", "1e2", "-1E-3", "TRUE", "false", "?", "", "  ", "-", "n.a.", "NaN", "Unknown"),
        *("\N{MINUS SIGN}5", "\N{FULLWIDTH DIGIT ONE}2", "1\N{ZERO WIDTH SPACE}2", "\N{NO-BREAK SPACE}7", "\x857"),
    ],
    "word": [
        *(*WORDS, " red ", "1.0", "1.00", "True", "FALSE", "Red", "-", "NA", "", "\ufeffred", "-0.0", "01"),
        *("\u20031\u3000", "\x1c1"),
    ],
    "time": [
        *("2024-02-29", " 2024-02-29 ", "2024-02-29T13:30:00Z", "2024-02-29 13:30", "2024/2/9, 1:30 pm", "2024.12.31"),
        *("2024-02-29 13:30:00,25+02:00", "2024-02-29 13:30:59.999 Europe/Berlin", "2023-12-31t23:59:60", "NA", "-"),
        *("1969-12-31 23:59:59.5", "0001-01-01", "9999-12-31", "1900-03-01 12:00 AM", "0000-00-00", "2024-02-29 9.05"),
    ],
    "date": [
        *("20240229", "20240229.0", " 20231231 ", "20240229T1330", "20240229t133005.25Z", "20240229T0905+02:00"),
        *("2024-02-29", "2024-02-29 1:30 pm", "15000101", "21991231", "NA", "-", "0000-00-00"),
        "\N{FULLWIDTH DIGIT TWO}0240229",
    ],
    "clock": ["13:30", "1:30:05.5", "12:00 am", "12:00 p.m.", "1:05 PM", "00:00", "23:59:59,9", "", "unknown"],
    "presence": ["text", "", "-", "none", "?", "0"],
    "text": [
        *(
            "Not good",
            "good, not!",
            "GRÖSSE größe",
            "ΟΔΟΣ οδος",
            "İz IZ ız",
            "ΚΌΣΜΟΣ",
            "κόσμος",
            "1.5",
            "not, NOT so good",
        ),
        *("", "?", "!!!", "NA", "notgood", "not_good", "not\u00a0good", "not\tgood\n", "good-not"),
    ],
}
OBJECTS: dict[str, list[Any]] = {
    "number": [1.5, 3, True, None, math.nan, decimal.Decimal("1.50"), datetime.timedelta(days=1, hours=6)],
    "word": [
        *(1, 1.0, True, 0.5, 1e20, 1e-7, 10000000000.5, -0.0, None, math.nan, decimal.Decimal("0.50")),
        *(decimal.Decimal("1.0"), datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29)),
        datetime.datetime(2024, 2, 29, 13, 30, 0, 250_000),
    ],
    "time": [
        *(datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29, 13, 30, 0, 250_000), None),
        datetime.datetime(2024, 2, 29, 23, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=-5))),
    ],
    "date": [20240229, 20240229.0, decimal.Decimal("20240229"), math.nan, None, datetime.date(2024, 2, 29)],
    "clock": [datetime.time(13, 30), datetime.time(1, 2, 3, 500_000), None],
    "presence": [1, 0.0, None, math.nan],
    "text": [1.5, 1, True, None, math.nan, decimal.Decimal("1.50")],
}
BAD = {
    "number": ["red", "$1,234", "1_000", "0x10", "inf", "1e999", "1,5", "1 2", "1" * 500 + "x", "one\nline"],
    "time": [
        "yesterday",
        "2023-02-29",
        "2024-13-01",
        "2024-02-29 24:00",
        "2024-02-29 1:60",
        "1:30",
        "2024-00-01",
        "20240229",
    ],
    "date": ["20230229", "20241301", "2024022", "202402290", "14991231", "20240229 1330", "20240229T13", "3/4/2020"],
    "clock": ["25:00", "13", "13:30 pm", "2024-02-29 13:30", "0:30 am"],
}
FAR = Numbers("x", True, 0.0, 1e-300)
COMMA = Numbers("x", True, 4.0, 3.0, form="1.234,5")
ODD = (
    *("__proto__", "constructor", "</script><!--", "a\u2028b\u2029c", "'\"`\\\n", "${1}", '"""', "'''", "10", "9"),
    *("\N{PILE OF POO}", "a,b;c", "\ud7ff\ue000", "x" * 3000, "toString"),
)


def model_of(kind: str, **changed: Any) -> Model:
    """A model of one column, `x`, whose answer is another one for nearly every cell."""
    encoder = Encoder((changed.get("column", COLUMNS[kind]),))
    net = cr.Network([encoder.width, 6, 1], "tanh", "identity", "quadratic", seed=3, dtype="float64")
    return Model(encoder, Targets((Quantity("y", 0.0, 1.0),)), net, {})


def answers_to(model: Model, cells: list[Any]) -> list[float]:
    """What the library answers for each cell of the column, one at a time."""
    return [float(model.predict({"x": [cell]})[0]) for cell in cells]


def odd_model() -> Model:
    """A model whose names and words mean something else in JavaScript, HTML, CSV or Python."""
    encoder = Encoder(tuple(Frequent(name, (*ODD, "yes"), True) for name in ODD))
    classes = tuple(Classes(name, "text", tuple(sorted(ODD))) for name in ("__proto__", "</script>"))
    output = [("softmax", len(ODD))] * 2
    net = cr.Network([encoder.width, 2 * len(ODD)], output=output, cost=["cross_entropy"] * 2, seed=1)
    return Model(encoder, Targets(classes), net, {})
