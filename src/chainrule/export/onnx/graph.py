"""The nodes and constants of an ONNX graph, as they come: each value gets a name of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ML", "Graph", "Value", "number", "texts", "whole"]

ML = "ai.onnx.ml"  # the domain of operators for classical machine learning

Value = str | NDArray[Any]
"""The name of a value of the graph, or a constant."""


def texts(values: Iterable[str]) -> NDArray[Any]:
    """A constant (n,) of texts."""
    return np.array([*values, None], dtype=object)[:-1]


def whole(*values: int) -> NDArray[np.int64]:
    """A constant (n,) of whole numbers."""
    return np.array(values, np.int64)


def number(value: float, dtype: Any = np.float64) -> NDArray[Any]:
    """A constant () in a floating-point type."""
    return np.array(value, dtype)


class Graph:
    """Nodes and constants in the order in which they were added; what is the same is there once.

    - reserved: names that no value gets by itself, because inputs and outputs have them.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._taken = set(reserved)
        self._known: dict[Any, tuple[str, ...]] = {}

    def add(self, operator: str, *inputs: Value, **attributes: Any) -> str:
        """The name of what an operator of ONNX gives for these inputs."""
        return self.several(1, operator, *inputs, **attributes)[0]

    def several(self, count: int, operator: str, *inputs: Value, **attributes: Any) -> tuple[str, ...]:
        """The names of the `count` outputs of an operator; its `domain` is among the attributes, if it has one."""
        names = [each if isinstance(each, str) else self.constant(each) for each in inputs]
        key = (count, operator, *names, repr(attributes))
        if key not in self._known:
            self._known[key] = tuple(self._free(operator) for _ in range(count))
            self._append(operator, names, self._known[key], attributes)
        return self._known[key]

    def name(self, value: str, name: str) -> None:
        """Let a value have this name, too: that of an output of the graph."""
        self._append("Identity", [value], (name,), {})

    def constant(self, array: NDArray[Any], name: str = "constant") -> str:
        """The name of a constant; texts are an array of objects."""
        key = (array.dtype.str, array.shape, tuple(array.flat) if array.dtype.hasobject else array.tobytes())
        if key not in self._known:
            self._known[key] = (self._free(name),)
            self.constants.append(_tensor(array, *self._known[key]))
        return self._known[key][0]

    def _free(self, base: str) -> str:
        """A name that no other value has."""
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base} {count}"
        self._taken.add(name)
        return name

    def _append(self, operator: str, inputs: list[str], outputs: tuple[str, ...], attributes: dict[str, Any]) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, outputs, name=outputs[0], **attributes))


def _tensor(array: NDArray[Any], name: str) -> Any:
    from onnx import TensorProto, helper, numpy_helper

    if array.dtype.hasobject:
        return helper.make_tensor(name, TensorProto.STRING, array.shape, [text.encode() for text in array.flat])
    return numpy_helper.from_array(array, name)
