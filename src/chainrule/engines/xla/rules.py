"""The rules of optimizers in a compiled program: what a step's number gives is computed before, in float64.

A rule divides arrays by numbers such as 1 - beta^t. On one device XLA computes x / number as x (1 / number), on several
it does not. So such a number comes into the program as its inverse, of the type of theta, and multiplies.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import jax.numpy as jnp
import numpy as np

from chainrule.arrays import Array
from chainrule.optimizers import (
    Adam,
    AdamW,
    AMSGrad,
    Clip,
    CustomOptimizer,
    Muon,
    NAdam,
    Optimizer,
    RProp,
    ScheduleFree,
)
from chainrule.optimizers.base import Slots
from chainrule.optimizers.muon import COEFFICIENTS
from chainrule.settings import TrainingSettings

__all__ = ["Moment", "Update", "clipped", "factors_of", "rates_of", "scalars_of", "update_of"]


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


def _schedule_free(rule: ScheduleFree, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    y, (_, correction, rise, c) = rule.gradient_at(theta, slots), now.scalars
    v = rule.beta2 * slots[1] + (1 - rule.beta2) * (g * g)
    direction = g / (jnp.sqrt(v * correction) + rule.eps) + rule.weight_decay * y
    e = slots[0] - now.rate * rise * direction
    return theta + c * e, ((1 - c) * e, v)


def _muon(rule: Muon, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    if theta.ndim != 2:
        share = rule.adam_rate / rule.learning_rate
        return _adamw(_beside(rule), theta, g, slots, now._replace(rate=now.rate * share))
    v = rule.momentum * slots[0] + g
    n_in, n_out = theta.shape
    direction = _orthogonalized(rule.momentum * v + g if rule.nesterov else v, rule.iterations)
    moved = theta - now.rate * max(1.0, n_out / n_in) ** 0.5 * direction
    return moved - now.rate * rule.weight_decay * theta, (v, slots[1])


def _beside(rule: Muon) -> AdamW:
    """The rule that trains what is not a matrix of a hidden layer."""
    return AdamW(rule.adam_rate, weight_decay=rule.weight_decay)


def _orthogonalized(M: Array, iterations: int) -> Array:
    """`optimizers.muon.orthogonalized`, whose divisions are multiplications here."""
    a, b, c = COEFFICIENTS
    X = M if M.shape[0] <= M.shape[1] else M.T
    X = X * (1 / jnp.maximum(jnp.max(jnp.abs(X)), 1e-30))
    X = X * (1 / (jnp.sqrt(jnp.sum(X * X)) + 1e-7))
    for _ in range(iterations):
        S = X @ X.T
        X = a * X + (b * S + c * (S @ S)) @ X
    return X if M.shape[0] <= M.shape[1] else X.T


def _of_rule(rule: Optimizer, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    """The rule's own update; its result is cast to the type of theta, because the step is float64."""
    after, kept = rule.update(theta, g, slots, cast(float, now.rate), cast(int, now.step))
    return after.astype(theta.dtype), tuple(slot.astype(theta.dtype) for slot in kept)


def _own(rule: CustomOptimizer, theta: Array, g: Array, slots: Slots, now: Moment) -> tuple[Array, Slots]:
    """A user's function, which gets () in the first update where it makes its slots itself."""
    assert rule.function is not None
    function = rule.function

    def call(given: Slots) -> tuple[Array, Slots]:
        after, kept = function(theta, g, given, cast(int, now.step), cast(float, now.rate))
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
    Muon: _muon,
    ScheduleFree: _schedule_free,
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
    rule = _beside(rule) if isinstance(rule, Muon) else rule
    if not isinstance(rule, Adam):
        return np.empty((count, 0))
    steps = range(first, first + count)
    scalars: list[tuple[float, ...]] = [(1 / (1 - rule.beta1**t), 1 / (1 - rule.beta2**t)) for t in steps]
    if isinstance(rule, NAdam):
        scalars = [(*two, *more) for two, more in zip(scalars, _ahead(rule, first, count), strict=True)]
    elif isinstance(rule, ScheduleFree):
        scalars = [(*two, *rule.warmed_up(t)) for two, t in zip(scalars, steps, strict=True)]
    return np.array(scalars)


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
    most = np.finfo(g[0].dtype).maxexp - 2
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(part)) for part in g]))
    exponent = jnp.clip(jnp.frexp(largest)[1], -most, most)
    one = jnp.ones((), g[0].dtype)
    down, up = jnp.ldexp(one, -exponent), jnp.ldexp(one, exponent)
    squares = [jnp.sum((part * down) ** 2) for part in g]
    length = up * jnp.sqrt(sum(squares[1:], squares[0]))
    factor = clip.norm / jnp.maximum(length, clip.norm)
    return tuple(part * factor for part in g)
