"""Charts as inline SVG without a library: axes, lines, dots, bars and whiskers.

Colours are those of the page's style sheet: series k has the classes `line sk`, `dot sk` or `bar sk`, k from 0 to 5.
Every chart has a title, and lines differ in their dashes too, so that nothing is said by colour alone. A chart is 360
units wide: its letters can be read on a telephone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from chainrule.plots.figures import log_scale_helps
from chainrule.plots.markup import Markup, joined, tag
from chainrule.plots.scales import powers, range_of, round_values, tick_text

__all__ = ["LETTER", "SERIES", "WIDTH", "Axis", "Chart", "Points", "apart", "inside", "key", "label", "svg"]

SERIES = 6  # series that have a colour
WIDTH, HEIGHT = 360, 224
TOP, RIGHT, BOTTOM = 12, 12, 40
LETTER = 6.7  # the width of a letter
FARTHEST = 1e300  # numbers beyond it are drawn at it
_DASHES = (None, "7 3", "2 3", "9 3 2 3", "4 2", "1 2")

Points = Sequence[tuple[float, float]]


class Axis:
    """Maps values to places from `start` to `stop`.

    - values: what must be on the axis.
    - log: whether it is logarithmic; all values are above 0 then.
    - names: texts at places 0, 1, ... in place of round values.

    >>> axis = Axis([0.0, 10.0], 0, 100)
    >>> axis.at(5.0), axis.ticks(2)
    (50.0, [(0.0, '0'), (50.0, '5'), (100.0, '10')])
    """

    def __init__(
        self,
        values: Iterable[float],
        start: float,
        stop: float,
        log: bool = False,
        ticks: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        self._log, self._start, self._stop, self._ticks = log, start, stop, ticks
        finite = [_bounded(value) for value in values if math.isfinite(value)] or [0.0]
        self._low, self._high = range_of([self._scaled(value) for value in finite])

    def at(self, value: float) -> float:
        """The place of a value."""
        share = (self._scaled(_bounded(value)) - self._low) / (self._high - self._low)
        return self._start + share * (self._stop - self._start)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """About `most` places with their texts."""
        if self._ticks is not None:
            return [(self.at(value), name) for value, name in self._ticks]
        values = powers(self._low, self._high) if self._log else round_values(self._low, self._high, most)
        return [(self.at(value), tick_text(value)) for value in values]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self._log else value


class Chart:
    """A chart of numbers over numbers.

    - x, y: all values that must be on the axes.
    - labels: what the axes show.
    - log: whether the axes are logarithmic; None for y where that helps.
    - ticks: places and texts of the x axis in place of round values.
    """

    def __init__(
        self,
        x: Sequence[float],
        y: Sequence[float],
        labels: tuple[str, str],
        log: tuple[bool, bool | None] = (False, None),
        ticks: Sequence[tuple[float, str]] | None = None,
    ) -> None:
        log_y = log_scale_helps(list(y)) if log[1] is None else log[1]
        self._bottom = HEIGHT - BOTTOM
        self._y = Axis(y, self._bottom, TOP + 16, log_y)
        self._left = 14 + LETTER * max((len(name) for _, name in self._y.ticks(5)), default=1)
        self._x = Axis(x, self._left + 4, WIDTH - RIGHT, log[0], ticks)
        self._labels = labels
        self._marks = [self._grid()]

    def line(self, points: Points, k: int = 0, thin: bool = False) -> None:
        """A line of series k; `thin` for one of many."""
        places = [(self._x.at(x), self._y.at(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        if len(places) == 1:
            self.dots(points, k)
        elif places:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            dashes = None if thin else _DASHES[k % SERIES]
            self._marks.append(
                tag("polyline", points=path, class_=f"line s{k % SERIES}{' thin' * thin}", stroke_dasharray=dashes)
            )

    def dots(self, points: Points, k: int = 0, radius: float = 3.2, faint: bool = False) -> None:
        """Dots of series k; `faint` for many."""
        for x, y in points:
            if math.isfinite(x) and math.isfinite(y):
                place = {"cx": f"{self._x.at(x):.1f}", "cy": f"{self._y.at(y):.1f}", "r": f"{radius:g}"}
                self._marks.append(tag("circle", class_=f"dot s{k % SERIES}{' faint' * faint}", **place))

    def bars(self, bars: Iterable[tuple[float, float, float]], k: int = 0) -> None:
        """Bars of series k from 0 upwards: from x to x, and their height."""
        base = self._y.at(0.0)
        for left, right, height in bars:
            start, stop, top = self._x.at(left), self._x.at(right), self._y.at(height)
            size = {"width": f"{max(stop - start - 0.6, 0.6):.1f}", "height": f"{max(base - top, 0):.1f}"}
            self._marks.append(tag("rect", class_=f"bar s{k % SERIES}", x=f"{start:.1f}", y=f"{top:.1f}", **size))

    def whisker(self, x: float, low: float, high: float, k: int = 0) -> None:
        """A vertical line from low to high."""
        place = f"{self._x.at(x):.1f}"
        self._marks.append(_line(place, f"{self._y.at(low):.1f}", place, f"{self._y.at(high):.1f}", f"whisker s{k}"))

    def rule(self, start: tuple[float, float], stop: tuple[float, float]) -> None:
        """A thin line to compare with."""
        x1, y1, x2, y2 = (f"{place:.1f}" for x, y in (start, stop) for place in (self._x.at(x), self._y.at(y)))
        self._marks.append(_line(x1, y1, x2, y2, "rule"))

    def svg(self, title: str, description: str = "") -> Markup:
        """The chart; title and description are for those who do not see it."""
        return svg(WIDTH, HEIGHT, title, description, *self._marks)

    def _grid(self) -> Markup:
        """Round values on both axes, and what the axes show."""
        end, parts = WIDTH - RIGHT, []
        for y, name in self._y.ticks(5):
            parts.append(_line(f"{self._left:.1f}", f"{y:.1f}", str(end), f"{y:.1f}", "grid"))
            parts.append(label(self._left - 6, y + 4, name, "end"))
        for x, name in apart(self._x.ticks(5)):
            parts.append(_line(f"{x:.1f}", str(self._bottom), f"{x:.1f}", str(self._bottom + 4), "axis"))
            parts.append(label(inside(x, name), self._bottom + 17, name, "middle"))
        parts.append(_line(f"{self._left:.1f}", str(self._bottom), str(end), str(self._bottom), "axis"))
        parts.append(label((self._left + end) / 2, HEIGHT - 6, self._labels[0], "middle"))
        parts.append(label(4, TOP + 2, self._labels[1], "start"))
        return joined(*parts)


def svg(width: float, height: float, title: str, description: str, *children: object) -> Markup:
    """An SVG picture with a title, and a description if there is one."""
    texts = [tag("title", title), tag("desc", description) if description else None]
    size = {"viewBox": f"0 0 {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    return tag("svg", *texts, *children, role="img", class_="chart", **size)


def label(x: float, y: float, words: str, anchor: str) -> Markup:
    """A text at a place."""
    return tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor)


def key(names: Sequence[str]) -> Markup | None:
    """The names of series 0, 1, ... beside their colours and dashes; None for a single one."""
    if len(names) < 2:
        return None
    entries = (
        tag(
            "li",
            tag(
                "svg",
                tag("line", x1="0", x2="26", y1="5", y2="5", class_=f"line s{k}", stroke_dasharray=_DASHES[k]),
                viewBox="0 0 26 10",
                width="26",
                height="10",
                aria_hidden="true",
            ),
            f" {name}",
        )
        for k, name in enumerate(names[:SERIES])
    )
    return tag("ul", *entries, class_="key")


def _line(x1: str, y1: str, x2: str, y2: str, kind: str) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def _bounded(value: float) -> float:
    return max(-FARTHEST, min(FARTHEST, value))


def apart(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """The ticks without those whose texts would touch the one before."""
    kept: list[tuple[float, str]] = []
    for x, name in ticks:
        if not kept or abs(x - kept[-1][0]) > LETTER * (len(name) + len(kept[-1][1])) / 2 + 8:
            kept.append((x, name))
    return kept


def inside(x: float, name: str) -> float:
    """The middle of a text at x, moved so that its end stays inside the picture."""
    return min(x, WIDTH - 2 - LETTER * len(name) / 2)
