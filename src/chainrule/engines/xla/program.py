"""The program of a run: a loop over updates whose count is traced, so that it is compiled once whatever the calls.

    X, T, weight   on the device: row order[k, s, i] is row i of shard s of update k
                   or streamed: [k, s, i] is that row
    for k < count  each shard: forward, backward, the sum of its gradient; rows from sizes[k, s] on have weight 0
                   the sum over the shards in order (`shards`), times 1 / rows; penalties, clip, rule

A batch that is shorter than the others is padded with its own first row, at weight 0.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from chainrule.arrays import Array
from chainrule.backprop import split_weight
from chainrule.engines.xla.dropout import factors
from chainrule.engines.xla.mover import Mover, flattened, parted
from chainrule.engines.xla.rules import Moment, clipped
from chainrule.engines.xla.shards import AXIS, mesh_of, reduced
from chainrule.engines.xla.structure import Structure
from chainrule.equations import backward, bp3, bp4, forward, gradient_norms
from chainrule.settings import TrainingSettings

__all__ = ["Call", "Plan", "Rows", "State", "program_of", "traces"]

traces: list["Plan"] = []  # the plan of each trace of a program, for tests


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a program is compiled for, apart from the shapes of its arguments.

    - structure: the network's.
    - settings: those that the program depends on; the others have their defaults.
    - shards: S.
    - devices: those that share the shards.
    - streamed: whether the rows of each update are an argument, and not all rows.
    """

    structure: Structure
    settings: TrainingSettings
    shards: int
    devices: tuple[Any, ...]
    streamed: bool

    @classmethod
    def of(
        cls, structure: Structure, settings: TrainingSettings, shards: int, devices: tuple[Any, ...], streamed: bool
    ) -> "Plan":
        """The plan of a run; numbers that come into the program as arguments are left out."""
        kept = TrainingSettings(
            optimizer=settings.optimizer,
            rates=settings.rates,
            batch_size=settings.batch_size,
            clip=settings.clip,
            dropout=settings.dropouts(len(structure.architecture.sizes) - 2),
            precision=settings.precision,
            alpha=float(bool(settings.alpha)),
            l1=float(bool(settings.l1)),
        )
        return cls(structure, kept, shards, devices, streamed)

    def __hash__(self) -> int:
        return hash((self.structure, self.shards, self.devices, self.streamed))


class State(NamedTuple):
    """W and b of each layer one after the other, and the slots of each."""

    leaves: tuple[Array, ...]
    slots: tuple[tuple[Array, ...], ...]


class Rows(NamedTuple):
    """X, T and weights: all rows (n, ...), or those of each update (k, S, rows of a shard, ...)."""

    X: Any
    T: Any
    weight: Any


class Call(NamedTuple):
    """What a call says of its updates, padded to as many as the buffers have.

    - order: the row of X, (k, S, rows of a shard), int32; only where the rows are not streamed.
    - sizes: the rows of each shard that count, (k, S), int32.
    - first: the place in its batch of each shard's first row, (k, S), int32.
    - rates: a rate for each layer, (k, L - 1).
    - scalars: what the numbers of the updates give, (k, c).
    - inverse: 1 / rows of the batch, (k,).
    - step, batch: the number of updates made before, float64, and that of the first batch, uint32.
    - updates: how many updates to make, int32.
    - keys: of dropout, (hidden layers, 2), uint32.
    - penalties: alpha / S and l1 / S.
    """

    order: Array | None
    sizes: Array
    first: Array
    rates: Array
    scalars: Array
    inverse: Array
    step: Array
    batch: Array
    updates: Array
    keys: Array
    penalties: Array


Program = Callable[[State, Rows, Call], tuple[State, Array]]


@functools.lru_cache(maxsize=64)
def program_of(plan: Plan, options: tuple[tuple[str, Any], ...]) -> Program:
    """The program of a plan: the new state, and sum s C_x of each shard of each update (k, S), float64."""
    loop: Program = functools.partial(_loop, plan)
    if len(plan.devices) > 1:
        loop = _spread(plan, loop)
    return jax.jit(loop, donate_argnums=0, compiler_options=dict(options) or None)


def _spread(plan: Plan, loop: Program) -> Program:
    """The loop on several devices: the axis of shards is cut, everything else is on all of them."""
    whole, cut = PartitionSpec(), PartitionSpec(None, AXIS)
    calls = Call(None if plan.streamed else cut, cut, cut, *(whole,) * 8)
    rows = cut if plan.streamed else whole
    mesh = mesh_of(plan.devices)
    return jax.shard_map(loop, mesh=mesh, in_specs=(whole, rows, calls), out_specs=(whole, whole), check_vma=False)


def _loop(plan: Plan, state: State, rows: Rows, call: Call) -> tuple[State, Array]:
    traces.append(plan)
    mover = Mover(plan.structure.architecture, plan.settings)

    def update(k: Any, carry: tuple[State, Any]) -> tuple[State, Any]:
        state, costs = carry
        at = mover.gradient_at(*state)
        g, of_shards = _gradient(plan, at, rows, call, k)
        now = Moment(call.rates[k], call.scalars[k], call.step + k + 1)
        g = _penalised(plan, at, tuple(part * call.inverse[k] for part in g), call.penalties)
        g = g if plan.settings.clip is None else clipped(plan.settings.clip, _without_frozen(plan, g))
        return State(*mover(state.leaves, g, state.slots, now)), costs.at[k].set(of_shards)

    costs: Any = jnp.zeros(call.sizes.shape, jnp.float64)
    state, costs = jax.lax.fori_loop(0, call.updates, update, (state, costs))
    if len(plan.devices) > 1:
        costs = jax.lax.all_gather(costs, AXIS, axis=1, tiled=True)
    return state, costs


