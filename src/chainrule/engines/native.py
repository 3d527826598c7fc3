"""The native engine: the core in C++ behind its C ABI. The only module that computes with the core."""

import contextlib
import ctypes
import functools
import itertools
import operator
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from ctypes import byref
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import Computed, Ledger, split_weight
from chainrule.costs import COSTS
from chainrule.engines import abi, structs
from chainrule.engines.abi import Library
from chainrule.engines.base import (
    RETURN_AFTER,
    Dropped,
    Run,
    RunState,
    check_lengths,
    check_order,
    check_rows,
    check_state,
    lacks_devices,
    lacks_precision,
)
from chainrule.engines.line_search import LineSearchRun
from chainrule.errors import EngineError
from chainrule.examples import Compressed
from chainrule.optimizers import OPTIMIZERS, SGD
from chainrule.registry import Entry, Registry
from chainrule.settings import TrainingSettings

__all__ = ["NativeEngine", "engine"]

MOST_UPDATES = 4096  # updates in one call of the core
MOST_ROWS = 2**20  # rows in one call, unless a single batch is larger
ROWS_AT_ONCE = 1024  # rows that `gradient` sums together, and `cost` unless the network is wide
MOST_AT_ONCE = 2**23  # neurons of rows that `cost` computes together, or those of LEAST_AT_ONCE rows
LEAST_AT_ONCE = 64
VECTOR_BYTES = {"v4": 64, "v3": 32}  # by instruction set; 16 for the others
MOST_COPIED = 2**14  # numbers of rows and outputs that a prediction copies: less work than asking where arrays are
MOST_SPARE = 2**22  # elements of a network that is worth keeping for the next call


