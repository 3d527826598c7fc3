"""Engines: how it is computed. All agree with the equations to rounding; none imports another.

`ENGINES` is the registry. An engine is one file and one entry here; everything else asks it by these functions.
"""

from collections.abc import Callable

from chainrule.architecture import Architecture
from chainrule.engines.base import Engine, Frozen, Run, RunState
from chainrule.errors import EngineError, UnknownNameError
from chainrule.fields import is_auto
from chainrule.settings import TrainingSettings
from chainrule.text import shown

__all__ = [
    "ENGINES",
    "Engine",
    "Frozen",
    "Run",
    "RunState",
    "available",
    "choose",
    "passed_over",
    "why_absent",
]


def _native() -> Engine:
    from chainrule.engines.native import engine

    return engine()


def _reference() -> Engine:
    from chainrule.engines.reference import ReferenceEngine

    return ReferenceEngine()


def _xla() -> Engine:
    from chainrule.engines.xla import engine

    return engine()


def _xla_is_suited(architecture: Architecture, settings: TrainingSettings | None) -> bool:
    from chainrule.engines.xla import is_suited

    return is_suited(architecture, settings)


# What gives the engine of a name, or raises an EngineError that says why there is none in this installation or on this
# machine. In the order in which "auto" asks them; the last one is always there and lacks nothing.
ENGINES: dict[str, Callable[[], Engine]] = {"native": _native, "xla": _xla, "reference": _reference}

# Engines that "auto" asks only where they are suited, and then before all others.
SUITED: dict[str, Callable[[Architecture, TrainingSettings | None], bool]] = {"xla": _xla_is_suited}


def why_absent(name: str) -> str | None:
    """Why the engine of a name is not there; None where it is.

    >>> why_absent("reference") is None
    True
    """
    try:
        ENGINES[name]()
    except EngineError as error:
        return str(error)
    return None


def available() -> list[str]:
    """The names of the engines that are there, in the order of the registry.

    >>> available()[-1]
    'reference'
    """
    return [name for name in ENGINES if why_absent(name) is None]


def choose(name: str, architecture: Architecture, settings: TrainingSettings | None = None) -> Engine:
    """The engine of that name; "auto" takes the first that is there and lacks nothing.

    >>> choose("reference", cr.Architecture.of([2, 1])).name
    'reference'

    Raises UnknownNameError, or EngineError where the engine named is not there or lacks something.
    """
    if is_auto(name):
        name, _ = _first(architecture, settings)
    elif not isinstance(name, str) or name not in ENGINES:
        raise UnknownNameError(f"there is no engine {shown(name)}: choose from auto, {', '.join(ENGINES)}")
    elif refusal := _refusal(name, architecture, settings):
        raise EngineError(f"{refusal}: {_what_to_do(architecture, settings)}")
    return ENGINES[name]()


def passed_over(architecture: Architecture, settings: TrainingSettings | None = None) -> list[str]:
    """A line for each engine that "auto" asks before the one that it takes: why that one does not compute.

    >>> passed_over(cr.Architecture.of([2, 2, 1], lambda z: z / (1 + z * z)))[-1].split(", ")[-1]
    'so the reference engine computes'
    """
    name, refusals = _first(architecture, settings)
    return [f"{refusal}, so the {name} engine computes" for refusal in refusals]


def _first(architecture: Architecture, settings: TrainingSettings | None) -> tuple[str, list[str]]:
    """The name of the first engine that computes this, and why each one before it does not."""
    refusals: list[str] = []
    suited = [name for name in ENGINES if name in SUITED and SUITED[name](architecture, settings)]
    for name in [*suited, *(name for name in ENGINES if name not in SUITED)]:
        refusal = _refusal(name, architecture, settings)
        if refusal is None:
            return name, refusals
        refusals.append(refusal)
    raise EngineError(f"no engine can compute this: {'; '.join(refusals)}")


def _what_to_do(architecture: Architecture, settings: TrainingSettings | None) -> str:
    """The advice to who has named an engine that lacks something."""
    try:
        _first(architecture, settings)
    except EngineError:
        return "no other engine here has it, so leave it out"
    return "choose engine='auto', which takes one that can compute this"


def _refusal(name: str, architecture: Architecture, settings: TrainingSettings | None) -> str | None:
    """Why an engine does not compute this: it is not there, or what it lacks. None where it does."""
    try:
        lack = ENGINES[name]().lacks(architecture, settings)
    except EngineError as error:
        return str(error)
    return f"engine {name} has no {lack}" if lack else None
