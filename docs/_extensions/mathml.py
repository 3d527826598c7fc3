"""Formulas as MathML, which browsers draw themselves: no script, no download, and a wrong one fails the build."""

from typing import Any

_BETTER = {
    "<mo>&#x02016;</mo>": '<mo stretchy="false">&#x02016;</mo>',  # bars of norms as high as their text
    "<mo>&#x0007C;</mo>": '<mo stretchy="false">&#x0007C;</mo>',
    "<mi>ln</mi>": '<mi>ln</mi><mspace width="0.17em" />',  # ln a, as TeX sets it
}


def mathml(tex: str, display: str) -> str:
    r"""The MathML of a formula, `display` being inline or block.

    >>> mathml(r"\tilde s_i", "inline").count("<mover>")
    1

    Raises ValueError for what is no TeX, and for commands that the converter does not know.
    """
    from latex2mathml.converter import convert

    try:
        found = convert(tex, display=display)
    except Exception as error:
        raise ValueError(f"{tex!r} is no formula: {type(error).__name__} {error}") from error
    if "\\" in found:
        raise ValueError(f"{tex!r} has a command that latex2mathml does not know")
    for written, better in _BETTER.items():
        found = found.replace(written, better)
    return found


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer under the name of `html_math_renderer`."""
    app.add_html_math_renderer("mathml", inline_renderers=(_inline, None), block_renderers=(_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: Any, node: Any) -> None:
    _render(translator, node, "inline")


def _block(translator: Any, node: Any) -> None:
    translator.body.append('<div class="formula" style="padding: 0.3em 0">')
    _render(translator, node, "block", after="</div>\n")


def _render(translator: Any, node: Any, display: str, after: str = "") -> None:
    from docutils.nodes import SkipNode
    from sphinx.util.logging import getLogger

    try:
        translator.body.append(mathml(node.astext(), display) + after)
    except ValueError as error:
        getLogger(__name__).warning(str(error), location=node)
    raise SkipNode