class NativeEngine:
    """The engine of the core. It uses as many threads as are worth the work; no bit depends on their number."""

    name = "native"
    takes_sparse = True

    def __init__(self, library: Library) -> None:
        self._library = library
        self._spare: deque[CoreNetwork] = deque(maxlen=1)  # pop and append are atomic: no two threads get it

    @property
    def instructions(self) -> str:
        """The instruction set that the core uses: "v4", "v3", "v2" or "portable"."""
        return self._library.instructions

    @property
    def half(self) -> str | None:
        """The instructions for `precision="bf16"`: "amx_bf16" or "avx512_bf16"; None where there are none."""
        return self._library.half[0]

    @property
    def threads(self) -> int:
        """The number of threads under threads=None."""
        return int(self._library.function("threads")())

    def padding(self, architecture: Architecture, dtype: np.dtype[Any]) -> float:
        """Products computed in an update / products needed: more than 1, as columns are padded to whole vectors.

        With p(n) for n rounded up to whole vectors, layer l computes 2 (n_{l-1} + 1) p(n_l) products forward and for
        the gradient, and n_l p(n_{l-1}) backward (not for l = 2). Needed are 3 n_{l-1} n_l (2 for l = 2).
        """
        lanes = VECTOR_BYTES.get(self.instructions, 16) // dtype.itemsize
        needed = computed = 0
        for k, (n_in, n_out) in enumerate(itertools.pairwise(architecture.sizes)):
            padded_in, padded_out = (-(-n // lanes) * lanes for n in (n_in, n_out))
            needed += (3 if k else 2) * n_in * n_out
            computed += 2 * (n_in + 1) * padded_out + (n_out * padded_in if k else 0)
        return computed / needed

    def lacks(self, architecture: Architecture, settings: TrainingSettings | None = None) -> str | None:
        """The first entry that the core does not have, by name. A line search needs only cost and gradient."""
        if settings is not None and settings.clip is not None and settings.clip.noise:
            return "noise in clip"
        if settings is not None and (lack := lacks_devices(settings) or self._lacks_precision(settings)):
            return lack
        needed: list[tuple[int, Registry[Any], Entry]] = [
            (abi.ACTIVATIONS, ACTIVATIONS, a) for a in architecture.hidden
        ]
        for block in architecture.blocks:
            needed += [(abi.ACTIVATIONS, ACTIVATIONS, block.activation), (abi.COSTS, COSTS, block.cost)]
        if settings is not None and not settings.optimizer.line_search:
            needed.append((abi.RULES, OPTIMIZERS, settings.optimizer))
        for kind, registry, entry in needed:
            if not (registry.holds(entry) and self._library.has(kind, entry.name)):
                return f"{registry.kind} {entry.name!r}"
        return None

    def _lacks_precision(self, settings: TrainingSettings) -> str | None:
        """The precision that is set, unless this machine multiplies in it: then a line that says why."""
        lack = lacks_precision(settings)
        if lack is None or settings.precision not in abi.PRECISIONS:
            return lack
        name, why_not = self._library.half
        return None if name else f"{lack}: {why_not}"

    def predict(self, architecture: Architecture, theta: Array, X: Array) -> Array:
        """A^L for every row of X (n, n_1)."""
        with self._network(architecture, theta, 1) as net:
            return NativeFrozen(net).predict(X)

    def freeze(self, architecture: Architecture, theta: Array) -> "NativeFrozen":
        """The network with a packed copy of theta, for predictions."""
        net = CoreNetwork(self._library, architecture, theta.dtype, None)
        net.set_theta(theta)
        return NativeFrozen(net)

    def cost(self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None) -> float:
        """sum of s C_x / n over all rows."""
        cost = ctypes.c_double()
        with self._network(architecture, theta, min(X.shape[0], _rows_of_cost(architecture))) as net:
            self._library.call("cost", net.handle, byref(structs.examples(X, T, weight)), 0, byref(cost))
        return cost.value

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
        g = np.empty_like(theta)
        examples, out = byref(structs.examples(X, T, weight)), (g.ctypes.data, g.nbytes)
        with self._network(architecture, theta, X.shape[0]) as net:
            self._library.call("gradient", net.handle, examples, divisor, alpha, l1, 0, *out)
        return g

    def second_moments(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """sum of s (dC_x/dtheta)² / n over all rows, summed in float64 over blocks of 1,024 rows in order."""
        moments = np.empty_like(theta)
        examples, out = byref(structs.examples(X, T, weight)), (moments.ctypes.data, moments.nbytes)
        with self._network(architecture, theta, len(X)) as net:
            self._library.call("second_moments", net.handle, examples, 0, *out)
        return moments

    def gradient_norms(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """||dC_x/dtheta|| of each example, (n,), float64; `weight` is None or that of terms, (n, n_L)."""
        norms = np.empty(len(X))
        examples, out = byref(structs.examples(X, T, weight)), (norms.ctypes.data, norms.size)
        with self._network(architecture, theta, len(X)) as net:
            self._library.call("norms", net.handle, examples, 0, *out)
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
        """Every quantity of BP1-BP4 for all rows, copied out of the passes of the core; weights of rows do not enter.

        A row has the same bits in any pass, so A^L is that of `predict`, and delta that of `gradient` where the row
        has weight 1.
        """
        row_weight, term_weight = split_weight(weight)
        examples, costs = structs.examples(X, T, term_weight), np.empty(len(X))
        if dropped is None:
            keep, g = None, self.gradient(architecture, theta, X, T, weight, 1.0)
            with self._network(architecture, theta, len(X)) as net:
                Z, A, delta = net.ledger(examples, costs)
            sigma = A
        else:
            keep = dropped.factors(architecture, len(X), theta.dtype)
            run = self.start(architecture, theta.copy(), _one_update(dropped, len(X)), 1.0)
            assert isinstance(run, NativeRun), "its rule has no line search"
            Z, A, delta, sigma = run.ledger(examples, costs, dropped)
            g = run.gradient(X, T, weight, dropped)
        A = [np.ascontiguousarray(X, dtype=theta.dtype), *A]
        T = architecture.one_hot(T, theta.dtype)
        return Ledger(architecture, T, row_weight, term_weight, keep, Z, A, sigma, delta, theta, Computed(costs, g))

    def start(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> Run:
        """A run that trains `theta` in place."""
        if settings.optimizer.line_search:
            return LineSearchRun(self, architecture, theta, settings, divisor)
        return NativeRun(self._library, architecture, theta, settings, divisor)

    @contextlib.contextmanager
    def _network(self, architecture: Architecture, theta: Array, rows: int) -> Iterator["CoreNetwork"]:
        """A network with theta, for one call. The last one is reused if it fits.

        A new network has new memory from the system; the first access to it costs a small call more than its work.
        """
        rows = max(1, min(rows, ROWS_AT_ONCE))
        try:
            net = self._spare.pop()
        except IndexError:
            net = None
        if net is None or not net.fits(architecture, theta.dtype, rows):
            net = CoreNetwork(self._library, architecture, theta.dtype, None, rows)
        net.set_theta(theta)
        yield net
        if rows * sum(architecture.sizes) + theta.size < MOST_SPARE:
            self._spare.append(net)


class CoreNetwork:
    """A network in the core, known by its handle; dropped there when this object is deleted."""

    def __init__(
        self,
        library: Library,
        architecture: Architecture,
        dtype: np.dtype[Any],
        settings: abi.SettingsStruct | None,
        rows: int = 1,
    ) -> None:
        self.library, self.sizes, self.dtype = library, architecture.sizes, dtype
        self._architecture, self._rows = architecture, rows
        handle = ctypes.c_uint64()
        run = None if settings is None else byref(settings)
        library.call("make", byref(structs.architecture(architecture, dtype)), run, rows, byref(handle))
        self.handle = handle.value

    def fits(self, architecture: Architecture, dtype: np.dtype[Any], rows: int) -> bool:
        """Whether it has this architecture and dtype, and space for `rows` rows. Reusing it then changes no bit."""
        return self._architecture is architecture and self.dtype == dtype and self._rows >= rows

    def set_theta(self, theta: Array) -> None:
        """Copy theta into the core."""
        theta = np.ascontiguousarray(theta)
        self.library.call("set_theta", self.handle, theta.__array_interface__["data"][0], theta.nbytes)

    def ledger(
        self, examples: abi.ExamplesStruct, costs: Array, dropped: Dropped | None = None
    ) -> tuple[list[Array], ...]:
        """Z, A and delta of each layer, and with `dropped` the activations before dropout; fills in the costs."""
        rows, widths, arrays = len(costs), self.sizes[1:], 3 if dropped is None else 4
        numbers = np.empty(arrays * rows * sum(widths), self.dtype)
        epoch, batch = (0, 0) if dropped is None else (dropped.epoch, dropped.batch)
        room = numbers.ctypes.data, numbers.nbytes, costs.ctypes.data, costs.size
        self.library.call("ledger", self.handle, byref(examples), epoch, batch, 0, *room)
        return _layer_by_layer(numbers, rows, widths, arrays)

    def __del__(self) -> None:
        if hasattr(self, "handle"):
            self.library.function("drop")(self.handle, None, 0)


class NativeFrozen:
    """A network that only predicts. Any number of threads may use it at once."""

    def __init__(self, net: CoreNetwork) -> None:
        self._net, self._thread = net, threading.local()
        self._predict, self._handle = net.library.function("predict"), ctypes.c_uint64(net.handle)
        self._row, self._columns = (net.sizes[0],), net.sizes[0]
        self._most = max(1, MOST_COPIED // (net.sizes[0] + net.sizes[-1]))

    def predict(self, X: Array) -> Array:
        """A^L for every row of X (n, n_1)."""
        net, out = self._net, self._empty(X.shape[0])
        if len(out):
            call = abi.PredictCall(X=structs.inputs(X), out=out.ctypes.data, out_bytes=out.nbytes)
            net.library.call("predict", net.handle, byref(call))
        return out

    def quick(self, X: Array) -> Array | None:
        """A^L of a row (n_1,) or rows (n, n_1) of the network's dtype or float64, if all is finite; else None."""
        if type(X) is not np.ndarray:
            return None
        shape = X.shape
        if one := shape == self._row:
            rows = 1
        elif len(shape) == 2 and shape[1] == self._columns and shape[0]:
            rows = shape[0]
        else:
            return None
        try:
            buffers = self._thread.buffers[X.dtype]
        except AttributeError:
            dtypes = np.dtype(self._net.dtype.name), np.dtype(np.float64)
            self._thread.buffers = {dtype: _Buffers(self._net, self._most, dtype) for dtype in dtypes}
            return self.quick(X)
        except KeyError:
            return None
        if rows > self._most:
            return self._in_place(X)
        buffers.put(X, rows)
        if self._predict(self._handle, buffers.call, None, 0):
            return None
        return buffers.row.copy() if one else buffers.out[:rows].copy()

    def _in_place(self, X: Array) -> Array | None:
        """`quick` for many rows, which are not copied."""
        out = self._empty(len(X))
        call = abi.PredictCall(X=abi.matrix(X), finite=1, out=out.ctypes.data, out_bytes=out.nbytes)
        return None if self._predict(self._handle, byref(call), None, 0) else out

    def _empty(self, rows: int) -> Array:
        return np.empty((rows, self._net.sizes[-1]), dtype=self._net.dtype)


class _Buffers:
    """What one thread needs for calls with few rows of one dtype: arrays for X and A^L, and the struct of the call."""

    def __init__(self, net: CoreNetwork, most: int, dtype: np.dtype[Any]) -> None:
        self._X, self.out = np.empty((most, net.sizes[0]), dtype), np.empty((most, net.sizes[-1]), net.dtype)
        self.row = self.out[0]
        self._struct = abi.PredictCall(X=abi.matrix(self._X), finite=1, out=self.out.ctypes.data)
        self.call, self._rows = byref(self._struct), 0

    def put(self, X: Array, rows: int) -> None:
        """Copy a row or rows, and set how many there are; one row is not worth a second thread."""
        self._X[:rows] = X
        if rows != self._rows:
            self._struct.X.rows, self._struct.threads = rows, int(rows == 1)
            self._struct.out_bytes, self._rows = rows * self.out[0].nbytes, rows


class NativeRun:
    """A run of the native engine. The optimizer's slots are in the core; theta is the caller's array."""

    ended = None  # without a line search there is always another update

    def __init__(
        self, library: Library, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float
    ) -> None:
        if not theta.flags.c_contiguous or not theta.flags.writeable or not theta.flags.aligned:
            raise EngineError("theta must be contiguous, aligned and writeable")
        self._library, self._theta, self._m = library, theta, settings.batch_size
        self._net = CoreNetwork(
            library, architecture, theta.dtype, structs.run_settings(settings, divisor, len(architecture.sizes))
        )
        self._lock, self._error = threading.Lock(), ctypes.create_string_buffer(abi.ERROR_BYTES)
        self._most = max(1, min(MOST_UPDATES, MOST_ROWS // self._m))
        self._call = abi.StepCall(theta=theta.ctypes.data, theta_bytes=theta.nbytes, seconds=RETURN_AFTER)
        self._allocate(1)
        self._steps, self._slots = library.function("steps"), settings.optimizer.slots
        self._arguments = (ctypes.c_uint64(self._net.handle), byref(self._call), self._error, abi.ERROR_BYTES)
        self._examples: tuple[Array, Array, Array | None] | None = None
        self._layout: Any = None

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it puts the run exactly there."""
        slots = np.empty((self._slots, self._theta.size), dtype=self._theta.dtype)
        step = ctypes.c_int64()
        self._library.call("get_slots", self._net.handle, slots.ctypes.data, slots.nbytes, byref(step))
        return RunState(self._theta.copy(), slots, step.value)

    @state.setter
    def state(self, state: RunState) -> None:
        check_state(state, self._theta, self._slots)
        slots = np.ascontiguousarray(state.slots, dtype=self._theta.dtype)
        self._library.call("set_slots", self._net.handle, slots.ctypes.data, slots.nbytes, state.step)
        self._theta[...] = state.theta

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """Make one update for each rate; see `base.Run.steps`."""
        if not self._lock.acquire(blocking=False):
            raise EngineError("the run is in use by another thread: give each thread a run of its own")
        try:
            self._set_examples(X, T, weight)
            check_order(order, len(rates), self._m)
            updates, call = min(len(rates), self._most), self._call
            if updates > len(self._rates):
                self._allocate(updates)
            rows = min(len(order), updates * self._m)
            self._order[:rows] = order[:rows]
            self._rates[:updates] = rates[:updates]
            call.rows, call.updates, call.epoch, call.first_batch = rows, updates, epoch, first_batch
            code = self._steps(*self._arguments)
            if code:
                check_rows(order[:rows], X.shape[0])
                raise abi.error_of(code, self._error.value)
            return self._costs[: call.made].copy()
        finally:
            self._lock.release()

    def _allocate(self, updates: int) -> None:
        """Allocate buffers for `updates` updates."""
        self._order = np.empty(updates * self._m, dtype=np.int64)
        self._rates, self._costs = np.empty(updates), np.empty(updates)
        for name, buffer in {"order": self._order, "rates": self._rates, "costs": self._costs}.items():
            setattr(self._call, name, buffer.ctypes.data)

    def ledger(self, examples: abi.ExamplesStruct, costs: Array, dropped: Dropped) -> tuple[list[Array], ...]:
        """Z, A, delta and the activations before dropout of each layer, at theta; fills in the costs."""
        self._net.set_theta(self._theta)
        return self._net.ledger(examples, costs, dropped)

    def gradient(self, X: Array, T: Array, weight: Array | None, dropped: Dropped) -> Array:
        """dC/dtheta of the batch, as an update by the settings of `_one_update` leaves it in the slot."""
        self.steps(X, T, weight, np.arange(len(X)), np.ones(1), dropped.epoch, dropped.batch)
        return -self.state.slots[0]

    def _set_examples(self, X: Array, T: Array, weight: Array | None) -> None:
        """Put the examples into the call struct; skip if they are the same objects as last time, laid out alike."""
        arrays, layout = (X, T, weight), _layout(X, T, weight)
        last = self._examples
        if last is not None and all(map(operator.is_, arrays, last)) and layout == self._layout:
            return
        check_lengths(X, T, weight)
        self._call.examples = structs.examples(X, T, weight)
        self._examples, self._layout = arrays, layout


@functools.cache
def engine() -> NativeEngine:
    """The one engine. Raises EngineError where the core is not built or does not run on this machine."""
    library = abi.load()
    if library is None:
        raise EngineError("the native engine is not built")
    return NativeEngine(Library(library))


def _rows_of_cost(architecture: Architecture) -> int:
    """How many rows `cost` computes together; it adds their costs in one order, whatever their number."""
    return max(LEAST_AT_ONCE, min(ROWS_AT_ONCE, MOST_AT_ONCE // sum(architecture.sizes)))


def _layer_by_layer(numbers: Array, rows: int, widths: Sequence[int], arrays: int) -> tuple[list[Array], ...]:
    """Several arrays (rows, n_l) of each layer, as views of one array that has them one after the other."""
    stops = list(itertools.accumulate(arrays * rows * n for n in widths))
    layers = [
        numbers[stop - arrays * rows * n : stop].reshape(arrays, rows, n) for n, stop in zip(widths, stops, strict=True)
    ]
    return tuple([layer[k] for layer in layers] for k in range(arrays))


def _one_update(dropped: Dropped, rows: int) -> TrainingSettings:
    """The settings of a run of one update, after which the only slot is -dC/dtheta: v = 0.5 · 0 - 1 dC/dtheta."""
    rule = SGD(1.0, momentum=0.5)
    return TrainingSettings(optimizer=rule, batch_size=rows, dropout=list(dropped.probabilities), seed=dropped.seed)


def _layout(*arrays: Array | None) -> list[Any]:
    """dtype, shape and strides of each array: an owner can change these in place."""
    return [a if a is None or isinstance(a, Compressed) else (a.dtype, a.shape, a.strides) for a in arrays]
