"""A program as one JSON text, from which the interpreters in `interpreters/` compute answers in other languages.

    columns   [{"name", "reading": {"is": "word", "words": [...]}, "inputs": [{"is": "one_hot", "width": 3}, ...]}]
              null where a row is numbers, which `names` calls by name
    layers    [{"b", "blocks": [{"inputs": [0, 3], "neurons": [0, 8], "W"}], "parts": [{"name", "start", "stop"}]}]
              where b and W (inputs, neurons) are base64 of little-endian numbers; W is 0 outside of its blocks
    outputs   [{"is": "classes", "name", "start", "stop", "classes", ...}, {"is": "labels", ...},
              {"is": "numbers", ...}]

Operations and outputs have the names of their classes in snake case, and their fields. The `width` of an operation is
how many numbers it makes.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Sequence
from importlib import resources
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule._version import __version__
from chainrule.export.program import ClassOutput, LabelsOutput, Layer, NumberOutput, Output, Program
from chainrule.tables.inputs.operations import Curve, Cycle, Input, Powers, Reading, Step, Time, Values
from chainrule.tables.inputs.transforms import Transform
from chainrule.tables.missing import MISSING, PLACEHOLDERS
from chainrule.tables.profile.dates import CLOCK, FORMS, ISO, NO_TIME, UNMARKED

__all__ = ["as_json", "interpreter"]

_ABOVE_DASHES = r"(?ms)\A.*?(?=^# -{40})"
_OWN_IMPORTS = r"(?m)^from chainrule\.\S+ import (\([^)]*\)|.*)\n"


def as_json(program: Program) -> str:
    """The program as ASCII JSON, with a line for each column, layer and output, always the same for a program."""
    columns = None if program.columns is None else [_column(column) for column in program.columns]
    document = {
        "chainrule": __version__,
        "digest": program.digest,
        "dtype": program.dtype.name,
        "missing": list(MISSING),
        "placeholders": list(PLACEHOLDERS),
        "no_times": [word for word in NO_TIME if word not in PLACEHOLDERS],
        "names": list(program.inputs),
        "columns": columns,
        "outputs": [_output(output) for output in program.outputs],
        "layers": [_layer(layer) for layer in program.layers],
    }
    return "{\n" + ",\n".join(f'"{name}": {_lines(value)}' for name, value in document.items()) + "\n}"


def _lines(value: Any) -> str:
    """JSON with a line for each item of a list of objects."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(map(_compact, value)) + "\n]"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _column(column: Transform) -> dict[str, Any]:
    inputs = [_input(part) for part in column.inputs]
    return {"name": column.name, "reading": _reading(column.reading), "inputs": inputs}


def _reading(reading: Reading) -> dict[str, Any]:
    """A reading; of times with the patterns of a cell: the year first, and dates without marks where it has them."""
    if not isinstance(reading, Time):
        return _operation(reading)
    forms = {CLOCK: [CLOCK], UNMARKED: [ISO, UNMARKED]}.get(reading.form, [ISO])
    return {**_operation(reading), "patterns": [FORMS[form] for form in forms]}


def _input(part: Input) -> dict[str, Any]:
    """An input without its words, which are those of the reading; with what else an interpreter needs."""
    fields = {name: value for name, value in _operation(part).items() if name not in ("words", "order")}
    if isinstance(part, Curve | Powers):
        fields = {**fields, "steps": [_operation(step) for step in part.steps]}
    if isinstance(part, Cycle):
        fields = {**fields, "length": part.length}
    if isinstance(part, Values):
        fields = {**fields, "rounded": part.rounded.tolist()}
    return {**fields, "width": len(part.suffixes)}


def _operation(operation: Reading | Input | Step) -> dict[str, Any]:
    """The name of an operation's class, and its fields."""
    fields: Any = operation
    return {"is": _snake(type(operation)), **{f.name: getattr(operation, f.name) for f in dataclasses.fields(fields)}}


def _snake(kind: type[Any]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _layer(layer: Layer) -> dict[str, Any]:
    parts = [{**sigma.document(), **_constants(sigma), "start": a, "stop": b} for sigma, a, b in layer.parts]
    return {"b": _numbers(layer.b), "blocks": _blocks(layer.W), "parts": parts}


def _blocks(W: NDArray[Any]) -> list[dict[str, Any]]:
    """W, cut into neighbouring neurons that get weights from the same range of inputs.

    >>> [(block["inputs"], block["neurons"]) for block in _blocks(np.kron(np.eye(2), np.ones((3, 4))))]
    [([0, 3], [0, 4]), ([3, 6], [4, 8])]
    """
    ranges, blocks, stop = [_range(w) for w in W.T], [], 0
    for (first, last), group in groupby(ranges):
        start, stop = stop, stop + len(list(group))
        numbers = _numbers(W[first:last, start:stop])
        blocks.append({"inputs": [first, last], "neurons": [start, stop], "W": numbers})
    return blocks


def _range(w: NDArray[Any]) -> tuple[int, int]:
    """The first weight that is not 0, and the one behind the last."""
    used = np.flatnonzero(w)
    return (int(used[0]), int(used[-1]) + 1) if used.size else (0, 0)


def _constants(sigma: Any) -> dict[str, float]:
    """The constants of an activation's formula that are no parameters."""
    return {"alpha": sigma.ALPHA, "scale": sigma.SCALE} if sigma.name == "selu" else {}


def _output(output: Output) -> dict[str, Any]:
    kind = {ClassOutput: "classes", LabelsOutput: "labels", NumberOutput: "numbers"}[type(output)]
    greatest = {"greatest": NumberOutput.greatest} if isinstance(output, NumberOutput) else {}
    fields = {
        name: value for name, value in dataclasses.asdict(output).items() if name not in ("threshold", "of_first")
    }
    threshold = {}
    if isinstance(output, ClassOutput) and output.threshold is not None:
        threshold = {"threshold": output.threshold, "decided": output.decided}
    return {"is": kind, **fields, **threshold, **greatest}


def _numbers(array: NDArray[Any]) -> str:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")


def interpreter(files: Sequence[str], before: str, behind: str, document: str) -> str:
    """The text of an interpreter in some files, with this document in place of the one that lies between two marks.

    The imports of these files from one another are left out, and in all but the first what is above a line of dashes.
    """
    folder = resources.files("chainrule.export.interpreters")
    first, *others = (folder.joinpath(file).read_text("utf-8") for file in files)
    source = "\n\n".join([first, *(re.sub(_ABOVE_DASHES, "", other) for other in others)])
    head, _, rest = re.sub(_OWN_IMPORTS, "", source).partition(before)
    _, mark, tail = rest.partition(behind)
    assert mark, f"{files[0]} has a place for the document"
    return f"{head}{before}{document}{behind}{tail}"
