"""The rules of optimizers in a compiled program: what a step's number gives is computed before, in float64.

A rule divides arrays by numbers such as 1 - beta^t. On one device XLA computes x / number as x (1 / number), on several
it does not. So such a number comes into the program as its inverse, of the type of theta, and multiplies.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines.moves import Part, parts_of
from chainrule.optimizers import OPTIMIZERS, Adam, AdamW, AMSGrad, Clip, CustomOptimizer, NAdam, Optimizer, RProp
from chainrule.optimizers.base import Slots
from chainrule.settings import TrainingSettings

__all__ = ["Moment", "Mover", "Update", "clipped", "factors_of", "flattened", "parted", "rates_of", "scalars_of"]


class Moment(NamedTuple):
    """One update: its rate in a layer, the scalars that its number gives, and its number from 1, as float64."""

    rate: Array
    scalars: Array
    step: Array


Update = Callable[[Any, Array, Array, Slots, Moment], tuple[Array, Slots]]


def _adam(rule: Adam, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    m = rule.beta1 * slots[0] + (1 - rule.beta1) * g
    v = rule.beta2 * slots[1] + (1 - rule.beta2) * (g * g)
    m_hat, v_hat = m * now.scalars[0], v * now.scalars[1]
    return theta - now.rate * m_hat / (jnp.sqrt(v_hat) + rule.eps), (m, v)


def _adamw(rule: AdamW, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    after, slots = _adam(rule, theta, g, slots, now)
    return after - now.rate * rule.weight_decay * theta, slots


def _amsgrad(rule: AMSGrad, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    m = rule.beta1 * slots[0] + (1 - rule.beta1) * g
    v = rule.beta2 * slots[1] + (1 - rule.beta2) * (g * g)
    most = jnp.maximum(slots[2], v)
    m_hat, v_hat = m * now.scalars[0], most * now.scalars[1]
    return theta - now.rate * m_hat / (jnp.sqrt(v_hat) + rule.eps), (m, v, most)


def _nadam(rule: NAdam, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    m = rule.beta1 * slots[0] + (1 - rule.beta1) * g
    v = rule.beta2 * slots[1] + (1 - rule.beta2) * (g * g)
    v_hat, ahead = v * now.scalars[1], now.scalars[2] * m + now.scalars[3] * g
    return theta - now.rate * ahead / (jnp.sqrt(v_hat) + rule.eps), (m, v)


def _rprop(rule: RProp, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    before, D = slots
    D = jnp.where(D > 0, D, rule.learning_rate)
    same = jnp.sign(g) * jnp.sign(before)
    D = jnp.where(same > 0, D * rule.increase, jnp.where(same < 0, D * rule.decrease, D))
    D = jnp.clip(D, rule.smallest, rule.largest)
    g = jnp.where(same < 0, 0, g)
    return theta - D * jnp.sign(g) * now.rate, (g, D)


def _of_rule(rule: Optimizer, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    """The rule's own update; its result is cast to the type of theta, because the step is float64."""
    after, kept = rule.update(theta, g, slots, now.rate, now.step)
    return after.astype(theta.dtype), tuple(slot.astype(theta.dtype) for slot in kept)


def _own(rule: CustomOptimizer, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    """A user's function, which gets () in the first update where it makes its slots itself."""
    assert rule.function is not None
    function = rule.function

    def call(given: Slots) -> tuple[Array, Slots]:
        after, kept = function(theta, g, given, now.step, now.rate)
        return jnp.asarray(after).astype(theta.dtype), tuple(jnp.asarray(slot).astype(theta.dtype) for slot in kept)

    if not rule.makes_slots:
        return call(slots)
    first, later = call(()), call(slots)
    chosen = [jnp.where(now.step == 1, a, b) for a, b in zip((first[0], *first[1]), (later[0], *later[1]), strict=True)]
    return chosen[0], tuple(chosen[1:])


_UPDATES: dict[type, Update] = {
    Adam: _adam,
    AdamW: _adamw,
    AMSGrad: _amsgrad,
    NAdam: _nadam,
    RProp: _rprop,
    CustomOptimizer: _own,
}


def update_of(rule: Optimizer) -> Update:
    """The function that makes an update by this rule."""
    return _UPDATES.get(type(rule), _of_rule)


def rates_of(rule: Optimizer, rates: Array) -> Array:
    """The rates as the update takes them: RProp multiplies its steps by rate / learning_rate."""
    return rates / rule.learning_rate if isinstance(rule, RProp) else rates


def scalars_of(rule: Optimizer, first: int, count: int) -> Array:
    """What the numbers of `count` updates from `first` (from 1) give, (count, k), float64; see the updates above."""
    if not isinstance(rule, Adam):
        return np.empty((count, 0))
    steps = range(first, first + count)
    corrections = [(1 / (1 - rule.beta1**t), 1 / (1 - rule.beta2**t)) for t in steps]
    if not isinstance(rule, NAdam):
        return np.array(corrections).reshape(count, 2)
    ahead = list(_ahead(rule, first, count))
    return np.hstack([np.array(corrections).reshape(count, 2), np.array(ahead).reshape(count, 2)])


def _ahead(rule: NAdam, first: int, count: int) -> Iterator[tuple[float, float]]:
    """mu' / (1 - P mu') and (1 - mu) / (1 - P) for each update."""
    P = rule.product(first - 1)
    for t in range(first, first + count):
        mu, after = rule.mu(t), rule.mu(t + 1)
        P = P * mu if P > rule.LEAST else P
        yield after / (1 - P * after), (1 - mu) / (1 - P)


def factors_of(settings: TrainingSettings, layers: int) -> tuple[float, ...]:
    """The factor of the learning rate for each layer from 2 on."""
    return settings.layer_rates(layers) or (1.0,) * (layers - 1)


def clipped(clip: Clip, g: tuple[Array, ...]) -> tuple[Array, ...]:
    """The gradient, as parts, within the bounds `value` and `norm`.

    It is scaled by a power of two before its squares are summed, so that none overflows and no digit is lost.
    """
    if clip.value < np.inf:
        g = tuple(jnp.clip(part, -clip.value, clip.value) for part in g)
    if clip.norm == np.inf:
        return g
    most = jnp.finfo(g[0].dtype).maxexp - 2
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(part)) for part in g]))
    exponent = jnp.clip(jnp.frexp(largest)[1], -most, most)
    one = jnp.ones((), g[0].dtype)
    down, up = jnp.ldexp(one, -exponent), jnp.ldexp(one, exponent)
    squares = [jnp.sum((part * down) ** 2) for part in g]
    length = up * jnp.sqrt(sum(squares[1:], squares[0]))
    factor = clip.norm / jnp.maximum(length, clip.norm)
    return tuple(part * factor for part in g)


class Mover:
    """Moves theta, as W and b of each layer, by a rule.

    A rule of the registry takes each part by itself. A user's own rule takes the flat theta, or the parts that layers
    with rates make of it, as the reference engine does.
    """

    def __init__(self, architecture: Architecture, settings: TrainingSettings) -> None:
        self._rule, self._sizes = settings.optimizer, architecture.sizes
        self._factors = factors_of(settings, len(architecture.sizes))
        self._whole = not OPTIMIZERS.holds(self._rule)
        self._update = update_of(self._rule)
        self._parts = parts_of(architecture, settings) if self._whole else None
        self._masks = architecture.masks

    def __call__(
        self, leaves: tuple[Array, ...], g: tuple[Array, ...], slots: tuple[Slots, ...], now: Moment
    ) -> tuple[tuple[Array, ...], tuple[Slots, ...]]:
        """The new parts and the new slots of each part; `now.rate` has a rate for each layer."""
        move = self._together if self._whole else self._one_by_one
        return move(leaves, g, slots, now)

    def _one_by_one(
        self, leaves: tuple[Array, ...], g: tuple[Array, ...], slots: tuple[Slots, ...], now: Moment
    ) -> tuple[tuple[Array, ...], tuple[Slots, ...]]:
        moved = [self._leaf(k, *parts, now) for k, parts in enumerate(zip(leaves, g, slots, strict=True))]
        return tuple(leaf for leaf, _ in moved), tuple(kept for _, kept in moved)

    def _leaf(self, k: int, leaf: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
        """W (k even) or b of layer k // 2 + 2."""
        layer, rule = k // 2, self._rule
        if not self._factors[layer]:
            return leaf, slots
        by_matrix = rule.by_matrix and k % 2 == 0 and layer < len(self._factors) - 1
        shape = leaf.shape if by_matrix or not rule.by_matrix else (-1,)
        flat = [array.reshape(shape) for array in (leaf, g, *slots)]
        after, kept = self._update(rule, flat[0], flat[1], tuple(flat[2:]), now._replace(rate=now.rate[layer]))
        after = after.reshape(leaf.shape)
        if by_matrix and self._masks[layer] is not None:
            after = jnp.where(self._masks[layer], after, 0)
        return after, tuple(slot.reshape(leaf.shape) for slot in (*kept, *slots[len(kept) :]))

    def _together(
        self, leaves: tuple[Array, ...], g: tuple[Array, ...], slots: tuple[Slots, ...], now: Moment
    ) -> tuple[tuple[Array, ...], tuple[Slots, ...]]:
        flat = [flattened(leaves), flattened(g), *(flattened(slot) for slot in zip(*slots, strict=True))]
        parts = self._parts or [Part(slice(0, flat[0].size), (flat[0].size,), 1.0)]
        after = [flat[0], *flat[2:]]
        for part in parts:
            theta, of_g, *of_slots = (array[part.where].reshape(part.shape) for array in flat)
            rate = now.rate[0] * jnp.asarray(part.factor, now.rate.dtype)
            new, kept = self._update(self._rule, theta, of_g, tuple(of_slots), now._replace(rate=rate))
            new = new if part.mask is None else jnp.where(part.mask, new, 0)
            after = [
                array.at[part.where].set(values.reshape(-1)) for array, values in zip(after, (new, *kept), strict=True)
            ]
        split = [parted(array, leaves) for array in after]
        return split[0], tuple(zip(*split[1:], strict=True)) if split[1:] else slots


def flattened(parts: Any) -> Array:
    """Arrays as one flat array, one after the other."""
    return jnp.concatenate([part.reshape(-1) for part in parts])


def parted(flat: Array, like: tuple[Array, ...]) -> tuple[Array, ...]:
    """The parts of a flat array, with the shapes of `like`."""
    ends = np.cumsum([part.size for part in like])
    return tuple(flat[end - part.size : end].reshape(part.shape) for end, part in zip(ends, like, strict=True))
