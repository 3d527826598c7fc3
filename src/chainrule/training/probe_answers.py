"""What the probe measures of answers: what the mean of the targets costs, and how rows of rare classes are answered."""

from typing import NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import split_weight

__all__ = ["RareRows", "mean_cost", "mean_targets", "rare_rows", "share_missed"]


def mean_targets(T: Array, weight: Array | None) -> Array:
    """The mean (n_L,) of targets (n, n_L), with weights (n,) or (n, n_L).

    >>> mean_targets(np.array([[1.0, 4.0], [3.0, 0.0]]), np.array([3.0, 1.0]))
    array([1.5, 3. ])
    """
    if weight is None:
        return np.asarray(T.mean(axis=0, dtype=np.float64))
    by_term = np.broadcast_to(weight[:, None] if weight.ndim == 1 else weight, T.shape)
    with np.errstate(all="ignore"):  # an output whose weights are all 0
        return np.asarray((by_term * T).sum(axis=0, dtype=np.float64) / by_term.sum(axis=0, dtype=np.float64))


def mean_cost(architecture: Architecture, means: Array, T: Array, weight: Array | None) -> float:
    """sum of s C_x / n where every row is answered with the same outputs, without penalty.

    - means: the outputs (n_L,).
    - T: targets (n, n_L).
    - weight: None, or weights (n,) or (n, n_L).
    """
    row_weight, term_weight = split_weight(weight)
    total = np.zeros(len(T))
    for block in architecture.blocks:
        c = block.columns
        terms = block.cost.terms(np.broadcast_to(means[c], T[:, c].shape), T[:, c])
        total += (terms if term_weight is None else terms * term_weight[:, c][:, : terms.shape[1]]).sum(axis=1)
    return float((total if row_weight is None else total * row_weight).mean())


class RareRows(NamedTuple):
    """The rows without the commonest class of an output that names a class.

    - columns: the outputs (k of a softmax, one of a sigmoid).
    - share: the share of the commonest class.
    - places: the other rows.
    """

    columns: slice
    share: float
    places: Array


def rare_rows(architecture: Architecture, T: Array, weight: Array | None) -> list[RareRows]:
    """The rare rows of each block of a softmax and each single output of a sigmoid whose targets are 0 and 1.

    - T: targets (n, n_L).
    - weight: None, or weights (n,) or (n, n_L).

    >>> net = cr.Architecture.of([1, 1], output="sigmoid", cost="binary_cross_entropy")
    >>> rare_rows(net, np.array([[0.0], [0.0], [1.0], [0.0]]), None)
    [RareRows(columns=slice(0, 1, None), share=0.75, places=array([2]))]
    """
    rare = []
    for columns in _class_columns(architecture):
        values = T[:, columns]
        if np.isin(values, (0.0, 1.0)).all():
            by_row = weight if weight is None or weight.ndim == 1 else weight[:, columns.start]
            classes = _classes(values)
            counts = np.bincount(classes, by_row, minlength=2)
            share = float(counts.max() / max(counts.sum(), np.finfo(np.float64).tiny))
            rare.append(RareRows(columns, share, np.flatnonzero(classes != int(np.argmax(counts)))))
    return rare


def _class_columns(architecture: Architecture) -> list[slice]:
    parts = []
    for block in architecture.blocks:
        if block.activation.name == "softmax" and block.width > 1:
            parts.append(block.columns)
        elif block.activation.name == "sigmoid":
            parts += [slice(j, j + 1) for j in range(block.start, block.stop)]
    return parts


def share_missed(T: Array, A: Array) -> float:
    """The share of rows whose answer is another class than the target; T and A are (m, k), or (m, 1) of yes or no.

    >>> share_missed(np.array([[1.0], [1.0]]), np.array([[0.2], [0.6]]))
    0.5
    """
    return float((_classes(T) != _classes(A)).mean())


def _classes(values: Array) -> Array:
    return np.argmax(values, axis=1) if values.shape[1] > 1 else (values[:, 0] > 0.5).astype(np.int64)
