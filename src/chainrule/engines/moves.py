"""How an update moves theta: all of it at once, or part by part where layers have rates or the rule takes matrices."""

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.optimizers import Optimizer
from chainrule.settings import TrainingSettings

__all__ = ["Part", "frozen", "move", "parts_of"]

Slots = tuple[Array, ...]


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of theta that moves by itself.

    - where: its place in theta.
    - shape: the shape in which the rule takes it.
    - factor: of the learning rate.
    - mask: where there are weights, or None for everywhere.
    """

    where: slice
    shape: tuple[int, ...]
    factor: float
    mask: Array | None = None


def parts_of(architecture: Architecture, settings: TrainingSettings) -> list[Part] | None:
    """The parts that are not frozen; None where all of theta moves at once."""
    rates = settings.layer_rates(len(architecture.sizes))
    if rates is None and not settings.optimizer.by_matrix:
        return None
    factors = rates or (1.0,) * len(architecture.slices)
    layers = range(len(factors))
    return [part for k in layers if factors[k] for part in _parts(architecture, settings.optimizer, k, factors[k])]


def _parts(architecture: Architecture, rule: Optimizer, k: int, factor: float) -> Iterator[Part]:
    """W and b of a layer, apart where the rule takes the matrices of hidden layers."""
    W, b = architecture.slices[k]
    if rule.by_matrix and k < len(architecture.slices) - 1:
        yield Part(W, architecture.sizes[k : k + 2], factor, architecture.masks[k])
        yield Part(b, (b.stop - b.start,), factor)
    else:
        yield Part(slice(W.start, b.stop), (b.stop - W.start,), factor)


def frozen(architecture: Architecture, settings: TrainingSettings) -> list[slice]:
    """The places in theta of the layers whose factor is 0."""
    rates = settings.layer_rates(len(architecture.sizes))
    return [slice(W.start, b.stop) for (W, b), rate in zip(architecture.slices, rates or (), strict=False) if rate == 0]


def move(rule: Optimizer, parts: list[Part], theta: Array, g: Array, slots: Slots, rate: float, step: int) -> Slots:
    """Move the parts of theta in place; returns the new slots."""
    slots = tuple(slot.copy() for slot in slots)
    for part in parts:
        of_part = [array[part.where].reshape(part.shape) for array in (theta, g, *slots)]
        moved, new = rule.update(of_part[0], of_part[1], tuple(of_part[2:]), rate * part.factor, step)
        theta[part.where] = (moved if part.mask is None else np.where(part.mask, moved, 0)).ravel()
        for slot, values in itertools.zip_longest(slots, new):
            slot[part.where] = values.ravel()
    return slots
