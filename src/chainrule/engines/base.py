"""The interface of engines: the methods of every engine, and what their callers guarantee.

An engine takes an architecture and theta, never a network. `gradient` and `predict` are pure. `start` makes a Run,
which owns the training state and writes each update into the theta of its caller. Callers pass checked examples
(examples.examples); a Run checks again only what could make it read outside an array.

    rows of X:   order[0] ... order[m-1] | order[m] ... order[2m-1] | ...       one call of `steps`
    update:      rates[0]                | rates[1]                 | ...       one rate for each update
    costs:       c[0]                    | c[1]                     | ...       each before its update

Cutting an epoch into calls at any border between batches gives the same bits.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import Ledger
from chainrule.errors import EngineError
from chainrule.optimizers import Ending
from chainrule.random import dropout_factors
from chainrule.settings import TrainingSettings

__all__ = [
    "BLOCK",
    "RETURN_AFTER",
    "Dropped",
    "Engine",
    "Frozen",
    "Run",
    "RunState",
    "blocks",
    "check_lengths",
    "check_order",
    "check_rows",
    "check_state",
    "hidden_activations",
    "lacks_devices",
    "lacks_precision",
]

RETURN_AFTER = 0.5  # seconds after which `Run.steps` returns to its caller

BLOCK = 1024  # rows computed together, to limit memory; also the rows of one partial sum of `gradient`


@dataclasses.dataclass(frozen=True)
class RunState:
    """The state of a run: theta, the slots of the optimizer (k, parameters), and the number of updates.

    `evaluations` counts how often a rule with a line search has computed C; for other rules it is 0.
    """

    theta: Array
    slots: Array
    step: int
    evaluations: int = 0


class Run(Protocol):
    """A training run in progress, for one caller at a time."""

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it continues the run from this state, with the same bits."""

    @state.setter
    def state(self, state: RunState) -> None: ...

    @property
    def ended(self) -> Ending | None:
        """Why the last call of `steps` could make no further update, or None.

        It depends only on the state and the examples: a run set to the same state ends in the same way.
        """

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """Make one update for each rate, from the rows that `order` names; the last batch of an epoch may be short.

        - X: (n, n_1).
        - T: (n, n_L), or int32 classes.
        - weight: None, (n,) or (n, n_L).
        - order: update k uses the rows order[k m : (k + 1) m].
        - rates: one learning rate for each update.
        - epoch, first_batch: update k is batch `first_batch` + k of epoch `epoch`, both from 0; dropout uses them.

        It returns early, after at least one update, when half a second has passed, so that the caller gets control. A
        run with a line search can end: it then makes no update, and `ended` says why.

        Returns the costs, float64, one for each update: sum of s C_x over the batch / its rows, no penalty.
        Raises EngineError for an order that does not fit the rates or the arrays.
        """


class Frozen(Protocol):
    """A frozen copy of a network, only for predictions; several threads may use it at the same time."""

    def predict(self, X: Array) -> Array:
        """A^L for every row of X (n, n_1), shape (n, n_L): the bits of `Engine.predict`."""

    def quick(self, X: Array) -> Array | None:
        """A^L of a row (n_1,) or of rows (n, n_1), if the engine has a faster way for X; else None.

        None too where X or A^L has a value that is not finite.
        """


class Dropped(NamedTuple):
    """Which neurons a batch of training drops.

    - probabilities: of dropping a neuron, one for each hidden layer.
    - seed: that of the training.
    - epoch, batch: the numbers of the epoch and of its batch, from 0.
    """

    probabilities: tuple[float, ...]
    seed: int
    epoch: int
    batch: int

    def factors(self, architecture: Architecture, rows: int, dtype: np.dtype[Any]) -> list[Array | None]:
        """The factors of A for the layers from 2, (rows, n_l) each; None for a layer that drops nothing."""
        hidden = zip(self.probabilities, architecture.sizes[1:-1], strict=True)
        drawn = [
            dropout_factors(p, self.seed, layer, self.epoch, self.batch, (rows, n)).astype(dtype) if p else None
            for layer, (p, n) in enumerate(hidden, start=2)
        ]
        return [*drawn, None]


class Engine(Protocol):
    """An implementation of all computations: the reference in NumPy, the native core, XLA."""

    name: str
    takes_sparse: bool  # whether predict, cost, gradient and steps also take an X that is `examples.Compressed`

    @property
    def instructions(self) -> str:
        """The instruction set of the machine that it uses; bits may depend on it."""

    def lacks(self, architecture: Architecture, settings: TrainingSettings | None = None) -> str | None:
        """The first required feature that this engine does not have, by name ("dropout"); None if it has all."""

    def predict(self, architecture: Architecture, theta: Array, X: Array) -> Array:
        """A^L for every row of X, shape (n, n_L); a row alone gives the same bits as in any batch."""

    def cost(self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None) -> float:
        """sum of s C_x / n over all rows, summed in float64, no penalty; `weight` has mean 1."""

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
        """dC/dtheta of the objective C over all rows, flat; `weight` has mean 1."""

    def second_moments(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """sum of s (dC_x/dtheta)² / n over all rows, element by element, flat; `weight` as for `gradient`."""

    def gradient_norms(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """||dC_x/dtheta|| for every row, (n,), float64; `weight` is None or (n, n_L), the weights of terms in C_x."""

    def backprop(
        self,
        architecture: Architecture,
        theta: Array,
        X: Array,
        T: Array,
        weight: Array | None,
        dropped: Dropped | None = None,
    ) -> Ledger:
        """Every quantity of BP1-BP4 for all rows, as this engine computes them; `weight` has mean 1.

        A^L has the bits of `predict`, the gradient those of `gradient` without penalty. With `dropped` the rows are a
        batch of training, and the gradient has the bits of its update. X and theta are not copied where they have the
        right type and layout.
        """

    def freeze(self, architecture: Architecture, theta: Array) -> Frozen:
        """A frozen copy of the network."""

    def start(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> Run:
        """A run that trains `theta` in place.

        The settings must be settled (`TrainingSettings.settled`). `divisor` is S, the sum of the weights of the
        examples, which divides the penalties alpha and l1.
        """


def lacks_devices(settings: TrainingSettings) -> str | None:
    """The first setting of several devices, by name, for an engine that has one device; None if it needs none."""
    parts = {"shards": settings.shards or 1, "devices": settings.devices or 1}
    return next((f"{name} ({count})" for name, count in parts.items() if count > 1), None)


def lacks_precision(settings: TrainingSettings) -> str | None:
    """The precision of products that is set, by name, for an engine that has that of the numbers alone."""
    return None if settings.precision is None else f"precision {settings.precision!r}"


def check_lengths(X: Array, T: Array, weight: Array | None) -> None:
    """Raise EngineError unless targets and weights have as many examples as X."""
    n = X.shape[0]
    if len(T) != n or (weight is not None and len(weight) != n):
        raise EngineError(f"X has {n} rows, T {len(T)} and weight {n if weight is None else len(weight)}: give as many")


def check_state(state: RunState, theta: Array, slots: int) -> None:
    """Raise EngineError unless the state fits a run with this theta and this number of slots."""
    shapes, expected = (state.theta.shape, state.slots.shape), (theta.shape, (slots, theta.size))
    if shapes != expected:
        raise EngineError(f"the state has shapes {shapes[0]}, {shapes[1]}, but the run has {expected}")


def check_order(order: Array, updates: int, m: int) -> None:
    """Raise EngineError unless the order is whole numbers, as many as this number of batches of m rows can have."""
    if not (updates - 1) * m < len(order) <= updates * m:
        raise EngineError(f"{len(order)} rows cannot make {updates} batches of {m}: only the last may be shorter")
    if order.dtype.kind != "i":
        raise EngineError(f"the order has dtype {order.dtype}, but must be whole numbers, int32 or int64")


def check_rows(order: Array, n: int) -> None:
    """Raise EngineError for an order that names rows other than 0 to n - 1."""
    if len(order) and (order.min() < 0 or order.max() >= n):
        raise EngineError(f"the order names rows {order.min()} to {order.max()}, but there are rows 0 to {n - 1}")


def blocks(n: int) -> Iterator[slice]:
    """Rows 0 to n - 1 in blocks of `BLOCK`, in order.

    >>> list(blocks(1025))
    [slice(0, 1024, None), slice(1024, 2048, None)]
    """
    return (slice(start, start + BLOCK) for start in range(0, n, BLOCK))


def hidden_activations(engine: Engine, architecture: Architecture, theta: Array, X: Array) -> Iterator[Array]:
    """A^2, ..., A^{L-1} for all rows of X, (n, n_l) each, with the bits of `engine.predict`.

    Each layer is predicted as a separate network, because only `predict` guarantees that a row alone has the same bits
    as in any batch.
    """
    for layer, (W, b) in zip(architecture.alone, architecture.slices, strict=False):
        X = engine.predict(layer, theta[W.start : b.stop], X)
        yield X
