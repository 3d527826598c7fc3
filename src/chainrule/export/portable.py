"""A program as one JSON text, from which the interpreters in `interpreters/` compute answers in other languages.

    columns   [{"name", "reading": {"is": "word", "words": [...]}, "inputs": [{"is": "one_hot", "words": [...]}, ...]}]
              null where a row is numbers, which `names` calls by name
    layers    [{"W": base64 of (n_{l-1}, n_l) little-endian numbers, "b", "parts": [{"name": "relu", "start", "stop"}]}]
    outputs   [{"is": "classes", "name", "start", "stop", "classes", ...}, {"is": "numbers", ...}]

Operations and outputs have the names of their classes in snake case, and their fields.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule._version import __version__
from chainrule.export.program import ClassOutput, Layer, NumberOutput, Output, Program
from chainrule.tables.inputs.operations import Curve, Cycle
from chainrule.tables.inputs.transforms import Transform
from chainrule.tables.missing import MISSING
from chainrule.tables.profile.dates import CLOCK

__all__ = ["as_json"]


def as_json(program: Program) -> str:
    """The program as compact ASCII JSON; the same program gives the same text."""
    columns = None if program.columns is None else [_column(column) for column in program.columns]
    document = {
        "chainrule": __version__,
        "digest": program.digest,
        "dtype": program.dtype.name,
        "clock": CLOCK,
        "missing": list(MISSING),
        "columns": columns,
        "names": list(program.inputs),
        "layers": [_layer(layer) for layer in program.layers],
        "outputs": [_output(output) for output in program.outputs],
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


def _column(column: Transform) -> dict[str, Any]:
    inputs = [_operation(part) for part in column.inputs]
    return {"name": column.name, "reading": _operation(column.reading), "inputs": inputs}


def _operation(operation: Any) -> dict[str, Any]:
    """The name of an operation's class, and its fields; of a cycle also sine and cosine at each place."""
    fields = {field.name: getattr(operation, field.name) for field in dataclasses.fields(operation)}
    if isinstance(operation, Curve):
        fields = {"steps": [_operation(step) for step in operation.steps]}
    if isinstance(operation, Cycle):
        fields["waves"] = _numbers(operation.waves)
    return {"is": _snake(type(operation)), **fields}


def _snake(kind: type[Any]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _layer(layer: Layer) -> dict[str, Any]:
    parts = [{**sigma.document(), **_constants(sigma), "start": a, "stop": b} for sigma, a, b in layer.parts]
    return {"W": _numbers(layer.W), "b": _numbers(layer.b), "parts": parts}


def _constants(sigma: Any) -> dict[str, float]:
    """The constants of an activation's formula that are no parameters."""
    return {"alpha": sigma.ALPHA, "scale": sigma.SCALE} if sigma.name == "selu" else {}


def _output(output: Output) -> dict[str, Any]:
    kind = {ClassOutput: "classes", NumberOutput: "numbers"}[type(output)]
    greatest = {"greatest": NumberOutput.greatest} if isinstance(output, NumberOutput) else {}
    return {"is": kind, **dataclasses.asdict(output), **greatest}


def _numbers(array: NDArray[Any]) -> str:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")
