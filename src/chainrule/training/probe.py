"""A look at some of the rows trained on: what the layers and their errors are like, as plain numbers.

Looks are taken before the first update and with the weights that are left. They read the weights and change nothing;
`chainrule.training.diagnosis` says what they mean.
"""

from typing import Any

import numpy as np

from chainrule.activations import Activation
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.equations import Pass, backward, forward
from chainrule.examples import one_hot

__all__ = ["look", "look_at_data", "most_rows", "sample"]

ROWS = 256  # rows that are looked at, at most: a layer of 100 neurons then stays in the processor's cache
BYTES = 2**24  # and bytes of the widest layer
PRODUCTS = 2**25  # and products of a forward pass
LEAST = 64  # rows that are looked at even so

FLAT = 0.01  # of the slope near 0: below it an activation is called flat

Numbers = dict[str, list[float]]


def most_rows(architecture: Architecture, dtype: np.dtype[Any]) -> int:
    """How many rows may be looked at for what a look may cost.

    >>> most_rows(cr.Architecture.of([3, 1]), np.dtype("float32"))
    256
    """
    room = BYTES // (max(architecture.sizes) * dtype.itemsize)
    return int(np.clip(min(room, PRODUCTS // architecture.parameter_count), LEAST, ROWS))


def sample(rows: Array, most: int) -> Array:
    """At most so many of the rows (k,), evenly spread over them.

    >>> sample(np.arange(1000), 256)[:4]
    array([ 0,  3,  7, 11])
    """
    count = min(most, len(rows))
    return rows[np.arange(count) * len(rows) // count]


def look(architecture: Architecture, theta: Array, X: Array, T: Array) -> Numbers:
    """What the layers do with some rows X (m, n_1), T (m, n_L) or class numbers.

    rows        m
    units       n_l of the hidden layers l = 2..L-1
    saturated   of each hidden layer with a bounded activation the share of all a_ij where it is flat, else 0
    stuck       of each such layer the share of neurons that are flat on one and the same side in every row, else 0
    dead        the same share for activations without bounds
    delta       the root mean square of delta^l, l = 2..L
    spread      of each output the standard deviation over the rows, divided by that of its target
    cost        the mean of C_x

    Flat is where |sigma'| is below 1% of its greatest value on -1..1.
    """
    T = one_hot(architecture, T, theta.dtype)
    layers = architecture.layers(theta)
    with np.errstate(all="ignore"):
        done = forward(X.astype(theta.dtype, copy=False), layers)
        last = done.Z[-1], done.A[-1], T
        deltas = backward(architecture.delta_L(*last), layers, done)
        found = _hidden(architecture, done)
        found |= {"delta": [_rms(delta) for delta in deltas], "spread": _spread(done.A[-1], T)}
        return {**found, "rows": [float(len(X))], "cost": [float(architecture.costs(*last).mean(dtype=np.float64))]}


def _hidden(architecture: Architecture, done: Pass) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"saturated": [], "stuck": [], "dead": []}
    for activation, Z, A in zip(architecture.hidden, done.Z, done.sigma, strict=False):
        flat = _flat(activation, Z, A)
        one_side = (Z > 0).all(axis=0) | (Z <= 0).all(axis=0)
        fixed = float((flat.all(axis=0) & one_side).mean())
        bounded = np.isfinite(activation.range.low) and np.isfinite(activation.range.high)
        found["saturated"].append(float(flat.mean()) if bounded else 0.0)
        found["stuck"].append(fixed if bounded else 0.0)
        found["dead"].append(0.0 if bounded else fixed)
    return {"units": [float(n) for n in architecture.sizes[1:-1]], **found}


def _flat(activation: Activation, Z: Array, A: Array) -> Array:
    """Where the activation does not answer to its z, (m, n_l); nowhere for one that is not elementwise."""
    if not activation.elementwise:
        return np.zeros(Z.shape, dtype=bool)
    near = np.linspace(-1.0, 1.0, 21)[:, None]
    greatest = np.nanmax(np.abs(activation.derivative(near, activation.value(near))), initial=0.0)
    return np.abs(activation.derivative(Z, A)) < FLAT * greatest


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _spread(A: Array, T: Array) -> list[float]:
    """std A / std T of each output, NaN where the target is the same in every row."""
    of_targets = T.std(axis=0, dtype=np.float64)
    return np.where(of_targets > 0, A.std(axis=0, dtype=np.float64) / of_targets, np.nan).tolist()


# -------------------------------------------------------------------------------------------------- the data


def look_at_data(architecture: Architecture, X: Array, T: Array) -> Numbers:
    """What some rows of the data are like.

    inputs      the column (from 0) with the greatest root mean square, and that; the median of all that vary
    targets     the same of the targets of outputs that have no bounds, empty if there are none
    leaks       columns that tell a target alone: column, output, how many rows say so; three numbers for each
    """
    X = X.astype(np.float64)
    free = [np.arange(b.start, b.stop) for b in architecture.blocks if b.activation.name == "identity"]
    T = one_hot(architecture, T, np.dtype(np.float64))
    with np.errstate(all="ignore"):
        targets = _scale(T[:, np.concatenate(free)]) if free else []
        return {"inputs": _scale(X), "targets": targets, "leaks": _leaks(architecture, X, T)}


def _scale(values: Array) -> list[float]:
    rms = np.sqrt(np.mean(np.square(values), axis=0))
    column = int(np.argmax(rms))
    varying = rms[np.ptp(values, axis=0) > 0]
    return [float(column), float(rms[column]), float(np.median(varying)) if len(varying) else 0.0]


ENOUGH = 20  # rows, of each class, before a column is suspected
ALIKE = 0.9999  # the correlation from which on a column is the target in other units


def _leaks(architecture: Architecture, X: Array, T: Array) -> list[float]:
    found: list[float] = []
    for block in architecture.blocks if X.shape[1] > 1 else ():
        part = T[:, block.columns]
        classes = part.shape[1] > 1 and bool(((part == 0) | (part == 1)).all() and (part.sum(axis=1) == 1).all())
        for column, output in _telling_classes(X, part) if classes else _telling_numbers(X, part):
            found += [float(column), float(block.start + output), float(len(X))]
    return found


def _telling_classes(X: Array, T: Array) -> list[tuple[int, int]]:
    """The columns in which the classes' values do not overlap."""
    codes = T.argmax(axis=1)
    present = np.flatnonzero(np.bincount(codes))
    if len(present) < 2 or np.bincount(codes)[present].min() < ENOUGH:
        return []
    low = np.stack([X[codes == k].min(axis=0) for k in present])
    high = np.stack([X[codes == k].max(axis=0) for k in present])
    order = np.argsort(low, axis=0)
    apart = np.take_along_axis(high, order, axis=0)[:-1] < np.take_along_axis(low, order, axis=0)[1:]
    return [(int(column), 0) for column in np.flatnonzero(apart.all(axis=0))]


def _telling_numbers(X: Array, T: Array) -> list[tuple[int, int]]:
    """The columns of which a target is a multiple, apart from a constant."""
    if len(X) < ENOUGH:
        return []
    x, t = ((values - values.mean(axis=0)) / values.std(axis=0) for values in (X, T))
    r = np.abs(np.nan_to_num(x.T @ t / len(X)))
    return [(int(column), int(output)) for column, output in np.argwhere(r > ALIKE)]
