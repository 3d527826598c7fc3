"""Compiles an exported C file and calls it for every row."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DataError, SettingError
from chainrule.export.c.answers import Field, fields
from chainrule.export.format import Rows, Runner
from chainrule.export.program import Answer, ClassOutput, LabelsOutput, NumberOutput, Output, Program
from chainrule.tables.inputs.operations import Number
from chainrule.text import shortened

__all__ = ["compiled", "compiler", "runner_in", "runner_of"]

FLAGS = ("-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC")
_TYPES: dict[str, Any] = {
    "float ": np.float32,
    "double ": np.float64,
    "int ": np.intc,
    "int64_t ": np.int64,
    "const char *": np.uintp,
}


def compiler() -> str:
    """The C compiler of this machine: `$CC`, cc, gcc or clang.

    Raises SettingError where there is none.
    """
    names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    path = next((path for name in names if name and (path := shutil.which(name))), None)
    if path is None:
        raise SettingError("there is no C compiler (cc, gcc or clang) to run what was exported: install one")
    return path


def compiled(*paths: Path) -> ctypes.CDLL:
    """Exported files as one library in memory.

    Raises SettingError where there is no compiler, or where it refuses a file.
    """
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "model.so"
        command = [compiler(), *FLAGS, *map(str, paths), "-o", str(library), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            why = shortened(done.stderr) or f"it ended with status {done.returncode}"
            raise SettingError(f"{command[0]} cannot compile {paths[0].name}: {why}")
        return ctypes.CDLL(str(library))


def runner_of(path: Path, program: Program) -> Runner:
    """See `Format.runner`."""
    match = re.search(r"^int (\w+)_predict\(", path.read_text("utf-8"), re.MULTILINE)
    if match is None:
        raise SettingError(f"{path.name} is not a C file that was exported: export the model again")
    return runner_in(compiled(path), match[1], program)


def runner_in(library: ctypes.CDLL, prefix: str, program: Program) -> Runner:
    """What calls the function of a library whose name begins with `prefix`, which was written from `program`."""
    predict = library[f"{prefix}_predict"]
    predict.argtypes, predict.restype = (ctypes.c_void_p, ctypes.c_void_p), ctypes.c_int
    answer_type = _struct(program)
    cells = _numbers if program.columns is None else _cells

    def run(rows: Rows) -> dict[str, Answer]:
        table, alive = cells(program, rows)
        answers = np.zeros(len(table), answer_type)
        _predict_all(predict, table, answers, program)
        del alive
        return _answers(program, answers)

    return run


def _struct(program: Program) -> np.dtype[Any]:
    """The struct of answers, with the gaps of C."""
    members = [member for _, of in fields(program) for member in of]
    kinds = [(each.name, _TYPES[each.kind], (each.count,) if each.count else ()) for each in members]
    return np.dtype(kinds, align=True)


def _numbers(program: Program, rows: Rows) -> tuple[NDArray[Any], None]:
    """Rows of numbers (n, n_1) in the type of the network."""
    return np.stack([np.asarray(rows[name]) for name in program.inputs], axis=1).astype(program.dtype), None


def _cells(program: Program, rows: Rows) -> tuple[NDArray[np.uint64], list[list[Any]]]:
    """Rows of structs (n, columns), whose members all have 8 bytes; and the texts that they point to."""
    assert program.columns is not None
    count = len(next(iter(rows.values())))
    table, alive = np.zeros((count, len(program.columns)), np.uint64), []
    for k, column in enumerate(program.columns):
        cells = rows[column.name]
        if isinstance(column.reading, Number):
            table[:, k] = np.asarray(cells, np.float64).view(np.uint64)
            continue
        texts = [None if cell is None else ctypes.create_string_buffer(cell.encode()) for cell in cells]
        table[:, k] = [0 if text is None else ctypes.addressof(text) for text in texts]
        alive.append(texts)
    return table, alive


def _predict_all(predict: Any, table: NDArray[Any], answers: NDArray[Any], program: Program) -> None:
    """Call the function for every row. Raises DataError for a cell that it cannot read."""
    table = np.ascontiguousarray(table)
    row, answer = table.ctypes.data, answers.ctypes.data
    for k in range(len(table)):
        if wrong := predict(row + k * table.strides[0], answer + k * answers.itemsize):
            raise DataError(f"the exported program cannot read row {k} of {program.inputs[wrong - 1]!r}: fix the cell")


def _answers(program: Program, answers: NDArray[Any]) -> dict[str, Answer]:
    """The answers by target, from an array of structs."""
    result = {}
    for output, members in fields(program):
        if output is None:
            outputs = answers[members[0].name]
            result.update({each.name: Answer(outputs[:, each.start]) for each in program.outputs})
        elif isinstance(output, NumberOutput):
            result[output.name] = Answer(answers[members[0].name])
        elif isinstance(output, LabelsOutput):
            texts = [output.joined(row) for row in answers[members[0].name].tolist()]
            result[output.name] = Answer(np.array([*texts, None], object)[:-1], answers[members[1].name])
        else:
            result[output.name] = _class_answer(output, answers, members)
    return result


def _class_answer(output: Output, answers: NDArray[Any], members: list[Field]) -> Answer:
    assert isinstance(output, ClassOutput)
    kind = type(output.classes[0])
    labels = answers[members[1].name].tolist()
    labels = [ctypes.string_at(label).decode() if kind is str else kind(label) for label in labels]
    return Answer(np.array([*labels, None], object)[:-1], answers[members[2].name] if members[2:] else None)
