"""Activations: operators of ONNX where runtimes have them for the type, else formulas out of simpler operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.activations import Activation
from chainrule.errors import SettingError
from chainrule.export.onnx.curves import log1p
from chainrule.export.onnx.graph import Graph, number

__all__ = ["ACTIVATIONS", "activated"]

Make = Callable[[Graph, str, Any, Any], str]


def activated(graph: Graph, z: str, sigma: Activation, dtype: np.dtype[Any], last: bool) -> str:
    """sigma(z) of z [N, k]; `last` says whether it is the last layer, whose small probabilities keep their digits.

    Raises SettingError for an activation that ONNX runtimes do not compute in the type.
    """
    alone = dtype == np.float32 and not (last and sigma.name == "sigmoid")
    make = (ACTIVATIONS if alone else {**ACTIVATIONS, **_SPELLED})[sigma.name]
    return make(graph, z, sigma, dtype.type)


def _operator(name: str, **attributes: Any) -> Make:
    """An operator of ONNX; an attribute that is a text is the name of a parameter of the activation."""

    def make(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
        values = {key: getattr(sigma, value) if isinstance(value, str) else value for key, value in attributes.items()}
        return graph.add(name, z, **values)

    return make


def _clip(low: float, high: float) -> Make:
    return lambda graph, z, sigma, dtype: graph.add("Clip", z, number(low, dtype), number(high, dtype))


def _silu(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    return graph.add("Mul", z, graph.add("Sigmoid", z))


def _softsign(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    return graph.add("Div", z, graph.add("Add", graph.add("Abs", z), number(1, dtype)))


def _sine(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    return graph.add("Sin", graph.add("Mul", z, number(sigma.omega, dtype)))


def _positive(graph: Graph, z: str, dtype: Any) -> str:
    return graph.add("Greater", z, number(0, dtype))


def _power(graph: Graph, z: str) -> str:
    """e^-|z|."""
    return graph.add("Exp", graph.add("Neg", graph.add("Abs", z)))


def _sigmoid(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    add, one, e = graph.add, number(1, dtype), _power(graph, z)
    return add("Div", add("Where", _positive(graph, z, dtype), one, e), add("Add", one, e))


def _tanh(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    """-tanh(-z), the same number: onnxruntime 1.17 fuses Gemm and Tanh, and lacks what comes of it in float64."""
    return graph.add("Neg", graph.add("Tanh", graph.add("Neg", z)))


def _relu(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    return graph.add("Max", z, number(0, dtype))


def _silu_of_exp(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    return graph.add("Mul", z, _sigmoid(graph, z, sigma, dtype))


def _leaky_relu(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    slope = graph.add("Mul", z, number(sigma.slope, dtype))
    return graph.add("Where", _positive(graph, z, dtype), z, slope)


def _exponential(graph: Graph, z: str, alpha: float, dtype: Any) -> str:
    """z for z > 0, else alpha (e^z - 1)."""
    add = graph.add
    power = add("Sub", add("Exp", add("Min", z, number(0, dtype))), number(1, dtype))
    return add("Where", _positive(graph, z, dtype), z, add("Mul", power, number(alpha, dtype)))


def _elu(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    return _exponential(graph, z, sigma.alpha, dtype)


def _selu(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    return graph.add("Mul", _exponential(graph, z, sigma.ALPHA, dtype), number(sigma.SCALE, dtype))


def _softplus(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    """max(z, 0) + ln(1 + e^-|z|)."""
    return graph.add("Add", graph.add("Max", z, number(0, dtype)), log1p(graph, _power(graph, z), dtype))


def _mish(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    """z p / (p + q), where p and q are polynomials in e^-|z|."""
    add, e, positive = graph.add, _power(graph, z), _positive(graph, z, dtype)
    double, two = add("Add", e, e), number(2, dtype)
    above = add("Add", double, number(1, dtype))
    p = add("Where", positive, above, add("Mul", e, add("Add", e, two)))
    q = add("Where", positive, add("Mul", double, e), two)
    return add("Mul", z, add("Div", p, add("Add", p, q)))


def _refuse(graph: Graph, z: str, sigma: Any, dtype: Any) -> str:
    raise SettingError(
        f"ONNX runtimes compute {sigma.name} in float32 only, but the network is in float64: "
        "export it in float32 (--dtype float32, or dtype='float32')"
    )


ACTIVATIONS: dict[str, Make] = {
    "identity": lambda graph, z, sigma, dtype: z,
    "sigmoid": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "relu": _operator("Relu"),
    "relu6": _clip(0, 6),
    "leaky_relu": _operator("LeakyRelu", alpha="slope"),
    "prelu": _operator("LeakyRelu", alpha="slope"),
    "elu": _operator("Elu", alpha="alpha"),
    "selu": _operator("Selu", alpha="ALPHA", gamma="SCALE"),
    "gelu": _operator("Gelu"),
    "silu": _silu,
    "mish": _operator("Mish"),
    "softplus": _operator("Softplus"),
    "softsign": _softsign,
    "hardtanh": _clip(-1, 1),
    "sine": _sine,
    "exp": _operator("Exp"),
    "softmax": _operator("Softmax", axis=1),
}
_SPELLED: dict[str, Make] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "prelu": _leaky_relu,
    "elu": _elu,
    "selu": _selu,
    "gelu": _refuse,
    "silu": _silu_of_exp,
    "mish": _mish,
    "softplus": _softplus,
}  # what runtimes lack in float64, also after they fuse it: Gemm and Relu, z and Sigmoid
