"""An export format: how a program is written in a language, and how what was written is run, where that is possible."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.export.program import ClassOutput, Output, Program

__all__ = ["Answer", "Format", "Rows", "Runner"]

Rows = Mapping[str, NDArray[Any]]
"""Cells by column, as `Program.cells` gives them; numbers (n,) by name where a row is numbers."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a program answers for a target.

    - values: the class or the number (n,) of each row.
    - probabilities: (n, k), one for each class; None for numbers.
    """

    values: NDArray[Any]
    probabilities: NDArray[np.floating[Any]] | None = None

    @classmethod
    def of_rows(cls, output: Output, rows: Sequence[tuple[Any, Sequence[float]]]) -> Answer:
        """The answers for a target, from those of single rows: values with the probabilities, if there are any."""
        dtype: Any = object if isinstance(output, ClassOutput) else np.float64
        chances = [each for _, each in rows if each]
        return cls(np.array([value for value, _ in rows], dtype), np.array(chances, np.float64) if chances else None)


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
