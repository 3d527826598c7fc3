"""Draws a network as inline SVG for notebooks: a column of neurons for each layer, its size and activation below."""

import html
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Column", "layers_svg"]

_NEURONS = 7  # maximum drawn for a layer
_LAYERS = 9  # maximum drawn
_LETTERS = 16  # maximum of a label

_ACROSS, _DOWN, _RADIUS = 88, 20, 6
_TOP, _BELOW = 12, 44


class Column(NamedTuple):
    """A layer: its number of neurons and its label; size 0 stands for layers that are not drawn."""

    size: int
    label: str


def layers_svg(columns: Sequence[Column], caption: str = "") -> str:
    """An HTML figure with the layers side by side; if there are many, the middle ones are left out.

    Lines and text have the colour of the page (currentColor).

    >>> layers_svg([Column(2, "inputs"), Column(1, "sigmoid")])[:24]
    '<figure style="margin:0"'
    """
    drawn = _fitted(columns)
    height = _TOP + _NEURONS * _DOWN + _BELOW
    size = f'viewBox="0 0 {len(drawn) * _ACROSS} {height}" width="{len(drawn) * _ACROSS}" height="{height}"'
    style = 'style="max-width:100%;height:auto;font:11px sans-serif" fill="currentColor"'
    places = [_places(k, column.size) for k, column in enumerate(drawn)]
    parts = [_lines(before, after) for before, after in pairwise(places)]
    parts += [_layer(k, column, at) for k, (column, at) in enumerate(zip(drawn, places, strict=True))]
    words = f'<figcaption style="font-size:12px;opacity:0.8">{html.escape(caption)}</figcaption>' if caption else ""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {style}>{"".join(parts)}</svg>'
    return f'<figure style="margin:0">{svg}{words}</figure>'


def _fitted(columns: Sequence[Column]) -> list[Column]:
    """The first and the last layers, and one column for the layers that are left out."""
    if len(columns) <= _LAYERS:
        return list(columns)
    half = _LAYERS // 2
    return [*columns[:half], Column(0, f"{len(columns) - 2 * half} more layers"), *columns[-half:]]


Place = tuple[float, float]


def _places(k: int, size: int) -> list[Place]:
    """The positions of the neurons of column k, from the top; a large layer has a gap in the middle."""
    count, x = min(size, _NEURONS), (k + 0.5) * _ACROSS
    middle = _TOP + _NEURONS * _DOWN / 2
    places = [(x, middle + (j - (count - 1) / 2) * _DOWN) for j in range(count)]
    return places if size <= _NEURONS else [place for j, place in enumerate(places) if j != _NEURONS // 2]


def _lines(before: Sequence[Place], after: Sequence[Place]) -> str:
    """The lines from each neuron to each neuron of the next layer, as one SVG path."""
    path = "".join(f"M{a[0]:g} {a[1]:g}L{b[0]:g} {b[1]:g}" for a in before for b in after)
    return f'<path d="{path}" stroke="currentColor" stroke-width="0.7" opacity="0.18"/>' if path else ""


def _layer(k: int, column: Column, places: Sequence[Place]) -> str:
    x, low = (k + 0.5) * _ACROSS, _TOP + _NEURONS * _DOWN
    dots = "".join(f'<circle cx="{x:g}" cy="{y:g}" r="{_RADIUS}"/>' for x, y in places)
    left_out = column.size > _NEURONS or not column.size
    more = _text(x, _TOP + _NEURONS * _DOWN / 2 + 4, "⋮" if column.size else "…") if left_out else ""
    size = _text(x, low + 18, f"{column.size:,}") if column.size else ""
    return f'<g fill="#2e86d1">{dots}</g>{more}{size}{_text(x, low + 33, column.label)}'


def _text(x: float, y: float, text: str) -> str:
    """Centred text, shortened where it is long; a tooltip then shows all of it."""
    short = text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"
    tooltip = "" if short == text else f"<title>{html.escape(text)}</title>"
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle">{html.escape(short)}{tooltip}</text>'
