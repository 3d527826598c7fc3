"""From the outputs of the network, [N, n_L], to labels, probabilities and numbers.

    label           [N], the class as text, int64, double or boolean      one target of classes
    probabilities   [N, k], one for each class
    variable        [N, 1]                                                one target of numbers
    variable        [N, k], a column for each target                      a row is numbers, and all targets are
    TARGET label, TARGET probabilities, TARGET                            each of several targets otherwise

A column of the table keeps its name; an output that has the name of one is called `predicted NAME`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import SettingError
from chainrule.export.onnx.graph import Graph, number, texts, whole
from chainrule.export.program import ClassOutput, LabelsOutput, NumberOutput, Output, Program
from chainrule.text import shown

__all__ = ["Result", "add_outputs", "results"]


@dataclasses.dataclass(frozen=True)
class Result:
    """A target, or several of numbers, and the names of the graph's outputs that answer for it.

    - values: the output with the label or the numbers.
    - probabilities: the output with the probabilities; None if there are none.
    """

    targets: tuple[Output, ...]
    values: str
    probabilities: str | None = None

    @property
    def classes(self) -> NDArray[Any] | None:
        """The classes (k,) of its target as a constant of the graph, None for numbers.

        Raises SettingError for whole numbers beyond int64, and for texts with a NUL.
        """
        target = self.targets[0]
        return _classes(target) if isinstance(target, ClassOutput) else None


def results(program: Program, inputs: Iterable[str]) -> list[Result]:
    """What the graph answers, in order; `inputs` are the names that are taken."""
    taken, outputs = set(inputs), program.outputs
    if program.columns is None and all(isinstance(output, NumberOutput) for output in outputs):
        return [Result(outputs, _free("variable", taken))]
    several = len(outputs) > 1
    return [_result(output, f"{output.name} " if several else "", taken) for output in outputs]


def _result(output: Output, prefix: str, taken: set[str]) -> Result:
    if isinstance(output, NumberOutput):
        return Result((output,), _free(output.name if prefix else "variable", taken))
    assert isinstance(output, ClassOutput | LabelsOutput), "an output has classes, labels or numbers"
    label = _free(f"{prefix}label", taken)
    probable = isinstance(output, LabelsOutput) or output.probable
    return Result((output,), label, _free(f"{prefix}probabilities", taken) if probable else None)


def _free(name: str, taken: set[str]) -> str:
    while name in taken or not name:
        name = f"predicted {name}"
    taken.add(name)
    return name


def add_outputs(graph: Graph, A: str, result: Result, program: Program) -> list[Any]:
    """Add what gives a result, from all outputs [N, n_L]; returns descriptions of the graph's outputs."""
    first = result.targets[0]
    if isinstance(first, ClassOutput):
        return _add_classes(graph, A, result, first, program)
    if isinstance(first, LabelsOutput):
        return _add_labels(graph, A, result, first, program)
    numbers = [target for target in result.targets if isinstance(target, NumberOutput)]
    graph.name(_numbers(graph, _columns(graph, A, numbers, program.architecture.sizes[-1]), numbers), result.values)
    dtype = np.dtype(np.float64) if numbers[0].scaled else program.dtype
    return [_described(result.values, dtype, len(numbers), "the numbers")]


def _add_classes(graph: Graph, A: str, result: Result, output: ClassOutput, program: Program) -> list[Any]:
    classes = result.classes
    assert classes is not None
    own = _own(graph, A, output, program.architecture.sizes[-1])
    graph.name(graph.add("Gather", classes, _codes(graph, own, output, program.dtype), axis=0), result.values)
    described = [_described(result.values, classes.dtype, None, f"the class of {output.name}")]
    if result.probabilities is not None:
        graph.name(_probabilities(graph, own, output, program.dtype), result.probabilities)
        order = f"the probabilities of {', '.join(map(str, output.classes[:100]))}"
        described.append(_described(result.probabilities, program.dtype, len(output.classes), order))
    return described


def _add_labels(graph: Graph, A: str, result: Result, output: LabelsOutput, program: Program) -> list[Any]:
    """The labels above 1/2 as one text, joined label by label, and their probabilities."""

    own, add = _own(graph, A, output, program.architecture.sizes[-1]), graph.add
    _check_texts(output.name, output.texts)
    count = add("Shape", own, start=0, end=1)
    answer = add("Expand", texts([""]), count)
    for k, text in enumerate(output.texts):
        there = add("Greater", add("Squeeze", _slice(graph, own, k, k + 1), whole(1)), number(0.5, program.dtype))
        mark = add("Where", add("Equal", answer, texts([""])), texts([""]), texts([output.separator]))
        answer = add("Where", there, add("StringConcat", add("StringConcat", answer, mark), texts([text])), answer)
    graph.name(answer, result.values)
    assert result.probabilities is not None, "labels have them"
    graph.name(own, result.probabilities)
    order = f"the probabilities of {', '.join(output.texts[:100])}"
    return [
        _described(result.values, np.dtype(object), None, f"the labels of {output.name}"),
        _described(result.probabilities, program.dtype, len(output.texts), order),
    ]


