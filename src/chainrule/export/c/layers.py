"""The layers of a network as C: a table of weights and one of biases for each, and a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.errors import SettingError
from chainrule.export.c.text import number, numbers_of, table
from chainrule.export.program import Layer, Program

__all__ = ["WEIGHTS", "layer_functions"]

_PANEL = 64  # neurons whose weights are stored together: PANEL of fixed/layers.c
_FUNCTIONS = {"tanh": "hyperbolic_tangent", "exp": "exp_of"}  # those whose C name is another one
_PARAMETERS = {"leaky_relu": "slope", "prelu": "slope", "elu": "alpha", "sine": "omega"}


def layer_functions(program: Program, weights: str | None) -> str:
    """C text of the layers 2 to L: tables, and `layer_2(x, a)`, ... which compute `a` from the layer before.

    - weights: how weights are stored: in the type of the network if None, else one of `WEIGHTS`.

    Raises SettingError for weights that cannot be stored so.
    """
    texts = [_layer(layer, k, weights) for k, layer in enumerate(program.layers, start=2)]
    return "\n\n".join(texts)


def _layer(layer: Layer, k: int, weights: str | None) -> str:
    inputs, neurons = layer.W.shape
    store = _own if weights is None else WEIGHTS[weights]
    stored, scale = store(layer.W)
    tables = [
        table(f"weight W_{k}[{stored.size}]", numbers_of(_in_panels(stored))),
        table(f"real b_{k}[{neurons}]", numbers_of(layer.b)),
    ]
    lines = [f"  dense(x, {inputs}, W_{k}, b_{k}, {neurons}, a);"]
    if scale is not None:
        tables.append(table(f"real scale_{k}[{neurons}]", numbers_of(scale)))
        lines = [f"  dense(x, {inputs}, W_{k}, NULL, {neurons}, a);", f"  rescale(scale_{k}, b_{k}, {neurons}, a);"]
    lines += [line for part in layer.parts if (line := _activated(*part, layer.W.dtype))]
    head = f"/* Layer {k}: {inputs} inputs, {neurons} neurons. */"
    return "\n\n".join([head, *tables, "\n".join([f"static void layer_{k}(const real *x, real *a) {{", *lines, "}"])])


def _activated(sigma: Activation, start: int, stop: int, dtype: np.dtype[Any]) -> str:
    """The statement that applies an activation to the neurons start..stop-1."""
    if sigma.name == "identity":
        return ""
    if not sigma.elementwise:
        return f"  {sigma.name}(a + {start}, {stop - start});"
    name = "leaky_relu" if sigma.name == "prelu" else _FUNCTIONS.get(sigma.name, sigma.name)
    argument = ""
    if sigma.name in _PARAMETERS:
        value = dtype.type(getattr(sigma, _PARAMETERS[sigma.name]))
        argument = f", {number(float(value), 'f' if dtype == np.float32 else '')}"
    return f"  for (int j = {start}; j < {stop}; j++) a[j] = {name}(a[j]{argument});"


def _in_panels(W: NDArray[Any]) -> NDArray[Any]:
    """The weights of 64 neurons after those of the 64 before, each row by row."""
    parts = [W[:, j : j + _PANEL].ravel() for j in range(0, W.shape[1], _PANEL)]
    return np.concatenate(parts)


_Stored = tuple[NDArray[Any], NDArray[Any] | None]


def _own(W: NDArray[Any]) -> _Stored:
    return W, None


def _float16(W: NDArray[Any]) -> _Stored:
    """The bits of the nearest float16."""
    with np.errstate(over="ignore"):
        half = W.astype(np.float16)
    _require(half, W, "float16", "float16 ends at 65504")
    return half.view(np.uint16), None


def _int8(W: NDArray[Any]) -> _Stored:
    """Whole numbers from -127 to 127, and the scale of each neuron, by which they are multiplied."""
    most = np.abs(W).max(axis=0)
    _require(most, W, "int8", "it has no scale")
    least = np.finfo(W.dtype).tiny * 127  # weights of neurons that have none above it become 0
    scale = np.where(most > least, most / W.dtype.type(127), W.dtype.type(1))
    return np.rint(W / scale).astype(np.int8), scale


def _require(numbers: NDArray[Any], W: NDArray[Any], kind: str, why: str) -> None:
    if not np.isfinite(numbers).all():
        worst = W.ravel()[np.abs(W).argmax()]
        raise SettingError(f"a weight of {worst:g} does not fit into {kind}, because {why}: leave `weights` out")


WEIGHTS: dict[str, Callable[[NDArray[Any]], _Stored]] = {"float16": _float16, "int8": _int8}
