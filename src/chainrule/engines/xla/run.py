"""A run of the XLA engine: its state on the devices, and the calls of its program.

A call makes its updates in pieces of the size of the buffers, and each piece is one call of the program. Where all rows
fit on the device they are put there once. Otherwise those of a piece are sent to it while the one before is computed.
"""

import threading
import time
from typing import Any, NamedTuple

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines.base import RETURN_AFTER, RunState, check_lengths, check_order, check_rows, check_state
from chainrule.engines.xla import dropout, machine
from chainrule.engines.xla.placement import Placement
from chainrule.engines.xla.program import Call, Plan, Rows, State, program_of
from chainrule.engines.xla.rules import factors_of, rates_of, scalars_of
from chainrule.engines.xla.shards import pair_sum
from chainrule.engines.xla.structure import structure_of
from chainrule.errors import EngineError
from chainrule.hosts.shards import batch_edges
from chainrule.settings import TrainingSettings

__all__ = ["XlaRun"]

MOST_UPDATES, MOST_ROWS = 1024, 2**16  # of a piece, unless a single batch has more rows
PIECE_BYTES = 2**25  # of the rows that are sent for a piece
PIECE_SECONDS = 0.1  # about the time of a piece, so that a call can return between pieces


class Batches(NamedTuple):
    """The updates of a call: the rows of each, where its shards begin, and the row of X at each place."""

    order: Array
    rows: Array
    edges: Array
    rates: Array


class Piece(NamedTuple):
    """The arguments of one call of the program, which makes so many updates."""

    rows: Rows
    call: Call
    updates: int


