"""Dates and times: read as Python reads them, in one form for a whole column, and what becomes of them."""

import datetime as dt
import functools
import json
import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from tests.tables.cutting import Cut, random_cuts, seeds
from tests.tables.reading import read_table

from chainrule.errors import DataError, ModelFileError
from chainrule.tables.inputs import Encoder
from chainrule.tables.inputs.transforms import BinnedTimes, DetailedTimes, Times
from chainrule.tables.profile.dates import CLOCK, FORMS, seconds_of

WRITTEN = {  # how strftime writes each form
    "year-month-day": ["%Y-%m-%d", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M+02:00"],
    "year-month-dayThour": ["%Y-%m-%dT%H"],
    "yearmonthday": ["%Y%m%dT%H%M%S", "%Y%m%dT%H%MZ"],
    "year-month": ["%Y-%m"],
    "day/month/year": ["%d/%m/%Y", "%d/%m/%y %H:%M", "%d/%m/%Y %I:%M:%S %p"],
    "month/day/year": ["%m/%d/%Y", "%m/%d/%y", "%m/%d/%Y %I:%M %p"],
    "day.month.year": ["%d.%m.%Y", "%d.%m.%y", "%d.%m.%Y, %H:%M", "%d. %m. %Y"],
    "day-month-year": ["%d-%m-%Y", "%d-%m-%Y %H:%M:%S", "%d-%m-%y"],
    "month-day-year": ["%m-%d-%Y"],
    "short year-month-day": ["%y-%m-%d"],
    "day name year": ["%d %B %Y", "%d-%b-%Y", "%a, %d %b %Y %H:%M:%S UTC", "%d-%b-%y", "%d/%b/%Y:%H:%M:%S"],
    "name day, year": ["%B %d, %Y", "%b %d %Y", "%A, %B %d, %Y %I:%M %p"],
    "name day time year": ["%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S UTC %Y"],
    "name year": ["%b %Y", "%B-%Y"],
    "year年month月day日": ["%Y年%m月%d日", "%Y年%m月%d日 %H:%M"],
    CLOCK: ["%H:%M", "%H:%M:%S", "%I:%M %p"],
}
CASES = [(form, way) for form, ways in WRITTEN.items() for way in ways]
EPOCH = dt.datetime(1970, 1, 1)


def moments(n=200, seed=0, since=dt.datetime(1969, 1, 1)):
    """Times that two-digit years can tell, to the microsecond."""
    rng = np.random.default_rng(seed)
    seconds = rng.integers(0, 99 * 365 * 86400, n) + rng.integers(0, 10, n) / 8
    return [since + dt.timedelta(seconds=float(s)) for s in seconds]


def of(words, form):
    return seconds_of(pa.array(words, pa.large_string()), form)


def fitted(cells, cuts=()):
    encoder = Encoder.fit(Cut({"t": cells}, cuts))
    (found,) = encoder.transforms
    return found, encoder


def test_every_form_is_tested():
    assert set(WRITTEN) == set(FORMS)


@pytest.mark.parametrize(("form", "way"), CASES)
def test_times_are_read_as_python_reads_them(form, way):
    words = [moment.strftime(way) for moment in moments()]
    python = way.replace("+02:00", "").replace("UTC", "").strip()
    read = [dt.datetime.strptime(w.replace("+02:00", "").replace("UTC", "").strip(), python) for w in words]
    since = dt.datetime(1900, 1, 1) if form == CLOCK else EPOCH
    np.testing.assert_array_equal(of(words, form), [(moment - since).total_seconds() for moment in read])
    found, _ = fitted(words)
    assert isinstance(found, Times)
    assert found.form == form


@pytest.mark.parametrize(
    "word",
    [
        *["2020-02-30", "2021-02-29", "2020-13-01", "2020-00-10", "2020-01-00", "0000-01-01", "20200101", "2020-1"],
        *["2020-01-01 24:00", "2020-01-01 12:60", "2020-01-01 13:00 pm", "2020-01-01 0:30 am", "2020-01-01x", "", "x"],
        *["x2020-01-01", "2020-01-01 12", "1.2.3", "12345-01-01", "2020-01-01 12:00:61"],
    ],
)
def test_what_is_no_time_in_a_form_is_none(word):
    assert np.isnan(of([word], "year-month-day")).all()


def test_by_hand():
    found, encoder = fitted(["2024-01-01", "2024-07-01 06:00", "2024-12-30 12:00"])
    assert encoder.feature_names == ["t", "t season sin", "t season cos", "t clock sin", "t clock cos"]  # all Mondays
    days = np.array([0, 182.25, 364.5]) + 19723
    X = encoder.encode(read_table({"t": ["2024-07-01 06:00", "2024-01-01"]}), "float64")
    turn = 2 * math.pi * 182 / 365.25
    first = [(days[1] - days.mean()) / days.std(), math.sin(turn), math.cos(turn), 1, 0]
    np.testing.assert_allclose(X[0], first, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(X[1], [(days[0] - days.mean()) / days.std(), 0, 1, 0, 1], rtol=1e-12, atol=1e-12)
    shown = f"year-month-day around 2024-07-01 (deviation {days.std():.6g} days): days, season, clock"
    assert found.detail == shown


@pytest.mark.parametrize(
    ("cells", "parts"),
    [
        ([f"2024-01-{day:02d}" for day in range(1, 6)], ("days",)),
        ([f"2024-01-{day:02d}" for day in range(1, 31)], ("days", "weekday")),
        (pd.date_range("2023-01-01", periods=300), ("days", "season", "weekday")),
        (pd.date_range("2023-01-02", periods=60, freq="7D"), ("days", "season")),
        (pd.date_range("2023-01-02", periods=300, freq="h"), ("days", "weekday", "clock")),
        ([f"{year}-01-01" for year in range(1950, 2020)], ("days",)),
        ([f"{year}-{month:02d}-01" for year in range(2000, 2009) for month in range(1, 13)], ("days", "season")),
        (["12:30", "13:15", "1:05"], ("days", "clock")),
        (pa.array([1, 50000, 86399], pa.time32("s")), ("days", "clock")),
        (pa.array([0, 20000, 20001], pa.date32()), ("days", "season", "weekday")),
    ],
)
def test_only_what_varies_is_told(cells, parts):
    found, encoder = fitted(cells)
    assert found.parts == parts
    assert encoder.width == len(encoder.feature_names) == 2 * len(parts) - 1
    X = encoder.encode(read_table({"t": cells}), "float64")
    assert (X.std(axis=0) > 1e-6).all()


@pytest.mark.parametrize(
    ("cells", "details"),
    [
        (pd.date_range("2023-01-01", periods=60), ("powers", "weekday 2", "weekday 3")),
        (pd.bdate_range("2023-01-02", periods=60), ("powers", "weekday 2")),
        (pd.date_range("2021-01-01", periods=30, freq="MS"), ("powers", "season 2", "season 3", "season 4")),
        (pd.date_range("2023-01-02", periods=30, freq="6h"), ("powers", "weekday 2", "weekday 3", "clock 2")),
        (["12:30", "13:15", "1:05"], ()),
        (["12:30", "13:15", "1:05", "1:06"], ("powers", "clock 2")),
        (pd.date_range("2023-01-01", periods=3, freq="1000D"), ()),
    ],
)
def test_only_what_varies_has_details(cells, details):
    (found,) = Encoder.fit({"t": cells}, more=True).transforms
    assert type(found) is (DetailedTimes if details else Times)
    assert getattr(found, "details", ()) == details


def test_the_weekday_is_a_linear_function_of_three_waves():
    """One value for each day of the week, by least squares of the inputs."""
    days = pd.date_range("2023-01-01", periods=140)
    encoder = Encoder.fit({"t": days}, more=True)
    X = encoder.encode(read_table({"t": days}), "float64")
    own = [k for k, name in enumerate(encoder.feature_names) if "weekday" in name]
    y = np.array([3.0, -1, 4, 1, -5, 9, 2])[days.day_of_week]
    X = np.column_stack([X[:, own], np.ones(len(X))])
    np.testing.assert_allclose(X @ np.linalg.lstsq(X, y, rcond=None)[0], y, atol=1e-10)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["03/04/2020", "05/06/2020"], "month/day/year"),
        (["03/04/2020", "13/06/2020"], "day/month/year"),
        (["03-04-2020", "05-06-2020"], "day-month-year"),
        (["03-04-2020", "05-16-2020"], "month-day-year"),
        (["03.04.2020", "05.06.2020"], "day.month.year"),
    ],
)
def test_day_and_month_are_told_apart_by_the_whole_column(cells, form):
    cells = [*cells[:1] * 30, *cells[1:] * 30]
    for cuts in ([], [1], [30], [15, 45]):
        assert fitted(cells, cuts)[0].form == form


