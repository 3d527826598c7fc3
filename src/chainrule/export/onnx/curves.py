"""The steps of curves in float64, for columns of numbers [N, k] side by side; each step has a row of constants."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from chainrule.export.onnx.graph import Graph, number
from chainrule.tables.inputs.operations import Affine, Asinh, Bend, Step

__all__ = ["STEPS", "curve", "log1p"]

_HUGE = 2.0**28  # from here on asinh |x| is ln |x| + ln 2 to the last bit


def curve(graph: Graph, x: str, columns: Sequence[Sequence[Step]]) -> str:
    """x [N, k] after the steps of each column, which differ in their numbers alone."""
    for steps in zip(*columns, strict=True):
        x = STEPS[type(steps[0])](graph, x, steps)
    return x


def _affine(graph: Graph, x: str, steps: Sequence[Any]) -> str:
    means, scales = (np.array([[getattr(step, name) for step in steps]]) for name in ("mean", "scale"))
    return graph.add("Div", graph.add("Sub", x, means), scales)


def _asinh(graph: Graph, x: str, steps: Sequence[Any]) -> str:
    """sign(x) log1p(|x| + x^2 / (1 + sqrt(1 + x^2))), which keeps the digits of small numbers and does not overflow."""
    add, one = graph.add, number(1)
    size = add("Abs", x)
    far = add("Greater", size, number(_HUGE))
    near = add("Where", far, one, size)
    square = add("Mul", near, near)
    root = add("Sqrt", add("Add", square, one))
    logarithm = log1p(graph, add("Add", near, add("Div", square, add("Add", root, one))), np.float64)
    beyond = add("Add", add("Log", add("Where", far, size, one)), number(math.log(2)))
    return add("Mul", add("Sign", x), add("Where", far, beyond, logarithm))


def log1p(graph: Graph, u: str, dtype: Any) -> str:
    """ln(1 + u) for u >= 0 with all its digits: ln(w) u / (w - 1), where w is 1 + u rounded; u itself where w is 1.

    Source: Goldberg, What every computer scientist should know about floating-point arithmetic, 1991, theorem 4.
    """
    add, one = graph.add, number(1, dtype)
    w = add("Add", u, one)
    small = add("Equal", w, one)
    rounded = add("Where", small, one, add("Sub", w, one))
    return add("Where", small, u, add("Div", add("Mul", add("Log", w), u), rounded))


def _bend(graph: Graph, x: str, steps: Sequence[Any]) -> str:
    add, bounds = graph.add, np.array([[step.bound for step in steps]])
    size = add("Abs", x)
    beyond = add("Sub", 2 * bounds, add("Div", bounds * bounds, add("Max", size, bounds)))
    return add("Where", add("Greater", size, bounds), add("Mul", add("Sign", x), beyond), x)


STEPS: dict[type[Step], Callable[[Graph, str, Sequence[Any]], str]] = {Affine: _affine, Asinh: _asinh, Bend: _bend}
