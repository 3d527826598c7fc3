"""The regressor."""

import dataclasses
from typing import Any, Self

from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from chainrule.arrays import Array
from chainrule.estimators.base import MLP, takes_steps
from chainrule.estimators.targets import Values
from chainrule.estimators.watching import with_callbacks
from chainrule.registry import require

__all__ = ["MLPRegressor"]

_LOSSES = {"squared_error": ("identity", "quadratic"), "poisson": ("exp", "poisson")}


@dataclasses.dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, MLP):
    """A multi-layer perceptron that predicts numbers."""

    loss: str = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train until it converges or max_iter epochs are over."""
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val))

    @available_if(takes_steps)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        total_weight: float | None = None,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:
        """Train for one epoch."""
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), once=True, total_weight=total_weight)

    def initialize(self, n_features: int, n_outputs: int | None = None) -> Self:
        """A network that has not seen any data; n_outputs None: y will be (n,)."""
        self._build(n_features, Values(n_outputs or 0), "float64" if self.dtype is None else self.dtype)
        self.n_features_in_ = n_features
        return self

    def predict(self, X: Any) -> Array:
        """The numbers of each row."""
        A = self._outputs(X)
        return self._targets.decode(A)

    # ------------------------------------------------------------------------------- what the base asks for

    _numeric = True

    def _targets_of(self, y: Array, classes: Any) -> Values:
        return Values.of(y)

    def _answer(self, targets: Any) -> tuple[str, str]:
        require(self.loss in _LOSSES, "loss", self.loss, f"one of {', '.join(_LOSSES)}; cost= takes any other")
        return _LOSSES[self.loss]
