"""Runs ONNX files: in onnxruntime, or in the reference implementation of the package onnx, which is slow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.export.format import Rows
from chainrule.export.onnx.model import input_names
from chainrule.export.onnx.outputs import Result, results
from chainrule.export.program import Answer, Program
from chainrule.tables.inputs.operations import Number
from chainrule.text import shortened

__all__ = ["Session", "answers", "feeds", "in_onnxruntime", "in_reference", "session"]

Session = Callable[[dict[str, NDArray[Any]]], dict[str, NDArray[Any]]]
"""What runs a file: from the inputs to the outputs, by name."""


def session(path: Path) -> Session:
    """What runs the file. Raises SettingError where neither onnxruntime nor onnx is installed, or it is too old."""
    try:
        return in_onnxruntime(path)
    except ImportError:
        pass
    try:
        return in_reference(path)
    except ImportError:
        raise SettingError("running ONNX needs onnxruntime, which is not installed: pip install onnxruntime") from None


def in_onnxruntime(path: Path) -> Session:
    """onnxruntime on the CPU. Raises SettingError for one that is too old for the file."""
    import onnxruntime

    try:
        runtime = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have nothing in common
        line = f"onnxruntime {onnxruntime.__version__} cannot run {path} ({shortened(str(error), 120)})"
        raise SettingError(f"{line}: install 1.17 or newer") from None
    names = [output.name for output in runtime.get_outputs()]
    single = {each.name for each in runtime.get_inputs() if each.type == "tensor(float)"}

    def run(inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return dict(zip(names, runtime.run(names, _typed(inputs, single)), strict=True))

    return run


def in_reference(path: Path) -> Session:
    """The reference implementation."""
    from onnx import TensorProto, load, reference

    model = load(path)
    runtime = reference.ReferenceEvaluator(model)
    single = {each.name for each in model.graph.input if each.type.tensor_type.elem_type == TensorProto.FLOAT}

    def run(inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return dict(zip(runtime.output_names, runtime.run(None, _typed(inputs, single)), strict=True))

    return run


def _typed(inputs: dict[str, NDArray[Any]], single: set[str]) -> dict[str, NDArray[Any]]:
    """The inputs, those in `single` in float32."""
    return {name: cells.astype(np.float32) if name in single else cells for name, cells in inputs.items()}


def feeds(program: Program, rows: Rows) -> dict[str, NDArray[Any]]:
    """Rows as the inputs of the graph: [N, 1] for each column, or X."""
    names = input_names(program)
    if program.columns is None:
        X = np.stack([np.asarray(rows[name], np.float64) for name in program.inputs], axis=1)
        return {names[0]: X}
    cells = zip(names, program.columns, strict=True)
    return {name: _cells(rows[column.name], isinstance(column.reading, Number)) for name, column in cells}


def _cells(cells: NDArray[Any], numbers: bool) -> NDArray[Any]:
    if numbers:
        return np.asarray(cells, np.float64).reshape(-1, 1)
    texts = ["" if cell is None else cell for cell in cells.tolist()]
    return np.array([*texts, None], dtype=object)[:-1].reshape(-1, 1)


def answers(run: Session, program: Program, rows: Rows) -> dict[str, Answer]:
    """The answer for each target of the program."""
    inputs = feeds(program, rows)
    outputs = run(inputs)
    return {name: each for result in results(program, inputs) for name, each in _of_result(result, outputs).items()}


def _of_result(result: Result, outputs: dict[str, NDArray[Any]]) -> dict[str, Answer]:
    values = outputs[result.values]
    if result.probabilities is not None:
        return {result.targets[0].name: Answer(values, outputs[result.probabilities])}
    columns = values.reshape(len(values), len(result.targets)).T
    return {target.name: Answer(column) for target, column in zip(result.targets, columns, strict=True)}
