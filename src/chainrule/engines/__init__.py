"""Engines: how it is computed. All agree with the equations to rounding; none imports another."""

from collections.abc import Callable

from chainrule.architecture import Architecture
from chainrule.engines.base import Engine, Run, RunSettings, RunState
from chainrule.errors import EngineError, UnknownNameError

__all__ = ["ENGINES", "Engine", "Run", "RunSettings", "RunState", "choose"]


def _reference() -> Engine:
    from chainrule.engines.reference import ReferenceEngine

    return ReferenceEngine()


# In the order in which "auto" asks them; each is imported only when it is made.
ENGINES: dict[str, Callable[[], Engine]] = {"reference": _reference}


def choose(name: str, architecture: Architecture, settings: RunSettings | None = None) -> Engine:
    """The engine of that name; "auto" takes the first that has all that is asked.

    >>> choose("auto", cr.Architecture.of([2, 1])).name
    'reference'

    Raises UnknownNameError, or EngineError where the engine named lacks something.
    """
    if name == "auto":
        return next(
            engine for engine in (make() for make in ENGINES.values()) if not engine.lacks(architecture, settings)
        )
    if name not in ENGINES:
        raise UnknownNameError(f"there is no engine {name!r}: choose from auto, {', '.join(ENGINES)}")
    engine = ENGINES[name]()
    missing = engine.lacks(architecture, settings)
    if missing:
        raise EngineError(f"engine {name} has no {missing}: choose engine='auto', which takes one that has")
    return engine
