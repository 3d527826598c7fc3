"""The reference engine: the equations, in NumPy. Every other engine must agree with it up to rounding."""

import dataclasses
import itertools
import math
import platform
import time
from collections.abc import Iterator

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array, exact_sum
from chainrule.backprop import Computed, Keep, Ledger, split_weight, sweep
from chainrule.engines.base import (
    RETURN_AFTER,
    Dropped,
    Run,
    RunState,
    blocks,
    check_lengths,
    check_order,
    check_rows,
    check_state,
    lacks_devices,
    lacks_precision,
)
from chainrule.engines.line_search import LineSearchRun
from chainrule.engines.moves import frozen, move, parts_of
from chainrule.equations import Pass, backward, forward, penalty_gradient
from chainrule.random import Purpose, dropout_factors, normal, raw_words
from chainrule.settings import TrainingSettings

__all__ = ["ReferenceEngine"]

DRAWN = 2**18  # dropout factors that are drawn together


class ReferenceEngine:
    """Computes with NumPy and the functions in `equations`; the threads are those of NumPy's matrix products."""

    name = "reference"
    takes_sparse = False

    @property
    def instructions(self) -> str:
        """The machine, and the vector instructions that NumPy uses on it."""
        vectors = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
        return " ".join([platform.machine(), *vectors])

    def lacks(self, architecture: Architecture, settings: TrainingSettings | None = None) -> str | None:
        """What belongs to devices, by name; this engine has everything else."""
        return None if settings is None else lacks_devices(settings) or lacks_precision(settings)

    def predict(self, architecture: Architecture, theta: Array, X: Array) -> Array:
        """A^L for every row of X (n, n_1), by one product for each row, so that no bit depends on the other rows.

        In a product of many rows, the order of summation in BLAS depends on the position of the row.
        """
        layers = architecture.layers(theta)
        outputs = np.empty((len(X), architecture.sizes[-1]), dtype=theta.dtype)
        with np.errstate(all="ignore"):
            for rows in blocks(len(X)):
                A = np.ascontiguousarray(X[rows], dtype=theta.dtype)
                for W, b, activation in layers:
                    A = activation.value(_row_by_row(A, W) + b)
                outputs[rows] = A
        return outputs

    def cost(self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None) -> float:
        """sum of s C_x / n over all rows, in blocks of 1,024 rows."""
        total = 0.0
        with np.errstate(all="ignore"):
            for rows in blocks(len(X)):
                part = None if weight is None else weight[rows]
                total += exact_sum(_costs(architecture, theta, X[rows], T[rows], part))
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
            for rows in blocks(len(X)):
                part = None if weight is None else weight[rows]
                g += sweep(architecture, theta, X[rows], T[rows], part).summed_gradient
            g = (g / len(X)).astype(theta.dtype)
            _add_penalty(architecture, theta, g, alpha, l1, divisor)
        return g

    def second_moments(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """sum of s (dC_x/dtheta)² / n over all rows, summed in float64 over blocks of 1,024 rows in order."""
        moments = np.zeros(theta.shape)
        with np.errstate(all="ignore"):
            for rows in blocks(len(X)):
                part = None if weight is None else weight[rows]
                moments += sweep(architecture, theta, X[rows], T[rows], part).summed_squares
        return (moments / len(X)).astype(theta.dtype)

    def gradient_norms(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """||dC_x/dtheta|| for every row, (n,), float64; `weight` is None or (n, n_L), the weights of terms."""
        norms = np.empty(len(X))
        with np.errstate(all="ignore"):
            for rows in blocks(len(X)):
                by_term = None if weight is None else weight[rows]
                norms[rows] = sweep(architecture, theta, X[rows], T[rows], by_term).norms
        return norms

    def backprop(
        self,
        architecture: Architecture,
        theta: Array,
        X: Array,
        T: Array,
        weight: Array | None,
        dropped: Dropped | None = None,
    ) -> Ledger:
        """Every quantity of BP1-BP4 for all rows, forward by one product for each row, as `predict` computes.

        `gradient` and training multiply blocks of rows, which BLAS may round in another way: so Z, A and delta agree
        with the gradient up to rounding.
        """
        row_weight, term_weight = split_weight(weight)
        keep = None if dropped is None else dropped.factors(architecture, len(X), theta.dtype)
        layers, T_as_numbers = architecture.layers(theta), architecture.one_hot(T, theta.dtype)
        done = Pass([], [np.ascontiguousarray(X, dtype=theta.dtype)], [])
        with np.errstate(all="ignore"):
            for (W, b, activation), factor in zip(layers, keep or itertools.repeat(None), strict=False):
                done.Z.append(_row_by_row(done.A[-1], W) + b)
                done.sigma.append(activation.value(done.Z[-1]))
                done.A.append(done.sigma[-1] if factor is None else done.sigma[-1] * factor)
            delta_L = architecture.delta_L(done.Z[-1], done.A[-1], T_as_numbers, term_weight)
            delta = backward(delta_L, layers, done, keep)
            costs = architecture.costs(done.Z[-1], done.A[-1], T_as_numbers, term_weight)
            if keep is None:
                g = self.gradient(architecture, theta, X, T, weight, 1.0)
            else:
                g = sweep(architecture, theta, X, T, weight, keep).gradient  # as an update of training
        computed = Computed(costs.astype(np.float64), g)
        return Ledger(architecture, T_as_numbers, row_weight, term_weight, keep, *done, delta, theta, computed)

    def freeze(self, architecture: Architecture, theta: Array) -> "ReferenceFrozen":
        """A frozen copy of the network."""
        return ReferenceFrozen(self, architecture, theta.copy())

    def start(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> Run:
        """A run that trains `theta` in place."""
        if settings.optimizer.line_search:
            return LineSearchRun(self, architecture, theta, settings, divisor)
        return ReferenceRun(architecture, theta, settings, divisor)


class ReferenceFrozen:
    """A frozen copy of a network that only predicts."""

    def __init__(self, engine: ReferenceEngine, architecture: Architecture, theta: Array) -> None:
        self._engine, self._architecture, self._theta = engine, architecture, theta

    def predict(self, X: Array) -> Array:
        """A^L for every row of X (n, n_1)."""
        return self._engine.predict(self._architecture, self._theta, X)

    def quick(self, X: Array) -> Array | None:
        """None: this engine has no faster way."""
        return None


class ReferenceRun:
    """A run of the reference engine: theta, the slots of the optimizer and the number of updates."""

    ended = None  # only a line search can end

    def __init__(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> None:
        self._architecture, self._theta, self._settings, self._divisor = architecture, theta, settings, divisor
        self._dropout = settings.dropouts(len(architecture.sizes) - 2)
        self._parts, self._frozen = parts_of(architecture, settings), frozen(architecture, settings)
        self._slots = tuple(np.zeros_like(theta) for _ in range(settings.optimizer.slots))
        self._step = 0

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it continues the run from this state, with the same bits."""
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
        until = time.monotonic() + RETURN_AFTER
        with np.errstate(all="ignore"):
            for k, rate in enumerate(rates):
                rows = order[k * m : (k + 1) * m]
                part = None if weight is None else weight[rows]
                costs[k] = self._update(X[rows], T[rows], part, float(rate), next(factors))
                if time.monotonic() > until:
                    return costs[: k + 1]
        return costs

    def _update(self, X: Array, T: Array, weight: Array | None, rate: float, keep: Keep) -> float:
        """Make one update from one batch; returns the cost before it, where the gradient is taken."""
        s = self._settings
        keep = keep and [factor if factor is None else factor[: len(X)] for factor in keep]
        at = s.optimizer.gradient_at(self._theta, self._slots)
        ledger = sweep(self._architecture, at, X, T, weight, keep)
        costs = _weighted(ledger.cost, ledger.row_weight)
        g = (ledger if s.clip is None else _clipped(ledger, s.clip.example)).gradient
        if s.clip is not None and s.clip.noise:
            g += self._noise(s.clip.noise * s.clip.example / len(X))
        _add_penalty(self._architecture, at, g, s.alpha, s.l1, self._divisor)
        for place in self._frozen:
            g[place] = 0
        self._step += 1
        self._move(g if s.clip is None else s.clip.apply(g), rate)
        return exact_sum(costs) / len(X)

    def _noise(self, deviation: float) -> Array:
        """Normal noise for the gradient of this update, laid out like theta; 0 where a weight is masked."""
        words = raw_words(self._settings.seed or 0, Purpose.NOISE, self._step, self._theta.size)
        noise = (deviation * normal(words)).astype(self._theta.dtype)
        for W, mask in zip(self._architecture.views(noise)[0], self._architecture.masks, strict=True):
            if mask is not None:
                W[~mask] = 0
        return noise

    def _move(self, g: Array, rate: float) -> None:
        """Move theta by the rule, and set its slots."""
        rule, theta, step = self._settings.optimizer, self._theta, self._step
        if self._parts is None:
            theta[...], self._slots = rule.update(theta, g, self._slots, rate, step)
        else:
            self._slots = move(rule, self._parts, theta, g, self._slots, rate, step)

    def _factors(self, epoch: int, first: int, batches: int) -> Iterator[Keep]:
        """The dropout factors of each hidden layer, batch by batch; None for the output layer.

        They are drawn for many small batches together, because calls of NumPy are slow for few numbers.
        """
        m, hidden = self._settings.batch_size, self._architecture.sizes[1:-1]
        if not any(self._dropout):
            yield from itertools.repeat(None, batches)
            return
        together = max(1, DRAWN // (m * max(hidden)))
        for batch in range(first, first + batches, together):
            count = min(together, first + batches - batch)
            drawn = [self._draw(k, epoch, batch, count) for k in range(len(hidden))]
            yield from ([*(f if f is None else f[i] for f in drawn), None] for i in range(count))

    def _draw(self, k: int, epoch: int, batch: int, count: int) -> Array | None:
        """The factors of layer k + 2 for `count` batches, (count, m, n_l); None without dropout."""
        p, shape = self._dropout[k], (self._settings.batch_size, self._architecture.sizes[k + 1])
        if not p:
            return None
        factors = dropout_factors(p, self._settings.seed or 0, k + 2, epoch, batch, shape, count)
        return factors.astype(self._theta.dtype).reshape(count, *shape)


def _costs(architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None) -> Array:
    """s C_x of each example, (m,), float64, by a forward pass."""
    row_weight, term_weight = split_weight(weight)
    done = forward(np.ascontiguousarray(X, dtype=theta.dtype), architecture.layers(theta))
    T = architecture.one_hot(T, theta.dtype)
    return _weighted(architecture.costs(done.Z[-1], done.A[-1], T, term_weight), row_weight)


def _row_by_row(A: Array, W: Array) -> Array:
    """A @ W with a product of its own for each row."""
    return (A[:, None, :] @ W)[:, 0, :]


def _weighted(costs: Array, row_weight: Array | None) -> Array:
    """s C_x of each example, (m,), float64."""
    costs = costs.astype(np.float64)
    return costs if row_weight is None else costs * row_weight


def _clipped(ledger: Ledger, most: float) -> Ledger:
    """The ledger with a lower weight for each example whose gradient is longer than `most`."""
    if most == math.inf:
        return ledger
    factors, s = most / np.maximum(ledger.norms, most), ledger.row_weight
    weight = (factors if s is None else s * factors).astype(ledger.T.dtype)
    return dataclasses.replace(ledger, row_weight=weight)


def _add_penalty(architecture: Architecture, theta: Array, g: Array, alpha: float, l1: float, divisor: float) -> None:
    """Add the gradient of the penalties to g in place."""
    if alpha or l1:
        for W, dW in zip(architecture.views(theta)[0], architecture.views(g)[0], strict=True):
            dW[...] += penalty_gradient(W, alpha, l1, divisor)
