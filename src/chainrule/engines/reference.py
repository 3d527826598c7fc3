"""The reference engine: the equations as they stand, in NumPy. Every other engine must agree with it to rounding."""

import itertools
import math
import platform
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array, exact_sum
from chainrule.engines.base import Run, RunSettings, RunState, check_lengths, check_order, check_rows, check_state
from chainrule.engines.line_search import LineSearchRun
from chainrule.equations import Layer, Pass, backward, bp3, bp4, forward, gradient_norms, penalty_gradient
from chainrule.examples.examples import one_hot
from chainrule.random import dropout_factors

__all__ = ["ReferenceEngine"]

BLOCK = 1024  # rows predicted together, and rows of one partial sum of `gradient`
DRAWN = 2**18  # factors of dropout that are drawn together
LOOK_UP = 0.5  # seconds after which `steps` returns to its caller

Factors = Sequence[Array | None] | None


class ReferenceEngine:
    """NumPy, one copy of every equation; the number of threads is that of NumPy's own matrix products."""

    name = "reference"

    @property
    def instructions(self) -> str:
        """The machine, and the vectors that NumPy has found on it."""
        vectors = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
        return " ".join([platform.machine(), *vectors])

    def lacks(self, architecture: Architecture, settings: RunSettings | None = None) -> str | None:
        """Nothing: this engine has everything that can be asked for."""
        return None

    def predict(self, architecture: Architecture, theta: Array, X: Array) -> Array:
        """A^L for every row of X (n, n_1), by a product for each row: no bit of it depends on the rows around it.

        In a product of many rows BLAS adds up a row in an order that depends on its place among them.
        """
        layers = architecture.layers(theta)
        found = np.empty((len(X), architecture.sizes[-1]), dtype=theta.dtype)
        with np.errstate(all="ignore"):
            for rows in _blocks(len(X)):
                A = np.ascontiguousarray(X[rows], dtype=theta.dtype)
                for W, b, activation in layers:
                    A = activation.value((A[:, None, :] @ W)[:, 0, :] + b)
                found[rows] = A
        return found

    def cost(self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None) -> float:
        """sum of s C_x / n over all rows, in blocks of 1,024 rows."""
        layers, total = architecture.layers(theta), 0.0
        with np.errstate(all="ignore"):
            for rows in _blocks(len(X)):
                part = None if weight is None else weight[rows]
                done, T_block = _forward(architecture, layers, X[rows], T[rows], theta.dtype)
                total += exact_sum(weighted_costs(architecture, done, T_block, part))
        return total / len(X)

    def gradient(
        self,
        architecture: Architecture,
        theta: Array,
        X: Array,
        T: Array,
        weight: Array | None,
        divisor: float,
        alpha: float = 0.0,
        l1: float = 0.0,
    ) -> Array:
        """dC/dtheta over all rows, summed in float64 over blocks of 1,024 rows in order."""
        g = np.zeros(theta.shape)
        with np.errstate(all="ignore"):
            for rows in _blocks(len(X)):
                part = None if weight is None else weight[rows]
                costs, g_block = batch_gradient(architecture, theta, X[rows], T[rows], part)
                g += g_block * (len(costs) / len(X))
            g = g.astype(theta.dtype)
            _add_penalty(architecture, theta, g, alpha, l1, divisor)
        return g

    def gradient_norms(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """||dC_x/dtheta|| for every row, (n,), float64; `weight` is None or that of terms, (n, n_L)."""
        layers, found = architecture.layers(theta), np.empty(len(X))
        with np.errstate(all="ignore"):
            for rows in _blocks(len(X)):
                by_term = None if weight is None else weight[rows]
                done, delta, _ = _errors(architecture, layers, X[rows], T[rows], theta.dtype, by_term)
                found[rows] = gradient_norms(done.A[:-1], delta, architecture.masks)
        return found

    def freeze(self, architecture: Architecture, theta: Array) -> "ReferenceFrozen":
        """The network as it is now."""
        return ReferenceFrozen(self, architecture, theta.copy())

    def start(self, architecture: Architecture, theta: Array, settings: RunSettings) -> Run:
        """A run that trains `theta` in place."""
        if settings.optimizer.line_search:
            return LineSearchRun(self, architecture, theta, settings)
        return ReferenceRun(architecture, theta, settings)


class ReferenceFrozen:
    """A network that only predicts."""

    def __init__(self, engine: ReferenceEngine, architecture: Architecture, theta: Array) -> None:
        self._engine, self._architecture, self._theta = engine, architecture, theta

    def predict(self, X: Array) -> Array:
        """A^L for every row of X (n, n_1)."""
        return self._engine.predict(self._architecture, self._theta, X)

    def row(self, x: Array) -> Array | None:
        """None: there is no shorter way."""
        return None


class ReferenceRun:
    """A run of the reference engine: theta, the optimizer's slots and a count of the updates."""

    ended = None  # without a line search there is always another update

    def __init__(self, architecture: Architecture, theta: Array, settings: RunSettings) -> None:
        self._architecture, self._theta, self._settings = architecture, theta, settings
        self._slots = tuple(np.zeros_like(theta) for _ in range(settings.optimizer.slots))
        self._step = 0

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it puts the run exactly there."""
        slots = np.array(self._slots, dtype=self._theta.dtype).reshape(len(self._slots), self._theta.size)
        return RunState(self._theta.copy(), slots, self._step)

    @state.setter
    def state(self, state: RunState) -> None:
        check_state(state, self._theta, len(self._slots))
        self._theta[...] = state.theta
        self._slots = tuple(slot.astype(self._theta.dtype) for slot in state.slots)
        self._step = state.step

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """Make one update for each rate; see `base.Run.steps`."""
        m = self._settings.batch_size
        check_lengths(X, T, weight)
        check_order(order, len(rates), m)
        check_rows(order, len(X))
        costs, factors = np.empty(len(rates)), self._factors(epoch, first_batch, len(rates))
        until = time.monotonic() + LOOK_UP
        with np.errstate(all="ignore"):
            for k, rate in enumerate(rates):
                rows = order[k * m : (k + 1) * m]
                part = None if weight is None else weight[rows]
                costs[k] = self._update(X[rows], T[rows], part, float(rate), next(factors))
                if time.monotonic() > until:
                    return costs[: k + 1]
        return costs

    def _update(self, X: Array, T: Array, weight: Array | None, rate: float, keep: Factors) -> float:
        """One update from one batch; its cost before the update."""
        s = self._settings
        keep = keep and [factor if factor is None else factor[: len(X)] for factor in keep]
        most = math.inf if s.clip is None else s.clip.example
        costs, g = batch_gradient(self._architecture, self._theta, X, T, weight, keep, most)
        _add_penalty(self._architecture, self._theta, g, s.alpha, s.l1, s.divisor)
        g = g if s.clip is None else s.clip.apply(g)
        self._step += 1
        self._theta[...], self._slots = s.optimizer.update(self._theta, g, self._slots, rate, self._step)
        return exact_sum(costs) / len(X)

    def _factors(self, epoch: int, first: int, batches: int) -> Iterator[Factors]:
        """What dropout multiplies each hidden layer's activations with, batch by batch; None for the output layer.

        Drawn for many small batches at once: a call of NumPy costs more than the few numbers of one.
        """
        m, hidden = self._settings.batch_size, self._architecture.sizes[1:-1]
        if not any(self._settings.dropout):
            yield from itertools.repeat(None, batches)
            return
        together = max(1, DRAWN // (m * max(hidden)))
        for batch in range(first, first + batches, together):
            count = min(together, first + batches - batch)
            drawn = [self._draw(k, epoch, batch, count) for k in range(len(hidden))]
            yield from ([*(f if f is None else f[i] for f in drawn), None] for i in range(count))

    def _draw(self, k: int, epoch: int, batch: int, count: int) -> Array | None:
        """The factors of layer k + 2 for `count` batches, (count, m, n_l); None where nothing is dropped."""
        p, shape = self._settings.dropout[k], (self._settings.batch_size, self._architecture.sizes[k + 1])
        if not p:
            return None
        found = dropout_factors(p, self._settings.seed, k + 2, epoch, batch, shape, count)
        return found.astype(self._theta.dtype).reshape(count, *shape)


def batch_gradient(
    architecture: Architecture,
    theta: Array,
    X: Array,
    T: Array,
    weight: Array | None,
    keep: Factors = None,
    most: float = math.inf,
) -> tuple[Array, Array]:
    """The weighted costs (m,) of a batch, float64, and the flat gradient of their mean, without penalty.

    Weights (m,) belong to the examples and enter with BP3 and BP4; weights (m, n_L) belong to the terms of C_x and
    are in delta already. `most` bounds the length of each example's own gradient.
    """
    by_row, by_term = split_weight(weight)
    done, delta, T = _errors(architecture, architecture.layers(theta), X, T, theta.dtype, by_term, keep)
    if most < math.inf:
        by_row = _shrunk(
            by_row, most / np.maximum(gradient_norms(done.A[:-1], delta, architecture.masks), most), theta.dtype
        )
    g = np.empty_like(theta)
    for W, b, mask, A_prev, d in zip(*architecture.views(g), architecture.masks, done.A[:-1], delta, strict=True):
        W[...] = bp4(A_prev, d, by_row)
        if mask is not None:
            W[~mask] = 0
        b[...] = bp3(d, by_row)
    return weighted_costs(architecture, done, T, weight), g


def _shrunk(weight: Array | None, factors: Array, dtype: np.dtype[Any]) -> Array:
    """Weights (m,) times factors: clipping an example's gradient is weighting it less."""
    return (factors if weight is None else weight * factors).astype(dtype)


def _errors(
    architecture: Architecture,
    layers: list[Layer],
    X: Array,
    T: Array,
    dtype: np.dtype[Any],
    by_term: Array | None,
    keep: Factors = None,
) -> tuple[Pass, list[Array], Array]:
    """The forward pass of a batch, the errors of its layers, and its targets as numbers."""
    done, T = _forward(architecture, layers, X, T, dtype, keep)
    delta_L = architecture.delta_L(done.Z[-1], done.sigma[-1], T, by_term)
    return done, backward(delta_L, layers, done, keep), T


def weighted_costs(architecture: Architecture, done: Pass, T: Array, weight: Array | None) -> Array:
    """s C_x of each example, shape (m,), float64."""
    by_row, by_term = split_weight(weight)
    costs = architecture.costs(done.Z[-1], done.sigma[-1], T, by_term).astype(np.float64)
    return costs if by_row is None else costs * by_row


def split_weight(weight: Array | None) -> tuple[Array | None, Array | None]:
    """The weights of examples (m,) and those of terms (m, n_L), of which one or both are None."""
    if weight is None or weight.ndim == 1:
        return weight, None
    return None, weight


def _forward(
    architecture: Architecture, layers: list[Layer], X: Array, T: Array, dtype: np.dtype[Any], keep: Factors = None
) -> tuple[Pass, Array]:
    """The forward pass of a batch and its targets as numbers, both in the network's type; X row by row in memory.

    NumPy multiplies the rows of a Fortran array by another routine, whose sums have other bits.
    """
    return forward(np.ascontiguousarray(X, dtype=dtype), layers, keep), one_hot(architecture, T, dtype)


def _blocks(n: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))


def _add_penalty(architecture: Architecture, theta: Array, g: Array, alpha: float, l1: float, divisor: float) -> None:
    """Add the penalties' gradient to g in place."""
    if alpha or l1:
        for W, dW in zip(architecture.views(theta)[0], architecture.views(g)[0], strict=True):
            dW[...] += penalty_gradient(W, alpha, l1, divisor)
