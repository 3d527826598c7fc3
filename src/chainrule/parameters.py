"""Makes theta from a rule, a flat array, lists of W and b, or tensors of a file; checks it and casts it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array, as_dtype
from chainrule.errors import ArchitectureError
from chainrule.initializers import INITIALIZERS
from chainrule.text import shown

__all__ = ["cast", "first_theta", "flat_theta", "initial_theta", "masked", "stored_theta"]


def first_theta(architecture: Architecture, initializer: Any, seed: int, dtype: Any) -> Array:
    """`initial_theta` in `dtype`. Raises ArchitectureError for sizes whose weights do not fit in memory."""
    try:
        return cast(initial_theta(architecture, initializer, seed), dtype)
    except MemoryError:
        raise ArchitectureError(
            f"sizes are {shown(list(architecture.sizes))}, whose {architecture.parameter_count:,} weights and biases "
            "do not fit in memory: give smaller ones"
        ) from None


def initial_theta(architecture: Architecture, initializer: Any, seed: int) -> Array:
    """The weights before training: drawn by a rule, or taken from a flat array or the pair (list of W, list of b)."""
    if isinstance(initializer, np.ndarray):
        return flat_theta(architecture, initializer)
    if isinstance(initializer, tuple):
        return flat_theta(architecture, _flattened(architecture, initializer))
    rule = INITIALIZERS.get(initializer)
    sizes = architecture.sizes
    drawn = [rule.draw(seed, k + 2, sizes[k], sizes[k + 1]) for k in range(len(sizes) - 1)]
    return np.concatenate([part.ravel() for layer in drawn for part in layer])


def flat_theta(architecture: Architecture, theta: Any) -> Array:
    """A copy of a flat theta. Raises ArchitectureError for another length."""
    copy = np.array(theta)
    if copy.shape != (architecture.parameter_count,):
        raise ArchitectureError(f"theta has shape {copy.shape}, but the sizes need ({architecture.parameter_count},)")
    return copy


def stored_theta(architecture: Architecture, tensors: Mapping[str, Array]) -> Array:
    """theta from the tensors `layers.2.W`, `layers.2.b`, ... Raises ArchitectureError for tensors that do not fit."""
    missing = [name for name in (f"layers.{l}.{p}" for l, p, _ in _shapes(architecture)) if name not in tensors]
    if missing:
        raise ArchitectureError(f"the tensors {', '.join(missing[:3])} are missing")
    parts = [_shaped(tensors, f"layers.{l}.{p}", shape) for l, p, shape in _shapes(architecture)]
    if len({part.dtype for part in parts}) > 1:
        raise ArchitectureError("the weights and biases have several dtypes, but a network has only one")
    return np.concatenate([part.ravel() for part in parts])


def cast(theta: Array, dtype: Any) -> Array:
    """A copy of theta in `dtype`. Raises ArchitectureError for values that are not finite in it."""
    kind = as_dtype(dtype)
    with np.errstate(over="ignore"):
        copy = theta.astype(kind)
    if not np.isfinite(copy).all():
        raise ArchitectureError(f"theta has values that are not finite in {kind}")
    return copy


def masked(architecture: Architecture, theta: Array) -> Array:
    """Set every masked weight of theta to 0 in place, and return theta."""
    for W, mask in zip(architecture.views(theta)[0], architecture.masks, strict=True):
        if mask is not None:
            W[~mask] = 0
    return theta


def _shapes(architecture: Architecture) -> list[tuple[int, str, tuple[int, ...]]]:
    """Layer, part and shape of every tensor of theta, in the order of theta."""
    sizes = architecture.sizes
    shapes = [[(l, "W", (sizes[l - 2], sizes[l - 1])), (l, "b", (sizes[l - 1],))] for l in range(2, len(sizes) + 1)]
    return [part for layer in shapes for part in layer]


def _shaped(tensors: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    tensor = tensors[name]
    if tensor.shape != shape:
        raise ArchitectureError(f"the tensor {name} has shape {tensor.shape}, but the sizes need {shape}")
    return np.asarray(tensor)


def _flattened(architecture: Architecture, pair: tuple[Any, ...]) -> Array:
    """The flat theta of a pair (list of W, list of b)."""
    lengths = [len(part) if isinstance(part, list | tuple) else -1 for part in pair]
    if lengths != [len(architecture.sizes) - 1] * 2:
        raise ArchitectureError("weights must be a pair (list of W, list of b), with one of each for layers 2 to L")
    parts = {(l, p): np.asarray(v) for p, vs in zip("Wb", pair, strict=True) for l, v in enumerate(vs, start=2)}
    for l, p, shape in _shapes(architecture):
        if parts[l, p].shape != shape:
            raise ArchitectureError(f"{p} of layer {l} has shape {parts[l, p].shape}, but the sizes need {shape}")
    return np.concatenate([parts[l, p].ravel() for l, p, _ in _shapes(architecture)])
