"""A network: an architecture with its parameters theta. It predicts, and computes costs and gradients."""

import dataclasses
import itertools
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from chainrule.architecture import Architecture
from chainrule.arrays import Array
from chainrule.backprop import Ledger, require_fits
from chainrule.certificate import Certificate, check_gradient
from chainrule.engines import choose
from chainrule.engines.base import Dropped, hidden_activations
from chainrule.errors import SettingError
from chainrule.example_gradients import ExampleGradients
from chainrule.examples import Examples, as_examples, as_inputs, as_rows
from chainrule.fields import is_whole
from chainrule.input_gradients import cost_gradients, output_gradients
from chainrule.parameters import cast, first_theta, flat_theta, masked
from chainrule.predictor import Predictor, with_warning
from chainrule.random import as_seed
from chainrule.registry import is_finite, require
from chainrule.settings import TrainingSettings
from chainrule.text import shown

__all__ = ["Network"]


class Network:
    """A fully connected network: layers l = 1..L of n_l neurons, Z^l = A^{l-1} W^l + b^l, A^l = sigma^l(Z^l).

    - sizes: n_1, ..., n_L.
    - activation: one choice, or a list with one for each hidden layer: a name, `{"name": ...}`, an object, or your own
      function.
    - output: one choice, or a list of blocks: `[("softmax", 3), ("identity", 2)]`.
    - cost: one choice, or a list with one for each block.
    - initializer: a name, theta as a flat array, or the pair (list of W, list of b).
    - masks: for each layer from 2, None or an array (n_{l-1}, n_l) of 0 and 1; weights where it is 0 stay exactly 0.
    - seed: fixes the initial weights; None draws a seed.
    - dtype: the type of theta and of all computations, "float32" or "float64".

    The defaults are the network of the two documents in docs/notation.md: all activations are sigmoids, the cost is
    quadratic.

    >>> net = cr.Network([2, 3, 1], seed=0, dtype="float64")
    >>> net.predict([[0.0, 1.0]]).shape, net.W[0].shape, net.theta.shape
    ((1, 1), (2, 3), (13,))

    Raises ArchitectureError or SettingError in one line for parts that do not fit together.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: Any = "sigmoid",
        output: Any = "sigmoid",
        cost: Any = "quadratic",
        *,
        initializer: Any = "glorot_uniform",
        masks: Sequence[Any] | None = None,
        seed: int | None = 0,
        dtype: Any = "float32",
    ) -> None:
        self.architecture = Architecture.of(sizes, activation, output, cost, masks)
        drawn = as_seed(seed)
        self.seed: int | None = drawn
        self._theta = masked(self.architecture, first_theta(self.architecture, initializer, drawn, dtype))

    @classmethod
    def from_parts(cls, architecture: Architecture, theta: Array, seed: int | None = None) -> "Network":
        """The network of an architecture and a copy of a flat theta; masked weights become 0.

        Raises ArchitectureError for a theta of another length or with values that are not finite, SettingError for a
        dtype other than float32 and float64.
        """
        net = cls.__new__(cls)
        net.architecture, net.seed = architecture, seed
        net._theta = masked(architecture, cast(flat_theta(architecture, theta), np.asarray(theta).dtype))
        return net

    @property
    def theta(self) -> Array:
        """All parameters as one flat array: W of layer 2 row by row, b of layer 2, W of layer 3, ...

        Setting it copies the values into the array.
        """
        return self._theta

    @theta.setter
    def theta(self, values: Any) -> None:
        self._theta[...] = masked(self.architecture, cast(flat_theta(self.architecture, values), self.dtype))

    @property
    def W(self) -> list[Array]:
        """The weights of layers 2 to L, each (n_{l-1}, n_l): views of theta."""
        return self.architecture.views(self._theta)[0]

    @property
    def b(self) -> list[Array]:
        """The biases of layers 2 to L, each (n_l,): views of theta."""
        return self.architecture.views(self._theta)[1]

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_1, ..., n_L."""
        return self.architecture.sizes

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of theta and of all computations."""
        return self._theta.dtype

    def copy(self) -> "Network":
        """A new network with the same architecture and a copy of the weights."""
        return Network.from_parts(self.architecture, self.theta, self.seed)

    def predict(self, X: Any, *, engine: str = "auto") -> Array:
        """A^L for every row of X (n, n_1): shape (n, n_L). A row alone gives the same bits as in any batch.

        X may also be a SciPy sparse matrix, of which the native engine reads only the entries.

        engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
        supports this network.

        >>> cr.Network([2, 1], output="identity", initializer=([[[1], [2]]], [[3]])).predict([[1, 1]])
        array([[6.]], dtype=float32)

        Where the inputs are so large that numbers overflow, rows of A^L are infinite or NaN, and a warning says so.

        Raises DataError for X of another shape or with values that are not finite; UnknownNameError for an unknown
        engine; EngineError for an engine that is not installed or does not support this network.
        """
        computes = choose(engine, self.architecture)
        rows = as_rows(X, self.sizes[0], self.dtype).for_engine(computes.takes_sparse)
        return with_warning(rows.mapped(partial(computes.predict, self.architecture, self.theta)))

    def cost(
        self,
        X: Any,
        T: Any,
        sample_weight: Any = None,
        alpha: float = 0.0,
        l1: float = 0.0,
        *,
        engine: str = "auto",
    ) -> float:
        """The objective C = sum_i s_i C_xi / S + alpha / (2 S) sum W² + l1 / S sum |W|, where S is the sum of the s_i.

        - X: (n, n_1), an array or a sparse matrix.
        - T: targets (n, n_L), or class numbers (n,).
        - sample_weight: s (n,), from 0; or (n, n_L) for C_xi = sum_j s_ij c_ij; None for 1 everywhere.
        - alpha, l1: factors of the penalties, from 0.
        - engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
          supports this network.

        >>> net = cr.Network([1, 1], output="identity", initializer=([[[2]]], [[0]]), dtype="float64")
        >>> net.cost([[1], [2]], [[0], [0]], sample_weight=[1, 3])
        6.5

        Raises DataError for shapes that do not fit, values that are not finite, targets that the cost cannot take, and
        weights below 0; SettingError for penalties below 0; UnknownNameError and EngineError as `predict` does.
        """
        computes = choose(engine, self.architecture)
        data = _checked(self, X, T, sample_weight, alpha, l1, sparse=computes.takes_sparse)
        mean = computes.cost(self.architecture, self.theta, *data.located(data.rows)[:3])
        return mean + self.architecture.penalty(self.theta, alpha, l1, data.total)

    def gradient(
        self,
        X: Any,
        T: Any,
        sample_weight: Any = None,
        alpha: float = 0.0,
        l1: float = 0.0,
        *,
        engine: str = "auto",
    ) -> Array:
        """dC/dtheta by backpropagation, as a flat array with the layout of theta.

        - X, T, sample_weight, alpha, l1: as for `cost`.
        - engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
          supports this network.

        >>> net = cr.Network([1, 1], output="identity", initializer=([[[2]]], [[0]]), dtype="float64")
        >>> net.gradient([[1], [2]], [[0], [0]], sample_weight=[1, 3])
        array([6.5, 3.5])

        Raises what `cost` raises.
        """
        computes = choose(engine, self.architecture)
        data = _checked(self, X, T, sample_weight, alpha, l1, sparse=computes.takes_sparse)
        return computes.gradient(self.architecture, self.theta, *data.located(data.rows)[:3], data.total, alpha, l1)

    def backprop(
        self,
        X: Any,
        T: Any,
        sample_weight: Any = None,
        *,
        dropout: Any = 0.0,
        seed: int = 0,
        epoch: int = 0,
        batch: int = 0,
        engine: str = "auto",
    ) -> Ledger:
        """Every quantity of the four equations for the rows of X: a `Ledger` with Z, A, delta, dW, db, ...

        The numbers are those of the engine: `ledger.gradient` has the bits of `gradient`, `ledger.A[-1]` those of
        `predict`. Rows of weight 0 are left out. The ledger keeps a copy of theta.

        - X, T, sample_weight: as for `cost`.
        - dropout: the probability of dropping a neuron, for all hidden layers or a list with one for each. X is then a
          batch of training: its neurons are dropped, `keep` has the factors, and `gradient` the bits of the update.
        - seed, epoch, batch: the seed of that training, and the numbers of the epoch and of the batch in it, from 0.
        - engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
          supports this network.

        >>> net = cr.Network([1, 1], output="identity", initializer=([[[2]]], [[0]]), dtype="float64")
        >>> ledger = net.backprop([[1], [2]], [[0], [1]])
        >>> ledger.delta[0].tolist(), ledger.dW[0].tolist(), ledger.cost.tolist()
        ([[2.0], [3.0]], [[4.0]], [2.0, 4.5])
        >>> print(ledger.example(1).weight(2, 1, 1))
        ∂C_x/∂w_11²  BP4  a_1¹ δ_1² = 2.0000 · 3.0000 = 6.0000

        Raises what `cost` raises, DataError for so many rows that their numbers would take more than 1 GiB, and
        SettingError for a dropout, seed, epoch or batch that no training has.
        """
        data = as_examples(self.architecture, X, T, sample_weight, self.dtype)
        require_fits(self.architecture, self.dtype, len(data.rows))
        dropped, settings = _dropped(self.sizes, dropout, seed, epoch, batch)
        computes = choose(engine, self.architecture, settings)
        ledger = computes.backprop(self.architecture, self.theta.copy(), *data.present()[:3], dropped)
        return dataclasses.replace(ledger, rows=data.rows)

    def check_gradient(
        self,
        X: Any,
        T: Any,
        sample_weight: Any = None,
        alpha: float = 0.0,
        l1: float = 0.0,
        *,
        layers: Any = None,
        most: int = 2000,
        seed: int | None = 0,
        engine: str = "auto",
    ) -> Certificate:
        """Compare the gradient with derivatives of the cost, parameter by parameter: a `Certificate`.

        The derivatives are computed in float64 from theta, without backpropagation: by complex step, or by central
        differences where a function of your own does not carry complex numbers. Checked are the gradient of the engine,
        one update of a training with it, and every activation and cost in use alone. The bound is what rounding in the
        network's type can be, for these weights and rows. It takes a forward pass for each parameter: some 50
        rows are enough.

        - X, T, sample_weight, alpha, l1: as for `cost`.
        - layers: the number of a layer, from 2, or a list of them; None for all.
        - most: how many parameters are compared, at most; a seeded choice if there are more.
        - seed: fixes the choice; None draws a seed.
        - engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
          supports this network.

        >>> net = cr.Network([4, 5, 3], "tanh", "softmax", "cross_entropy", dtype="float64")
        >>> certificate = net.check_gradient(np.eye(4), [0, 2, 1, 0]).require()
        >>> certificate.layers[0].checked, certificate.layers[0].error < 1e-12
        (25, True)

        Raises DataError as `cost` does; SettingError for layers, `most` or a seed that are not allowed;
        UnknownNameError and EngineError as `predict` does.
        """
        data = _checked(self, X, T, sample_weight, alpha, l1)
        choice = {"alpha": alpha, "l1": l1, "layers": layers, "most": most, "seed": seed, "engine": engine}
        return check_gradient(self.architecture, self.theta, data, **choice)

    def example_gradients(
        self, X: Any, T: Any, sample_weight: Any = None, *, layers: Any = None, engine: str = "auto"
    ) -> ExampleGradients:
        """dC_x/dtheta of every example, computed when it is read: norms, products, mean and variance form none of them.

        - X, T: as for `cost`.
        - sample_weight: weights of examples (n,) weight the mean and the moments; weights of terms (n, n_L) are part
          of C_x.
        - layers: the numbers of layers from 2 whose parameters count, such as [2, 3]; None for all.
        - engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
          supports this network.

        >>> net = cr.Network([1, 1], output="identity", initializer=([[[2]]], [[0]]), dtype="float64")
        >>> gradients = net.example_gradients([[1], [2]], [[0], [0]])
        >>> gradients[1], gradients.variance(), gradients.dot([1, 0])
        (array([8., 4.]), array([9., 1.]), array([2., 8.]))

        Raises SettingError for layers that are not there; DataError as `cost` does; UnknownNameError and EngineError
        as `predict` does.
        """
        data = as_examples(self.architecture, X, T, sample_weight, self.dtype)
        computes = choose(engine, self.architecture)
        return ExampleGradients(self.architecture, self.theta, data, computes, layers)

    def hidden_activations(self, X: Any, layer: int | None = None, *, engine: str = "auto") -> Any:
        """A^l of the hidden layers l = 2..L-1 for every row of X: a list of (n, n_l), or only A^l of `layer`.

        They have the same bits as inside `predict`. Layer 2 is the first hidden layer; A^1 is X, and A^L is the result
        of `predict`.

        engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
        supports this network.

        >>> net = cr.Network([4, 3, 2, 1])
        >>> [A.shape for A in net.hidden_activations(np.ones((5, 4)))], net.hidden_activations(np.ones((5, 4)), 2).shape
        ([(5, 3), (5, 2)], (5, 3))

        Raises SettingError for a layer that is not hidden; DataError, UnknownNameError and EngineError as `predict`
        does.
        """
        hidden = range(2, len(self.sizes))
        if layer is not None and not (isinstance(layer, int | np.integer) and layer in hidden):
            allowed = "there is none" if not hidden else f"choose from {', '.join(map(str, hidden))}"
            raise SettingError(f"layer is {shown(layer)}, which is not a hidden layer (1 is the input): {allowed}")
        X = as_inputs(X, self.sizes[0], self.dtype)
        A = hidden_activations(choose(engine, self.architecture), self.architecture, self.theta, X)
        return list(A) if layer is None else next(itertools.islice(A, layer - 2, None))

    def input_gradients(self, X: Any, T: Any = None) -> Array:
        """The exact derivatives of the outputs with respect to the inputs, by backpropagation: da^L/dx (n, n_L, n_1).

        A row alone gives the same bits as in any batch.

        `[i, j, k]` is da_j^L/dx_k of row i. With targets T, as for `cost`, the result is the derivative of the cost of
        each example: dC_x/dx = delta^2 W^2ᵀ, (n, n_1).

        >>> net = cr.Network([2, 1], output="exp", initializer=([[[1], [2]]], [[0]]), dtype="float64")
        >>> net.input_gradients([[0, 0]]), net.input_gradients([[0, 0]], T=[[3]])
        (array([[[1., 2.]]]), array([[-2., -4.]]))

        Raises DataError as `cost` does.
        """
        if T is None:
            return output_gradients(self.architecture, self.theta, as_inputs(X, self.sizes[0], self.dtype))
        data = as_examples(self.architecture, X, T, None, self.dtype)
        return cost_gradients(self.architecture, self.theta, data.X, data.T)

    def predictor(self, *, engine: str = "auto") -> Predictor:
        """A frozen copy of the network for serving: a function of one row (n_1,) or of rows (n, n_1).

        Its weights have the layout that prediction needs, so that a row takes microseconds. Training the network later
        does not change the copy. Several threads may call it at the same time.

        engine: the name of an engine (`chainrule doctor` lists them), or "auto": the first that
        supports this network.

        >>> predict = cr.Network([2, 1], output="identity", initializer=([[[1], [2]]], [[3]])).predictor()
        >>> predict(np.array([1, 1], dtype="float32")), predict([[1, 1], [0, 0]]).shape
        (array([6.], dtype=float32), (2, 1))

        Raises UnknownNameError and EngineError as `predict` does.
        """
        return Predictor(self.architecture, self.theta.copy(), engine)

    def export(self, path: str | os.PathLike[str], to: str | None = None, **options: Any) -> None:
        """Write the network as a program that runs without chainrule: rows of n_1 numbers in, A^L out.

        - path: the file; its ending chooses the format: see docs/export.md.
        - to: the name of the format, if the ending is another one.
        - options: `dtype` to compute in another type, and those of the format.

        Raises SettingError for an unknown format or option, and for a network that the format cannot express; OSError
        where the path cannot be written.
        """
        from chainrule.export import export, program_of_network

        export(program_of_network(self.architecture, self.theta).with_digest_of(self), path, to, **options)

    def __repr__(self) -> str:
        return f"Network({self.architecture.describe()}; {self.theta.size:,} parameters, {self.dtype})"

    def _repr_html_(self) -> str:
        """The layers as inline SVG, for notebooks."""
        from chainrule.plots import Column, layers_svg

        a = self.architecture
        outputs = [f"{b.width} {b.activation}" if len(a.blocks) > 1 else str(b.activation) for b in a.blocks]
        labels = ["inputs", *map(str, a.hidden), " + ".join(outputs)]
        costs = ", ".join(dict.fromkeys(str(block.cost) for block in a.blocks))
        caption = f"{self.theta.size:,} parameters, {self.dtype}, cost {costs}"
        return layers_svg([Column(*each) for each in zip(a.sizes, labels, strict=True)], caption)


def _checked(
    net: Network, X: Any, T: Any, sample_weight: Any, alpha: float, l1: float, sparse: bool = False
) -> Examples:
    """The examples, checked, without those of weight 0; `sparse` ones whole for an engine that takes them."""
    for name, factor in {"alpha": alpha, "l1": l1}.items():
        require(is_finite(factor) and factor >= 0, name, factor, "at least 0")
    examples = as_examples(net.architecture, X, T, sample_weight, net.dtype, sparse=sparse)
    return examples.present().for_engine(sparse)


def _dropped(
    sizes: Sequence[int], dropout: Any, seed: Any, epoch: Any, batch: Any
) -> tuple[Dropped | None, TrainingSettings | None]:
    """Which neurons a batch drops, and the settings of such a training; None where it drops none."""
    settings = TrainingSettings.of(dropout=dropout, seed=as_seed(seed))
    numbers = {"epoch": epoch, "batch": batch}
    for name, number in numbers.items():
        require(is_whole(number, 0) and number < 2**32, name, number, "a whole number from 0 to 2^32 - 1")
    probabilities = settings.dropouts(len(sizes) - 2)
    if not any(probabilities):
        return None, None
    require(seed is not None, "seed", seed, "that of the training")
    return Dropped(probabilities, as_seed(seed), int(epoch), int(batch)), settings
