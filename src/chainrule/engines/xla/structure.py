"""An architecture as a key of compiled programs, with the user's functions as JAX calls them."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from chainrule.activations import Activation
from chainrule.activations import Custom as OwnActivation
from chainrule.activations.base import Interval
from chainrule.architecture import Architecture, Block
from chainrule.arrays import Array
from chainrule.costs import Cost
from chainrule.costs import Custom as OwnCost
from chainrule.equations import Layer
from chainrule.own_functions import JaxFunction

__all__ = ["Structure", "is_traced", "structure_of", "untraced"]


class Structure:
    """An architecture that is equal to every one with the same sizes, activations, costs and masks."""

    def __init__(self, architecture: Architecture) -> None:
        masks = tuple(None if mask is None else mask.tobytes() for mask in architecture.masks)
        self._key = (architecture.sizes, architecture.hidden, architecture.blocks, masks)
        self.architecture = dataclasses.replace(
            architecture,
            hidden=tuple(_activation(sigma) for sigma in architecture.hidden),
            blocks=tuple(_block(block) for block in architecture.blocks),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def leaves(self, theta: Any) -> tuple[Any, ...]:
        """W and b of each layer, one after the other, as parts of an array with the layout of theta."""
        W, b = self.architecture.views(theta)
        return tuple(part for layer in zip(W, b, strict=True) for part in layer)

    def layers(self, leaves: tuple[Any, ...]) -> list[Layer]:
        """The layers from 2 to L, for the equations."""
        return [Layer(*parts) for parts in zip(leaves[::2], leaves[1::2], self.architecture.activations, strict=True)]


@functools.lru_cache(maxsize=256)
def structure_of(architecture: Architecture) -> Structure:
    """The structure of an architecture."""
    return Structure(architecture)


def is_traced(function: Callable[..., Any], *arguments: Any) -> bool:
    """Whether JAX can trace a function of arrays; not where NumPy or Python computes a part of it."""
    try:
        jax.eval_shape(function, *arguments)
    except Exception:  # JAX, NumPy and a user's function raise many kinds
        return False
    return True


def _plain(function: Any) -> Any:
    """A user's function without the wrapper that turns its values into NumPy's."""
    return function.function if isinstance(function, JaxFunction) else function


@dataclasses.dataclass(frozen=True)
class TracedActivation(Activation):
    """A user's activation, computed and differentiated by JAX."""

    name = "custom"
    needs = "Z"
    own: OwnActivation

    @property
    def range(self) -> Interval:  # type: ignore[override]
        """The values of the function, as declared."""
        return self.own.range

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether a_j depends only on z_j."""
        return self.own.elementwise

    def value(self, Z: Array) -> Array:
        return jnp.asarray(_plain(self.own.function)(Z)).astype(Z.dtype)

    def derivative(self, Z: Array, A: Array) -> Array:
        if self.own.user_derivative is not None:
            return jnp.asarray(_plain(self.own.user_derivative)(Z)).astype(Z.dtype)
        return self._back(jnp.ones_like(Z), Z)

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        return G * self.derivative(Z, A) if self.elementwise else self._back(G, Z)

    def _back(self, G: Array, Z: Array) -> Array:
        return jax.vjp(self.value, Z)[1](G)[0]


@dataclasses.dataclass(frozen=True)
class TracedCost(Cost):
    """A user's cost, computed and differentiated by JAX."""

    name = "custom"
    own: OwnCost

    @property
    def outputs(self) -> Interval:  # type: ignore[override]
        """The allowed values of A, as declared."""
        return self.own.outputs

    @property
    def targets(self) -> Interval:  # type: ignore[override]
        """The allowed values of T, as declared."""
        return self.own.targets

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether the cost has a term for each output."""
        return self.own.elementwise

    def terms(self, A: Array, T: Array) -> Array:
        terms = jnp.asarray(_plain(self.own.function)(A, T)).astype(A.dtype)
        return terms if self.elementwise else terms[:, None]

    def derivative(self, A: Array, T: Array) -> Array:
        if self.own.user_derivative is not None:
            return jnp.asarray(_plain(self.own.user_derivative)(A, T)).astype(A.dtype)
        return jax.grad(lambda moved: jnp.sum(self.terms(moved, T)))(A)


def _activation(sigma: Activation) -> Activation:
    return TracedActivation(sigma) if isinstance(sigma, OwnActivation) else sigma


def _block(block: Block) -> Block:
    cost = TracedCost(block.cost) if isinstance(block.cost, OwnCost) else block.cost
    return dataclasses.replace(block, activation=_activation(block.activation), cost=cost)


@functools.lru_cache(maxsize=256)
def untraced(structure: Structure) -> str | None:
    """The first activation or cost that JAX cannot trace, in words; None where it can trace all."""
    Z, traced = jnp.zeros((2, 3)), structure.architecture
    for sigma in (*traced.hidden, *(block.activation for block in traced.blocks)):
        if not is_traced(lambda Z, sigma=sigma: sigma.pullback(Z, Z, sigma.value(Z)), Z):
            return f"way to trace activation {_label(sigma)}"
    for block in traced.blocks:
        A = jnp.zeros((2, block.width))
        if not is_traced(lambda A, T, cost=block.cost: (cost.terms(A, T), cost.derivative(A, T)), A, A):
            return f"way to trace cost {_label(block.cost)}"
    return None


def _label(entry: Any) -> str:
    own = getattr(entry, "own", entry)
    return repr(getattr(getattr(own, "function", own), "__name__", own.name))
