"""What an estimator's network makes of its inputs, and the way to other libraries: those of `network_`, for any X."""

import abc
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import check_is_fitted

from chainrule.arrays import Array
from chainrule.exchange import to_keras_weights, to_torch
from chainrule.network import Network

__all__ = ["Insight"]


class Insight(abc.ABC):
    """Methods that pass X on to the network as it takes it; `input_names_` are the names of its inputs."""

    network_: Network
    engine: str
    _targets: Any
    _plan: Any = None  # what preset="tabular" fixes at the first call
    _wide: Network | None = None  # the network of all members, if there are several

    @abc.abstractmethod
    def _inputs(self, X: Any) -> Array:
        """The rows of X as the network takes them."""

    @property
    def input_names_(self) -> Array:
        """The names of the network's inputs, (n_1,): the columns of X, or x0, x1, ... where they have none.

        With preset="tabular" those of the encoded columns, such as `cut=Ideal` and `age missing`.

        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]), np.array([1.0, 0.0, 3.0])
        >>> cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs").fit(X, y).input_names_
        array(['x0', 'x1'], dtype=object)
        """
        if self._plan is not None:
            return np.array(self._plan.encoder.feature_names, dtype=object)
        given = getattr(self, "feature_names_in_", None)
        if given is not None:
            return np.asarray(given, dtype=object)
        return np.array([f"x{k}" for k in range(self.network_.sizes[0])], dtype=object)

    def hidden_activations(self, X: Any, layer: int | None = None) -> Any:
        """A^l of the hidden layers for every row of X; see `Network.hidden_activations`."""
        inputs = self._inputs(X)
        return self.network_.hidden_activations(inputs, layer, engine=self.engine)

    def input_gradients(self, X: Any, y: Any = None) -> Array:
        """How the network's outputs move with its inputs, da^L/dx (n, n_L, n_1); with y how the loss does, (n, n_1).

        The last axis is named by `input_names_`; see `Network.input_gradients`.

        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]), np.array([1.0, 0.0, 3.0])
        >>> found = cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X, y).input_gradients(X)
        >>> found.shape, bool(np.allclose(found, [0.0, 1.0], atol=1e-3))
        ((3, 1, 2), True)
        """
        inputs = self._inputs(X)
        y = y.toarray() if issparse(y) else y
        return self.network_.input_gradients(inputs, None if y is None else self._targets.encode(np.asarray(y)))

    def to_torch(self, *, logits: bool = False) -> Any:
        """The network as torch.nn.Sequential; see `cr.to_torch`."""
        check_is_fitted(self, "network_")
        return to_torch(self.network_, logits=logits)

    def to_keras_weights(self) -> list[Array]:
        """W, b of layer 2, W, b of layer 3, ...; see `cr.to_keras_weights`."""
        check_is_fitted(self, "network_")
        return to_keras_weights(self.network_)
