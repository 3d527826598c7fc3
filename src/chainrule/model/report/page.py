"""The parts of a page: sections, tables, figures, and the page around them, which runs no script and loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chainrule.model.report.style import STYLE
from chainrule.plots.markup import Markup, joined, tag
from chainrule.text import short, shortened

__all__ = ["Section", "bullets", "data", "figure", "figures", "page", "paragraphs", "table"]

LONGEST = 120  # letters of a cell


class Section(NamedTuple):
    """A part of the page under a heading; `name` is its place in links."""

    name: str
    title: str
    content: Markup


def page(title: str, lead: Markup, sections: Sequence[Section], end: Markup) -> str:
    """The whole page.

    Its policy forbids scripts, requests and forms; the style sheet is allowed by its digest.
    """
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content="chainrule"),
        tag("title", title),
        tag("style", Markup(STYLE)),
    )
    links = (tag("li", tag("a", section.title, href=f"#{section.name}")) for section in sections)
    contents = tag("nav", tag("ul", *links), aria_label="Contents")
    body = tag(
        "body",
        tag("header", tag("h1", title), lead, contents),
        tag("main", *(_section(section) for section in sections)),
        tag("footer", end),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='en')}\n"


def _section(section: Section) -> Markup:
    heading = tag("h2", section.title, id=section.name)
    return joined(Markup("\n"), tag("section", heading, section.content, aria_labelledby=section.name))


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[object]],
    numbers: Sequence[int] = (),
    words: Sequence[int] = (),
    kind: str | None = None,
) -> Markup:
    """A table, whose first cell in each row is its head; a wide one can be scrolled.

    - caption: what it shows.
    - heads, rows: texts, or markup; `td` elements stay as they are.
    - numbers, words: the columns (from 0) that are aligned right, and those with long texts.
    - kind: a class of the style sheet.
    """
    kinds = {**dict.fromkeys(numbers, "n"), **dict.fromkeys(words, "words")}
    head = (tag("th", text, scope="col", class_=kinds.get(k)) for k, text in enumerate(heads))
    body = [_row(cells, kinds) for cells in rows]
    whole = tag("table", tag("caption", caption), tag("thead", tag("tr", *head)), tag("tbody", *body), class_=kind)
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=caption)


def _row(cells: Sequence[object], kinds: dict[int, str]) -> Markup:
    first = tag("th", _cell(cells[0]), scope="row", class_=kinds.get(0))
    return tag("tr", first, *(_as_td(cell, kinds.get(k)) for k, cell in enumerate(cells[1:], 1)))


def _as_td(cell: object, kind: str | None) -> Markup:
    is_td = isinstance(cell, Markup) and cell.startswith("<td")
    return Markup(cell) if is_td else tag("td", _cell(cell), class_=kind)


def _cell(value: object) -> object:
    return value if isinstance(value, Markup) else shortened(str(value), LONGEST)


def data(value: float, text: str, kind: str | None = None) -> Markup:
    """A cell with a number, whose every digit is in the page too."""
    return tag("td", tag("data", text, value=repr(float(value))), class_=" ".join(filter(None, ["n", kind])))


def figure(title: str, chart: Markup, caption: str = "", legend: Markup | None = None) -> Markup:
    """A chart with its heading, its key and what to see in it."""
    words = tag("figcaption", caption) if caption else None
    return tag("figure", tag("p", short(title), class_="name"), legend, chart, words)


def figures(values: Iterable[tuple[str, str, str]]) -> Markup:
    """The most important numbers: what they are, the number, and a remark."""
    parts = (
        tag("div", tag("dt", name), tag("dd", value, tag("small", remark) if remark else None))
        for name, value, remark in values
    )
    return tag("dl", *parts, class_="figures")


def bullets(lines: Iterable[object]) -> Markup | None:
    """A list; None if it would be empty."""
    items = [tag("li", line) for line in lines]
    return tag("ul", *items) if items else None


def paragraphs(text: str) -> Markup:
    """Text with empty lines between its paragraphs."""
    parts = (" ".join(part.split()) for part in text.replace("\r\n", "\n").split("\n\n"))
    return joined(*(tag("p", part) for part in parts if part))
