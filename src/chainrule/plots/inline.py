"""Small curves as inline SVG, for notebooks: no library, and colours that follow the page's, light or dark."""

import html
import math
from collections.abc import Mapping, Sequence

from chainrule.plots.figures import COLOURS, log_scale_helps

__all__ = ["lines_svg"]

Line = tuple[Sequence[float], Sequence[float]]

_WIDTH, _HEIGHT = 460, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 30, 36
_MOST = 400  # points of a line, more than there are pixels for


def lines_svg(lines: Mapping[str, Line], x_label: str, caption: str = "", mark: float | None = None) -> str:
    """A figure in HTML with one curve for each name, given as its x and y; `mark` is an x to point out.

    Text and axes have the page's own colour (currentColor). The y axis is logarithmic where that helps.

    >>> lines_svg({"cost": ([1, 2, 3], [3.0, 2.0, 1.5])}, "epoch")[:24]
    '<figure style="margin:0"'
    """
    kept = {name: _thin(x, y) for name, (x, y) in lines.items()}
    kept = {name: points for name, points in kept.items() if points}
    words = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    if not kept:
        return f'<figure style="margin:0"><p>no epoch was finished</p>{words}</figure>'
    everything = [point for points in kept.values() for point in points]
    log = log_scale_helps([y for _, y in everything])
    place = _Place([x for x, _ in everything], [y for _, y in everything], log)
    parts = [place.axes(x_label), *([place.mark(mark)] if mark is not None else [])]
    for k, (name, points) in enumerate(kept.items()):
        parts += [place.line(points, COLOURS[k % len(COLOURS)]), _key(k, name, COLOURS[k % len(COLOURS)])]
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    style = 'style="max-width:100%;height:auto;font:11px sans-serif" fill="currentColor"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {style}>{"".join(parts)}</svg>'
    return f'<figure style="margin:0">{svg}{words}</figure>'


def _thin(x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
    """The finite points, evenly thinned, both ends kept."""
    points = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)]
    if len(points) <= _MOST:
        return points
    return [points[round(k * (len(points) - 1) / (_MOST - 1))] for k in range(_MOST)]


class _Place:
    """Where values lie in the picture."""

    def __init__(self, x: Sequence[float], y: Sequence[float], log: bool) -> None:
        self._log = log
        self._x0, self._x1 = _range(x)
        self._y0, self._y1 = _range([self._scaled(value) for value in y])

    def _scaled(self, y: float) -> float:
        return math.log10(y) if self._log else y

    def _across(self, x: float) -> float:
        return _LEFT + (x - self._x0) / (self._x1 - self._x0) * (_WIDTH - _LEFT - _RIGHT)

    def _up(self, scaled: float) -> float:
        return _HEIGHT - _BOTTOM - (scaled - self._y0) / (self._y1 - self._y0) * (_HEIGHT - _TOP - _BOTTOM)

    def line(self, points: Sequence[tuple[float, float]], colour: str) -> str:
        way = " ".join(f"{self._across(x):.1f},{self._up(self._scaled(y)):.1f}" for x, y in points)
        if len(points) == 1:
            x, y = way.split(",")
            return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
        return f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"/>'

    def mark(self, x: float) -> str:
        at = f"{self._across(x):.1f}"
        ends = f'x1="{at}" x2="{at}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"'
        return f'<line {ends} stroke="currentColor" stroke-dasharray="4 3" opacity="0.6"/>'

    def axes(self, x_label: str) -> str:
        """Three lines across with their values, and the ends of the x axis."""
        parts, right, bottom = [], _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        for share in (0.0, 0.5, 1.0):
            scaled = self._y0 + share * (self._y1 - self._y0)
            at, value = f"{self._up(scaled):.1f}", 10**scaled if self._log else scaled
            parts.append(f'<line x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}" stroke="currentColor" opacity="0.18"/>')
            parts.append(_text(_LEFT - 6, float(at) + 4, f"{value:.3g}", "end"))
        for x, anchor in ((self._x0, "start"), (self._x1, "end")):
            parts.append(_text(self._across(x), bottom + 15, f"{x:,.6g}", anchor))
        return "".join([*parts, _text((_LEFT + right) / 2, bottom + 28, x_label, "middle")])


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" opacity="0.75">{html.escape(text)}</text>'


def _key(k: int, name: str, colour: str) -> str:
    x = _LEFT + 110 * k
    dash = f'<line x1="{x}" x2="{x + 16}" y1="14" y2="14" stroke="{colour}" stroke-width="2.5"/>'
    return dash + _text(x + 21, 18, name, "start")
