"""Python: one file that needs the standard library alone."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any, ClassVar

from chainrule.export.format import Format, Rows, Runner
from chainrule.export.portable import as_json, interpreter
from chainrule.export.program import Answer, Program

__all__ = ["Python"]

_FILES = "python.py", "python_layers.py", "python_program.py"
_PLACE = '_DOCUMENT = json.loads(\n    r"""', '"""\n)'  # no JSON has three quotes in a row


class Python(Format):
    """A module and a program."""

    name: ClassVar[str] = "python"
    ending: ClassVar[str] = ".py"
    title: ClassVar[str] = "Python without packages"

    def written(self, program: Program, **options: Any) -> bytes:
        return interpreter(_FILES, *_PLACE, as_json(program)).encode()

    def runner(self, path: Path, program: Program) -> Runner:
        answers = runpy.run_path(str(path))["answers"]

        def run(rows: Rows) -> dict[str, Answer]:
            cells = zip(*(rows[name].tolist() for name in program.inputs), strict=True)
            by_row = [answers(row) for row in cells]
            return {output.name: Answer.of_rows(output, _of(output.name, by_row)) for output in program.outputs}

        return run


def _of(target: str, rows: list[dict[str, Any]]) -> list[tuple[Any, list[float]]]:
    """The values of a target, and the probabilities of its classes."""
    return [(value, list((chances or {}).values())) for value, chances in (row[target] for row in rows)]
