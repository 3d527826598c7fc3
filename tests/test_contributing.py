"""CONTRIBUTING.md is true: its paths exist, and its touch lists have every file in which a person lists all of a kind.

A file that names every activation lists them by hand: a new activation goes there too, and a contributor must be told.
A file that names some uses them as examples. In Python a name is an identifier or a whole string; prose does not count.
"""

import ast
import functools
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import Any

import pytest

from chainrule.activations import ACTIVATIONS
from chainrule.cli import COMMANDS
from chainrule.costs import COSTS
from chainrule.engines import ENGINES
from chainrule.expressions import FUNCTIONS
from chainrule.initializers import INITIALIZERS
from chainrule.model.scores import METRICS
from chainrule.optimizers import LBFGS, OPTIMIZERS, Muon
from chainrule.registry import Registry
from chainrule.schedules import SCHEDULES
from chainrule.tables.inputs.transforms import KINDS
from chainrule.tables.sources import _READERS
from chainrule.training.diagnosis import _RULES

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PLACES = {  # where a hand could list the entries of a kind
    "": ("src", "native", "tests", "docs", "README.md"),
    "An engine": ("src",),  # every page and test says of which engine it speaks
}
NOT_WRITTEN_BY_HAND = ("docs/decisions", "docs/_build", "docs/cli.md", "tests/test_contributing.py")
MADE = ("docs/_build/index.html",)  # by a command that the page names


def entries(registry: Registry[Any], *but: type) -> list[set[str]]:
    """The names of each entry: that of the choice, and that of the class."""
    return [{entry.name, entry.__name__} for entry in registry.classes() if entry not in but]


def words_of(rule: Callable[..., Any]) -> set[str]:
    """The names of a finding: that of its function, and what it is called when it is reported."""
    return {rule.__name__, *re.findall(r'Finding\(\s*"([^"]+)"', inspect.getsource(rule))}


ENTRIES: dict[str, list[set[str]]] = {
    "An activation": entries(ACTIVATIONS),
    "A cost": entries(COSTS),
    "An optimizer": entries(OPTIMIZERS, LBFGS, Muon),  # with files of their own: no rules of one update for every array
    "A schedule": entries(SCHEDULES),
    "A function of formulas": [{name} for name in FUNCTIONS],
    "An initializer": entries(INITIALIZERS),
    "An engine": [{name} for name in ENGINES],
    "What a column of a table becomes": [{kind, cls.__name__} for kind, cls in KINDS.items()],
    "A reader": [{end for end, r in _READERS.items() if r is reader} for reader in dict.fromkeys(_READERS.values())],
    "A finding of the training doctor": [words_of(rule) for rule in _RULES],
    "A metric": [{name} for name in METRICS],
    "A command": [{name} for name in COMMANDS],
}


def paths_in(text: str) -> list[str]:
    """The paths that a text names, in `...` or as links, but for <placeholders> and what is outside the checkout."""
    named = [code or link for code, link in re.findall(r"`([^`\n]+)`|\]\(([^)#:]+)(?:#[^)]*)?\)", text)]
    paths = [name for name in named if re.fullmatch(r"\w[\w./-]*", name)]
    return [path for path in paths if path not in MADE and ("/" in path or re.search(r"\.(pyi?|md|toml|h)$", path))]


def located(path: str) -> Path:
    """Where a path leads: below src/chainrule unless it starts elsewhere."""
    inside = ROOT / "src" / "chainrule" / path
    return inside if inside.exists() else ROOT / path


def items_of(kind: str) -> list[str]:
    """The numbered items of a touch list."""
    section = re.split(r"\n(?=\*\*|## )", TEXT.split(f"\n**{kind}**\n")[1])[0]
    return re.split(r"\n\d+\. ", section)[1:]


@functools.cache
def written() -> dict[str, Path]:
    """The files that people write, by their path in the checkout."""
    found = [path for top in PLACES[""] for path in (ROOT / top, *(ROOT / top).rglob("*"))]
    files = [path for path in found if path.suffix in (".py", ".pyi", ".md", ".h", ".cpp")]
    names = {path.relative_to(ROOT).as_posix(): path for path in files}
    return {name: path for name, path in names.items() if not name.startswith(NOT_WRITTEN_BY_HAND)}


@functools.cache
def python_names(path: Path) -> set[str]:
    """Every identifier and every string of a module; of a file's name its end, too."""

    def names(node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                yield name
            case ast.alias(name=name):
                yield from name.split(".")
            case ast.Constant(value=str(text)):
                yield from (text, PurePath(text).suffix)

    return {name for node in ast.walk(ast.parse(path.read_text("utf-8"))) for name in names(node)}


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


def mentions(path: Path, names: set[str]) -> bool:
    """Whether a file names an entry; a folder does if one of its files does."""
    if path.is_dir():
        return any(mentions(file, names) for file in written().values() if path in file.parents)
    present = {name for name in names if name in text_of(path)}  # soon said, and of most files no
    if path.suffix in (".py", ".pyi"):
        return bool(present) and bool(present & python_names(path))
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text_of(path)) for name in present)


def missing_in(path: Path, kind: str) -> list[str]:
    """The entries of a kind that a file does not name."""
    return [min(names) for names in ENTRIES[kind] if not mentions(path, names)]


# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(set(paths_in(TEXT))))
def test_every_path_exists(path: str) -> None:
    assert located(path).exists(), f"CONTRIBUTING.md names {path}, which does not exist"


@pytest.mark.parametrize(("name", "path"), sorted(set(re.findall(r"`(\w+)`\s+(?:in|of)\s+`([\w/.]+)`", TEXT))))
def test_what_is_named_in_a_file_is_there(name: str, path: str) -> None:
    assert re.search(rf"\b{name}\b", located(path).read_text("utf-8")), f"{path} has no {name}"


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_touch_list_has_every_file_that_lists_the_kind(kind: str) -> None:
    listed = [located(path) for item in items_of(kind) for path in paths_in(item)]
    places = PLACES.get(kind, PLACES[""])
    for name, path in written().items():
        if name.startswith(places) and all(mentions(path, names) for names in ENTRIES[kind]):
            known = path in listed or not set(listed).isdisjoint(path.parents)
            assert known, f"CONTRIBUTING.md, {kind}: {name} names each of them, so a new one goes there too"


@pytest.mark.parametrize("kind", ENTRIES)
def test_a_touch_list_has_no_file_that_need_not_be_touched(kind: str) -> None:
    for item in items_of(kind):
        for path in [] if item.startswith("If ") else paths_in(item):
            missing = missing_in(located(path), kind)
            assert not missing, f"CONTRIBUTING.md, {kind}: {path} lacks {missing}: if a new one may lack too, say If"


def test_the_rules_of_this_test_see_what_they_should(tmp_path: Path) -> None:
    assert paths_in("`a/b.py`, `engines/<name>.py`, `pip install x/y`, [x](docs/b.md#c), `../data`, `Plan`") == [
        "a/b.py",
        "docs/b.md",
    ]
    file = tmp_path / "module.py"
    file.write_text('"""tanh in prose"""\nx = "relu"\n')
    assert (mentions(file, {"tanh"}), mentions(file, {"relu", "ReLU"})) == (False, True)
