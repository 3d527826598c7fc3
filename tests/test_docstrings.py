"""Docstrings say what a caller needs: what is raised, each of many arguments, which engine and how many threads.

Whether something raises on purpose is read from its source: it has a `raise` of an error of ours, or calls by name a
function, method, class or registry of ours that does. One step further is not followed, so this finds most, not all.
"""

import ast
import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import chainrule
from chainrule import descent, registry
from chainrule.activations import ACTIVATIONS
from chainrule.costs import COSTS
from chainrule.errors import ChainruleError
from chainrule.initializers import INITIALIZERS
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES

MANY = 5  # arguments that a sentence can hold; more are a list
DESCRIBED = ("engine", "threads")  # wherever they are arguments
RECORDS = {
    "EpochEnd",
    "Finished",
    "History",
    "Progress",
    "Started",
    "Stopped",
    "Updated",
}  # training makes them, not a caller

ENTRIES = [cls for r in (ACTIVATIONS, COSTS, INITIALIZERS, OPTIMIZERS, SCHEDULES) for cls in r.classes()]
OTHERS = [*ENTRIES, descent.descend, descent.Descent, registry.Registry, registry.require]
NAMED = {name: getattr(chainrule, name) for name in chainrule.__all__ if not name.startswith("_")}


def with_methods(objects: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each object by its name, and the public methods that its class defines or takes from a class of ours."""
    for known_as, thing in objects.items():
        if known_as not in RECORDS:
            yield known_as, thing
        for name in dir(thing) if inspect.isclass(thing) and not issubclass(thing, Exception) else ():
            method = getattr(thing, name)
            if not name.startswith("_") and inspect.isroutine(method) and is_ours(method):
                yield f"{known_as}.{name}", method


def is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).startswith("chainrule")


PUBLIC: dict[str, Any] = dict(with_methods({**{thing.__name__: thing for thing in OTHERS}, **NAMED}))


# ---------------------------------------------------------------------------------------- what raises


def raises(thing: Any, deep: int = 1) -> bool:
    """Whether calling it may raise an error of ours, as far as can be read; a class without arguments never does."""
    if inspect.isclass(thing) and not parameters(thing):
        return False
    for function in run_by(thing):
        for node in ast.walk(tree_of(function)):
            if isinstance(node, ast.Raise) and node.exc is not None and is_our_error(node.exc, function):
                return True
            if isinstance(node, ast.Call) and called_raises(node.func, function, thing, deep):
                return True
    return False


def run_by(thing: Any) -> list[Callable[..., Any]]:
    """The functions that a call runs: of a class what makes an object."""
    if inspect.isclass(thing):
        made = [getattr(cls, name, None) for cls in thing.__mro__ for name in ("__init__", "__post_init__")]
        return list(dict.fromkeys(f for f in made if is_ours(f) and inspect.isfunction(f) and has_source(f)))
    return [inspect.unwrap(getattr(thing, "__func__", thing))]


def has_source(function: Any) -> bool:
    """Whether it was written: a dataclass makes its `__init__` itself."""
    return not function.__code__.co_filename.startswith("<")


@functools.cache
def tree_of(function: Callable[..., Any]) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def resolved(node: ast.expr, function: Callable[..., Any], owner: Any) -> Any:
    """What `name`, `self.name` or `Name.name` is in a function; None for anything else."""
    if isinstance(node, ast.Name):
        return getattr(sys.modules[function.__module__], node.id, None)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        of = owner if node.value.id in ("self", "cls") else resolved(node.value, function, owner)
        return getattr(of, node.attr, None)
    return None


def is_our_error(node: ast.expr, function: Callable[..., Any]) -> bool:
    error = resolved(node.func if isinstance(node, ast.Call) else node, function, None)
    return inspect.isclass(error) and issubclass(error, ChainruleError)


def called_raises(node: ast.expr, function: Callable[..., Any], thing: Any, deep: int) -> bool:
    called = resolved(node, function, thing if inspect.isclass(thing) else owner_of(thing))
    return deep > 0 and called is not thing and is_ours(called) and raises(called, deep - 1)


def owner_of(method: Any) -> Any:
    """The class of a method."""
    parts = method.__qualname__.split(".")
    return getattr(sys.modules[method.__module__], parts[0], None) if len(parts) > 1 else None


# ---------------------------------------------------------------------------------------- what a docstring lacks


def faults(thing: Any) -> list[str]:
    """What a docstring lacks."""
    text = inspect.getdoc(thing) or ""
    found = [] if "Raises " in text or not raises(thing) else ["it raises, but does not say Raises ... where ..."]
    names = [name for name in parameters(thing) if not re.search(rf"^- (\w+, )*{name}(, \w+)*: ", text, re.MULTILINE)]
    if len(parameters(thing)) > MANY and names:
        found.append(f"it has {len(parameters(thing))} arguments, but no '- name: ...' for {', '.join(names)}")
    unsaid = [name for name in DESCRIBED if name in parameters(thing) and not re.search(rf"\b{name}\b[^.]*:", text)]
    return [*found, *(f"it does not describe {name}" for name in unsaid)]


def parameters(thing: Any) -> list[str]:
    """The names of the arguments that a caller gives."""
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return []
    signature = inspect.signature(thing).parameters.values()
    return [p.name for p in signature if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_docstring_says_what_a_caller_needs(name: str) -> None:
    assert faults(PUBLIC[name]) == []


def test_what_raises_is_seen() -> None:
    """By `require` in an object's making, by a function that is called, by a registry, by a raise of its own."""
    for name in ("SGD", "minimize", "descend", "Architecture.of", "custom_cost", "Registry.get", "save", "load"):
        assert raises(PUBLIC[name]), name
    for name in ("Sigmoid", "Registry.names", "Clip.apply", "Descent.close", "StepDecay.factors"):
        assert not raises(PUBLIC[name]), name


def test_a_docstring_that_lacks_something_is_refused() -> None:
    def engine_of(a: int, b: int, c: int, d: int, e: int, engine: str) -> None:
        """Do it.

        - a, b: numbers.
        - d: a number.
        """
        registry.require(bool(a), "a", a, "true")

    assert faults(engine_of) == [
        "it raises, but does not say Raises ... where ...",
        "it has 6 arguments, but no '- name: ...' for c, e, engine",
        "it does not describe engine",
    ]
