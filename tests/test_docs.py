"""The site: it builds without a warning, reaches every page, and names everything that is public."""

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule
from chainrule.activations import ACTIVATIONS
from chainrule.costs import COSTS
from chainrule.initializers import INITIALIZERS
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES

from . import console

DOCS = Path(__file__).resolve().parents[1] / "docs"


THEMES = ["basic", pytest.param("furo", marks=pytest.mark.full)]  # that of the site has the tree of pages in each page


@pytest.fixture(scope="module", params=THEMES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with every warning an error: links, headings, formulas, pages that no table of contents has."""
    if importlib.util.find_spec("sphinx") is None:
        pytest.skip("Sphinx is not installed: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-d", f"{folder}/read"]
    theme = f"html_theme={request.param}"
    done = subprocess.run([*command, "-D", theme, DOCS, folder / "html"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md") if "_build" not in page.parts}
    assert {page.relative_to(site) for page in site.rglob("*.html")} >= pages


def test_every_record_is_listed_among_the_decisions() -> None:
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (DOCS / "decisions" / "README.md").read_text("utf-8"))
    assert listed == sorted(record.name for record in (DOCS / "decisions").glob("[0-9]*.md"))


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    described = set(re.findall(r'id="chainrule\.(\w+)"', (site / "api.html").read_text("utf-8")))
    assert {name for name in chainrule.__all__ if name != "__version__"} <= described


def test_every_entry_is_in_the_reference(site: Path) -> None:
    page = (site / "api-mathematics.html").read_text("utf-8") + (site / "api.html").read_text("utf-8")
    described = set(re.findall(r'id="chainrule\.(?:\w+\.)*(\w+)"', page))
    for registry in (ACTIVATIONS, COSTS, INITIALIZERS, OPTIMIZERS, SCHEDULES):
        assert {type(registry.get(name)).__name__ for name in registry.names()} <= described


@pytest.mark.parametrize("name", [name for name in chainrule.__all__ if not name.startswith("_")])
def test_docstrings_are_in_our_order(name: str) -> None:
    """One line; formula and arguments; an example that runs; what is raised; the source."""
    first, *rest = (inspect.getdoc(getattr(chainrule, name)) or "").split("\n\n")
    assert first.endswith((".", ":"))
    assert "\n" not in first
    kinds = ["example" if part.startswith(">>>") else part.split()[0] for part in rest]
    assert "example" in kinds
    assert kinds.index("example") < kinds.index("Raises") if "Raises" in kinds else True
    assert "Source:" not in kinds[:-1]


def test_formulas_are_drawn_by_the_browser_itself(site: Path) -> None:
    pages = [page.read_text("utf-8") for page in site.rglob("*.html")]
    assert sum(page.count("<math ") for page in pages) > 500
    pages = [re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL) for page in pages]  # examples may print LaTeX
    assert [found for page in pages for found in re.findall(r"\$\$|\\(?:frac|sum|delta)\b", page)] == []


def fetched_from_elsewhere(site: Path) -> list[str]:
    pages = [page.read_text("utf-8") for page in site.rglob("*.html")]
    return [found for page in pages for found in re.findall(r'(?:src|<link[^>]*href)="https?://[^"]*', page)]


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    assert fetched_from_elsewhere(site) == []


def test_a_link_that_leads_nowhere_and_a_formula_that_is_none_fail_the_build(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install '.[docs]'")
    (tmp_path / "index.md").write_text(r"# Page" + "\n\n[gone](gone.md), [no heading](#gone), $\\nosuch{x}$\n")
    (tmp_path / "lost.md").write_text("# In no table of contents\n")
    command = [sys.executable, "-m", "sphinx", "-c", DOCS, "--fail-on-warning", "--keep-going", "--quiet", tmp_path]
    done = subprocess.run([*command, tmp_path / "html"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    for said in ("gone.md", "'gone'", "nosuch", "lost.md"):
        assert said in done.stderr
    assert "furo" in (tmp_path / "html" / "index.html").read_text("utf-8")
    assert fetched_from_elsewhere(tmp_path / "html") == []


@pytest.mark.parametrize("page", ["tutorial.md"])
def test_what_commands_say_is_what_the_page_shows(page: str, tmp_path: Path) -> None:
    written = (DOCS / page).read_text("utf-8")
    said = f"docs/{page} is old: python -m tests.console docs/{page} writes it again"
    assert console.words(written) == console.words(console.said(written, tmp_path)), said
