"""Moves W and b of each layer by a rule, in a compiled program."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.engines.moves import Part, parts_of
from chainrule.engines.xla.rules import Moment, factors_of, update_of
from chainrule.optimizers import OPTIMIZERS
from chainrule.optimizers.base import Slots
from chainrule.settings import TrainingSettings

__all__ = ["Mover", "flattened", "parted"]

Leaves = tuple[Array, ...]  # W and b of each layer, one after the other
Moved = tuple[Leaves, tuple[Slots, ...]]


class Mover:
    """Moves theta, as W and b of each layer, by a rule.

    A rule of the registry takes each W and b by itself. A rule that takes matrices, and a user's own rule, take the
    parts of the flat theta that `moves.parts_of` makes, as in the reference engine.
    """

    def __init__(self, architecture: Architecture, settings: TrainingSettings) -> None:
        self._rule, self._update = settings.optimizer, update_of(settings.optimizer)
        self._factors = factors_of(settings, len(architecture.sizes))
        self._stops = [b.stop for _, b in architecture.slices]
        self._by_parts = self._rule.by_matrix or not OPTIMIZERS.holds(self._rule)
        whole = Part(slice(0, architecture.parameter_count), (architecture.parameter_count,), 1.0)
        self._parts = parts_of(architecture, settings) or [whole]

    def gradient_at(self, leaves: Leaves, slots: tuple[Slots, ...]) -> Leaves:
        """Where the rule wants the gradient."""
        return tuple(self._rule.gradient_at(leaf, kept) for leaf, kept in zip(leaves, slots, strict=True))

    def __call__(self, leaves: Leaves, g: Leaves, slots: tuple[Slots, ...], now: Moment) -> Moved:
        """The new W and b and their new slots; `now.rate` has a rate for each layer."""
        return (self._part_by_part if self._by_parts else self._one_by_one)(leaves, g, slots, now)

    def _one_by_one(self, leaves: Leaves, g: Leaves, slots: tuple[Slots, ...], now: Moment) -> Moved:
        moved = []
        for k, (leaf, of_g, kept) in enumerate(zip(leaves, g, slots, strict=True)):
            at_rate = now._replace(rate=now.rate[k // 2])
            frozen = not self._factors[k // 2]
            moved.append((leaf, kept) if frozen else self._update(self._rule, leaf, of_g, kept, at_rate))
        return tuple(leaf for leaf, _ in moved), tuple(kept for _, kept in moved)

    def _part_by_part(self, leaves: Leaves, g: Leaves, slots: tuple[Slots, ...], now: Moment) -> Moved:
        of_g, after = flattened(g), [flattened(leaves), *(flattened(slot) for slot in zip(*slots, strict=True))]
        for part in self._parts:
            layer = next(k for k, stop in enumerate(self._stops) if part.where.start < stop)
            theta, *kept = (part.of(array) for array in after)
            at_rate = now._replace(rate=now.rate[layer])
            new, kept_after = self._update(self._rule, theta, part.of(of_g), tuple(kept), at_rate)
            new = new if part.mask is None else jnp.where(part.mask, new, 0)
            after = [_with_part(array, part, of) for array, of in zip(after, (new, *kept_after), strict=True)]
        split = [parted(array, leaves) for array in after]
        return split[0], tuple(zip(*split[1:], strict=True)) if split[1:] else slots


def _with_part(array: Any, part: Part, values: Array) -> Array:
    """The array with other values in a part."""
    whole = array[part.where].reshape(part.shape).at[part.block].set(values)
    return array.at[part.where].set(whole.reshape(-1))


def flattened(parts: Any) -> Array:
    """Arrays as one flat array, one after the other."""
    return jnp.concatenate([part.reshape(-1) for part in parts])


def parted(flat: Array, like: tuple[Array, ...]) -> tuple[Array, ...]:
    """The parts of a flat array, with the shapes of `like`."""
    ends = np.cumsum([part.size for part in like])
    return tuple(flat[end - part.size : end].reshape(part.shape) for end, part in zip(ends, like, strict=True))
