"""What a network is before it has weights: sizes, activations, output blocks, masks, and how theta is laid out.

The output layer is a row of blocks, each a slice of its neurons with an activation and a cost of its own, so that
one network answers several questions; C_x is the sum over the blocks. theta is one flat array: W of layer 2 row by
row, b of layer 2, W of layer 3, ...; everything else is a view of it.
"""

import dataclasses
import itertools
import operator
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.arrays import Array, namespace
from chainrule.costs import COSTS, PAIRS, Cost, Pair
from chainrule.equations import Layer, bp1, penalty
from chainrule.errors import ArchitectureError

__all__ = ["Architecture", "Block", "Blocks"]


@dataclasses.dataclass(frozen=True)
class Block:
    """Neurons start..stop-1 of the output layer, with their activation and cost."""

    activation: Activation
    cost: Cost
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not self.activation.range.inside(self.cost.outputs):
            raise ArchitectureError(
                f"cost {self.cost.name!r} needs outputs in {self.cost.outputs}, but output activation "
                f"{self.activation.name!r} gives {self.activation.range}: choose another of the two"
            )

    @property
    def width(self) -> int:
        """The number of neurons."""
        return self.stop - self.start

    @property
    def columns(self) -> slice:
        """The columns of A^L that are this block's."""
        return slice(self.start, self.stop)

    @property
    def separable(self) -> bool:
        """Whether each output has a term of its own that may have a weight of its own.

        Not where delta comes from Z for the whole row at once: then it can only be weighted as a whole.
        """
        return self.cost.elementwise and (self.activation.elementwise or self.pair is None)

    @property
    def pair(self) -> Pair | None:
        """How cost and delta come from Z, for pairs of activation and cost that have such a road."""
        return PAIRS.get((self.activation.name, self.cost.name))

    def terms(self, Z: Array, A: Array, T: Array) -> Array:
        """The terms of C_x from the block's own columns, shape (m, width) or (m, 1)."""
        return self.pair.terms(Z, A, T) if self.pair else self.cost.terms(A, T)

    def delta(self, Z: Array, A: Array, T: Array, weight: Array | None = None) -> Array:
        """BP1 for the block's own columns, shape (m, width); `weight` (m, width) weighs the terms of C_x."""
        if self.pair:
            delta = self.pair.delta(Z, A, T)
            return delta if weight is None else weight * delta
        dC_dA = self.cost.derivative(A, T)
        return bp1(self.activation, dC_dA if weight is None else weight * dC_dA, Z, A)


@dataclasses.dataclass(frozen=True)
class Blocks(Activation):
    """The activation of an output layer of several blocks: each block's own, side by side."""

    name = "blocks"
    needs = "Z"
    blocks: tuple[Block, ...]

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether every block's activation is."""
        return all(block.activation.elementwise for block in self.blocks)

    def value(self, Z: Array) -> Array:
        return self._join(Z, [block.activation.value(Z[:, block.columns]) for block in self.blocks])

    def derivative(self, Z: Array, A: Array) -> Array:
        return self.pullback(namespace(A).ones_like(A), Z, A) if self.elementwise else super().derivative(Z, A)

    def pullback(self, G: Array, Z: Array, A: Array) -> Array:
        parts = [(b.activation, b.columns) for b in self.blocks]
        return self._join(Z, [sigma.pullback(G[:, c], Z[:, c], A[:, c]) for sigma, c in parts])

    @staticmethod
    def _join(Z: Array, parts: list[Array]) -> Array:
        return namespace(Z).concat(parts, axis=1)


