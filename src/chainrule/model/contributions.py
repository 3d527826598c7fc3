"""Contributions: how far each column moves an answer away from that for a row of comparison, by integrated gradients.

    c_i  =  (x_i - x0_i) ∫ da/dx_i (x0 + t (x - x0)) dt,   t from 0 to 1;     Σ_i c_i = a(x) - a(x0)

The integral is a sum over 32 Gauss-Legendre points in each of equal parts of the path, whose number is doubled until
the contributions add up to the difference, to 1 part in 1,000 of it, or there are `MOST` parts. The contribution of a
column is the sum of those of its inputs.

Source: Sundararajan, Taly & Yan, Axiomatic attribution for deep networks, ICML 2017.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.arrays import Array
from chainrule.engines import choose
from chainrule.input_gradients import output_gradients
from chainrule.model.answers import Answers
from chainrule.network import Network

__all__ = ["Contributions", "contributions_of", "integrated_gradients"]

IN_PART, MOST = 32, 32  # points in a part of the integral, and parts
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
    difference, count = ends[0] - ends[1], 1
    while True:
        t, weights = _points(count)
        path = x0 + t[:, None] * (x - x0)
        mean = np.einsum("p,pji->ji", weights, output_gradients(architecture, theta, path))
        parts = mean * (x - x0)
        gap = np.abs(parts.sum(axis=1) - difference)
        if count >= MOST or (gap <= CLOSE * np.abs(difference).max() + 1e-12).all():
            return parts, ends[0], ends[1]
        count *= 2


def _points(parts: int) -> tuple[Array, Array]:
    """The points t from 0 to 1 and their weights: Gauss and Legendre's in each of equal parts of the path."""
    nodes, weights = np.polynomial.legendre.leggauss(IN_PART)
    starts = np.arange(parts)[:, np.newaxis]
    return ((starts + (nodes + 1) / 2) / parts).ravel(), np.tile(weights / 2 / parts, parts)


def contributions_of(answers: Answers, x: Array, x0: Array, cells: Mapping[str, str]) -> Contributions:
    """The contributions of columns.

    - answers: the answers for encoded rows.
    - x, x0: the encoded row (n_1,) and the row that it is compared with.
    - cells: by column the cell of the row, as text.
    """
    parts, answer, base = integrated_gradients(answers.network, x, x0)
    scale, mean = answers.units
    scaled = parts * scale[:, None]
    columns = {name: scaled[:, part].sum(axis=1) for name, part in answers.slices.items()}
    answer, base = mean + scale * answer, mean + scale * base
    gap = np.abs(scaled.sum(axis=1) - (answer - base)).max()
    return Contributions(answers.outputs, answer, base, cells, columns, float(gap))
