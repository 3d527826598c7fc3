"""Puts affine steps, such as batch normalisation, into the weights of the Linear step before or after them.

    (A W + b) s + t = A (W s) + (b s + t)              an Affine after a Linear
    (A s + t) W + b = A (s W) + (b + t W)              an Affine before a Linear

Here s multiplies the columns of W in the first line, its rows in the second. Sums are computed in float64.
"""

from collections.abc import Sequence

import numpy as np

from chainrule.arrays import Array
from chainrule.errors import ArchitectureError
from chainrule.exchange.kinds import Affine, Dropout, Linear, Step

__all__ = ["folded"]


def folded(steps: Sequence[Step]) -> tuple[list[Step], list[str]]:
    """Steps without an Affine that compute the same, and notes for the user.

    >>> steps, notes = folded([Linear(np.ones((1, 2)), None), Affine(np.array([2.0, 3.0]), np.array(1.0), "Norm")])
    >>> steps, notes[0].split(",")[0]
    ([Linear(W=array([[2., 3.]]), b=array([1., 1.]))], 'Norm is folded into the weights of layer 2')

    Raises ArchitectureError for an Affine with an activation on both sides, or after the output activation.
    """
    kept: list[Step] = []
    notes: list[str] = []
    waiting: Affine | None = None  # for the next Linear
    for step in steps:
        l = sum(isinstance(other, Linear) for other in kept) + 1
        if isinstance(step, Affine):
            at = _linear_just_before(kept)
            if at is None:
                waiting = step if waiting is None else _composed(waiting, step)
            else:
                kept[at] = _after(kept[at], step, l)
            notes.append(_note(step, l + (at is None)))
        elif waiting is None or isinstance(step, Dropout):
            kept.append(step)
        elif isinstance(step, Linear):
            kept.append(_before(step, waiting, l))
            waiting = None
        else:
            raise _misplaced(waiting, l, "an activation follows it")
    if waiting is not None:
        raise _misplaced(waiting, sum(isinstance(step, Linear) for step in kept) + 1, "no Linear layer follows it")
    return kept, notes


def _linear_just_before(kept: list[Step]) -> int | None:
    """The place of the Linear step that has only Dropout after it, or None."""
    for at in reversed(range(len(kept))):
        if not isinstance(kept[at], Dropout):
            return at if isinstance(kept[at], Linear) else None
    return None


def _composed(first: Affine, second: Affine) -> Affine:
    """The Affine that computes `second` after `first`."""
    return Affine(first.scale * second.scale, first.shift * second.scale + second.shift, second.name)


def _after(linear: Step, affine: Affine, l: int) -> Linear:
    """The Linear step of layer l that computes the Affine as well, which is applied to its outputs."""
    assert isinstance(linear, Linear)
    W, b = linear
    scale, shift = _vectors(affine, W.shape[1], l)
    biases = np.zeros(W.shape[1]) if b is None else b
    return Linear((W * scale).astype(W.dtype), (biases * scale + shift).astype(W.dtype))


def _before(linear: Linear, affine: Affine, l: int) -> Linear:
    """The Linear step that computes the Affine as well, which is applied to its inputs, those of layer l."""
    W, b = linear
    scale, shift = _vectors(affine, W.shape[0], l)
    biases = np.zeros(W.shape[1]) if b is None else b
    return Linear((scale[:, None] * W).astype(W.dtype), (biases + shift @ W.astype(np.float64)).astype(W.dtype))


def _vectors(affine: Affine, n: int, l: int) -> tuple[Array, Array]:
    """Scale and shift (n,) in float64. Raises ArchitectureError for those of another width."""
    parts = [np.asarray(part, np.float64) for part in (affine.scale, affine.shift)]
    if any(part.ndim and part.shape != (n,) for part in parts):
        width = max(part.size for part in parts)
        raise ArchitectureError(f"{affine.name} has {width} columns, but layer {l} has {n} neurons: give it as many")
    return np.broadcast_to(parts[0], (n,)), np.broadcast_to(parts[1], (n,))


def _note(affine: Affine, l: int) -> str:
    return (
        f"{affine.name} is folded into the weights of layer {l}, as it is in prediction; "
        "training here does not normalise"
    )


def _misplaced(affine: Affine, l: int, why: str) -> ArchitectureError:
    return ArchitectureError(
        f"{affine.name} at layer {l} cannot be folded into weights, because {why}: put it between Linear and activation"
    )
