"""How an update moves theta: all of it at once, or part by part where layers have rates or the rule takes matrices."""

import dataclasses
from collections.abc import Iterator
from typing import Any

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
    - block: the rows and columns of a matrix that move by themselves; () for all.
    """

    where: slice
    shape: tuple[int, ...]
    factor: float
    mask: Array | None = None
    block: tuple[slice, ...] = ()

    def of(self, array: Array) -> Array:
        """The view of an array that is laid out like theta."""
        return array[self.where].reshape(self.shape)[self.block]


def parts_of(architecture: Architecture, settings: TrainingSettings) -> list[Part] | None:
    """The parts that are not frozen; None where all of theta moves at once."""
    rates = settings.layer_rates(len(architecture.sizes))
    if rates is None and not settings.optimizer.by_matrix:
        return None
    factors = rates or (1.0,) * len(architecture.slices)
    layers = range(len(factors))
    return [part for k in layers if factors[k] for part in _parts(architecture, settings.optimizer, k, factors[k])]


def _parts(architecture: Architecture, rule: Optimizer, k: int, factor: float) -> Iterator[Part]:
    """W and b of a layer, apart where the rule takes the matrices of hidden layers, which have one for each group."""
    W, b = architecture.slices[k]
    if rule.by_matrix and k < len(architecture.slices) - 1:
        shape, mask = architecture.sizes[k : k + 2], architecture.masks[k]
        for group in groups(architecture):
            block = (group[k - 1] if k else slice(0, shape[0]), group[k])
            if block[0].start < block[0].stop and block[1].start < block[1].stop:
                yield Part(W, shape, factor, None if mask is None else mask[block], block)
        yield Part(b, (b.stop - b.start,), factor)
    else:
        yield Part(slice(W.start, b.stop), (b.stop - W.start,), factor)


def groups(architecture: Architecture) -> Iterator[list[slice]]:
    """Networks that lie side by side: the neurons that each has in layers 2 to L, without a weight to those of others.

    >>> halves = np.kron(np.eye(2), np.ones((2, 1)))
    >>> list(groups(cr.Architecture.of([3, 4, 2], "relu", "identity", masks=[None, halves])))
    [[slice(0, 2, None), slice(0, 1, None)], [slice(2, 4, None), slice(1, 2, None)]]
    """
    sizes, begin = architecture.sizes[1:], [0] * (len(architecture.sizes) - 1)
    while begin[0] < sizes[0]:
        end, before = [begin[0] + 1, *begin[1:]], [-1]
        seen = list(begin), list(begin)
        while end != before:
            before = list(end)
            for k, mask in enumerate(architecture.masks[1:]):
                _grow(mask, sizes[k : k + 2], k, end, *seen)
        end = list(sizes) if end[0] == sizes[0] else end
        yield [slice(*ends) for ends in zip(begin, end, strict=True)]
        begin = end


def _grow(
    mask: Array | None, sizes: tuple[int, ...], k: int, end: list[int], rows: list[int], columns: list[int]
) -> None:
    """Move the ends in two layers of neurons to the last neuron that a weight connects.

    Rows of the mask before `rows[k]` and columns before `columns[k + 1]` have been searched already, so that a search
    takes each once.
    """
    if mask is None:
        end[k], end[k + 1] = sizes
        return
    first, rows[k] = rows[k], end[k]
    end[k + 1] = max(end[k + 1], _after_last(mask[first : end[k]].any(axis=0)))
    first, columns[k + 1] = columns[k + 1], end[k + 1]
    end[k] = max(end[k], _after_last(mask[:, first : end[k + 1]].any(axis=1)))


def _after_last(flags: Any) -> int:
    return int(np.flatnonzero(flags).max(initial=-1)) + 1


def frozen(architecture: Architecture, settings: TrainingSettings) -> list[slice]:
    """The places in theta of the layers whose factor is 0."""
    rates = settings.layer_rates(len(architecture.sizes))
    return [slice(W.start, b.stop) for (W, b), rate in zip(architecture.slices, rates or (), strict=False) if rate == 0]


def move(rule: Optimizer, parts: list[Part], theta: Array, g: Array, slots: Slots, rate: float, step: int) -> Slots:
    """Move the parts of theta in place; returns the new slots."""
    slots = tuple(slot.copy() for slot in slots)
    for part in parts:
        of_part = [part.of(array) for array in (theta, g, *slots)]
        moved, new = rule.update(of_part[0], of_part[1], tuple(of_part[2:]), rate * part.factor, step)
        of_part[0][...] = moved if part.mask is None else np.where(part.mask, moved, 0)
        for slot, values in zip(of_part[2:], new, strict=True):
            slot[...] = values
    return slots
