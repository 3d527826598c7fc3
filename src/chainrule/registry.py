"""Registries of named entries: how activations, costs, optimizers and initializers are chosen and stored.

An entry is a frozen dataclass with a `name`; its fields are its parameters. Users choose it by name (`"elu"`), by
document (`{"name": "elu", "alpha": 2.0}`) or as an object (`ELU(alpha=2.0)`). A model file stores the document. A
registry contains only classes, so a file cannot name other code.
"""

import dataclasses
import difflib
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from chainrule.errors import SettingError, UnknownNameError
from chainrule.text import shown

__all__ = ["Entry", "Registry", "is_finite", "is_number", "require"]


def require(ok: bool, what: str, value: object, allowed: str) -> None:
    """Check a setting; raise an error of one line unless `ok`.

    >>> require(False, "momentum", 1.5, "from 0 to below 1")
    Traceback (most recent call last):
    chainrule.errors.SettingError: momentum is 1.5, but must be from 0 to below 1

    Raises SettingError where `ok` is false; the message has the name `what`, the `value`, and what is `allowed`.
    """
    if not ok:
        raise SettingError(f"{what} is {shown(value)}, but must be {allowed}")


def is_number(value: Any) -> bool:
    """Whether a value is a real number: not a truth value, and not a length of time, which NumPy counts as one."""
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and not isinstance(value, bool | np.timedelta64)


def is_finite(value: Any) -> bool:
    """Whether a value is a real number that float64 can hold.

    >>> is_finite(2), is_finite(float("inf")), is_finite(10**400)
    (True, False, False)
    """
    try:
        return is_number(value) and math.isfinite(value)
    except OverflowError:
        return False


@dataclasses.dataclass(frozen=True)
class Entry:
    """A named choice; its dataclass fields are its parameters.

    A parameter of type float becomes a Python float, because a NumPy number could change the dtype of an array.
    """

    name: ClassVar[str]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.type is float:
                value = getattr(self, field.name)
                number = isinstance(value, bool) or is_finite(value)
                require(number, f"{field.name} of {self.name}", value, "a finite number")
                object.__setattr__(self, field.name, float(value))
            elif field.type is bool:
                value = getattr(self, field.name)
                require(isinstance(value, bool | np.bool_), f"{field.name} of {self.name}", value, "True or False")

    def document(self) -> dict[str, Any]:
        """The entry as plain data: `{"name": ..., parameter: value, ...}`."""
        return {"name": self.name, **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)}}

    def __str__(self) -> str:
        parameters = [f"{f.name}={getattr(self, f.name)}" for f in dataclasses.fields(self)]
        return f"{self.name}({', '.join(parameters)})" if parameters else self.name


E = TypeVar("E", bound=Entry)


class Registry(Generic[E]):
    """The entries of one kind (`"activation"`, `"cost"`, ...) by name, in the order of their registration."""

    def __init__(self, kind: str, base: type[E], wrap: Callable[..., E] | None = None) -> None:
        self.kind, self._base, self._wrap = kind, base, wrap
        self._classes: dict[str, type[E]] = {}

    def wrap_by(self, wrap: Callable[..., E]) -> None:
        """Let `get` take a callable, which `wrap` makes an entry."""
        self._wrap = wrap

    def register(self, entry: type[E]) -> type[E]:
        """Add a class under its `name`; a class decorator."""
        self._classes[entry.name] = entry
        return entry

    def names(self) -> list[str]:
        """All names, in the order of their registration."""
        return list(self._classes)

    def classes(self) -> list[type[E]]:
        """All classes, in the same order as `names`."""
        return list(self._classes.values())

    def get(self, choice: Any) -> E:
        """The entry for a name, a document, an entry or, if the kind allows it, a callable.

        Raises UnknownNameError for a name that is not registered, SettingError for any other value.
        """
        if isinstance(choice, self._base):
            return choice
        if isinstance(choice, str):
            return self._class(choice)()
        if isinstance(choice, Mapping):
            return self._from_document(choice)
        if callable(choice) and not isinstance(choice, type) and self._wrap is not None:
            return self._wrap(choice)
        allowed = f"a name ({', '.join(self.names())}) or an object"
        raise SettingError(f"{self.kind} is {shown(choice)}, but must be {allowed}")

    def holds(self, entry: E) -> bool:
        """Whether the class of the entry is registered, so that its name identifies it."""
        return type(entry) is self._classes.get(entry.name)

    def document(self, entry: E) -> dict[str, Any]:
        """The entry as plain data. Raises SettingError for an entry that `get` could not make from it."""
        document = entry.document()
        if not self.holds(entry):
            raise SettingError(f"{self.kind} {entry.name!r} is not registered, so a file with it could not be loaded")
        return document

    def _class(self, name: str) -> type[E]:
        if name not in self._classes:
            close = difflib.get_close_matches(name, self._classes, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"choose from {', '.join(self.names())}"
            raise UnknownNameError(f"there is no {self.kind} {shown(name)}: {hint}")
        return self._classes[name]

    def _from_document(self, document: Mapping[str, Any]) -> E:
        parameters = {k: v for k, v in document.items() if k != "name"}
        name = document.get("name")
        if not isinstance(name, str):
            raise SettingError(f"the 'name' of {self.kind} is {shown(name)}, but must be text")
        entry = self._class(name)
        allowed = [f.name for f in dataclasses.fields(entry)]
        for key, value in parameters.items():
            if key not in allowed:
                takes = f"takes {', '.join(allowed)}" if allowed else "takes no parameters"
                raise SettingError(f"{self.kind} {name!r} has no parameter {shown(key)}: it {takes}")
            plain = isinstance(value, bool) or (isinstance(value, int | float) and is_finite(value))
            require(plain, f"{key} of {self.kind} {name!r}", value, "a finite number")
        return entry(**parameters)
