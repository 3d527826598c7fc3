"""A chart with a line for each category: dots with whiskers, or bars, beside the name of the category."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chainrule.plots.charts import LETTER, SERIES, WIDTH, Axis, apart, inside, label, svg
from chainrule.plots.markup import Markup, tag
from chainrule.text import shortened

__all__ = ["Mark", "rows_chart"]

HIGH, TOP, BOTTOM = 24, 8, 40
LONGEST = 20  # letters of a category


class Mark(NamedTuple):
    """A value of series k, and the ends of its whisker."""

    value: float
    low: float
    high: float
    k: int = 0


def rows_chart(
    rows: Sequence[tuple[str, Sequence[Mark]]], x_label: str, title: str, description: str = "", bars: bool = False
) -> Markup:
    """The chart.

    - rows: categories with their marks.
    - x_label: what the values are.
    - title, description: for those who do not see it.
    - bars: whether the values are bars from 0.
    """
    names = [shortened(name, LONGEST) for name, _ in rows]
    left = 12 + LETTER * max(map(len, names), default=1)
    bottom = TOP + HIGH * len(rows)
    ends = [end for _, marks in rows for mark in marks for end in (mark.value, mark.low, mark.high)]
    axis = Axis([*ends, *([0.0] if bars else [])], left + 6, WIDTH - 14)
    parts = [*_grid(axis, bottom, left, x_label)]
    for k, (name, (_, marks)) in enumerate(zip(names, rows, strict=True)):
        y = TOP + HIGH * (k + 0.5)
        parts.append(label(left - 4, y + 4, name, "end"))
        step = 0.0 if len(marks) < 2 else min(5.0, (HIGH - 8) / (len(marks) - 1))
        for j, mark in enumerate(marks):
            parts += _mark(axis, mark, y + (j - (len(marks) - 1) / 2) * step, bars)
    return svg(WIDTH, bottom + BOTTOM, title, description, *parts)


def _mark(axis: Axis, mark: Mark, y: float, bars: bool) -> list[Markup]:
    low, high = (f"{axis.at(end):.1f}" for end in (mark.low, mark.high))
    kind, place = f"s{mark.k % SERIES}", f"{y:.1f}"
    whisker = tag("line", x1=low, x2=high, y1=place, y2=place, class_=f"whisker {'ink' if bars else kind}")
    if not bars:
        return [whisker, tag("circle", cx=f"{axis.at(mark.value):.1f}", cy=place, r="4", class_=f"dot {kind}")]
    start, stop = sorted((axis.at(0.0), axis.at(mark.value)))
    size = {"x": f"{start:.1f}", "y": f"{y - 7:.1f}", "width": f"{max(stop - start, 1):.1f}", "height": "14"}
    return [tag("rect", class_=f"bar {kind}", **size), whisker]


def _grid(axis: Axis, bottom: float, left: float, x_label: str) -> list[Markup]:
    parts = []
    for x, name in apart(axis.ticks(5)):
        parts.append(tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=TOP, y2=f"{bottom:g}", class_="grid"))
        parts.append(label(inside(x, name), bottom + 15, name, "middle"))
    return [*parts, label((left + WIDTH) / 2, bottom + 33, x_label, "middle")]