class XlaRun:
    """A run of this engine. The state is on the devices; after each call theta, the caller's array, has its values."""

    ended = None  # without a line search there is always another update

    def __init__(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> None:
        if not theta.flags.c_contiguous or not theta.flags.writeable:
            raise EngineError("theta must be contiguous and writeable")
        if settings.precision and theta.dtype == np.float64:
            raise EngineError(f"precision is {settings.precision!r}, but the network is float64: leave one of them out")
        self._structure, self._theta, self._settings = structure_of(architecture), theta, settings
        self._place = Placement.of(settings)
        self._divisor, self._m = divisor, settings.batch_size
        self._factors = np.array(factors_of(settings, len(architecture.sizes)))
        self._width = -(-self._m // self._place.shards)  # rows of a shard
        self._lock, self._step, self._pace = threading.Lock(), 0, 1
        self._rows: tuple[Array, Array, Array | None] | None = None  # the arrays of the last call
        self._resident: Rows | None = None
        self._streamed = self._place.processes > 1
        self._seen = theta.copy()
        self._programs: dict[bool, Any] = {}
        self._state = self._on_devices(theta, np.zeros((settings.optimizer.slots, theta.size), theta.dtype))

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it continues the run from this state, with the same bits."""
        count = self._settings.optimizer.slots
        slots = np.empty((count, self._theta.size), self._theta.dtype)
        for k in range(count):
            self._read(tuple(of_leaf[k] for of_leaf in self._state.slots), slots[k])
        return RunState(self._theta.copy(), slots, self._step)

    @state.setter
    def state(self, state: RunState) -> None:
        check_state(state, self._theta, self._settings.optimizer.slots)
        self._theta[...] = state.theta
        self._seen = self._theta.copy()
        self._state = self._on_devices(self._theta, state.slots.astype(self._theta.dtype))
        self._step = state.step

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """Make one update for each rate; see `base.Run.steps`.

        With S shards, shard s of a batch of r rows has its rows s r // S to (s+1) r // S - 1. On several processes each
        has the rows of its own shards alone (`Placement.own`): X, T and weight are its rows, `order` has a place for
        every row of the batch, of which only those of its own shards are read, and all processes make the same calls.
        Such a call makes as many updates on every process, whatever the time.
        """
        if not self._lock.acquire(blocking=False):
            raise EngineError("the run is in use by another thread: give each thread a run of its own")
        try:
            check_lengths(X, T, weight)
            check_order(order, len(rates), self._m)
            batches = self._batches(order, rates)
            self._check_rows(batches, len(X))
            if not len(rates):
                return np.empty(0)
            with machine.computing(self._settings.precision):
                self._set_rows(X, T, weight)
                return self._made(batches, epoch, first_batch)
        finally:
            self._lock.release()

    # ------------------------------------------------------------------------------- the rows of updates

    def _batches(self, order: Array, rates: Array) -> Batches:
        rows = np.minimum(self._m, len(order) - self._m * np.arange(len(rates)))
        return Batches(order, rows, batch_edges(rows, self._place.shards), rates)

    def _chosen(self, batches: Batches, first: int, count: int) -> Array:
        """The row of X at each place of the own shards, (count, own shards, rows of a shard), int32.

        Places behind the last row of a shard have its first one, those of a shard without rows have row 0.
        """
        own, lane = self._place.own, np.arange(self._width)
        edges = batches.edges[first : first + count, own.start : own.stop + 1, None]
        starts, stops = edges[:, :-1], edges[:, 1:]
        within = np.where(starts + lane < stops, starts + lane, starts)
        places = within + self._m * np.arange(first, first + count)[:, None, None]
        return np.where(starts < stops, batches.order[np.minimum(places, len(batches.order) - 1)], 0).astype(np.int32)

    def _check_rows(self, batches: Batches, n: int) -> None:
        """Raise EngineError for rows that are not there; those of other processes are not read."""
        if self._place.processes == 1:
            check_rows(batches.order, n)
        elif len(batches.rates):
            check_rows(self._chosen(batches, 0, len(batches.rates)).ravel(), n)

    def _set_rows(self, X: Array, T: Array, weight: Array | None) -> None:
        """Put the rows on the devices, unless they are there, or are to be sent piece by piece."""
        arrays, last = (X, T, weight), self._rows
        if last is not None and all(a is b for a, b in zip(arrays, last, strict=True)):
            return
        self._streamed |= last is not None or len(X) < self._divisor or not self._place.fits(arrays)
        self._rows, self._resident = arrays, None
        if not self._streamed:
            self._resident = Rows(*(None if a is None else self._put(self._typed(a), cut=False) for a in arrays))

    def _typed(self, array: Array) -> Array:
        """Class numbers as they are, other numbers in the type of theta."""
        dtype = np.int32 if array.dtype == np.int32 else self._theta.dtype
        return np.ascontiguousarray(array, dtype=dtype)

    # ------------------------------------------------------------------------------- the calls of the program

    def _made(self, batches: Batches, epoch: int, first_batch: int) -> Array:
        """The costs of the updates, of which it makes as many as half a second allows."""
        self._follow_theta()
        program, costs, made = self._program, [], 0
        keys = dropout.keys(self._settings.seed or 0, len(self._structure.architecture.sizes) - 2, epoch)
        until, piece = time.monotonic() + RETURN_AFTER, self._piece(batches, 0, first_batch, keys)
        while piece is not None:
            began, count = time.monotonic(), piece.updates
            self._state, of_shards = program(self._state, piece.rows, piece.call)
            self._step, made = self._step + count, made + count
            piece = self._piece(batches, made, first_batch, keys)  # its rows are sent while this one is computed
            costs.append(np.asarray(of_shards)[:count])
            self._set_pace(count, time.monotonic() - began)
            if self._place.processes == 1 and time.monotonic() > until:
                break
        self._read(self._state.leaves, self._theta)
        self._seen = self._theta.copy()
        sums = np.concatenate(costs)
        return np.asarray(pair_sum(sums.T)) / batches.rows[: len(sums)]

    @property
    def _program(self) -> Any:
        """The program for rows on the devices, or for rows that are sent."""
        if self._streamed not in self._programs:
            self._programs[self._streamed] = self._made_program()
        return self._programs[self._streamed]

    def _made_program(self) -> Any:
        plan = Plan.of(self._structure, self._settings, self._place.shards, self._place.devices, self._streamed)
        return program_of(plan, machine.compiler_options(self._place.devices[0]))

    def _piece(self, batches: Batches, first: int, first_batch: int, keys: Array) -> Piece | None:
        """The arguments of the program for the next updates from `first` on, None where none is left."""
        most = self._most
        count = min(most, len(batches.rates) - first)
        count = count if self._place.processes > 1 else min(count, self._pace)
        if count <= 0:
            return None
        chosen, part = self._chosen(batches, first, count), slice(first, first + count)
        rows = self._sent(chosen) if self._streamed else self._resident
        assert rows is not None, "they were put on the devices"
        edges, settings, dtype = batches.edges[part], self._settings, self._theta.dtype
        rates = rates_of(settings.optimizer, batches.rates[part])[:, None] * self._factors
        penalties = np.array([settings.alpha / self._divisor, settings.l1 / self._divisor])
        call = Call(
            order=None if self._streamed else self._place.given(_padded(chosen, most), cut=True),
            sizes=self._place.given(_padded(self._own(np.diff(edges)), most), cut=True),
            first=self._place.given(_padded(self._own(edges[:, :-1]), most), cut=True),
            rates=self._place.given(_padded(rates.astype(dtype), most)),
            scalars=self._place.given(
                _padded(scalars_of(settings.optimizer, self._step + 1, count).astype(dtype), most)
            ),
            inverse=self._place.given(_padded((1 / batches.rows[part]).astype(dtype), most)),
            step=self._place.given(np.float64(self._step)),
            batch=self._place.given(np.uint32(first_batch + first)),
            updates=self._place.given(np.int32(count)),
            keys=self._place.given(keys),
            penalties=self._place.given(penalties.astype(dtype)),
        )
        return Piece(rows, call, count)

    @property
    def _most(self) -> int:
        """The most updates of a piece, for which its buffers are made."""
        most = min(MOST_UPDATES, MOST_ROWS // self._m)
        if self._streamed:
            assert self._rows is not None, "set before"
            of_row = sum(a.dtype.itemsize * a[:1].size for a in self._rows if a is not None)
            most = min(most, PIECE_BYTES // max(1, of_row * self._m))
        return max(1, most)

    def _own(self, of_shards: Array) -> Array:
        """The columns (count, own shards) of the shards of this process, int32."""
        return of_shards[:, self._place.own].astype(np.int32)

    def _sent(self, chosen: Array) -> Rows:
        """The chosen rows of a piece, on their way to the devices."""
        assert self._rows is not None, "set before"
        return Rows(
            *(None if a is None else self._put(_padded(self._typed(a[chosen]), self._most), True) for a in self._rows)
        )

    def _set_pace(self, updates: int, seconds: float) -> None:
        """Set how many updates the next piece makes; no bit depends on it."""
        self._pace = max(1, min(2 * max(self._pace, updates), int(updates * PIECE_SECONDS / max(seconds, 1e-9))))

    # ------------------------------------------------------------------------------- between here and the devices

    def _put(self, array: Any, cut: bool = False) -> Any:
        """An array on the devices: whole on each of them, or cut along its second axis, the shards."""
        return self._place.put(array, cut)

    def _on_devices(self, theta: Array, slots: Array) -> State:
        leaves = [self._structure.leaves(array.copy()) for array in (theta, *slots)]
        with machine.computing():
            placed = [tuple(self._put(np.ascontiguousarray(leaf)) for leaf in array) for array in leaves]
        return State(placed[0], tuple(tuple(array[k] for array in placed[1:]) for k in range(len(placed[0]))))

    def _follow_theta(self) -> None:
        """Put theta on the devices again if its owner has written into it."""
        if not np.array_equal(self._theta, self._seen):
            moved = self._on_devices(self._theta, np.empty((0, self._theta.size), self._theta.dtype))
            self._state = self._state._replace(leaves=moved.leaves)

    def _read(self, leaves: tuple[Any, ...], out: Array) -> None:
        """Write W and b of each layer into a flat array."""
        for part, leaf in zip(self._structure.leaves(out), leaves, strict=True):
            part[...] = np.asarray(leaf)


def _padded(array: Array, length: int) -> Array:
    """The array with rows of 0 after it, so that it has `length` of them."""
    padded = np.zeros((length, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded
