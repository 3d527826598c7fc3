"""The whole ONNX model of a program: inputs, graph, outputs, and what it says about itself."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule._version import __version__
from chainrule.errors import SettingError
from chainrule.export.onnx.activations import activated
from chainrule.export.onnx.columns import encoded
from chainrule.export.onnx.graph import ML, Graph, whole
from chainrule.export.onnx.outputs import Result, add_outputs, results
from chainrule.export.program import Layer, Program
from chainrule.tables.inputs.operations import Items, Number, Presence, Reading, Time, Word
from chainrule.tables.profile.dates import CLOCK, UNMARKED
from chainrule.text import counted

__all__ = ["input_names", "model_of"]

_OPSET, _ML_OPSET, _IR_VERSION = 20, 3, 9  # onnxruntime 1.17 and newer
_MOST_BYTES = 2_000_000_000  # of weights: a file of ONNX holds 2 GiB
_CELLS: dict[type[Reading], str] = {
    Number: "a number, NaN where missing",
    Word: 'a word, "" where missing',
    Items: 'labels, or words in lower case, with the mark alone between them, "" where missing',
    Time: 'a time such as 2024-02-29 13:30:00 or 2024-02-29, "" where missing',
    Presence: 'any text, "" where missing',
}
_TIMES = {
    CLOCK: 'a time of day such as 13:30:00, "" where missing',
    UNMARKED: 'a time such as 20240229 or 2024-02-29 13:30:00, "" where missing',
}


def input_names(program: Program) -> list[str]:
    """The names of the graph's inputs: those of the columns, or `X`."""
    if program.columns is None:
        return ["X"]
    unnamed = next(name for name in _unnamed() if name not in program.inputs)
    return [name or unnamed for name in program.inputs]


def _unnamed() -> Iterator[str]:
    """Names for a column without one."""
    return (f"unnamed {k}" if k else "unnamed" for k in itertools.count())


def model_of(program: Program) -> Any:
    """The program as an `onnx.ModelProto`.

    Raises SettingError for a program that ONNX cannot express, or that is too large for a file of ONNX.
    """
    from onnx import helper

    if program.theta.nbytes > _MOST_BYTES:
        million = program.theta.nbytes // 1_000_000
        raise SettingError(
            f"the weights have {million:,} MB, but a file of ONNX has at most 2,000 MB: train fewer neurons"
        )
    names = input_names(program)
    answers = results(program, names)
    graph = Graph([*names, *(name for each in answers for name in (each.values, each.probabilities) if name)])
    A = _layers(graph, program, names)
    outputs = [described for each in answers for described in add_outputs(graph, A, each, program)]
    made = helper.make_graph(graph.nodes, "chainrule", _inputs(program, names), outputs, graph.constants)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(ML, _ML_OPSET)]
    about = {"producer_name": "chainrule", "producer_version": __version__, "doc_string": _doc(program)}
    model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION, **about)
    helper.set_model_props(model, _properties(program, names, answers))
    return model


def _inputs(program: Program, names: list[str]) -> list[Any]:
    from onnx import TensorProto, helper

    if program.columns is None:
        kind = helper.np_dtype_to_tensor_dtype(program.dtype)
        return [helper.make_tensor_value_info(names[0], kind, ["N", program.width], "rows of numbers")]
    readings = [column.reading for column in program.columns]
    kinds = [TensorProto.DOUBLE if isinstance(reading, Number) else TensorProto.STRING for reading in readings]
    cells = zip(names, kinds, map(_cell, readings), strict=True)
    return [helper.make_tensor_value_info(name, kind, ["N", 1], doc) for name, kind, doc in cells]


def _cell(reading: Reading) -> str:
    """What a cell of an input is."""
    of_kind = _CELLS[type(reading)]
    return _TIMES.get(reading.form, of_kind) if isinstance(reading, Time) else of_kind


def _layers(graph: Graph, program: Program, names: list[str]) -> str:
    """The outputs of the last layer [N, n_L]."""
    A = names[0] if program.columns is None else encoded(graph, program.columns, names, program.dtype)
    layers = program.layers
    for k, layer in enumerate(layers):
        W, b = graph.constant(layer.W, f"W of layer {k + 2}"), graph.constant(layer.b, f"b of layer {k + 2}")
        A = _activations(graph, graph.add("Gemm", A, W, b), layer, program.dtype, layer is layers[-1])
    return A


def _activations(graph: Graph, Z: str, layer: Layer, dtype: np.dtype[Any], last: bool) -> str:
    if len(layer.parts) == 1:
        return activated(graph, Z, layer.parts[0][0], dtype, last)
    bounds = [(sigma, whole(start), whole(stop)) for sigma, start, stop in layer.parts]
    parts = [(sigma, graph.add("Slice", Z, start, stop, whole(1))) for sigma, start, stop in bounds]
    return graph.add("Concat", *(activated(graph, part, sigma, dtype, last) for sigma, part in parts), axis=1)


def _doc(program: Program) -> str:
    rows = "rows of numbers" if program.columns is None else f"rows of {counted(len(program.columns), 'column')}"
    return f"{program.architecture.describe()}, trained by chainrule {__version__}; {rows} in"


def _properties(program: Program, names: list[str], answers: list[Result]) -> dict[str, str]:
    """What the model says about itself: texts, those of several values in JSON."""
    columns = [
        {"name": name, "input": source, "reading": type(column.reading).__name__.lower()}
        for name, source, column in zip(program.inputs, names, program.columns or (), strict=False)
    ]
    properties = {"chainrule.version": __version__, "chainrule.digest": program.digest}
    if program.columns is None:
        return {**properties, "chainrule.inputs": _json(list(program.inputs)), "chainrule.targets": _targets(answers)}
    return {**properties, "chainrule.columns": _json(columns), "chainrule.targets": _targets(answers)}


def _targets(answers: list[Result]) -> str:
    return _json([_target(answer, output) for answer in answers for output in answer.targets])


def _target(answer: Result, output: Any) -> dict[str, Any]:
    classes = getattr(output, "classes", getattr(output, "texts", None))
    if classes is None:
        return {"name": output.name, "variable": answer.values}
    return {
        "name": output.name,
        "label": answer.values,
        "probabilities": answer.probabilities,
        "classes": list(classes),
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
