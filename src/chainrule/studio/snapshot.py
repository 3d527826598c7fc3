"""What the page draws of the network as it is now: layers, weights, and answers over two inputs.

Many numbers go as bytes: `{"shape": [...], "bytes": base64, "low": ..., "high": ...}`, where 0 stands for low, 255 for
high. Weights go as numbers where there are few, and as bytes, with cells put together, where there are many.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import numpy as np

from chainrule.arrays import Array
from chainrule.network import Network
from chainrule.studio.dataset import Dataset
from chainrule.text import printable, shortened

__all__ = ["FEW_WEIGHTS", "Axes", "as_bytes", "best_axes", "layers", "named", "points", "surface"]

FEW_WEIGHTS = 200  # drawn as lines; above, as matrices
SIDE = 40  # of the surface, in cells
PICTURES = 48  # neurons of a layer that have a picture
CELLS = 64  # of a matrix, in each direction
POINTS = 400  # rows that are drawn as points


class Axes(NamedTuple):
    """The two inputs of the surface, and the row whose values the others have; the output that is drawn."""

    x: int = 0
    y: int = 1
    row: int = 0
    output: int = 0


def named(names: list[str], most: int = 200) -> list[str]:
    """Names that can be shown: in one line, bounded, at most so many."""
    return [shortened(printable(name), 80) for name in names[:most]]


def as_bytes(values: Array, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """Numbers as bytes from low to high, the least and the greatest of them if None.

    >>> as_bytes(np.array([0.0, 1.0]))
    {'shape': [2], 'bytes': 'AP8=', 'low': 0.0, 'high': 1.0}
    """
    values = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=1e300, neginf=-1e300)
    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    scaled = np.clip((values - low) / ((high - low) or 1.0), 0, 1)
    data = np.rint(255 * scaled).astype(np.uint8).tobytes()
    return {"shape": list(values.shape), "bytes": base64.b64encode(data).decode("ascii"), "low": low, "high": high}


def layers(net: Network) -> list[dict[str, Any]]:
    """Each layer from 2: its size, its activation, W and b."""
    few = sum(W.size for W in net.W) <= FEW_WEIGHTS
    names = [str(each) for each in net.architecture.hidden]
    names.append(" + ".join(str(block.activation) for block in net.architecture.blocks))
    return [
        {"size": W.shape[1], "activation": name, "b": _rounded(b[:PICTURES]), **_weights(W, few)}
        for W, b, name in zip(net.W, net.b, names, strict=True)
    ]


def _weights(W: Array, few: bool) -> dict[str, Any]:
    if few:
        return {"W": [_rounded(row) for row in W]}
    cells = _together(W)
    most = float(np.abs(cells).max()) or 1.0
    return {"matrix": as_bytes(cells, -most, most), "of": list(W.shape)}


def _together(W: Array) -> Array:
    """At most CELLS x CELLS cells: of the weights that share a cell the greatest in size."""
    for axis in (0, 1):
        n = W.shape[axis]
        if n > CELLS:
            parts = np.array_split(W, CELLS, axis=axis)
            W = np.stack([_greatest(part, axis) for part in parts], axis=axis)
    return W


def _greatest(part: Array, axis: int) -> Array:
    at = np.expand_dims(np.abs(part).argmax(axis=axis), axis)
    return np.take_along_axis(part, at, axis).squeeze(axis)


def _rounded(values: Array) -> list[float | None]:
    return [None if not np.isfinite(v) else float(f"{v:.6g}") for v in values.tolist()]


# ---------------------------------------------------------------------------------------------- over two inputs


def best_axes(dataset: Dataset) -> Axes:
    """The two inputs that vary the most, for a start."""
    if dataset.features or len(dataset.names) < 3:
        return Axes()
    spread = np.asarray(dataset.train.X[:2000], np.float64).std(axis=0)
    x, y = sorted(np.argsort(-spread, kind="stable")[:2].tolist())
    return Axes(x, y)


def _range(dataset: Dataset, axis: int) -> tuple[float, float]:
    """What is drawn of an axis: the values of the rows, and a little more."""
    if dataset.features:
        return -1.15, 1.15
    values = np.asarray(dataset.train.X[:, axis], np.float64)
    low, high = float(values.min()), float(values.max())
    more = 0.08 * ((high - low) or 1.0)
    return low - more, high + more


def surface(net: Network, dataset: Dataset, axes: Axes) -> dict[str, Any]:
    """The answer over two inputs, and that of each hidden neuron: (SIDE, SIDE) cells, from the top, left to right."""
    x, y = (_range(dataset, axis) for axis in (axes.x, axes.y))
    xs, ys = (low + (np.arange(SIDE) + 0.5) / SIDE * (high - low) for low, high in (x, y))
    P = np.stack([np.tile(xs, SIDE), np.repeat(ys[::-1], SIDE)], axis=1)
    X = dataset.points(axes.row, axes.x, axes.y, P).astype(net.dtype)
    with np.errstate(all="ignore"):
        answers = net.predict(X)
        hidden = net.hidden_activations(X) if len(net.sizes) > 2 else []
    pictures = [[as_bytes(_small(A[:, j])) for j in range(min(A.shape[1], PICTURES))] for A in hidden]
    inputs = [as_bytes(_small(X[:, i])) for i in range(min(X.shape[1], 12))] if dataset.features else []
    return {"x": list(x), "y": list(y), "answer": _answer(answers, axes), "neurons": pictures, "inputs": inputs}


def _small(values: Array) -> Array:
    return values.reshape(SIDE, SIDE)[::2, ::2]


def _answer(A: Array, axes: Axes) -> dict[str, Any]:
    """One output, or of several classes the number of the greatest, and how great it is."""
    grid = A.reshape(SIDE, SIDE, -1)
    if A.shape[1] == 1 or axes.output > 0:
        values = grid[:, :, max(axes.output - 1, 0)]
        inside = values.min() >= 0 and values.max() <= 1
        return {"values": as_bytes(values, 0.0, 1.0) if inside else as_bytes(values)}
    return {"classes": as_bytes(grid.argmax(axis=2), 0, 255), "share": as_bytes(grid.max(axis=2), 0.0, 1.0)}


def points(dataset: Dataset, axes: Axes) -> dict[str, Any]:
    """Some rows as points of the surface: x, y, the target, and whether a row is held out."""
    parts = []
    for held, rows in ((False, dataset.train), (True, dataset.held_out)):
        if rows is not None:
            count = min(len(rows.X), POINTS)
            chosen = np.arange(count) * len(rows.X) // count
            X = np.asarray(rows.X[chosen], np.float64)
            parts.append((held, chosen, _places(dataset, axes, X), _values(np.asarray(rows.T[chosen]))))
    return {
        "points": [
            {"held_out": held, "rows": chosen.tolist(), "x": _rounded(P[:, 0]), "y": _rounded(P[:, 1]), "t": t}
            for held, chosen, P, t in parts
        ]
    }


def _places(dataset: Dataset, axes: Axes, X: Array) -> Array:
    names = [dataset.names.index(f"x{k + 1}") if f"x{k + 1}" in dataset.names else None for k in (axes.x, axes.y)]
    if not dataset.features:
        return X[:, [axes.x, axes.y]]
    return np.stack([np.zeros(len(X)) if name is None else X[:, name] for name in names], axis=1)


def _values(T: Array) -> list[Any]:
    if T.ndim == 2 and T.shape[1] > 1:
        T = T.argmax(axis=1)
    return _rounded(T.reshape(len(T), -1)[:, 0].astype(np.float64))
