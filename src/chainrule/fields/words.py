"""Kinds of values that are not numbers: words, names, entries of a registry, objects."""

import dataclasses
import inspect
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.errors import SettingError
from chainrule.fields.kind import Kind
from chainrule.registry import Registry, require
from chainrule.text import shown

__all__ = ["Choice", "Choices", "Flag", "Folder", "Function", "Instance", "Names", "Text", "Word"]


@dataclasses.dataclass(frozen=True)
class Flag(Kind):
    """True or False."""

    def convert(self, name: str, value: Any) -> bool:
        require(isinstance(value, bool | np.bool_), name, value, self.allowed)
        return bool(value)

    @property
    def words(self) -> str:
        return "True or False"


@dataclasses.dataclass(frozen=True)
class Text(Kind):
    """Any text; `noun` says what it is."""

    noun: str

    def convert(self, name: str, value: Any) -> str:
        require(isinstance(value, str), name, value, self.allowed)
        return str(value)

    @property
    def words(self) -> str:
        return self.noun


@dataclasses.dataclass(frozen=True)
class Folder(Kind):
    """The path of a folder, a text or an object of pathlib (a text in any case)."""

    def convert(self, name: str, value: Any) -> str:
        require(isinstance(value, str | os.PathLike), name, value, self.allowed)
        return os.fspath(value)

    @property
    def words(self) -> str:
        return "the path of a folder"


@dataclasses.dataclass(frozen=True)
class Word(Kind):
    """One of some words."""

    choices: tuple[str, ...]

    def convert(self, name: str, value: Any) -> Any:
        require(isinstance(value, str) and value in self.choices, name, value, self.allowed)
        return str(value)

    @property
    def words(self) -> str:
        return f"one of {', '.join(self.choices)}"


@dataclasses.dataclass(frozen=True)
class Names(Kind):
    """Names of columns: a sequence, or one name (a tuple in any case)."""

    def convert(self, name: str, value: Any) -> tuple[str, ...]:
        names = [value] if isinstance(value, str) else value
        is_list = isinstance(names, Sequence) or (isinstance(names, np.ndarray) and names.ndim == 1)
        require(is_list and all(isinstance(each, str) for each in names), name, value, self.allowed)
        return tuple(names)

    @property
    def words(self) -> str:
        return "names of columns"


@dataclasses.dataclass(frozen=True)
class Choice(Kind):
    """An entry of a registry: a name, a document, an object, or a callable where the registry takes those."""

    registry: Registry[Any]

    def convert(self, name: str, value: Any) -> Any:
        return self.registry.get(value)

    @property
    def words(self) -> str:
        return "a name, mapping or object"


@dataclasses.dataclass(frozen=True)
class Choices(Choice):
    """One entry of a registry, or a list with one for each layer (then a list)."""

    def convert(self, name: str, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [super(Choices, self).convert(name, each) for each in value]
        return super().convert(name, value)

    @property
    def words(self) -> str:
        return f"{super().words}, a list of these"


@dataclasses.dataclass(frozen=True)
class Function(Kind):
    """A function that can be called with so many arguments; `noun` says what it is.

    >>> Function(0, "a function without arguments").clean("cancel", lambda event: True)
    Traceback (most recent call last):
    chainrule.errors.SettingError: cancel takes (event), but must be a function without arguments
    """

    arguments: int
    noun: str

    def convert(self, name: str, value: Any) -> Any:
        require(callable(value), name, value, self.allowed)
        try:
            signature = inspect.signature(value)
        except (TypeError, ValueError):  # it has no signature, as many functions of C
            return value
        try:
            signature.bind(*range(self.arguments))
        except TypeError:
            raise SettingError(f"{name} takes {shown(str(signature))[1:-1]}, but must be {self.allowed}") from None
        return value

    @property
    def words(self) -> str:
        return self.noun


@dataclasses.dataclass(frozen=True)
class Instance(Kind):
    """An object of a type; `noun` says which one it is."""

    type: type
    noun: str

    def convert(self, name: str, value: Any) -> Any:
        require(isinstance(value, self.type), name, value, self.allowed)
        return value

    @property
    def words(self) -> str:
        return self.noun
