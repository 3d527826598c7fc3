"""An export format: how a program is written in a language, and how what was written is run, where that is possible."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.export.program import Answer, Program

__all__ = ["Format", "Rows", "Runner"]

Rows = Mapping[str, NDArray[Any]]
"""Cells by column, as `Program.cells` gives them; numbers (n,) by name where a row is numbers."""


Runner = Callable[[Rows], dict[str, Answer]]
"""What runs an exported program: from rows to the answer for each target, by its name."""


class Format(abc.ABC):
    """A language that programs are written in.

    - name: as `--to` takes it.
    - ending: of its files; it chooses the format where none is named.
    - other_endings: further endings that choose it.
    - title: what it is, for people.
    - options: the names of the options of `written` that it takes.
    """

    name: ClassVar[str]
    ending: ClassVar[str]
    title: ClassVar[str]
    other_endings: ClassVar[tuple[str, ...]] = ()
    options: ClassVar[tuple[str, ...]] = ()

    @abc.abstractmethod
    def written(self, program: Program, **options: Any) -> bytes:
        """The whole file. The same program gives the same bytes.

        Raises SettingError for a program that the format cannot express, and for an option out of its range.
        """

    @abc.abstractmethod
    def runner(self, path: Path, program: Program) -> Runner:
        """What runs the file at `path`, which was written from `program`.

        Raises SettingError, with what to install, where this machine has nothing that runs it.
        """

    def checked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options that are not None. Raises SettingError for one that this format does not have."""
        chosen = {name: value for name, value in options.items() if value is not None}
        unknown = sorted(chosen.keys() - set(self.options))
        if unknown:
            allowed = f"takes {', '.join(self.options)}" if self.options else "has no options"
            raise SettingError(f"{self.title} {allowed}, but {unknown[0]} was given: leave it out")
        return chosen
