"""How Sphinx makes the site from these pages: `sphinx-build docs docs/_build`."""

import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "chainrule"
copyright = "the chainrule developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "mathml", "plain_docstrings"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4  # page.md#a-heading is a link that the build checks
html_math_renderer = "mathml"

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say shapes and units, which types cannot
nitpicky = True
smartquotes = False  # code in docstrings keeps its quotation marks

html_theme = "furo"
html_title = "chainrule"
html_show_sphinx = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["wide.css"]
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True


def setup(app: Any) -> None:
    """Print examples without the empty line that ends them, which only doctest needs."""
    from docutils.nodes import Text, literal_block

    def trim(_app: Any, page: Any) -> None:
        for block in page.findall(literal_block):
            block.rawsource = block.astext().rstrip()
            block.children = [Text(block.rawsource)]

    app.connect("doctree-read", trim)
