"""Times as people write them, `2024-02-29 13:30:00.25`, as numbers: by splitting texts, and by counting days.

A time is `DATE`, `DATE CLOCK` or `DATETCLOCK`, with a clock `hh:mm` or `hh:mm:ss`, or without marks `20240229`,
`20240229T1330` or `20240229T133000.25`. Texts are split at places that are written behind every cell first, so that a
column has as many parts whatever is in it. One more row goes through, because parts of no rows have no width.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from chainrule.export.onnx.graph import Graph, number, texts, whole
from chainrule.tables.profile.dates import CLOCK, UNMARKED

__all__ = ["Moment"]

_START = "1970-01-01"
_BARE = "(1[5-9]|2[01])[0-9]{6}(T[0-9]{4}([0-9]{2}.*|[^0-9].*)?)?"  # 20240229T133000: a time without marks
_DAYS = 719_162  # from 0001-01-01 to 1970-01-01
_BEFORE = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30]).astype(np.float64)  # days before a month
_CENTURIES, _SIGNS = np.array([[4.0, 100.0, 400.0]]), np.array([[1.0], [-1.0], [1.0]])  # of leap years


@dataclasses.dataclass(frozen=True)
class Moment:
    """The date and the clock of cells: year, month, day, hour, minute and second, [N, 1] each, in float64."""

    graph: Graph
    date: tuple[str, ...]
    clock: tuple[str, ...]

    @classmethod
    def of(cls, graph: Graph, source: str, missing: str, form: str) -> Moment:
        """The times of texts [N, 1] of a column in this form, which are the beginning of 1970 where missing."""
        add = graph.add
        if form == CLOCK:
            source = add("StringConcat", texts([f"{_START} "]), source)
        source = add("Where", missing, texts([_START]), source)
        source = add("Concat", source, texts([_START]).reshape(1, 1), axis=0)
        if form == UNMARKED:
            source = _with_marks(graph, source)
        date, clock = _pair(graph, _with_space(graph, source), " ")
        clock = add("StringConcat", clock, texts([":00"]))
        return cls(graph, _numbers(graph, date, "-"), _numbers(graph, clock, ":"))

    @property
    def days(self) -> str:
        """The days since 1970-01-01."""
        add = self.graph.add
        before = add("Sub", self.date[0], number(1))
        years = add("Add", add("Mul", before, number(365)), self._leap_years(before))
        return add("Add", years, add("Sub", self.day_of_year, number(_DAYS)))

    @property
    def day_of_year(self) -> str:
        """The days since the first of January."""
        add, (_, month, day) = self.graph.add, self.date
        late = add("Where", add("Greater", month, number(2)), self._leap_day, number(0))
        first = add("Gather", _BEFORE, self._whole(add("Sub", month, number(1))), axis=0)
        return add("Add", add("Add", first, late), add("Sub", day, number(1)))

    @property
    def seconds(self) -> str:
        """The seconds since 1970."""
        add, (hour, minute, second) = self.graph.add, self.clock
        clock = add("Add", add("Add", add("Mul", hour, number(3600)), add("Mul", minute, number(60))), second)
        return add("Add", add("Mul", self.days, number(86400)), clock)

    def place(self, cycle: str) -> str:
        """The place (from 0) in a cycle: the day of the year, of the week from Monday, or the minute of the day."""
        return self._whole({"season": self._season, "weekday": self._weekday, "clock": self._minute}[cycle]())

    @property
    def _day(self) -> str:
        """The days since 1970-01-01, of which 23:59:60 and what rounds to it begin a new one."""
        return self.graph.add("Floor", self.graph.add("Div", self.seconds, number(86400)))

    def _season(self) -> str:
        add = self.graph.add
        place = add("Add", self.day_of_year, add("Sub", self._day, self.days))
        return add("Where", add("Less", place, add("Add", self._leap_day, number(365))), place, number(0))

    def _weekday(self) -> str:
        add = self.graph.add
        since = add("Add", self._day, number(3))  # since a Monday
        weeks = add("Floor", add("Div", since, number(7)))
        return add("Sub", since, add("Mul", weeks, number(7)))

    def _minute(self) -> str:
        add = self.graph.add
        clock = add("Sub", self.seconds, add("Mul", self._day, number(86400)))
        return add("Floor", add("Div", clock, number(60)))

    @property
    def _leap_day(self) -> str:
        """1 in a leap year, 0 in another one."""
        add, year = self.graph.add, self.date[0]
        return add("Sub", self._leap_years(year), self._leap_years(add("Sub", year, number(1))))

    def _leap_years(self, year: str) -> str:
        """The leap years from the year 1 to this one."""
        quotients = self.graph.add("Floor", self.graph.add("Div", year, _CENTURIES))
        return self.graph.add("MatMul", quotients, _SIGNS)

    def _whole(self, value: str) -> str:
        return _cast(self.graph, value, "INT64")


def _with_marks(graph: Graph, source: str) -> str:
    """`20240229T133000` as `2024-2-29T13:30:0`; other texts as they are."""
    add = graph.add
    bare = add("RegexFullMatch", source, pattern=_BARE)
    some = add("StringConcat", add("Where", bare, source, texts(["19700101"])), texts(["T0000"]))
    date, clock = _pair(graph, some, "T")
    seconds = add("Where", add("RegexFullMatch", clock, pattern="[0-9]{6}.*"), number(1), number(100))
    day, second = _cast(graph, date, "DOUBLE"), add("Mul", _cast(graph, clock, "DOUBLE"), seconds)
    date_and_mark = add("StringConcat", _joined(graph, day, "-"), texts(["T"]))
    return add("Where", bare, add("StringConcat", date_and_mark, _joined(graph, second, ":")), source)


def _joined(graph: Graph, value: str, mark: str) -> str:
    """Numbers such as 20240229 as texts with marks, `2024-2-29`; a fraction at the end stays."""
    add, parts = graph.add, []
    for unit in (10_000, 100):
        part = add("Floor", add("Div", value, number(unit)))
        parts.append(_cast(graph, _cast(graph, part, "INT64"), "STRING"))
        value = add("Sub", value, add("Mul", part, number(unit)))
    head = add("StringConcat", add("StringConcat", parts[0], texts([mark])), parts[1])
    return add("StringConcat", add("StringConcat", head, texts([mark])), _cast(graph, value, "STRING"))


def _cast(graph: Graph, value: str, dtype: str) -> str:
    from onnx import TensorProto

    return graph.add("Cast", value, to=getattr(TensorProto, dtype))


def _with_space(graph: Graph, source: str) -> str:
    """`DATETCLOCK` as `DATE CLOCK`, and a clock of midnight behind what has none."""
    add = graph.add
    first, rest = _pair(graph, add("StringConcat", source, texts([" 00:00T"])), "T")
    return add("StringConcat", add("StringConcat", first, texts([" "])), rest)


def _pair(graph: Graph, source: str, delimiter: str) -> tuple[str, str]:
    """The first two parts of texts [N, 1], likewise [N, 1]."""
    parts = graph.several(2, "Split", _parts(graph, source, delimiter, 2), axis=2, num_outputs=2)
    first, second = (graph.add("Squeeze", part, whole(2)) for part in parts)
    return first, second


def _parts(graph: Graph, source: str, delimiter: str, count: int) -> str:
    """The first parts [N, 1, count] of texts [N, 1]."""
    parts, _ = graph.several(2, "StringSplit", source, delimiter=delimiter)
    return graph.add("Slice", parts, whole(0), whole(count), whole(2))


def _numbers(graph: Graph, source: str, delimiter: str) -> tuple[str, ...]:
    """Three numbers [N, 1] each between delimiters, without those of the last row."""
    parts = _cast(graph, _parts(graph, source, delimiter, 3), "DOUBLE")
    flat = graph.add("Squeeze", parts, whole(1))
    rows = graph.add("Slice", flat, whole(0), whole(-1), whole(0))
    return graph.several(3, "Split", rows, axis=1, num_outputs=3)
