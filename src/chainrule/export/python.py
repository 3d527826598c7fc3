"""Python: one file that needs the standard library alone."""

from __future__ import annotations

import json
import runpy
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from chainrule.export.format import Format, Rows, Runner
from chainrule.export.portable import as_json
from chainrule.export.program import Answer, ClassOutput, Output, Program

__all__ = ["Python"]

_PLACE = 'json.loads("{}")'


class Python(Format):
    """A module and a program."""

    name: ClassVar[str] = "python"
    ending: ClassVar[str] = ".py"
    title: ClassVar[str] = "Python without packages"

    def written(self, program: Program, **options: Any) -> bytes:
        source = resources.files("chainrule.export.interpreters").joinpath("python.py").read_text("utf-8")
        assert source.count(_PLACE) == 1, "the interpreter has a place for the document"
        return source.replace(_PLACE, f"json.loads({json.dumps(as_json(program))})").encode()

    def runner(self, path: Path, program: Program) -> Runner:
        answers = runpy.run_path(str(path))["answers"]

        def run(rows: Rows) -> dict[str, Answer]:
            cells = zip(*(rows[name].tolist() for name in program.inputs), strict=True)
            by_row = [answers(row) for row in cells]
            return {output.name: _answer(output, [row[output.name] for row in by_row]) for output in program.outputs}

        return run


def _answer(output: Output, rows: list[tuple[Any, dict[Any, float] | None]]) -> Answer:
    is_class = isinstance(output, ClassOutput)
    values: NDArray[Any] = np.array([answer for answer, _ in rows], dtype=object if is_class else np.float64)
    chances = [list(of.values()) for _, of in rows if of is not None]
    return Answer(values, np.array(chances) if chances else None)
