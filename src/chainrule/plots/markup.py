"""Elements of HTML and SVG whose texts and attributes are escaped, so that no name or cell can become markup."""

from __future__ import annotations

import html

from chainrule.text import printable

__all__ = ["Markup", "joined", "tag", "text"]

VOID = ("meta", "br", "hr", "img", "col")  # elements of HTML without an end


class Markup(str):
    """Text that is markup already, and is not escaped again."""

    __slots__ = ()


def text(value: object) -> Markup:
    """A text as markup; control characters are written as Python writes them.

    >>> text("<b> & \\x00")
    '&lt;b&gt; &amp; \\\\x00'
    """
    return value if isinstance(value, Markup) else Markup(html.escape(printable(str(value))))


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """An element. Children are escaped unless they are `Markup`; None among children and attributes is left out.

    An underscore in the name of an attribute stands for a hyphen, one at its end for nothing.

    >>> tag("p", "a < b", tag("br"), class_="note", aria_label='"x"')
    '<p class="note" aria-label="&quot;x&quot;">a &lt; b<br></p>'
    """
    pairs = (
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    start = f"<{name}{''.join(pairs)}>"
    return Markup(start if name in VOID else f"{start}{joined(*children)}</{name}>")


def joined(*children: object) -> Markup:
    """Several children one after another."""
    return Markup("".join(text(child) for child in children if child is not None))