def test_time_stamps_and_words_are_the_same_bits():
    stamps = pd.Series(pd.to_datetime([f"{m:%Y-%m-%d %H:%M:%S.%f}" for m in moments(60)]))
    encoder = Encoder.fit({"t": stamps})
    wanted = encoder.encode(read_table({"t": stamps}))
    for cells in (
        stamps.astype(str),
        stamps.dt.strftime("%d/%m/%Y %H:%M:%S.%f"),
        pa.array(stamps).cast(pa.timestamp("us")),
        stamps.dt.tz_localize("UTC"),
    ):
        own = Encoder.fit({"t": cells})
        np.testing.assert_array_equal(own.encode(read_table({"t": cells})), wanted)
        assert own.encode(read_table({"t": stamps})).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("word", ["", "NaT", "-", "unknown", "0000-00-00", "?"])
def test_missing_times_are_flagged(word):
    encoder = Encoder.fit({"t": ["2020-01-01", word, "2021-01-01"]})
    assert encoder.feature_names[-1] == "t missing"
    X = encoder.encode(read_table({"t": ["2020-01-01", word]}))
    assert X[0, -1] == 0
    assert X[1].tolist() == [0] * (encoder.width - 1) + [1]


def test_far_times_are_near_and_slips_do_not_stretch_the_scale():
    cells = [f"2020-01-{1 + k % 28:02d}" for k in range(200)]
    found, encoder = fitted([*cells, "0001-01-01"])
    assert found.robust
    assert found.scale < 20
    X = encoder.encode(read_table({"t": ["0001-01-01", "9999-12-31", "2020-01-15"]}))
    assert np.abs(X).max() <= 4
    assert abs(X[2, 0]) < 0.2


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["2020-01-01", "soon"] * 10, "categories"),
        (["2020-01-01", "01/02/2020"] * 10, "categories"),
        (["2020-01-01", "7"] * 10, "categories"),
        (["-", ""] * 10, "presence"),
        (["2020-01-01"] * 10, "dropped"),
        ([2019, 2020, 2021], "scaled"),
        (pd.Series(pd.Categorical(["2020-01-01", "2021-01-01"] * 4)), "categories"),
    ],
)
def test_other_columns_are_no_times(cells, kind):
    encoder = Encoder.fit({"t": cells, "x": range(len(cells))})
    assert encoder.transforms[0].kind == kind


