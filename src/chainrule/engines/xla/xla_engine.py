"""The XLA engine: what `base.Engine` asks for, by compiled programs."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array, exact_sum
from chainrule.backprop import Computed, Ledger, split_weight
from chainrule.engines.base import Dropped, Run
from chainrule.engines.line_search import LineSearchRun
from chainrule.engines.xla import machine, passes
from chainrule.engines.xla.rules import Moment, update_of
from chainrule.engines.xla.run import XlaRun
from chainrule.engines.xla.structure import Structure, is_traced, structure_of, untraced
from chainrule.equations import penalty_gradient
from chainrule.optimizers import SGD, Optimizer
from chainrule.settings import TrainingSettings

__all__ = ["XlaEngine"]

Block = tuple[Array, Array, Array | None, slice]


class XlaEngine:
    """Computes with programs that JAX compiles. Predictions and gradients run on the first device, runs on several."""

    name = "xla"
    takes_sparse = False

    @property
    def instructions(self) -> str:
        """jaxlib's version, the kind of device, and the flags of the compiler."""
        return machine.describe()

    def lacks(self, architecture: Architecture, settings: TrainingSettings | None = None) -> str | None:
        """The first feature that it does not have: noise, a function that JAX cannot trace, a precision of GPUs."""
        if settings is not None:
            if settings.clip is not None and settings.clip.noise:
                return "noise in clip"
            if settings.precision and not machine.has_gpu():
                return f"precision {settings.precision!r} without a GPU"
            if not settings.optimizer.line_search and not _traces(settings.optimizer):
                return f"way to trace optimizer {settings.optimizer.name!r}"
        with machine.computing():
            return untraced(structure_of(architecture))

    def predict(self, architecture: Architecture, theta: Array, X: Array) -> Array:
        """A^L for every row of X (n, n_1), in blocks of 128 rows."""
        return XlaFrozen(structure_of(architecture), theta).predict(X)

    def freeze(self, architecture: Architecture, theta: Array) -> "XlaFrozen":
        """The network with a copy of theta on the device."""
        return XlaFrozen(structure_of(architecture), theta.copy())

    def cost(self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None) -> float:
        """sum of s C_x / n over all rows, in blocks of 1,024 rows."""
        structure, total = structure_of(architecture), 0.0
        with machine.computing():
            leaves = structure.leaves(theta)
            for x, t, w, rows in _blocks(theta, X, T, weight):
                costs = np.asarray(passes.back(structure, leaves, x, t, w, None)[2])[: rows.stop - rows.start]
                row_weight, _ = split_weight(weight)
                total += exact_sum(costs if row_weight is None else costs * row_weight[rows])
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
        g = self._summed(False, architecture, theta, X, T, weight)
        if alpha or l1:
            for W, dW in zip(architecture.views(theta)[0], architecture.views(g)[0], strict=True):
                dW[...] += penalty_gradient(W, alpha, l1, divisor)
        return g

    def second_moments(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """sum of s (dC_x/dtheta)² / n over all rows, summed in float64 over blocks of 1,024 rows in order."""
        return self._summed(True, architecture, theta, X, T, weight)

    def gradient_norms(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """||dC_x/dtheta|| for every row, (n,), float64; `weight` is None or (n, n_L), the weights of terms."""
        structure, norms = structure_of(architecture), np.empty(len(X))
        with machine.computing():
            for x, t, w, rows in _blocks(theta, X, T, weight):
                part = passes.norms(structure, structure.leaves(theta), x, t, w)
                norms[rows] = np.asarray(part)[: rows.stop - rows.start]
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
        """Every quantity of BP1-BP4 for all rows; A^L has the bits of `predict`, the gradient those of `gradient`."""
        row_weight, term_weight = split_weight(weight)
        keep = None if dropped is None else dropped.factors(architecture, len(X), theta.dtype)
        done, delta, costs = self._passes(architecture, theta, X, T, weight, keep)
        if dropped is None:
            done, g = (
                XlaFrozen(structure_of(architecture), theta).passes(X),
                self.gradient(architecture, theta, X, T, weight, 1.0),
            )
        else:
            run = self.start(architecture, theta.copy(), _one_update(dropped, len(X)), 1.0)
            run.steps(X, T, weight, np.arange(len(X)), np.ones(1), dropped.epoch, dropped.batch)
            g = -run.state.slots[0]
        Z, A, sigma = done
        A = [np.ascontiguousarray(X, dtype=theta.dtype), *A[1:]]
        T = architecture.one_hot(T, theta.dtype)
        return Ledger(architecture, T, row_weight, term_weight, keep, Z, A, sigma, delta, theta, Computed(costs, g))

    def start(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> Run:
        """A run that trains `theta` in place, on the devices that the settings name.

        The settings `shards` (S) and `devices` say how a batch is cut: see `XlaRun.steps` and `placement`.
        """
        if settings.optimizer.line_search:
            return LineSearchRun(self, architecture, theta, settings, divisor)
        return XlaRun(architecture, theta, settings, divisor)

    def _summed(
        self, squares: bool, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """The mean over all rows of s dC_x/dtheta, or of its squares, laid out like theta."""
        structure, total = structure_of(architecture), np.zeros(theta.shape)
        with machine.computing():
            leaves = structure.leaves(theta)
            for x, t, w, rows in _blocks(theta, X, T, weight):
                s = _counts(w, rows, len(x), theta.dtype)
                parts = passes.gradient(structure, squares, leaves, x, t, w, s)
                for place, part in zip(structure.leaves(total), parts, strict=True):
                    place[...] += np.asarray(part)
        return (total / len(X)).astype(theta.dtype)

    def _passes(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None, keep: Any
    ) -> tuple[Any, list[Array], Array]:
        """Z, A and sigma, the errors, and C_x of all rows."""
        structure, parts = structure_of(architecture), []
        with machine.computing():
            for x, t, w, rows in _blocks(theta, X, T, weight):
                of_block = keep and [None if f is None else passes.padded(f[rows], len(x)) for f in keep]
                done = passes.back(structure, structure.leaves(theta), x, t, w, of_block)
                parts.append(jax.tree.map(lambda a, n=rows.stop - rows.start: np.asarray(a)[:n], done))
        return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)


class XlaFrozen:
    """A network that only predicts, with theta on the first device. Any number of threads may use it at once."""

    def __init__(self, structure: Structure, theta: Array) -> None:
        self._structure, self._dtype = structure, theta.dtype
        with machine.computing():
            self._leaves = jax.device_put(tuple(leaf.copy() for leaf in structure.leaves(theta)))

    def predict(self, X: Array) -> Array:
        """A^L for every row of X (n, n_1)."""
        out = np.empty((len(X), self._structure.architecture.sizes[-1]), self._dtype)
        for rows, done in self._blocks(X):
            out[rows] = _rows_of(done.A[-1], rows)
        return out

    def passes(self, X: Array) -> tuple[list[Array], list[Array], list[Array]]:
        """Z, A and sigma of each layer for every row of X, with the bits of `predict`."""
        parts = [jax.tree.map(lambda a, rows=rows: _rows_of(a, rows), done) for rows, done in self._blocks(X)]
        return jax.tree.map(lambda *arrays: np.concatenate(arrays), *parts)

    def quick(self, X: Array) -> Array | None:
        """None: this engine has no faster way."""
        return None

    def _blocks(self, X: Array) -> Iterator[tuple[slice, Any]]:
        """The forward passes of all rows: several blocks of rows in one call."""
        blocks = 1 if len(X) <= passes.ROWS else passes.MANY
        step = blocks * passes.ROWS
        for start in range(0, len(X), step):
            rows = slice(start, min(start + step, len(X)))
            x = np.zeros((step, X.shape[1]), self._dtype)
            x[: rows.stop - start] = X[rows]
            count = np.int32(-(-(rows.stop - start) // passes.ROWS))
            with machine.computing():
                done = passes.outputs(self._structure, self._leaves, x.reshape(blocks, passes.ROWS, -1), count)
            yield rows, done


def _rows_of(blocks: Any, rows: slice) -> Array:
    """The rows of an array (blocks, ROWS, n)."""
    array = np.asarray(blocks)
    return array.reshape(-1, array.shape[2])[: rows.stop - rows.start]


def _blocks(theta: Array, X: Array, T: Array, weight: Array | None) -> Iterator[Block]:
    """X, T and weight of each block, padded with its own first row; and its rows."""
    for rows, size in passes.padded_blocks(len(X)):
        x = np.ascontiguousarray(X[rows], dtype=theta.dtype)
        t = T[rows] if T.dtype == np.int32 else T[rows].astype(theta.dtype)
        parts = [
            None if a is None else passes.padded(a, size) for a in (x, t, None if weight is None else weight[rows])
        ]
        yield parts[0], parts[1], parts[2], rows  # type: ignore[misc]


def _counts(weight: Array | None, rows: slice, size: int, dtype: np.dtype[Any]) -> Array:
    """The weights of a block's rows (size,): 0 for those that pad it."""
    counts = (np.arange(size) < rows.stop - rows.start).astype(dtype)
    return counts if weight is None or weight.ndim == 2 else (weight * counts).astype(dtype)


def _one_update(dropped: Dropped, rows: int) -> TrainingSettings:
    """The settings of a run of one update, after which the only slot is -dC/dtheta: v = 0.5 · 0 - 1 dC/dtheta."""
    rule = SGD(1.0, momentum=0.5)
    return TrainingSettings(optimizer=rule, batch_size=rows, dropout=list(dropped.probabilities), seed=dropped.seed)


@functools.lru_cache(maxsize=256)
def _traces(rule: Optimizer) -> bool:
    """Whether JAX can trace the update of a rule."""
    with machine.computing():
        theta, one = np.ones(3), np.ones(())
        now = Moment(one, np.ones(4), one)
        slots = (theta,) * rule.slots
        return is_traced(lambda t, g, s, n: update_of(rule)(rule, t, g, s, n), theta, theta, slots, now)