def _slice(graph: Graph, source: str, start: int, stop: int) -> str:
    """Some of the columns."""
    return graph.add("Slice", source, whole(start), whole(stop), whole(1))


def _own(graph: Graph, A: str, output: Output, width: int) -> str:
    """The outputs of one target."""
    if (output.start, output.stop) == (0, width):
        return A
    return _slice(graph, A, output.start, output.stop)


def _codes(graph: Graph, own: str, output: ClassOutput, dtype: Any) -> str:
    from onnx import TensorProto

    if output.ordered:
        least = _falling(graph, own, output.stop - output.start)
        above = graph.add("Cast", graph.add("Greater", least, number(0.5, dtype)), to=TensorProto.INT64)
        return graph.add("ReduceSum", above, whole(1), keepdims=0)
    if output.threshold is not None:
        return _decided(graph, _probabilities(graph, own, output, dtype), output.decided, output.threshold, dtype)
    if not output.yes_or_no:
        return graph.add("ArgMax", own, axis=1, keepdims=0)
    above = graph.add("Greater", graph.add("Squeeze", own, whole(1)), number(0.5, dtype))
    return graph.add("Cast", above, to=TensorProto.INT64)


def _falling(graph: Graph, own: str, width: int) -> str:
    """For each of the outputs the least of those up to it."""
    least = [_slice(graph, own, 0, 1)]
    for k in range(1, width):
        least.append(graph.add("Min", least[-1], _slice(graph, own, k, k + 1)))
    return graph.add("Concat", *least, axis=1) if width > 1 else least[0]


def _decided(graph: Graph, probabilities: str, decided: int, threshold: float, dtype: Any) -> str:
    """The number of the class by a threshold for the class of the number `decided`."""
    column = graph.add("Slice", probabilities, whole(decided), whole(decided + 1), whole(1))
    below = graph.add("Less", graph.add("Squeeze", column, whole(1)), number(threshold, dtype))
    return graph.add("Where", below, number(1 - decided, np.int64), number(decided, np.int64))


def _probabilities(graph: Graph, own: str, output: ClassOutput, dtype: Any) -> str:
    add, one, zero = graph.add, number(1, dtype), number(0, dtype)
    if output.yes_or_no:
        return add("Concat", add("Sub", one, own), own, axis=1)
    if output.ordered:
        width = output.stop - output.start
        least = _falling(graph, own, width)
        zeros = add("Mul", _slice(graph, own, 0, 1), zero)
        above, below = add("Concat", add("Add", zeros, one), least, axis=1), add("Concat", least, zeros, axis=1)
        return add("Sub", above, below)
    if not output.divided:
        return own
    total = add("ReduceSum", own, whole(1), keepdims=1)
    positive = add("Greater", total, zero)
    shares = add("Div", own, add("Where", positive, total, one))
    return add("Where", positive, shares, number(1 / len(output.classes), dtype))


def _columns(graph: Graph, A: str, outputs: Sequence[NumberOutput], width: int) -> str:
    """The outputs of targets of numbers side by side."""
    starts = whole(*(output.start for output in outputs))
    return A if starts.tolist() == list(range(width)) else graph.add("Gather", A, starts, axis=1)


def _numbers(graph: Graph, own: str, outputs: Sequence[NumberOutput]) -> str:
    from onnx import TensorProto

    if not outputs[0].scaled:
        return own
    add = graph.add
    means, scales = (np.array([[getattr(output, name) for output in outputs]]) for name in ("mean", "scale"))
    y = add("Add", add("Mul", add("Cast", own, to=TensorProto.DOUBLE), scales), means)
    logarithms = np.array([[output.logarithm for output in outputs]])
    if not logarithms.any():
        return y
    powers = add("Exp", add("Min", y, number(NumberOutput.greatest)))
    return powers if logarithms.all() else add("Where", logarithms, powers, y)


def _classes(output: ClassOutput) -> NDArray[Any]:
    first = output.classes[0]
    if isinstance(first, str):
        _check_texts(output.name, output.classes)
        return texts(output.classes)
    if isinstance(first, bool | float):
        return np.array(output.classes)
    try:
        return np.array(output.classes, np.int64)
    except OverflowError:
        raise SettingError(
            f"{output.name!r} has the class {shown(max(output.classes, key=abs))}, but ONNX has labels from -2^63 to "
            "2^63 - 1: train with texts as classes"
        ) from None


def _check_texts(name: str, classes: Sequence[str]) -> None:
    """Raises SettingError for a class that runtimes cut short."""
    cut = [text for text in classes if "\0" in text]
    if cut:
        raise SettingError(
            f"{name!r} has the class {shown(cut[0])} with a NUL, which ends a text in ONNX runtimes: "
            "choose another format, or clean the data"
        )


def _described(name: str, dtype: np.dtype[Any], width: int | None, doc: str) -> Any:
    from onnx import TensorProto, helper

    kind = TensorProto.STRING if dtype.hasobject else helper.np_dtype_to_tensor_dtype(dtype)
    return helper.make_tensor_value_info(name, kind, ["N"] if width is None else ["N", width], doc)
