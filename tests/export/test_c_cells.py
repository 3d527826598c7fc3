"""C: cells are read as the library reads them, and what cannot be read is named."""

import ctypes

import numpy as np
import pyarrow as pa
import pytest
from tests.export.c_files import (
    encoder_program,
    fixed,
    network,
    program_of,
    written,
)

from chainrule.export.c.runner import compiled
from chainrule.tables.inputs.operations import CYCLES
from chainrule.tables.inputs.operations.inputs import _PLACES
from chainrule.tables.inputs.transforms import Numbers, Presence, Times
from chainrule.tables.profile.dates import CLOCK, UNMARKED, seconds_of

pytestmark = pytest.mark.usefixtures("quick_compiler")


def reader(path):
    """The C function that reads times: state and seconds of a text."""
    library = fixed(path, "int time_of(const char *t, int date, double *s) { return read_time(t, date, s); }", "cells")

    def read(text, date=1):
        seconds = ctypes.c_double()
        state = library.time_of(None if text is None else text.encode(), date, ctypes.byref(seconds))
        return state, seconds.value

    return read


TIMES = """2024-02-29|2024-02-29 13:30|2024-02-29T13:30:05.25|1969-12-31 23:59:59.999999|0001-01-01|2000-02-29
9999-12-31 23:59:60.5|1582-10-15T00:00Z|2024-2-3 4:05|2024-02-29 13:30:00+02:00|2024-02-29 13:30:07.123456789-0500"""
NO_TIMES = """2023-02-29|1900-02-29|2024-13-01|2024-00-01|2024-01-00|2024-01-32|2024-04-31|0000-01-01|2024-01-01 24:00
2024-01-01 12:60|2024-01-01 12:00:61|2024-01-01 12|2024-01-01x|yesterday|2024-01-01 12:00 and more|20240101|2024/01/01
2024-01-01 -1:00|-1|2024|2024-|2024-01|2024-01-|99999-01-01|2024-01-01 1:2|\x01|ü|2024-01-01 12:00:|2024-01-01 12:00:5
2024-001-01| 2024-01-01|2024-01-01 |2024-01-01 12:00 Z"""


def parts(text):
    return text.replace("\n", "|").split("|")


def test_times_are_read_as_the_library_reads_them(tmp_path):
    read = reader(tmp_path)
    assert [read(text) for text in parts(TIMES)] == [
        (1, seconds) for seconds in seconds_of(pa.array(parts(TIMES), pa.large_string()), "year-month-day").tolist()
    ]
    clocks = ["0:00", "23:59:59.5", "13:30", "07:08:09.000001"]
    assert [read(text, date=0) for text in clocks] == [
        (1, seconds) for seconds in seconds_of(pa.array(clocks, pa.large_string()), CLOCK).tolist()
    ]


def test_what_is_not_a_time_is_refused(tmp_path):
    read = reader(tmp_path)
    assert [text for text in parts(NO_TIMES) if read(text)[0] != 0] == []
    assert [text for text in ("24:00", "1:60", "1:2", "noon", "2024-01-01", "13:30Z") if read(text, date=0)[0]] == []
    assert [read(text)[0] for text in (None, "")] == [-1, -1]


BARE = "20240229|15000101|21991231|20240229T1330|20240229T133005.25|20240229T2359Z|20240229T0000+0200"
NO_BARE = """20230229|20241301|20240001|20240100|14991231|22000101|2024022|202402290|20240229T13|20240229T1
20240229T2400|20240229T1360|20240229T13300|20240229 1330|20240229t1330|20240229T13:30|20240229x|20240229.0|2024-0229"""


def test_dates_without_marks_are_read_where_training_had_them(tmp_path):
    read = reader(tmp_path)
    seconds = seconds_of(pa.array(parts(BARE), pa.large_string()), UNMARKED).tolist()
    assert [read(text, date=2) for text in parts(BARE)] == [(1, each) for each in seconds]
    assert [read(text, date=2) for text in parts(TIMES)] == [read(text) for text in parts(TIMES)]
    assert [text for text in parts(BARE) if read(text)[0]] == []
    assert [text for text in [*parts(NO_BARE), *parts(NO_TIMES)] if text != "20240101" and read(text, date=2)[0]] == []


def test_places_in_the_year_the_week_and_the_day(tmp_path):
    calls = " ".join(f"int {cycle}(double s) {{ return {cycle}_place(s); }}" for cycle in CYCLES)
    library = fixed(tmp_path, calls, "cells")
    days = np.concatenate([[-719162, -1, 0, 1, 2932896], np.random.default_rng(8).integers(-719162, 2932897, 3000)])
    seconds = days * 86400.0 + np.random.default_rng(9).integers(0, 86400, len(days)) * (days > -719162)
    for cycle in CYCLES:
        place = getattr(library, cycle)
        place.argtypes = [ctypes.c_double]
        assert [place(s) for s in seconds.tolist()] == _PLACES[cycle](seconds).tolist()


def test_what_cannot_be_read_is_the_number_of_the_column(tmp_path):
    columns = (Numbers("x", False, 0.0, 1e-300), Times("t", "year-month-day", ("days",), True, 0.0, 1.0, False),
               Presence("p", ""))  # fmt: skip
    library = compiled(written(tmp_path, encoder_program(columns, "float32")))

    class Row(ctypes.Structure):
        _fields_ = [("x", ctypes.c_double), ("t", ctypes.c_char_p), ("p", ctypes.c_char_p)]

    def code(*cells):
        answer = (ctypes.c_float * 8)(*[-9.0] * 8)
        result = library.model_predict(ctypes.byref(Row(*cells)), answer)
        assert (answer[0] == -9.0) == (result != 0)
        return result

    assert [code(0.0, b"2024-01-01", b""), code(float("nan"), None, None), code(0.0, b"", b"\xff\xfe")] == [0, 0, 0]
    assert [code(float("inf"), None, None), code(1e300, None, None), code(0.0, b"2024-01-0x", b"")] == [1, 1, 2]


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    library = compiled(written(tmp_path, program_of(network([3, 2]))))
    answer = (ctypes.c_float * 2)()
    rows = [(0, 0, 0), (float("nan"), 0, 0), (0, 0, float("inf")), (0, -float("inf"), 0)]
    assert [library.model_predict((ctypes.c_float * 3)(*row), answer) for row in rows] == [0, 1, 3, 2]
