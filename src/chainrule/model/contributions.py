"""Contributions: how far each column moves an answer away from that for a row of comparison, by integrated gradients.

    c_i  =  (x_i - x0_i) ∫ da/dx_i (x0 + t (x - x0)) dt,   t from 0 to 1;     Σ_i c_i = a(x) - a(x0)

The integral is a sum over Gauss-Legendre points, whose number is doubled until the contributions add up to the
difference, to 1 part in 1,000 of it, or there are `MOST` points. The contribution of a column is the sum of those of
its inputs.

Source: Sundararajan, Taly & Yan, Axiomatic attribution for deep networks, ICML 2017.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.engines import choose
from chainrule.input_gradients import output_gradients
from chainrule.network import Network

__all__ = ["Contributions", "contributions_of", "integrated_gradients"]

FEWEST, MOST = 32, 1024  # points of the integral
CLOSE = 1e-3  # of the difference, within which contributions add up to it


@dataclasses.dataclass(frozen=True)
class Contributions:
    """The contributions of columns to the answer for one row.

    - outputs: what the network's outputs are called: classes as `target=class`, numbers by their target.
    - answer: the outputs for the row, (n_L,), and numbers in units of the target. Outputs of classes are probabilities
      if they are a softmax; sigmoids are not divided by their sum here.
    - base: those for the row of comparison.
    - cells: by column the cell of the row, as text.
    - columns: by column its contribution to each output, (n_L,); together they are `answer - base`, but for `gap`.
    - gap: the greatest difference between a sum of contributions and `answer - base`.
    """

    outputs: tuple[str, ...]
    answer: Array
    base: Array
    cells: Mapping[str, str]
    columns: Mapping[str, Array]
    gap: float

    def ranked(self, output: str) -> list[tuple[str, float]]:
        """The columns with their contributions to an output, those that move it furthest first."""
        j = self.outputs.index(output)
        pairs = [(name, float(values[j])) for name, values in self.columns.items()]
        return sorted(pairs, key=lambda pair: -abs(pair[1]))

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "outputs": {
                name: {
                    "answer": float(self.answer[j]),
                    "base": float(self.base[j]),
                    "columns": {column: float(values[j]) for column, values in self.columns.items()},
                }
                for j, name in enumerate(self.outputs)
            },
            "cells": dict(self.cells),
            "gap": self.gap,
        }


def integrated_gradients(network: Network, x: Array, x0: Array) -> tuple[Array, Array, Array]:
    """The contributions (n_L, n_1) of each input, in float64, and the outputs (n_L,) at x and at x0.

    - x, x0: a row (n_1,) and the row that it is compared with.

    >>> net = cr.Network([2, 1], output="identity", initializer=([[[1], [2]]], [[3]]), dtype="float64")
    >>> integrated_gradients(net, np.array([1.0, 1.0]), np.zeros(2))
    (array([[1., 2.]]), array([6.]), array([3.]))
    """
    architecture, theta = network.architecture, network.theta.astype(np.float64)
    x, x0 = x.astype(np.float64), x0.astype(np.float64)
    ends = choose("reference", architecture).predict(architecture, theta, np.stack([x, x0]))
    difference, points = ends[0] - ends[1], FEWEST
    while True:
        nodes, weights = np.polynomial.legendre.leggauss(points)
        path = x0 + (nodes[:, None] + 1) / 2 * (x - x0)
        mean = np.einsum("p,pji->ji", weights / 2, output_gradients(architecture, theta, path))
        parts = mean * (x - x0)
        gap = np.abs(parts.sum(axis=1) - difference)
        if points >= MOST or (gap <= CLOSE * np.abs(difference).max() + 1e-12).all():
            return parts, ends[0], ends[1]
        points *= 2


def contributions_of(
    network: Network,
    x: Array,
    x0: Array,
    slices: Mapping[str, Sequence[slice]],
    scale: Array,
    mean: Array,
    outputs: Sequence[str],
    cells: Mapping[str, str],
) -> Contributions:
    """The contributions of columns.

    - x, x0: the encoded row (n_1,) and the row that it is compared with.
    - slices: for each column the inputs that it became.
    - scale, mean: what an output is multiplied by and what is added then, (n_L,), to be in units of its target.
    - outputs, cells: the names of the outputs, and the cells of the row.
    """
    parts, answer, base = integrated_gradients(network, x, x0)
    scaled = parts * scale[:, None]
    columns = {name: sum(scaled[:, part].sum(axis=1) for part in own) for name, own in slices.items()}
    answer, base = mean + scale * answer, mean + scale * base
    gap = np.abs(scaled.sum(axis=1) - (answer - base)).max()
    return Contributions(tuple(outputs), answer, base, cells, columns, float(gap))
