"""The quantities that equations put in: what a ledger has, and what follows from it for one neuron."""

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.activations import Activation
from chainrule.architecture import Architecture, Block
from chainrule.arrays import Array
from chainrule.costs import CANONICAL
from chainrule.errors import SettingError
from chainrule.text import counted, shown

__all__ = ["Names", "Part", "Quantities"]


class Names(NamedTuple):
    """What inputs and outputs are called.

    - inputs: the name of each input, such as `cut=Ideal`.
    - outputs: the name of each output, such as `price` or `sick=yes`.
    - cells: for each input the words in its column of the table, one for each example, with any type of list; None
      without a table.
    """

    inputs: Sequence[str]
    outputs: Sequence[str]
    cells: Sequence[Any] | None = None


class Part(NamedTuple):
    """The neurons of a layer that share an activation: all of a hidden layer, one block of the output layer."""

    activation: Activation
    columns: slice
    block: Block | None

    @property
    def canonical(self) -> bool:
        """Whether BP1 is a - t for this block (of softmax: with targets that sum to 1)."""
        if self.block is None:
            return False
        pair = self.block.activation.name, self.block.cost.name
        return pair in CANONICAL and self.block.pair is CANONICAL[pair]


class Quantities(abc.ABC):
    """The numbers of m examples; lists are numbered as theta is, `A[0]` is X."""

    architecture: Architecture
    theta: Array
    T: Array
    row_weight: Array | None
    term_weight: Array | None
    keep: Sequence[Array | None] | None
    Z: list[Array]
    A: list[Array]
    sigma: list[Array]
    delta: list[Array]
    names: Names | None

    @property
    @abc.abstractmethod
    def dW(self) -> list[Array]:
        """dC/dW of each layer."""

    @property
    @abc.abstractmethod
    def db(self) -> list[Array]:
        """dC/db of each layer."""

    @property
    @abc.abstractmethod
    def cost(self) -> Array:
        """C_x of each example, (m,)."""

    @property
    @abc.abstractmethod
    def sigma_prime(self) -> Sequence[Array | None]:
        """sigma'(Z) of each layer, or None."""

    @abc.abstractmethod
    def flat(self, k: int) -> Array:
        """Where sigma' of layer k+2 is almost 0, (m, n_l)."""

    @property
    def W(self) -> list[Array]:
        """The weights of layers 2 to L, (n_{l-1}, n_l) each."""
        return self.architecture.views(self.theta)[0]

    @property
    def b(self) -> list[Array]:
        """The biases of layers 2 to L, (n_l,) each."""
        return self.architecture.views(self.theta)[1]

    @property
    def examples(self) -> int:
        """m."""
        return len(self.T)

    @property
    def alone(self) -> bool:
        """Whether there is one example, whose weight changes nothing."""
        return self.examples == 1 and (self.row_weight is None or bool(self.row_weight[0] == 1))

    # ------------------------------------------------------------------------------- checks of what a caller names

    def index_of(self, what: str, number: int, count: int) -> int:
        """A number from 1 as an index from 0. Raises SettingError for a number that there is not."""
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or not 1 <= number <= count:
            raise SettingError(f"{what} is {shown(number)}, but must be a whole number from 1 to {count:,}")
        return int(number) - 1

    def layer_index(self, layer: int) -> int:
        """k of layer k + 2. Raises SettingError for another layer: layer 1 has no weights."""
        sizes = self.architecture.sizes
        if isinstance(layer, bool) or not isinstance(layer, int | np.integer) or not 2 <= layer <= len(sizes):
            raise SettingError(f"layer is {shown(layer)}, but must be from 2 to {len(sizes)} (layer 1 is the input)")
        return int(layer) - 2

    def neuron_index(self, k: int, neuron: int) -> int:
        """The index of a neuron of layer k + 2. Raises SettingError for one that there is not."""
        return self.index_of(f"the neuron of layer {k + 2}", neuron, self.architecture.sizes[k + 1])

    def require_one(self, what: str) -> None:
        """Raise SettingError unless there is one example."""
        if self.examples != 1:
            raise SettingError(
                f"the ledger has {counted(self.examples, 'example')}, but {what} has numbers for one: choose it by "
                "ledger.example(x)"
            )

    # ------------------------------------------------------------------------------- of one neuron

    def part(self, k: int, j: int) -> Part:
        """The neurons that share the activation of neuron j of layer k + 2, both from 0."""
        if k < len(self.architecture.hidden):
            return Part(self.architecture.hidden[k], slice(0, self.architecture.sizes[k + 1]), None)
        block = next(block for block in self.architecture.blocks if j < block.stop)
        return Part(block.activation, block.columns, block)

    def slopes(self, k: int, part: Part) -> Array:
        """sigma'(z) (m, width) of an elementwise part."""
        with np.errstate(all="ignore"):
            return part.activation.derivative(self.Z[k][:, part.columns], self.sigma[k][:, part.columns])

    def jacobian(self, k: int, part: Part, rows: Sequence[int]) -> Array:
        """da_i/dz_j (len(rows), width) of the one example, for some neurons i of a part."""
        Z, A = (np.repeat(array[k][:1, part.columns], len(rows), axis=0) for array in (self.Z, self.sigma))
        units = np.zeros_like(Z)
        units[np.arange(len(rows)), rows] = 1
        with np.errstate(all="ignore"):
            return part.activation.pullback(units, Z, A)

    def cost_slopes(self, block: Block) -> Array:
        """dC_x/da (m, width) for the outputs of a block, without weights of terms."""
        with np.errstate(all="ignore"):
            return block.cost.derivative(self.sigma[-1][:, block.columns], self.T[:, block.columns])

    def from_next(self, k: int, neurons: Sequence[int]) -> Array:
        """dC_x/da (len(neurons),) of the one example, for some neurons of a hidden layer: delta W' of the next one."""
        G = self.W[k + 1][list(neurons)] @ self.delta[k + 1][0]
        factor = None if self.keep is None else self.keep[k]
        return G if factor is None else G * factor[0, list(neurons)]
