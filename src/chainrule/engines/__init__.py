"""Engines: how it is computed. All agree with the equations to rounding; none imports another."""

from collections.abc import Callable

from chainrule.architecture import Architecture
from chainrule.engines.base import Engine, Frozen, Run, RunState
from chainrule.errors import EngineError, UnknownNameError
from chainrule.settings import TrainingSettings

__all__ = ["ENGINES", "NATIVE_MISSING", "Engine", "Frozen", "Run", "RunState", "choose", "passed_over"]


def _native() -> Engine:
    from chainrule.engines.native import engine

    return engine()


def _reference() -> Engine:
    from chainrule.engines.reference import ReferenceEngine

    return ReferenceEngine()


def _native_missing() -> str | None:
    """Why there is no native engine; None where there is one."""
    try:
        _native()
    except EngineError as error:
        return str(error)
    return None


NATIVE_MISSING = _native_missing()

# In the order in which "auto" asks them.
ENGINES: dict[str, Callable[[], Engine]] = {**({} if NATIVE_MISSING else {"native": _native}), "reference": _reference}


def choose(name: str, architecture: Architecture, settings: TrainingSettings | None = None) -> Engine:
    """The engine of that name; "auto" takes the first that has all that is asked.

    >>> choose("reference", cr.Architecture.of([2, 1])).name
    'reference'

    Raises UnknownNameError, or EngineError where the engine named lacks something.
    """
    if name == "auto":
        return next(
            engine for engine in (make() for make in ENGINES.values()) if not engine.lacks(architecture, settings)
        )
    if name == "native" and NATIVE_MISSING:
        raise EngineError(f"{NATIVE_MISSING}: choose engine='auto', which takes one that is there")
    if name not in ENGINES:
        raise UnknownNameError(f"there is no engine {name!r}: choose from auto, {', '.join(ENGINES)}")
    engine = ENGINES[name]()
    missing = engine.lacks(architecture, settings)
    if missing:
        raise EngineError(f"engine {name} has no {missing}: choose engine='auto', which takes one that has")
    return engine


def passed_over(architecture: Architecture, settings: TrainingSettings | None = None) -> list[str]:
    """A line for each engine that "auto" asks before the one that it takes: what that lacks.

    >>> passed_over(cr.Architecture.of([2, 2, 1], lambda z: z / (1 + z * z)))[-1]
    "..., so the reference engine computes"
    """
    missing = [(name, make().lacks(architecture, settings)) for name, make in ENGINES.items()]
    chosen = next(k for k, (_, lack) in enumerate(missing) if not lack)
    found = [f"engine {name} has no {lack}" for name, lack in missing[:chosen]]
    if NATIVE_MISSING:
        found.insert(0, NATIVE_MISSING)
    return [f"{words}, so the {missing[chosen][0]} engine computes" for words in found]
