"""Trained models as programs that run without Python, or without anything but Python.

`Program` is what a model computes; a `Format` writes it in a language. A new format is one module with one class here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chainrule.errors import SettingError
from chainrule.export.c import C
from chainrule.export.check import check, input_columns
from chainrule.export.comparison import Comparison, compare
from chainrule.export.format import Format, Rows, Runner
from chainrule.export.javascript import JavaScript
from chainrule.export.onnx import Onnx
from chainrule.export.outputs import outputs_of, program_of_network
from chainrule.export.program import Answer, ClassOutput, NumberOutput, Output, Program
from chainrule.export.python import Python
from chainrule.files.atomic import atomic_write, check_target
from chainrule.text import shown

__all__ = [
    "FORMATS",
    "Answer",
    "ClassOutput",
    "Comparison",
    "Format",
    "NumberOutput",
    "Output",
    "Program",
    "Rows",
    "Runner",
    "check",
    "compare",
    "export",
    "format_of",
    "input_columns",
    "outputs_of",
    "program_of_network",
]

FORMATS: dict[str, Format] = {kind.name: kind() for kind in (Python, JavaScript, C, Onnx)}


def format_of(path: str | os.PathLike[str], to: str | None = None) -> Format:
    """The format named `to`; without a name that of the path's ending.

    >>> format_of("model.py").name
    'python'

    Raises SettingError for a name or an ending that no format has.
    """
    if to is not None:
        if not isinstance(to, str) or to not in FORMATS:
            raise SettingError(f"there is no format {shown(to)}: choose one of {', '.join(FORMATS)}")
        return FORMATS[to]
    ending = Path(path).suffix.lower()
    chosen = next((each for each in FORMATS.values() if ending in (each.ending, *each.other_endings)), None)
    if chosen is None:
        known = ", ".join(f"{each.ending} ({each.title})" for each in FORMATS.values())
        raise SettingError(f"{os.fspath(path)!r} does not end like a format: let the name end in {known}")
    return chosen


def export(
    program: Program, path: str | os.PathLike[str], to: str | None = None, *, dtype: Any = None, **options: Any
) -> Program:
    """Write a program to a file, completely or not at all, and return it as it was written.

    - program: what to write.
    - path: the file, which is replaced if it exists.
    - to: the name of a format; None for that of the path's ending.
    - dtype: the type to compute in, "float32" or "float64"; None for that of the network.
    - options: of the format; those that are None count as not given.

    Raises SettingError for an unknown format or option, and for a program that the format cannot express; OSError where
    the path cannot be written.
    """
    chosen = format_of(path, to)
    check_target(path)
    program = program if dtype is None else program.astype(dtype)
    content = chosen.written(program, **chosen.checked(options))
    with atomic_write(path) as stream:
        stream.write(content)
    return program
