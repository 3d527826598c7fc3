"""The seam between what is computed and how: what every engine offers, and what it may rely on.

An engine takes an architecture and theta, never a network. `gradient` and `predict` are pure. `start` makes a Run,
which owns the training state and writes each update into the theta that it was given. Callers hand over checked
examples (examples.examples); a Run checks again only what could make it read outside an array.

    rows of X:   order[0] ... order[m-1] | order[m] ... order[2m-1] | ...       one call of `steps`
    update:      rates[0]                | rates[1]                 | ...       one rate an update
    costs:       c[0]                    | c[1]                     | ...       each before its update

Cutting an epoch into calls at any border between batches gives the same bits.
"""

import dataclasses
from collections.abc import Iterator
from typing import Protocol

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.errors import EngineError
from chainrule.optimizers import Ending
from chainrule.settings import TrainingSettings

__all__ = [
    "BLOCK",
    "RETURN_AFTER",
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
]

RETURN_AFTER = 0.5  # seconds after which `Run.steps` returns to its caller

BLOCK = 1024  # rows computed together, so that memory stays bounded; and rows of one partial sum of `gradient`


@dataclasses.dataclass(frozen=True)
class RunState:
    """Where a run is: theta, the optimizer's slots (k, parameters), and the number of updates made.

    `evaluations` counts how often a rule with a line search has computed C; of other rules it is 0.
    """

    theta: Array
    slots: Array
    step: int
    evaluations: int = 0


class Run(Protocol):
    """A training run in progress. One caller at a time."""

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it puts the run exactly there."""

    @state.setter
    def state(self, state: RunState) -> None: ...

    @property
    def ended(self) -> Ending | None:
        """Why the last call of `steps` came to an end of the run: no further update can be made. None otherwise.

        It follows from the state and the examples alone: a run put to the same state ends there as well.
        """

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """Make one update for each rate, from the rows that `order` names; the epoch's last batch may be short.

        Update k uses rows order[k m : (k + 1) m] of X (n, n_1), T (n, n_L) or int32 classes, weight None, (n,) or
        (n, n_L), and is batch `first_batch` + k of epoch `epoch` (both from 0; dropout depends on them). It may stop
        early, after at least one update, once half a second has gone, so that the caller can look up. A run of a rule
        with a line search may come to its end: then it makes no update, and `ended` says why.

        Returns the costs, float64, one for each update made: sum of s C_x over the batch / its rows, no penalty.
        Raises EngineError for an order that does not fit the rates or leaves the arrays.
        """


class Frozen(Protocol):
    """A network with its weights of one moment, for predictions alone: any number of threads at once."""

    def predict(self, X: Array) -> Array:
        """A^L for every row of X (n, n_1), shape (n, n_L): the bits of `Engine.predict`."""

    def row(self, x: Array) -> Array | None:
        """The same for one row x (n_1,) of the network's type, all finite, as (n_L,), if there is a shorter way."""


class Engine(Protocol):
    """A way to compute everything: the reference in NumPy, the native core, XLA."""

    name: str

    @property
    def instructions(self) -> str:
        """The instructions of the machine that it uses: bits may depend on them."""

    def lacks(self, architecture: Architecture, settings: TrainingSettings | None = None) -> str | None:
        """The first thing asked for that this engine does not have, by name ("dropout"); None if it has it all."""

    def predict(self, architecture: Architecture, theta: Array, X: Array) -> Array:
        """A^L for every row of X, shape (n, n_L): a row alone gives the same bits as in any batch."""

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

    def gradient_norms(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """||dC_x/dtheta|| for every row, (n,), float64; `weight` is None or that of terms, (n, n_L), part of C_x."""

    def freeze(self, architecture: Architecture, theta: Array) -> Frozen:
        """The network as it is now."""

    def start(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> Run:
        """A run that trains `theta` in place.

        The settings are settled (`TrainingSettings.settled`); divisor is S, the sum of the examples' weights, by which
        the penalties alpha and l1 are divided.
        """


def check_lengths(X: Array, T: Array, weight: Array | None) -> None:
    """Raise an EngineError unless targets and weights are of as many examples as X."""
    n = len(X)
    if len(T) != n or (weight is not None and len(weight) != n):
        raise EngineError(f"X has {n} rows, T {len(T)} and weight {n if weight is None else len(weight)}: give as many")


def check_state(state: RunState, theta: Array, slots: int) -> None:
    """Raise an EngineError unless the state is that of a run with such a theta and so many slots."""
    came, wanted = (state.theta.shape, state.slots.shape), (theta.shape, (slots, theta.size))
    if came != wanted:
        raise EngineError(f"the state has shapes {came[0]}, {came[1]}, but the run has {wanted}")


def check_order(order: Array, updates: int, m: int) -> None:
    """Raise an EngineError unless the order is whole numbers, as many as so many batches of m can have."""
    if not (updates - 1) * m < len(order) <= updates * m:
        raise EngineError(f"{len(order)} rows cannot make {updates} batches of {m}: only the last may be shorter")
    if order.dtype.kind != "i":
        raise EngineError(f"the order has dtype {order.dtype}, but must be whole numbers, int32 or int64")


def check_rows(order: Array, n: int) -> None:
    """Raise an EngineError for an order that names rows other than 0 to n - 1."""
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

    Each layer is predicted as a network of its own, because only `predict` promises that a row alone has the bits that
    it has in any batch.
    """
    for layer, (W, b) in zip(architecture.alone, architecture.slices, strict=False):
        X = engine.predict(layer, theta[W.start : b.stop], X)
        yield X