@dataclasses.dataclass(frozen=True, eq=False)
class Architecture:
    """Sizes n_1..n_L, the hidden layers' activations, the output blocks, and masks of weights that stay exactly 0.

    What a network is before it has weights: frozen, and the same in every engine and file. Made by `Architecture.of`,
    and by `Network`, whose `architecture` it is.

    >>> cr.Network([4, 5, 3], "tanh", "softmax", "cross_entropy").architecture.describe()
    '4 inputs → 5 tanh → 3 softmax (cross_entropy)'
    """

    sizes: tuple[int, ...]
    hidden: tuple[Activation, ...]
    blocks: tuple[Block, ...]
    masks: tuple[Array | None, ...]

    @classmethod
    def of(
        cls,
        sizes: Sequence[int],
        activation: Any = "sigmoid",
        output: Any = "sigmoid",
        cost: Any = "quadratic",
        masks: Sequence[Any] | None = None,
    ) -> "Architecture":
        """Check the parts and fit them together.

        `activation` is one choice for all hidden layers or a list with one each; `output` a choice or a list of
        (choice, width) blocks; `cost` a choice or a list with one per block; `masks` one (n_{l-1}, n_l) array of
        0 and 1, or None, for each layer from 2.

        >>> net = Architecture.of([4, 5, 8], "tanh", [("softmax", 3), ("softmax", 5)], "cross_entropy")
        >>> net.parameter_count, [block.width for block in net.blocks]
        (73, [3, 5])

        Raises ArchitectureError, or UnknownNameError for a name that is not registered.
        """
        sizes = _sizes(sizes)
        hidden = _per_layer(activation, len(sizes) - 2)
        blocks = _blocks(output, cost, sizes[-1])
        return cls(sizes, hidden, blocks, _masks(masks, sizes))

    @cached_property
    def parameter_count(self) -> int:
        """The number of elements of theta."""
        return self.slices[-1][1].stop

    @cached_property
    def slices(self) -> list[tuple[slice, slice]]:
        """Where W and b of each layer lie in theta."""
        found, at = [], 0
        for n_in, n_out in itertools.pairwise(self.sizes):
            end_W, end_b = at + n_in * n_out, at + n_in * n_out + n_out
            found.append((slice(at, end_W), slice(end_W, end_b)))
            at = end_b
        return found

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer from 2 to L; the last is `Blocks` where there are several."""
        last = self.blocks[0].activation if len(self.blocks) == 1 else Blocks(self.blocks)
        return (*self.hidden, last)

    @cached_property
    def alone(self) -> tuple["Architecture", ...]:
        """Each hidden layer as a network without hidden layers; its parameters are the layer's slice of theta.

        >>> [one.sizes for one in Architecture.of([4, 3, 2, 1]).alone]
        [(4, 3), (3, 2)]
        """
        sizes = itertools.pairwise(self.sizes[:-1])
        return tuple(Architecture.of(pair, output=sigma) for pair, sigma in zip(sizes, self.hidden, strict=True))

    def views(self, theta: Array) -> tuple[list[Array], list[Array]]:
        """The lists of W (n_{l-1}, n_l) and b (n_l,) of layers 2 to L, as views of an array laid out like theta.

        >>> net = cr.Network([2, 3, 1])
        >>> dW, db = net.architecture.views(net.gradient([[0, 1]], [[1]]))
        >>> [part.shape for part in dW], [part.shape for part in db]
        ([(2, 3), (3, 1)], [(3,), (1,)])
        """
        shapes = itertools.pairwise(self.sizes)
        W = [theta[w].reshape(shape) for (w, _), shape in zip(self.slices, shapes, strict=True)]
        return W, [theta[b] for _, b in self.slices]

    def layers(self, theta: Array) -> list[Layer]:
        """The layers from 2 to L, as the equations take them.

        >>> from chainrule.equations import forward
        >>> net = cr.Network([2, 3, 1])
        >>> bool((forward(np.ones((1, 2)), net.architecture.layers(net.theta)).A[-1] > 0).all())
        True
        """
        return [Layer(*parts) for parts in zip(*self.views(theta), self.activations, strict=True)]

    def costs(self, Z: Array, A: Array, T: Array, weight: Array | None = None) -> Array:
        """C_x of each example from the last layer's Z and A, shape (m,); `weight` (m, n_L) weighs the terms."""
        total: Array | float = 0.0
        for block in self.blocks:
            c = block.columns
            terms = block.terms(Z[:, c], A[:, c], T[:, c])
            if weight is not None:
                terms = terms * weight[:, c][:, : terms.shape[1]]
            total = total + namespace(terms).sum(terms, axis=1)
        return total  # type: ignore[return-value]

    def penalty(self, theta: Array, alpha: float, l1: float, S: float) -> float:
        """alpha / (2 S) sum W² + l1 / S sum |W|, in float64.

        >>> Architecture.of([1, 1]).penalty(np.array([2.0, 9.0]), alpha=1.0, l1=3.0, S=2.0)
        4.0
        """
        if not (alpha or l1):
            return 0.0
        with np.errstate(all="ignore"):
            return float(penalty([W.astype(np.float64) for W in self.views(theta)[0]], alpha, l1, S))

    def delta_L(self, Z: Array, A: Array, T: Array, weight: Array | None = None) -> Array:
        """The error of the output layer, dC_x/dZ^L, shape (m, n_L), block by block."""
        parts = []
        for block in self.blocks:
            c = block.columns
            by_term = None if weight is None else weight[:, c]
            parts.append(block.delta(Z[:, c], A[:, c], T[:, c], by_term))
        return parts[0] if len(parts) == 1 else namespace(Z).concat(parts, axis=1)

    def one_hot(self, T: Array, dtype: Any) -> Array:
        """Targets (m, n_L) from int32 class numbers, (m,) or (m, blocks); other targets are only brought to the dtype.

        >>> Architecture.of([1, 3]).one_hot(np.array([2, 0], dtype=np.int32), "float64")
        array([[0., 0., 1.],
               [1., 0., 0.]])
        """
        if T.dtype != np.int32:
            return T.astype(dtype, copy=False)
        xp, classes = namespace(T), T.reshape(len(T), -1)
        parts = [classes[:, [k]] == xp.arange(block.width) for k, block in enumerate(self.blocks)]
        return xp.concat(parts, axis=1).astype(dtype)

    def document(self) -> dict[str, Any]:
        """Everything but the masks' bits as plain data, for a file.

        Raises SettingError for a function of your own, which a file cannot hold.
        """
        return {
            "sizes": list(self.sizes),
            "hidden": [ACTIVATIONS.document(activation) for activation in self.hidden],
            "blocks": [
                {
                    "activation": ACTIVATIONS.document(block.activation),
                    "cost": COSTS.document(block.cost),
                    "width": block.width,
                }
                for block in self.blocks
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], masks: Sequence[Any] | None = None) -> "Architecture":
        """The architecture of a document. Raises ArchitectureError for one that makes no sense."""
        try:
            blocks = [(b["activation"], b["width"], b["cost"]) for b in document["blocks"]]
            sizes, hidden = list(document["sizes"]), list(document["hidden"])
        except (KeyError, TypeError) as error:
            raise ArchitectureError(
                f"the stored architecture lacks a part or has one of another kind: {error}"
            ) from None
        output = [(activation, width) for activation, width, _ in blocks]
        return cls.of(sizes, hidden, output, [cost for *_, cost in blocks], masks)

    def describe(self) -> str:
        """The architecture in words, on one line."""
        hidden = [f"{n} {sigma}" for n, sigma in zip(self.sizes[1:-1], self.hidden, strict=True)]
        output = [f"{b.width} {b.activation} ({b.cost})" for b in self.blocks]
        return " → ".join([f"{self.sizes[0]} inputs", *hidden, " + ".join(output)])


