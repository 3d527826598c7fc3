"""A cell as a time, in seconds since 1970: what `dates.times_in` does, for one cell."""

from __future__ import annotations

import datetime
import functools
import math
import re
from typing import Any

import numpy as np

from chainrule.tables.inputs.cells.texts import OddCellError, word_of
from chainrule.tables.profile.dates import CENTURY, CLOCK, DAY, FORMS, ISO, LONGEST, NAMES, NO_TIME

__all__ = ["day_of_year", "seconds_in"]

_EPOCH = datetime.date(1970, 1, 1).toordinal()
_ABSENT = frozenset(NO_TIME)
_UNITS = ("D", "s", "ms", "us")
_FIRST_YEAR = 1000  # from here on a year has four digits in every text


def seconds_in(cell: Any, form: str) -> float | None:
    """The seconds since 1970 of a time in a form, or with the year first; None where the cell is missing.

    >>> seconds_in("2.1.1970 0:01", "day.month.year"), seconds_in(datetime.date(1970, 1, 2), "day.month.year")
    (86460.0, 86400.0)

    Raises OddCellError for any other cell.
    """
    if isinstance(cell, datetime.date | np.datetime64) and form != CLOCK:
        return _of_calendar(cell)
    word = word_of(cell)
    if word is None or word in _ABSENT:
        return None
    seconds = _seconds_of(word, form)
    if math.isnan(seconds) and form != CLOCK:
        seconds = _seconds_of(word, ISO)
    if math.isnan(seconds):
        raise OddCellError
    return seconds


def day_of_year(seconds: float) -> int:
    """The days since the first of January.

    >>> day_of_year(0.0), day_of_year(-1.0)
    (0, 364)
    """
    day = datetime.date.fromordinal(math.floor(seconds / DAY) + _EPOCH)
    return day.toordinal() - datetime.date(day.year, 1, 1).toordinal()


def _of_calendar(cell: Any) -> float:
    """The seconds of a date or a time of Python, NumPy or pandas, without a time zone, to the microsecond."""
    if isinstance(cell, np.datetime64):
        unit, count = np.datetime_data(cell.dtype)
        cell = cell.item() if unit in _UNITS and count == 1 else None
    if not isinstance(cell, datetime.date) or not cell.year >= _FIRST_YEAR:  # NaT has no year
        raise OddCellError
    days = cell.toordinal() - _EPOCH
    if not isinstance(cell, datetime.datetime):
        return DAY * days
    if cell.tzinfo is not None or getattr(cell, "nanosecond", None):
        raise OddCellError
    second = (cell.second * 1_000_000 + cell.microsecond) / 1_000_000  # the float that its decimals stand for
    return 3600 * cell.hour + 60 * cell.minute + second + DAY * days


def _seconds_of(word: str, form: str) -> float:
    """The same as `dates.seconds_of` for one word of ASCII characters: NaN where it is not such a time."""
    match = _pattern(form).fullmatch(word) if len(word) <= LONGEST and word.isprintable() else None
    if match is None:
        return math.nan
    part = match.groupdict(default="")
    clock = _clock(part)
    return clock if form == CLOCK else clock + DAY * _days(part)


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(FORMS[form], re.IGNORECASE | re.ASCII)


def _days(part: dict[str, str]) -> float:
    """The days since 1970-01-01; NaN where there is no such day."""
    year = int(part["year"])
    if len(part["year"]) == 2:
        year += 2000 if year < CENTURY else 1900
    month = int(part["month"]) if "month" in part else NAMES.index(part["name"].lower()) + 1
    try:
        return datetime.date(year, month, int(part.get("day", 1))).toordinal() - _EPOCH
    except ValueError:
        return math.nan


def _clock(part: dict[str, str]) -> float:
    """The seconds since midnight; NaN where there is no such time."""
    if not part.get("hour"):
        return 0.0
    hour, low = int(part["hour"]), int(part.get("minute") or 0)
    second = float((part.get("second") or "0").replace(",", "."))
    half = part.get("half")
    if low > 59 or second >= 61 or (not 1 <= hour <= 12 if half else hour > 23):
        return math.nan
    hour = hour % 12 + 12 * (half[0] in "pP") if half else hour
    return 3600 * hour + 60 * low + second
