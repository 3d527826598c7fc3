"""The native engine: the core in C++ behind its C ABI. The only module that computes with the core."""

import contextlib
import ctypes
import functools
import itertools
import math
import threading
from collections import deque
from collections.abc import Iterator
from ctypes import byref
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.costs import COSTS
from chainrule.engines import abi, core
from chainrule.engines.abi import Library
from chainrule.engines.base import RETURN_AFTER, Run, RunState, check_lengths, check_order, check_rows, check_state
from chainrule.engines.line_search import LineSearchRun
from chainrule.errors import EngineError
from chainrule.optimizers import OPTIMIZERS
from chainrule.registry import Entry, Registry
from chainrule.settings import TrainingSettings

__all__ = ["NativeEngine", "engine"]

MOST_UPDATES = 4096  # of one call
MOST_ROWS = 2**20  # of one call, if that is one update at least
TOGETHER = 1024  # rows in memory together where nothing is trained
VECTOR_BYTES = {"v4": 64, "v3": 32}  # of an instruction set; 16 of the others
MOST_KEPT = 2**22  # numbers in a network that is kept for the next call


class NativeEngine:
    """The core, on as many threads as the work is worth."""

    name = "native"

    def __init__(self, library: Library) -> None:
        self._library = library
        self._spare: deque[Handle] = deque(maxlen=1)  # taken and given back by one operation: threads never share it

    @property
    def instructions(self) -> str:
        """The instruction set that the core computes with."""
        return self._library.instructions

    @property
    def threads(self) -> int:
        """The threads that it uses where the number is left to it."""
        return int(self._library.function("threads")())

    def padding(self, architecture: Architecture, dtype: np.dtype[Any]) -> float:
        """Products that an update makes in all, for each that is asked for: columns are padded to whole vectors.

        forward and gradient: (n_{l-1} + 1) columns(n_l) each; backward: n_l columns(n_{l-1}), but for the first layer.
        """
        lanes = VECTOR_BYTES.get(self.instructions, 16) // dtype.itemsize
        useful = made = 0
        for k, (n_in, n_out) in enumerate(itertools.pairwise(architecture.sizes)):
            wide_in, wide_out = (-(-n // lanes) * lanes for n in (n_in, n_out))
            useful += (3 if k else 2) * n_in * n_out
            made += 2 * (n_in + 1) * wide_out + (n_out * wide_in if k else 0)
        return made / useful

    def lacks(self, architecture: Architecture, settings: TrainingSettings | None = None) -> str | None:
        """The first entry that the core does not have, by name; a line search needs only cost and gradient."""
        asked: list[tuple[int, Registry[Any], Entry]] = [(abi.ACTIVATIONS, ACTIVATIONS, a) for a in architecture.hidden]
        for block in architecture.blocks:
            asked += [(abi.ACTIVATIONS, ACTIVATIONS, block.activation), (abi.COSTS, COSTS, block.cost)]
        if settings is not None and not settings.optimizer.line_search:
            asked.append((abi.RULES, OPTIMIZERS, settings.optimizer))
        for what, registry, entry in asked:
            if not (registry.holds(entry) and self._library.has(what, entry.name)):
                return f"{registry.kind} {entry.name!r}"
        return None

    def predict(self, architecture: Architecture, theta: Array, X: Array) -> Array:
        """A^L for every row of X (n, n_1)."""
        with self._pure(architecture, theta, 1) as net:
            return NativeFrozen(net).predict(X)

    def freeze(self, architecture: Architecture, theta: Array) -> "NativeFrozen":
        """The network with a packed copy of theta, for any number of predictions."""
        net = Handle(self._library, architecture, theta.dtype, None)
        net.set_theta(theta)
        return NativeFrozen(net)

    def cost(self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None) -> float:
        """sum of s C_x / n over all rows."""
        found = ctypes.c_double()
        with self._pure(architecture, theta, len(X)) as net:
            self._library.call("cost", net.number, byref(_examples(X, T, weight)), 0, byref(found))
        return found.value

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
        found = np.empty_like(theta)
        examples, out = byref(_examples(X, T, weight)), (found.ctypes.data, found.nbytes)
        with self._pure(architecture, theta, len(X)) as net:
            self._library.call("gradient", net.number, examples, divisor, alpha, l1, 0, *out)
        return found

    def gradient_norms(
        self, architecture: Architecture, theta: Array, X: Array, T: Array, weight: Array | None
    ) -> Array:
        """||dC_x/dtheta|| of each example, (n,), float64; `weight` is that of terms, or None."""
        found = np.empty(len(X))
        examples, out = byref(_examples(X, T, weight)), (found.ctypes.data, found.size)
        with self._pure(architecture, theta, len(X)) as net:
            self._library.call("norms", net.number, examples, 0, *out)
        return found

    def start(self, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float) -> Run:
        """A run that trains `theta` in place."""
        if settings.optimizer.line_search:
            return LineSearchRun(self, architecture, theta, settings, divisor)
        return NativeRun(self._library, architecture, theta, settings, divisor)

    @contextlib.contextmanager
    def _pure(self, architecture: Architecture, theta: Array, rows: int) -> Iterator["Handle"]:
        """A network with theta for one call; the last one is kept for the next call that asks for its like.

        Its memory is fresh from the system otherwise, and touching that costs a small call more than its work.
        """
        rows = max(1, min(rows, TOGETHER))
        try:
            net = self._spare.pop()
        except IndexError:
            net = None
        if net is None or not net.fits(architecture, theta.dtype, rows):
            net = Handle(self._library, architecture, theta.dtype, None, rows)
        net.set_theta(theta)
        yield net
        if rows * sum(architecture.sizes) + theta.size < MOST_KEPT:
            self._spare.append(net)


class Handle:
    """A network in the core, dropped with this object."""

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
        number = ctypes.c_uint64()
        asked = None if settings is None else byref(settings)
        library.call("make", byref(_architecture(architecture, dtype)), asked, rows, byref(number))
        self.number = number.value

    def fits(self, architecture: Architecture, dtype: np.dtype[Any], rows: int) -> bool:
        """Whether it has the architecture, the type and at least so many rows together: then no bit is another."""
        return self._architecture is architecture and self.dtype == dtype and self._rows >= rows

    def set_theta(self, theta: Array) -> None:
        """Copy theta into the core."""
        held = np.ascontiguousarray(theta)
        self.library.call("set_theta", self.number, held.ctypes.data, held.nbytes)

    def __del__(self) -> None:
        if hasattr(self, "number"):
            self.library.function("drop")(self.number, None, 0)


class NativeFrozen:
    """A network that only predicts, from any number of threads at once."""

    def __init__(self, net: Handle) -> None:
        self._net, self._own = net, threading.local()
        self._predict, self._number = net.library.function("predict"), ctypes.c_uint64(net.number)
        self._shape, self._dtype = (net.sizes[0],), np.dtype(net.dtype.name)  # NumPy's one object for this type

    def predict(self, X: Array) -> Array:
        """A^L for every row of X (n, n_1)."""
        net, found = self._net, np.empty((len(X), self._net.sizes[-1]), dtype=self._net.dtype)
        if len(X):
            call = abi.PredictCall(X=abi.matrix(X), out=found.ctypes.data, out_bytes=found.nbytes)
            net.library.call("predict", net.number, byref(call))
        return found

    def row(self, x: Array) -> Array | None:
        """A^L (n_L,) of one row x (n_1,) of the network's type, all finite; None for anything else."""
        if type(x) is not np.ndarray or x.shape != self._shape or x.dtype is not self._dtype:
            return None
        try:
            into, call, out = self._own.buffers
        except AttributeError:
            into, call, out = self._own.buffers = self._buffers()
        into[...] = x
        return None if self._predict(self._number, call, None, 0) else out.copy()

    def _buffers(self) -> tuple[Array, Any, Array]:
        """This thread's room for a row and its answer, and the call that joins them."""
        into, out = np.empty((1, *self._shape), self._dtype), np.empty(self._net.sizes[-1], self._dtype)
        call = abi.PredictCall(X=abi.matrix(into), finite=1, threads=1, out=out.ctypes.data, out_bytes=out.nbytes)
        return into[0], byref(call), out


class NativeRun:
    """A run of the native engine: the core has the slots, theta is the caller's."""

    ended = None  # without a line search there is always another update

    def __init__(
        self, library: Library, architecture: Architecture, theta: Array, settings: TrainingSettings, divisor: float
    ) -> None:
        if not theta.flags.c_contiguous or not theta.flags.writeable or not theta.flags.aligned:
            raise EngineError("theta must lie in one piece, aligned and writeable")
        self._library, self._theta, self._m = library, theta, settings.batch_size
        self._net = Handle(
            library, architecture, theta.dtype, _settings(settings, divisor, len(architecture.sizes) - 2)
        )
        self._lock, self._text = threading.Lock(), ctypes.create_string_buffer(abi.ROOM)
        self._most = max(1, min(MOST_UPDATES, MOST_ROWS // self._m))
        self._call = abi.StepCall(theta=theta.ctypes.data, theta_bytes=theta.nbytes, seconds=RETURN_AFTER)
        self._make_room(1)
        self._steps, self._slots = library.function("steps"), settings.optimizer.slots
        self._fixed = (ctypes.c_uint64(self._net.number), byref(self._call), self._text, abi.ROOM)
        self._examples: tuple[Array, Array, Array | None] | None = None
        self._seen: Any = None

    @property
    def state(self) -> RunState:
        """A copy of the state; setting it puts the run exactly there."""
        slots = np.empty((self._slots, self._theta.size), dtype=self._theta.dtype)
        step = ctypes.c_int64()
        self._library.call("get_slots", self._net.number, slots.ctypes.data, slots.nbytes, byref(step))
        return RunState(self._theta.copy(), slots, step.value)

    @state.setter
    def state(self, state: RunState) -> None:
        check_state(state, self._theta, self._slots)
        slots = np.ascontiguousarray(state.slots, dtype=self._theta.dtype)
        self._library.call("set_slots", self._net.number, slots.ctypes.data, slots.nbytes, state.step)
        self._theta[...] = state.theta

    def steps(
        self, X: Array, T: Array, weight: Array | None, order: Array, rates: Array, epoch: int, first_batch: int
    ) -> Array:
        """Make one update for each rate; see `base.Run.steps`."""
        if not self._lock.acquire(blocking=False):
            raise EngineError("the run is in use by another thread: give each thread a run of its own")
        try:
            self._look_at(X, T, weight)
            check_order(order, len(rates), self._m)
            updates, call = min(len(rates), self._most), self._call
            if updates > len(self._rates):
                self._make_room(updates)
            rows = min(len(order), updates * self._m)
            self._order[:rows] = order[:rows]
            self._rates[:updates] = rates[:updates]
            call.rows, call.updates, call.epoch, call.first_batch = rows, updates, epoch, first_batch
            code = self._steps(*self._fixed)
            if code:
                check_rows(order[:rows], len(X))
                raise abi.error_of(code, self._text.value)
            return self._costs[: call.made].copy()
        finally:
            self._lock.release()

    def _make_room(self, updates: int) -> None:
        """Have buffers for so many updates."""
        self._order = np.empty(updates * self._m, dtype=np.int64)
        self._rates, self._costs = np.empty(updates), np.empty(updates)
        for name, buffer in {"order": self._order, "rates": self._rates, "costs": self._costs}.items():
            setattr(self._call, name, buffer.ctypes.data)

    def _look_at(self, X: Array, T: Array, weight: Array | None) -> None:
        """Have the examples in the call: the same arrays as before are known by being the same objects."""
        found, known = (X, T, weight), self._examples
        if known is not None and X is known[0] and T is known[1] and weight is known[2] and _seen(found) == self._seen:
            return
        check_lengths(X, T, weight)
        self._call.examples = _examples(X, T, weight)
        self._examples, self._seen = found, _seen(found)


@functools.cache
def engine() -> NativeEngine:
    """The one engine. Raises EngineError where there is no core, or none for this machine."""
    library = core.load()
    if library is None:
        raise EngineError("the native engine is not built")
    return NativeEngine(Library(library))


def _seen(arrays: tuple[Array, Array, Array | None]) -> list[Any]:
    """What an array's owner may change in place, apart from its values."""
    return [None if a is None else (a.dtype, a.shape, a.strides) for a in arrays]


def _examples(X: Array, T: Array, weight: Array | None) -> abi.Examples:
    found = abi.Examples(X=abi.matrix(X), T=abi.matrix(T))
    if weight is not None:
        found.weight, found.by_term = abi.matrix(weight), int(weight.ndim == 2)
    return found


@functools.lru_cache(maxsize=64)
def _architecture(a: Architecture, dtype: np.dtype[Any]) -> abi.ArchitectureStruct:
    """The architecture as the core takes it; it keeps alive what it points to."""
    masks = [None if mask is None else np.ascontiguousarray(mask, dtype=np.uint8) for mask in a.masks]
    blocks = [abi.Block(_entry(b.activation), _entry(b.cost), b.start, b.stop) for b in a.blocks]
    found = abi.ArchitectureStruct(
        dtype=abi.KINDS[dtype.name],
        layers=len(a.sizes) - 1,
        sizes=(ctypes.c_int64 * len(a.sizes))(*a.sizes),
        hidden=(abi.Entry * len(a.hidden))(*map(_entry, a.hidden)),
        masks=(abi.Mask * len(masks))(*(abi.Mask() if m is None else abi.Mask(m.ctypes.data, m.size) for m in masks)),
        blocks=len(blocks),
        block=(abi.Block * len(blocks))(*blocks),
    )
    found.held = masks
    return found


def _entry(entry: Entry) -> abi.Entry:
    return abi.Entry(entry.name.encode(), next(iter(_parameters(entry)), 0.0))


def _parameters(entry: Entry) -> list[float]:
    """The numbers of an entry in the order of its fields, a learning rate last."""
    values = entry.document()
    rate = values.pop("learning_rate", None)
    return [float(v) for name, v in values.items() if name != "name"] + ([] if rate is None else [rate])


def _settings(s: TrainingSettings, divisor: float, hidden: int) -> abi.SettingsStruct:
    clip, dropout = s.clip, s.dropouts(hidden)
    return abi.SettingsStruct(
        rule=s.optimizer.name.encode(),
        parameter=(ctypes.c_double * 6)(*_parameters(s.optimizer)),
        batch=s.batch_size,
        divisor=divisor,
        alpha=s.alpha,
        l1=s.l1,
        dropout=(ctypes.c_double * hidden)(*dropout) if any(dropout) else None,
        clip_norm=math.inf if clip is None else clip.norm,
        clip_value=math.inf if clip is None else clip.value,
        clip_example=math.inf if clip is None else clip.example,
        seed=s.seed or 0,
        threads=s.threads or 0,
    )