@functools.cache
def times():
    """A table of times, its encoder and its rows as that encodes them."""
    n = 6000
    table = {
        "stamp": [m.isoformat(" ") for m in moments(n)],
        "late": ["7"] * 2000 + [m.strftime("%m/%d/%Y") for m in moments(n - 2000)],
        "gaps": [None if k % 7 else m.strftime("%d.%m.%Y") for k, m in enumerate(moments(n))],
        "clock": [m.strftime("%H:%M") for m in moments(n)],
    }
    whole = Encoder.fit(Cut(table, []))
    assert [t.kind for t in whole.transforms] == ["times", "frequent", "times", "times"]
    return table, whole, whole.encode(read_table(table))


@pytest.mark.parametrize("seed", seeds(2, 4))
def test_no_bit_depends_on_the_cuts(seed):
    table, whole, X = times()
    cuts = random_cuts(len(X), seed)
    assert Encoder.fit(Cut(table, cuts)) == whole
    parts = [whole.encode(block) for block in Cut(table, cuts).blocks()]
    np.testing.assert_array_equal(np.concatenate(parts), X)


def test_a_word_among_times_is_refused_with_its_row():
    encoder = Encoder.fit({"t": ["01.02.2020", "02.02.2020", "03.02.2020"]})
    assert encoder.width == 1
    with pytest.raises(DataError, match=r"'t' holds times \(day\.month\.year\), but 'soon' came in row 2: write"):
        encoder.encode(read_table({"t": ["", "soon"]}))


def test_times_are_read_back_from_a_file():
    encoder = Encoder.fit({"t": ["2020-01-01", "", "2021-01-01"], "x": [1.0, 2.0, 3.0]})
    document, tensors = json.loads(json.dumps(encoder.document())), encoder.tensors()
    assert Encoder.from_document(document, tensors) == encoder
    for name, value in {"form": "day of doom", "parts": ["days", "eon"]}.items():
        lie = {"columns": [document["columns"][0] | {name: value}, document["columns"][1]]}
        with pytest.raises(ModelFileError, match="a form of times and parts of it"):
            Encoder.from_document(lie, tensors)


def test_times_in_detail_are_read_back_from_a_file():
    days = pd.date_range("2020-01-01", periods=800).astype(str).tolist()
    encoder = Encoder.fit({"t": days}, more=True, bins=True)
    assert isinstance(encoder.transforms[0], BinnedTimes)
    document, tensors = json.loads(json.dumps(encoder.document())), encoder.tensors()
    assert Encoder.from_document(document, tensors) == encoder
    lie = {"columns": [document["columns"][0] | {"details": ["powers", "season 9"]}]}
    with pytest.raises(ModelFileError, match="details of times"):
        Encoder.from_document(lie, tensors)
    with pytest.raises(ModelFileError, match="edges in rising order"):
        Encoder.from_document(document, {**tensors, "encoder.edges": tensors["encoder.edges"][::-1]})
