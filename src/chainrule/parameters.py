"""theta before training and as it comes: drawn by a rule, given flat, in lists or as tensors; checked and cast."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array, as_dtype
from chainrule.errors import ArchitectureError
from chainrule.initializers import INITIALIZERS

__all__ = ["cast", "first_theta", "given_theta", "masked", "stored_theta"]


def first_theta(architecture: Architecture, initializer: Any, seed: int) -> Array:
    """The weights before training: drawn by a rule, or given, flat or as the lists of W and b."""
    if isinstance(initializer, np.ndarray):
        return given_theta(architecture, initializer)
    if isinstance(initializer, tuple):
        return given_theta(architecture, _given_lists(architecture, initializer))
    rule = INITIALIZERS.get(initializer)
    sizes = architecture.sizes
    drawn = [rule.draw(seed, k + 2, sizes[k], sizes[k + 1]) for k in range(len(sizes) - 1)]
    return np.concatenate([part.ravel() for layer in drawn for part in layer])


def given_theta(architecture: Architecture, theta: Any) -> Array:
    """A flat theta as it came. Raises ArchitectureError for another length."""
    found = np.array(theta)
    if found.shape != (architecture.parameter_count,):
        raise ArchitectureError(f"theta has shape {found.shape}, but the sizes need ({architecture.parameter_count},)")
    return found


def stored_theta(architecture: Architecture, tensors: Mapping[str, Array]) -> Array:
    """theta from a file's tensors `layers.2.W`, `layers.2.b`, ... Raises ArchitectureError for ones that do not fit."""
    missing = [name for name in (f"layers.{l}.{p}" for l, p, _ in _shapes(architecture)) if name not in tensors]
    if missing:
        raise ArchitectureError(f"the tensors {', '.join(missing[:3])} are missing")
    parts = [_shaped(tensors, f"layers.{l}.{p}", shape) for l, p, shape in _shapes(architecture)]
    if len({part.dtype for part in parts}) > 1:
        raise ArchitectureError("the weights and biases are of several types, but one network has one")
    return np.concatenate([part.ravel() for part in parts])


def cast(theta: Array, dtype: Any) -> Array:
    """A copy in the network's type, once every value is finite in it."""
    kind = as_dtype(dtype)
    with np.errstate(over="ignore"):
        found = theta.astype(kind)
    if not np.isfinite(found).all():
        raise ArchitectureError(f"theta has values that are not finite in {kind}")
    return found


def masked(architecture: Architecture, theta: Array) -> Array:
    """The same array with every masked weight set to 0, in place."""
    for W, mask in zip(architecture.views(theta)[0], architecture.masks, strict=True):
        if mask is not None:
            W[~mask] = 0
    return theta


def _shapes(architecture: Architecture) -> list[tuple[int, str, tuple[int, ...]]]:
    """Layer, part and shape of every tensor of theta, in its order."""
    sizes = architecture.sizes
    shapes = [[(l, "W", (sizes[l - 2], sizes[l - 1])), (l, "b", (sizes[l - 1],))] for l in range(2, len(sizes) + 1)]
    return [part for layer in shapes for part in layer]


def _shaped(tensors: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    found = tensors[name]
    if found.shape != shape:
        raise ArchitectureError(f"the tensor {name} has shape {found.shape}, but the sizes need {shape}")
    return np.asarray(found)


def _given_lists(architecture: Architecture, pair: tuple[Any, ...]) -> Array:
    if len(pair) != 2 or [len(part) for part in pair] != [len(architecture.sizes) - 1] * 2:
        raise ArchitectureError("given weights must be the pair (list of W, list of b), one of each for layers 2 to L")
    parts = {(l, p): np.asarray(v) for p, vs in zip("Wb", pair, strict=True) for l, v in enumerate(vs, start=2)}
    for l, p, shape in _shapes(architecture):
        if parts[l, p].shape != shape:
            raise ArchitectureError(f"{p} of layer {l} has shape {parts[l, p].shape}, but the sizes need {shape}")
    return np.concatenate([parts[l, p].ravel() for l, p, _ in _shapes(architecture)])