def _gradient(
    plan: Plan, leaves: tuple[Array, ...], rows: Rows, call: Call, k: Array
) -> tuple[tuple[Array, ...], Array]:
    """The sum of the gradient over the rows of update k, and sum s C_x of each shard on this device."""

    def of_shard(s: Array) -> tuple[Any, Array]:
        batch = _batch(plan, rows, call, k, s)
        return _shard(
            plan, leaves, batch, call.sizes[k, s], call.first[k, s], (call.batch + k.astype(jnp.uint32), call.keys)
        )

    if plan.shards == 1:
        g, cost = of_shard(jnp.int32(0))
        return g, cost[None]
    own = plan.shards // len(plan.devices)
    flat, costs = jax.lax.map(lambda s: _flat(of_shard(s)), jnp.arange(own, dtype=jnp.int32))
    return parted(reduced(flat, len(plan.devices)), leaves), costs


def _flat(result: tuple[Any, Array]) -> tuple[Array, Array]:
    return flattened(result[0]), result[1]


def _batch(plan: Plan, rows: Rows, call: Call, k: Array, s: Array) -> Rows:
    """The rows of shard s of update k."""
    chosen = (k, s) if call.order is None else call.order[k, s]
    batch = jax.lax.optimization_barrier(Rows(*(part if part is None else part[chosen] for part in rows)))
    if plan.shards == 1:
        return batch
    some = call.sizes[k, s] > 0  # a shard of a short batch may have no rows, and what stands there may not be a number
    return batch._replace(X=jnp.where(some, batch.X, 0), T=jnp.where(some, batch.T, 0))


def _shard(
    plan: Plan, leaves: tuple[Array, ...], batch: Rows, size: Array, first: Array, words: tuple[Array, Array]
) -> tuple[tuple[Array, ...], Array]:
    """The sum of the gradient over the first `size` rows of a shard, and sum s C_x."""
    a, dtype, m = plan.structure.architecture, leaves[0].dtype, batch.X.shape[0]
    row_weight, term_weight = split_weight(batch.weight)
    counts = (jnp.arange(m) < size).astype(dtype)
    s = counts if row_weight is None else row_weight * counts
    layers, T = plan.structure.layers(leaves), a.one_hot(batch.T, dtype)
    keep = _keep(plan, m, first, words, dtype)
    done = forward(batch.X.astype(dtype), layers, keep)
    delta = backward(a.delta_L(done.Z[-1], done.sigma[-1], T, term_weight), layers, done, keep)
    costs = a.costs(done.Z[-1], done.sigma[-1], T, term_weight).astype(jnp.float64)
    cost = jnp.sum(jnp.where(counts > 0, costs * s.astype(jnp.float64), 0))
    s = _bounded(plan, s, done.A[:-1], delta)
    return gradient_of(plan.structure, done.A[:-1], delta, s), cost


def gradient_of(structure: Structure, A: list[Array], delta: list[Array], s: Array) -> tuple[Array, ...]:
    """BP3 and BP4, summed over the rows with weights s (m,); as W and b of each layer."""
    parts = []
    for a, d, mask in zip(A, delta, structure.architecture.masks, strict=True):
        dW = bp4(a, d, s, 1)
        parts += [dW if mask is None else jnp.where(mask, dW, 0), bp3(d, s, 1)]
    return tuple(parts)


def _keep(plan: Plan, m: int, first: Array, words: tuple[Array, Array], dtype: Any) -> list[Array | None] | None:
    """The factors of dropout for the rows of a shard; None where nothing is dropped."""
    batch, keys = words
    widths, dropouts = plan.structure.architecture.sizes[1:-1], plan.settings.dropout
    if not any(dropouts):
        return None
    drawn = [
        factors(p, keys[layer], batch, first, (m, n), dtype) if p else None
        for layer, (p, n) in enumerate(zip(dropouts, widths, strict=True))
    ]
    return [*drawn, None]


def _bounded(plan: Plan, s: Array, A: list[Array], delta: list[Array]) -> Array:
    """The weights of rows, lower for each row whose gradient is longer than the bound of an example."""
    clip = plan.settings.clip
    if clip is None or clip.example == np.inf:
        return s
    norms = gradient_norms(A, delta, plan.structure.architecture.masks)
    return (s * (clip.example / jnp.maximum(norms, clip.example))).astype(s.dtype)


def _penalised(plan: Plan, leaves: tuple[Array, ...], g: tuple[Array, ...], penalties: Array) -> tuple[Array, ...]:
    """The gradient with that of the penalties, alpha W / S + l1 sign W / S."""
    if not (plan.settings.alpha or plan.settings.l1):
        return g
    added = [penalties[0] * W + penalties[1] * jnp.sign(W) for W in leaves[::2]]
    return tuple(part if k % 2 else part + added[k // 2] for k, part in enumerate(g))


def _without_frozen(plan: Plan, g: tuple[Array, ...]) -> tuple[Array, ...]:
    """The gradient with 0 in layers that are frozen, so that their length does not count."""
    rates = plan.settings.layer_rates(len(plan.structure.architecture.sizes))
    if rates is None:
        return g
    return tuple(part if rates[k // 2] else jnp.zeros_like(part) for k, part in enumerate(g))
