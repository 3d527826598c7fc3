"""Draws small curves as inline SVG for notebooks, without a library, in the colours of a light or dark page."""

import html
import math
from collections.abc import Mapping, Sequence

from chainrule.plots.figures import log_scale_helps
from chainrule.plots.scales import powers, range_of, round_values, thinned, tick_text

__all__ = ["lines_svg"]

Line = tuple[Sequence[float], Sequence[float]]

_WIDTH, _HEIGHT = 460, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 14, 30, 40
_COLOURS = ("#2e86d1", "#e0653a", "#35a06a", "#9b6bc9", "#b8892e", "#7d8893")  # visible on white and on black


def lines_svg(lines: Mapping[str, Line], x_label: str, caption: str = "", mark: float | None = None) -> str:
    """An HTML figure with one curve (x, y) for each name; `mark` is an x value to highlight.

    Text and axes have the colour of the page (currentColor). The y axis is logarithmic where that helps.

    >>> lines_svg({"cost": ([1, 2, 3], [3.0, 2.0, 1.5])}, "epoch")[:24]
    '<figure style="margin:0"'
    """
    curves = {name: thinned(x, y) for name, (x, y) in lines.items()}
    curves = {name: points for name, points in curves.items() if points}
    words = f'<figcaption style="font-size:12px;opacity:0.8">{html.escape(caption)}</figcaption>' if caption else ""
    if not curves:
        return f'<figure style="margin:0"><p>no epoch was finished</p>{words}</figure>'
    everything = [point for points in curves.values() for point in points]
    log = log_scale_helps([y for _, y in everything])
    chart = _Chart([x for x, _ in everything], [y for _, y in everything], log)
    parts = [chart.axes(x_label), *([chart.mark(mark, f"best {x_label}: {mark:g}")] if mark is not None else [])]
    at = _LEFT
    for k, (name, points) in enumerate(curves.items()):
        parts += [chart.line(points, _COLOURS[k % len(_COLOURS)]), _key(at, name, _COLOURS[k % len(_COLOURS)])]
        at += 44 + 7 * len(name)
    size = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    style = 'style="max-width:100%;height:auto;font:11px sans-serif" fill="currentColor"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {style}>{"".join(parts)}</svg>'
    return f'<figure style="margin:0">{svg}{words}</figure>'


class _Chart:
    """Draws lines, a mark and axes; maps values to positions in the picture."""

    def __init__(self, x: Sequence[float], y: Sequence[float], log: bool) -> None:
        self._log = log
        self._x0, self._x1 = range_of(x)
        self._y0, self._y1 = range_of([self._scaled(value) for value in y])

    def _scaled(self, y: float) -> float:
        return math.log10(y) if self._log else y

    def _across(self, x: float) -> float:
        return _LEFT + (x - self._x0) / (self._x1 - self._x0) * (_WIDTH - _LEFT - _RIGHT)

    def _up(self, scaled: float) -> float:
        share = (scaled - self._y0) / (self._y1 - self._y0)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def line(self, points: Sequence[tuple[float, float]], colour: str) -> str:
        path = " ".join(f"{self._across(x):.1f},{self._up(self._scaled(y)):.1f}" for x, y in points)
        if len(points) == 1:
            x, y = path.split(",")
            return f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"/>'

    def mark(self, x: float, text: str) -> str:
        at = f"{self._across(x):.1f}"
        ends = f'x1="{at}" x2="{at}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"'
        offset, anchor = (-5, "end") if self._across(x) > _WIDTH / 2 else (5, "start")
        label = _text(self._across(x) + offset, _TOP + 10, text, anchor)
        return f'<line {ends} stroke="currentColor" stroke-dasharray="4 3" opacity="0.6"/>{label}'

    def axes(self, x_label: str) -> str:
        """Horizontal lines at round values, and round values along the x axis."""
        parts, right, bottom = [], _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        across = f'x1="{_LEFT}" x2="{right}" stroke="currentColor"'
        for value in powers(self._y0, self._y1) if self._log else round_values(self._y0, self._y1, 5):
            at = self._up(self._scaled(value))
            parts.append(f'<line {across} y1="{at:.1f}" y2="{at:.1f}" opacity="0.15"/>')
            parts.append(_text(_LEFT - 6, at + 4, tick_text(value), "end"))
        parts.append(f'<line {across} y1="{bottom}" y2="{bottom}" opacity="0.5"/>')
        for x in round_values(self._x0, self._x1, 6, least=1):
            ends = f'x1="{self._across(x):.1f}" x2="{self._across(x):.1f}" y1="{bottom}" y2="{bottom + 4}"'
            parts.append(f'<line {ends} stroke="currentColor" opacity="0.5"/>')
            parts.append(_text(self._across(x), bottom + 16, f"{x:,g}" if x < 1e6 else f"{x:g}", "middle"))
        return "".join([*parts, _text((_LEFT + right) / 2, bottom + 31, x_label, "middle")])


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" opacity="0.75">{html.escape(text)}</text>'


def _key(x: float, name: str, colour: str) -> str:
    dash = f'<line x1="{x}" x2="{x + 16}" y1="14" y2="14" stroke="{colour}" stroke-width="2.5"/>'
    return dash + _text(x + 21, 18, name, "start")
