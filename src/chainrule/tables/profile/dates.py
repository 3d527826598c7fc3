"""Dates and times of day: the form in which a column of words writes them, and their seconds.

A column holds times if all cells that are not missing are times in one form. The clock is taken as it is written: a
time zone after it (`Z`, `+02`, `EST`, `Europe/Berlin`) is ignored. Months have English names.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.tables.arrow import pa, pc
from chainrule.tables.columns import words_of
from chainrule.tables.missing import PLACEHOLDERS, among, plain_characters, without
from chainrule.tables.profile.fits import Fits
from chainrule.tables.profile.moments import Running
from chainrule.tables.profile.sample import Sample

__all__ = [
    "CENTURY",
    "CLOCK",
    "DAY",
    "FORMS",
    "ISO",
    "LONGEST",
    "NAMES",
    "NO_TIME",
    "UNMARKED",
    "Days",
    "Forms",
    "Spread",
    "clock_text",
    "seconds_of",
    "time_text",
    "times_in",
]

DAY = 86400.0  # seconds

Values = NDArray[np.float64]

_YEAR, _MONTH, _DAY = r"(?P<year>[0-9]{4})", r"(?P<month>[0-9]{1,2})", r"(?P<day>[0-9]{1,2})"
_SHORT = r"(?P<year>[0-9]{4}|[0-9]{2})"
_NAME = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?"
_SECOND = r"(?P<second>[0-9]{2}(?:[.,][0-9]+)?)"
_HALF = r"(?P<half>[ap]\.?m\.?)?"
_TIME = rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})(?::{_SECOND})?\s?{_HALF}"
_OFFSET = r"(?:utc|gmt)?[+-][0-9]{1,2}(?::?[0-9]{2}){0,2}"
_ZONE = rf"(?:z|{_OFFSET}|[a-z]{{2,5}}|[a-z]+(?:/[a-z_]+)+)?\s?(?:\[[a-z_/+-]+\]|\([a-z +-]+\))?"
_POINTS = rf"(?P<hour>[0-9]{{1,2}})[:.](?P<minute>[0-9]{{2}})(?:[:.]{_SECOND})?\s?{_HALF}"  # as Oracle writes them
_BEHIND = rf"(?:(?:t|:|,?\s+){_POINTS}\s?{_ZONE})?"
ISO, UNMARKED, CLOCK = "year-month-day", "yearmonthday", "hour:minute"

FORMS = {
    ISO: rf"{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}{_BEHIND}",
    "year-month-dayThour": rf"{_YEAR}-{_MONTH}-{_DAY}t(?P<hour>[0-9]{{2}})\s?{_ZONE}",
    UNMARKED: rf"(?P<year>(?:1[5-9]|2[01])[0-9]{{2}})(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})"
    rf"(?:t(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}})(?:{_SECOND})?\s?{_ZONE})?",
    "year-month": r"(?P<year>(?:1[5-9]|2[01])[0-9]{2})-(?P<month>[0-9]{2})",
    "day/month/year": rf"{_DAY}/{_MONTH}/{_SHORT}{_BEHIND}",
    "month/day/year": rf"{_MONTH}/{_DAY}/{_SHORT}{_BEHIND}",
    "day.month.year": rf"{_DAY}\.\s?{_MONTH}\.\s?{_SHORT}{_BEHIND}",
    "day-month-year": rf"{_DAY}-{_MONTH}-{_SHORT}{_BEHIND}",
    "month-day-year": rf"{_MONTH}-{_DAY}-{_SHORT}{_BEHIND}",
    "short year-month-day": rf"(?P<year>[0-9]{{2}})-{_MONTH}-{_DAY}{_BEHIND}",
    "day name year": rf"{_WEEKDAY}{_DAY}(?:st|nd|rd|th)?[-.\s/]+{_NAME}[-,\s/]+{_SHORT}{_BEHIND}",
    "name day, year": rf"{_WEEKDAY}{_NAME}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}{_BEHIND}",
    "name day time year": rf"{_WEEKDAY}{_NAME}\s+{_DAY}\s+{_TIME}\s?{_ZONE}\s+{_YEAR}",
    "name year": rf"{_NAME}[-.,\s/]+{_YEAR}",
    "year年month月day日": rf"{_YEAR}\s?[年년]\s?{_MONTH}\s?[月월]\s?{_DAY}\s?[日일]?{_BEHIND}",
    CLOCK: _TIME,
}
"""The patterns of a whole cell by the names of the forms. If two fit all cells, the first is taken, except that
month/day/year is preferred to day/month/year."""

NO_TIME = (*PLACEHOLDERS, "0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00", "00/00/0000", "00.00.0000")
"""Words that stand for a missing time."""
NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST = 100  # characters of a time
_FIRST_DAY, _LAST_DAY = 15000101, 22000101  # numbers that may be dates: the years of the form UNMARKED
_LEAST_DAYS = 10  # numbers that are all dates, from which on this is not by chance
CENTURY = 69  # from here on two digits are a year of the last century, as in POSIX


class Spread:
    """The times of a column: the moments of their days, and which days and minutes of a calendar occur."""

    def __init__(self) -> None:
        self.days, self.sample = Running(), Sample()
        self._weekdays, self._minutes = np.zeros(7, np.bool_), np.zeros(1440, np.bool_)
        self._days_of_year, self._days_of_month = np.zeros(366, np.bool_), np.zeros(31, np.bool_)

    def add(self, seconds: Values) -> None:
        """Take the next times (k,), in seconds since 1970, none of them missing."""
        self.days.add(seconds / DAY)
        self.sample.add(seconds / DAY)
        self._weekdays[weekday(seconds)] = True
        self._minutes[minute(seconds)] = True
        self._days_of_year[day_of_year(seconds)] = True
        self._days_of_month[_day_of_month(seconds)] = True

    @property
    def days_of_year(self) -> int:
        """The number of different days of the year."""
        return int(self._days_of_year.sum())

    @property
    def days_of_month(self) -> int:
        """The number of different days of the month: where there is one, weekdays are an accident of the calendar."""
        return int(self._days_of_month.sum())

    @property
    def weekdays(self) -> int:
        """The number of different weekdays."""
        return int(self._weekdays.sum())

    def places(self, cycle: str) -> int:
        """The number of different places in a cycle: days of the year or the week, or minutes of the day."""
        return {"season": self.days_of_year, "weekday": self.weekdays, "clock": self.minutes}[cycle]

    @property
    def minutes(self) -> int:
        """The number of different minutes of the day."""
        return int(self._minutes.sum())


class Forms:
    """The forms in which all cells of a column so far are times: `possible` has the spread of the times under each.

    `fits` counts the times in each form, and has the first cell that is not one.

    >>> import pyarrow as pa
    >>> forms = Forms()
    >>> forms.add(pa.array(["3/4/2020", None], pa.large_string()), np.arange(2))
    >>> list(forms.possible)
    ['day/month/year', 'month/day/year']
    >>> forms.add(pa.array(["13/4/2020"], pa.large_string()), np.array([2]))
    >>> forms.chosen
    'day/month/year'
    """

    def __init__(self) -> None:
        self._spreads: dict[str, Spread] = {}
        self.fits = Fits(_forms_of, lambda words: functools.partial(seconds_of, words))
        self.placeholders = 0  # cells with a word that stands for a missing time

    def add(self, words: pa.Array, rows: NDArray[np.int64], digits: bool = True) -> None:
        """Take the words (n,) of the next rows, null where missing; `digits` says whether one of them has a digit."""
        times = plain_characters(_without_placeholders(words))
        self.placeholders += times.null_count - words.null_count
        for form, seconds in self.fits.add(times, rows, digits).items():
            if self.fits.forms[form].first_odd is None:
                self._spreads.setdefault(form, Spread()).add(seconds[~np.isnan(seconds)])

    @property
    def possible(self) -> dict[str, Spread]:
        """The spread of the times under each form that all cells have."""
        whole = self.fits.whole()
        return {form: self._spreads[form] for form in FORMS if form in whole}

    @property
    def chosen(self) -> str | None:
        """The form of the column, None if it does not hold times."""
        forms = list(self.possible)
        return "month/day/year" if "month/day/year" in forms else next(iter(forms), None)

    @property
    def doubtful(self) -> bool:
        """Whether the day could be the month and the month the day."""
        return len(self.possible) > 1


class Days:
    """Whether numbers are dates without marks, such as 20240229: all are, and there are ten of them or more.

    >>> days = Days()
    >>> days.add(np.arange(20240201.0, 20240230.0))
    >>> days.certain
    True
    """

    def __init__(self) -> None:
        self._count, self._others = 0, False

    def add(self, values: Values) -> None:
        """Take the next numbers (n,), NaN where missing."""
        values = values[~np.isnan(values)] if not self._others else values[:0]
        if not len(values):
            return
        whole = (values >= _FIRST_DAY) & (values < _LAST_DAY) & (values == np.trunc(values))
        self._others = not whole[0] or not whole.all() or not _are_days(values.astype(np.int64)).all()
        self._count += len(values)

    @property
    def certain(self) -> bool:
        """Whether the numbers are dates."""
        return not self._others and self._count >= _LEAST_DAYS


def times_in(column: Any, form: str, name: str = "?") -> tuple[Values, int]:
    """The times of a column (n,), seconds since 1970, NaN where missing; and the first cell that is not a time, or -1.

    Cells with the year first are read under every form, because time stamps are written so.
    """
    words = _without_placeholders(words_of(column, name))
    seconds = seconds_of(words, form)
    seconds = np.where(np.isnan(seconds), seconds_of(words, ISO), seconds) if form != CLOCK else seconds
    wrong = np.isnan(seconds) & ~np.asarray(words.is_null())
    return seconds, int(wrong.argmax()) if wrong.any() else -1


def seconds_of(words: pa.Array, form: str) -> Values:
    """The seconds (n,) since 1970 of times in a form, NaN for any other word.

    >>> import pyarrow as pa
    >>> seconds_of(pa.array(["2.1.1970 0:01", "32.1.1970"], pa.large_string()), "day.month.year")
    array([86460.,    nan])
    """
    matches = pc.extract_regex(plain_characters(words), rf"(?i)^{FORMS[form]}$")
    part = {field.name: pc.struct_field(matches, field.name) for field in matches.type}
    seconds = _clock(part)
    if form != CLOCK:
        seconds += DAY * _days(part)
    seconds[np.asarray(matches.is_null())] = np.nan
    return seconds


def time_text(seconds: float) -> str:
    """Seconds since 1970 as `2024-02-29 13:30:00.25`, to the microsecond, without what is 0 at the end.

    >>> time_text(86400.0), time_text(90061.5), time_text(-0.25)
    ('1970-01-02', '1970-01-02 01:01:01.5', '1969-12-31 23:59:59.75')
    """
    day, rest = divmod(round(seconds * 1e6), round(DAY * 1e6))
    date = str(np.datetime64(day, "D"))
    return f"{date} {clock_text(rest / 1e6)}" if rest else date


def clock_text(seconds: float) -> str:
    """Seconds since midnight as `13:30:00.25`, to the microsecond.

    >>> clock_text(48600.25), clock_text(61.0)
    ('13:30:00.25', '00:01:01')
    """
    seconds, micro = divmod(round(seconds * 1e6), 1_000_000)
    fraction = f".{micro:06d}".rstrip("0") if micro else ""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{fraction}"


def _forms_of(word: str) -> list[str]:
    """The forms in which a word is a time, most likely: what its digits mean is not checked."""
    if len(word) > LONGEST or not any("0" <= c <= "9" for c in word):
        return []
    return [form for form, pattern in _compiled().items() if pattern.fullmatch(word)]


@functools.cache
def _compiled() -> dict[str, re.Pattern[str]]:
    return {form: re.compile(pattern, re.IGNORECASE) for form, pattern in FORMS.items()}


def weekday(seconds: Values) -> NDArray[np.int64]:
    """The days of the week, 0 for Monday."""
    return ((np.floor(seconds / DAY) + 3) % 7).astype(np.int64)


def minute(seconds: Values) -> NDArray[np.int64]:
    """The minutes of the day, from 0."""
    return (seconds % DAY // 60).astype(np.int64)


def day_of_year(seconds: Values) -> NDArray[np.int64]:
    """The days since the first of January."""
    return _days_since(seconds, "datetime64[Y]")


def _day_of_month(seconds: Values) -> NDArray[np.int64]:
    """The days since the first of the month."""
    return _days_since(seconds, "datetime64[M]")


def _days_since(seconds: Values, unit: str) -> NDArray[np.int64]:
    """The days since the beginning of the year or the month."""
    days = np.floor(seconds / DAY).astype("datetime64[D]")
    return (days - days.astype(unit).astype("datetime64[D]")).astype(np.int64)


def _without_placeholders(words: pa.Array) -> pa.Array:
    """The words, null where one stands for a missing time."""
    return without(words, among(words, NO_TIME))


def _days(part: dict[str, pa.Array]) -> Values:
    """The days since 1970-01-01 of year, month (by number or name) and day; NaN where there is no such day."""
    year = _number(part["year"], 2000)
    short = _length(part["year"]) == 2
    year = np.where(short, year + np.where(year < CENTURY, 2000, 1900), year)
    month = _number(part["month"], 1) if "month" in part else _month(part["name"])
    day = _number(part["day"], 1) if "day" in part else np.ones(len(year))
    valid = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.float64)
    last = (months + 1).astype("datetime64[D]").astype(np.float64)
    days = first + day - 1
    return np.where(valid & (days < last), days, np.nan)


def _clock(part: dict[str, pa.Array]) -> Values:
    """The seconds since midnight; NaN where there is no such time."""
    if "hour" not in part:
        return np.zeros(len(next(iter(part.values()))))
    nothing = pa.nulls(len(part["hour"]), part["hour"].type)
    words = {name: part.get(name, nothing) for name in ("hour", "minute", "second", "half")}
    hour, low, second = _number(words["hour"], 0), _number(words["minute"], 0), _number(words["second"], 0)
    half, afternoon = _length(words["half"]) > 0, _begins(words["half"], "p")
    wrong = (low > 59) | (second >= 61) | np.where(half, (hour < 1) | (hour > 12), hour > 23)
    hour = np.where(half, hour % 12 + 12 * afternoon, hour)
    return np.where(wrong, np.nan, 3600 * hour + 60 * low + second)


def _are_days(numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of the numbers yyyymmdd are days of the calendar."""
    year, month, day = numbers // 10000, numbers // 100 % 100, numbers % 100
    valid = (month >= 1) & (month <= 12) & (day >= 1)
    first = np.where(valid, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    length = ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.int64)
    return valid & (day <= length)


def _number(words: pa.Array, otherwise: float) -> Values:
    """Words of digits as numbers; `otherwise` where there are none."""
    empty = pc.fill_null(pc.equal(words, ""), True)
    points = pc.replace_substring(pc.if_else(empty, pa.scalar(None, words.type), words), ",", ".")
    numbers = pc.cast(points, pa.float64())
    return np.array(pc.fill_null(numbers, otherwise))


def _length(words: pa.Array) -> NDArray[Any]:
    return np.asarray(pc.fill_null(pc.utf8_length(words), 0))


def _begins(words: pa.Array, letter: str) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(pc.starts_with(words, letter, ignore_case=True), False))


def _month(names: pa.Array) -> Values:
    lower = pc.utf8_lower(names)
    return np.array(pc.fill_null(pc.index_in(lower, value_set=pa.array(NAMES, lower.type)), -1), np.float64) + 1
