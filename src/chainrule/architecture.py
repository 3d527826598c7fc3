"""A network without weights: sizes, activations, output blocks, masks, and the layout of theta.

The output layer is a row of blocks. Each block is a slice of its neurons with its own activation and cost, so that one
network can have several targets; C_x is the sum over the blocks. theta is one flat array: W of layer 2 row by row, b
of layer 2, W of layer 3, ...; the layers are views of it.
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
from chainrule.text import counted, shown

__all__ = ["Architecture", "Block", "Blocks"]

MOST_PARAMETERS = 2**40  # more than any memory has


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
                f"{self.activation.name!r} gives {self.activation.range}: choose another cost or activation"
            )

    @property
    def width(self) -> int:
        """The number of neurons."""
        return self.stop - self.start

    @property
    def columns(self) -> slice:
        """The columns of this block in A^L."""
        return slice(self.start, self.stop)

    @property
    def separable(self) -> bool:
        """Whether each output has its own term of C_x, which can have its own weight.

        False where delta is computed from Z for the whole row: then only the row can have a weight.
        """
        return self.cost.elementwise and (self.activation.elementwise or self.pair is None)

    @property
    def pair(self) -> Pair | None:
        """The pair that computes cost and delta from Z, if activation and cost have one."""
        return PAIRS.get((self.activation.name, self.cost.name))

    def terms(self, Z: Array, A: Array, T: Array) -> Array:
        """The terms of C_x from the columns of this block, shape (m, width) or (m, 1)."""
        return self.pair.terms(Z, A, T) if self.pair else self.cost.terms(A, T)

    def delta(self, Z: Array, A: Array, T: Array, weight: Array | None = None) -> Array:
        """BP1 for the columns of this block, shape (m, width); `weight` (m, width) has the weights of the terms."""
        if self.pair:
            delta = self.pair.delta(Z, A, T)
            return delta if weight is None else weight * delta
        dC_dA = self.cost.derivative(A, T)
        return bp1(self.activation, dC_dA if weight is None else weight * dC_dA, Z, A)


@dataclasses.dataclass(frozen=True)
class Blocks(Activation):
    """The activation of an output layer with several blocks: each block uses its own, on its own columns."""

    name = "blocks"
    needs = "Z"
    blocks: tuple[Block, ...]

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether the activation of every block is elementwise."""
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
    """Sizes n_1..n_L, activations of the hidden layers, output blocks, and masks of weights that stay exactly 0.

    A network without weights: frozen, and the same in every engine and file. `Architecture.of` makes it; a `Network`
    has it as its `architecture`.

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
        """Check the parts and combine them.

        - sizes: n_1..n_L.
        - activation: one choice for all hidden layers, or a list with one for each.
        - output: a choice, or a list of (choice, width) blocks.
        - cost: a choice, or a list with one for each block.
        - masks: for each layer from 2, an (n_{l-1}, n_l) array of 0 and 1, or None.

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
        """The slices of theta with W and b of each layer."""
        slices, at = [], 0
        for n_in, n_out in itertools.pairwise(self.sizes):
            end_W, end_b = at + n_in * n_out, at + n_in * n_out + n_out
            slices.append((slice(at, end_W), slice(end_W, end_b)))
            at = end_b
        return slices

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer from 2 to L; the last one is `Blocks` if there are several blocks."""
        last = self.blocks[0].activation if len(self.blocks) == 1 else Blocks(self.blocks)
        return (*self.hidden, last)

    @cached_property
    def alone(self) -> tuple["Architecture", ...]:
        """Each hidden layer as a network without hidden layers; its parameters are the slice of the layer in theta.

        >>> [one.sizes for one in Architecture.of([4, 3, 2, 1]).alone]
        [(4, 3), (3, 2)]
        """
        sizes = itertools.pairwise(self.sizes[:-1])
        return tuple(Architecture.of(pair, output=sigma) for pair, sigma in zip(sizes, self.hidden, strict=True))

    def views(self, theta: Array) -> tuple[list[Array], list[Array]]:
        """The lists of W (n_{l-1}, n_l) and b (n_l,) of layers 2 to L, as views of an array with the layout of theta.

        >>> net = cr.Network([2, 3, 1])
        >>> dW, db = net.architecture.views(net.gradient([[0, 1]], [[1]]))
        >>> [part.shape for part in dW], [part.shape for part in db]
        ([(2, 3), (3, 1)], [(3,), (1,)])
        """
        shapes = itertools.pairwise(self.sizes)
        W = [theta[w].reshape(shape) for (w, _), shape in zip(self.slices, shapes, strict=True)]
        return W, [theta[b] for _, b in self.slices]

    def layers(self, theta: Array) -> list[Layer]:
        """The layers from 2 to L, for the equations.

        >>> from chainrule.equations import forward
        >>> net = cr.Network([2, 3, 1])
        >>> bool((forward(np.ones((1, 2)), net.architecture.layers(net.theta)).A[-1] > 0).all())
        True
        """
        return [Layer(*parts) for parts in zip(*self.views(theta), self.activations, strict=True)]

    def costs(self, Z: Array, A: Array, T: Array, weight: Array | None = None) -> Array:
        """C_x of each example from Z and A of the last layer, (m,); `weight` (m, n_L) has the weights of the terms."""
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
        """The error of the output layer, dC_x/dZ^L, shape (m, n_L), computed block by block."""
        parts = []
        for block in self.blocks:
            c = block.columns
            by_term = None if weight is None else weight[:, c]
            parts.append(block.delta(Z[:, c], A[:, c], T[:, c], by_term))
        return parts[0] if len(parts) == 1 else namespace(Z).concat(parts, axis=1)

    def one_hot(self, T: Array, dtype: Any) -> Array:
        """Targets (m, n_L) from int32 class numbers, (m,) or (m, blocks); other targets are only cast to the dtype.

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
        """Everything except the masks as plain data, for a file.

        Raises SettingError for a custom function, which a file cannot store.
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
        """The architecture of a document. Raises ArchitectureError for a document that is not valid."""
        try:
            blocks = [(b["activation"], b["width"], b["cost"]) for b in document["blocks"]]
            sizes, hidden = list(document["sizes"]), list(document["hidden"])
        except KeyError as error:
            raise ArchitectureError(f"the stored architecture has no {shown(error.args[0])}") from None
        except TypeError:
            raise ArchitectureError(f"the stored architecture has a part of another type: {shown(document)}") from None
        output = [(activation, width) for activation, width, _ in blocks]
        return cls.of(sizes, hidden, output, [cost for *_, cost in blocks], masks)

    def describe(self) -> str:
        """The architecture in words, in one line."""
        hidden = [f"{n} {sigma}" for n, sigma in zip(self.sizes[1:-1], self.hidden, strict=True)]
        output = [f"{b.width} {b.activation} ({b.cost})" for b in self.blocks]
        return " → ".join([counted(self.sizes[0], "input"), *hidden, " + ".join(output)])


def _sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        numbers = [int(n) for n in sizes]
        whole = all(int(n) == n and not isinstance(n, bool) for n in sizes)
    except (TypeError, ValueError, OverflowError):
        numbers, whole = [], False
    if not whole or len(numbers) < 2 or min(numbers) < 1:
        raise ArchitectureError(f"sizes are {shown(sizes)}, but must be two or more whole numbers, each at least 1")
    count = sum((n_in + 1) * n_out for n_in, n_out in itertools.pairwise(numbers))
    if count > MOST_PARAMETERS:
        raise ArchitectureError(
            f"sizes are {shown(numbers)}, but weights and biases must be 2^40 at most: give smaller ones"
        )
    return tuple(numbers)


def _per_layer(activation: Any, count: int) -> tuple[Activation, ...]:
    if not isinstance(activation, list | tuple):
        return (ACTIVATIONS.get(activation),) * count
    if len(activation) != count:
        raise ArchitectureError(f"there are {len(activation)} activations for {count} hidden layers: give one for each")
    return tuple(ACTIVATIONS.get(choice) for choice in activation)


def _blocks(output: Any, cost: Any, n_L: int) -> tuple[Block, ...]:
    parts = list(output) if isinstance(output, list | tuple) else [(output, n_L)]
    try:
        widths = [operator.index(width) for _, width in parts]
    except (TypeError, ValueError):
        raise ArchitectureError(f"output blocks are {shown(output)}, but must be (activation, width) pairs") from None
    if sum(widths) != n_L or min(widths, default=0) < 1:
        raise ArchitectureError(
            f"the output blocks have widths {shown(widths)}, but must be at least 1 wide and add up to {n_L}"
        )
    costs = list(cost) if isinstance(cost, list | tuple) else [cost] * len(parts)
    if len(costs) != len(parts):
        raise ArchitectureError(
            f"there are {len(costs)} costs for {len(parts)} output blocks: give one, or one for each"
        )
    ends = list(itertools.accumulate(widths))
    starts = [0, *ends[:-1]]
    return tuple(
        Block(ACTIVATIONS.get(choice), COSTS.get(c), start, stop)
        for (choice, _), c, start, stop in zip(parts, costs, starts, ends, strict=True)
    )


def _masks(masks: Sequence[Any] | None, sizes: tuple[int, ...]) -> tuple[Array | None, ...]:
    shapes = list(itertools.pairwise(sizes))
    if not isinstance(masks, list | tuple | None):
        raise ArchitectureError(f"masks are {shown(masks)}, but must be a list of arrays or None, one for each layer")
    by_layer = [None] * len(shapes) if masks is None else list(masks)
    if len(by_layer) != len(shapes):
        raise ArchitectureError(
            f"there are {len(by_layer)} masks for {len(shapes)} layers of weights: give one, or None, for each"
        )
    return tuple(
        None if m is None else _mask(m, k + 2, shape) for k, (m, shape) in enumerate(zip(by_layer, shapes, strict=True))
    )


def _mask(mask: Any, layer: int, shape: tuple[int, int]) -> Array:
    try:
        values = np.array(mask)
    except (TypeError, ValueError):  # rows of different lengths
        raise ArchitectureError(f"the mask of layer {layer} is {shown(mask)}, but must be an array {shape}") from None
    if values.shape != shape:
        raise ArchitectureError(f"the mask of layer {layer} has shape {values.shape}, but its weights have {shape}")
    wrong = values[~np.isin(values, (0, 1))]
    if wrong.size:
        raise ArchitectureError(f"the mask of layer {layer} has {wrong[0]!s}, but must have only 0 and 1")
    values = values.astype(np.bool_)
    values.flags.writeable = False
    return values