def _sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        found = [int(n) for n in sizes]
        whole = all(int(n) == n and not isinstance(n, bool) for n in sizes)
    except (TypeError, ValueError, OverflowError):
        found, whole = [], False
    if not whole or len(found) < 2 or min(found) < 1:
        raise ArchitectureError(f"sizes are {sizes!r}, but must be two or more whole numbers, each at least 1")
    return tuple(found)


def _per_layer(activation: Any, count: int) -> tuple[Activation, ...]:
    if not isinstance(activation, list | tuple):
        return (ACTIVATIONS.get(activation),) * count
    if len(activation) != count:
        raise ArchitectureError(f"{len(activation)} activations came for {count} hidden layers: give one for each")
    return tuple(ACTIVATIONS.get(choice) for choice in activation)


def _blocks(output: Any, cost: Any, n_L: int) -> tuple[Block, ...]:
    parts = list(output) if isinstance(output, list | tuple) else [(output, n_L)]
    try:
        widths = [operator.index(width) for _, width in parts]
    except (TypeError, ValueError):
        raise ArchitectureError(f"output blocks are {output!r}, but must be (activation, width) pairs") from None
    if sum(widths) != n_L or min(widths, default=0) < 1:
        raise ArchitectureError(f"the output blocks' widths {widths} must be at least 1 and add up to {n_L}")
    costs = list(cost) if isinstance(cost, list | tuple) else [cost] * len(parts)
    if len(costs) != len(parts):
        raise ArchitectureError(f"{len(costs)} costs came for {len(parts)} output blocks: give one, or one for each")
    ends = list(itertools.accumulate(widths))
    starts = [0, *ends[:-1]]
    return tuple(
        Block(ACTIVATIONS.get(choice), COSTS.get(c), start, stop)
        for (choice, _), c, start, stop in zip(parts, costs, starts, ends, strict=True)
    )


def _masks(masks: Sequence[Any] | None, sizes: tuple[int, ...]) -> tuple[Array | None, ...]:
    shapes = list(itertools.pairwise(sizes))
    given = [None] * len(shapes) if masks is None else list(masks)
    if len(given) != len(shapes):
        raise ArchitectureError(
            f"{len(given)} masks came for {len(shapes)} layers of weights: give one, or None, for each"
        )
    return tuple(
        None if m is None else _mask(m, k + 2, shape) for k, (m, shape) in enumerate(zip(given, shapes, strict=True))
    )


def _mask(mask: Any, layer: int, shape: tuple[int, int]) -> Array:
    found = np.array(mask)
    if found.shape != shape:
        raise ArchitectureError(f"the mask of layer {layer} has shape {found.shape}, but its weights have {shape}")
    wrong = found[~np.isin(found, (0, 1))]
    if wrong.size:
        raise ArchitectureError(f"the mask of layer {layer} has {wrong[0]!s}, but must be of 0 and 1 alone")
    found = found.astype(np.bool_)
    found.flags.writeable = False
    return found
