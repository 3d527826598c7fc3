"""The regressor: one number for each row, or several."""

import dataclasses
from typing import Any, Self

from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from chainrule.arrays import Array
from chainrule.estimators.base import MLP, takes_steps
from chainrule.estimators.targets import Values
from chainrule.registry import require

__all__ = ["MLPRegressor"]

_LOSSES = {"squared_error": "identity", "poisson": "exp"}  # the output activation, whose partner is that cost


@dataclasses.dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, MLP):
    """A multi-layer perceptron that predicts numbers, in the place of scikit-learn's: its parameters and more.

    y is (n,) or (n, k). loss: "squared_error" (C_x = 1/2 sum_j (a_j - t_j)²) or "poisson" (whose output is an exp).
    All other parameters and attributes are those of `MLPClassifier`, but for class_weight; the score is R².

    >>> X = np.linspace(-1.0, 1.0, 40)[:, None]
    >>> mlp = cr.MLPRegressor(hidden_layer_sizes=16, solver="lbfgs", max_iter=500, random_state=1)
    >>> mlp = mlp.fit(X, X[:, 0] ** 2)
    >>> bool(abs(mlp.predict([[0.5]])[0] - 0.25) < 0.02), mlp.out_activation_
    (True, 'identity')

    Raises SettingError, a ValueError, in one line for parameters that no training could have, or where it diverges
    without best weights to fall back on.

    Source: scikit-learn's `MLPRegressor`; docs/from-scikit-learn.md has every difference.
    """

    loss: str = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"

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
        """Train for one epoch: exactly the next one that `fit` would make; see `MLPClassifier.partial_fit`."""
        return self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), once=True, total_weight=total_weight)

    def initialize(self, n_features: int, n_outputs: int | None = None) -> Self:
        """A network that has not seen any data, to predict with, look at, or go on from by `partial_fit`.

        n_outputs: the columns that y will have; None: it will be (n,).
        """
        return self._without_data(n_features, Values(n_outputs or 0))

    def predict(self, X: Any) -> Array:
        """The numbers of each row, (n,) or (n, k) as y was."""
        A = self._outputs(X)
        return self._targets.decode(A)

    # ------------------------------------------------------------------------------- what the base asks for

    _numeric = True

    def _targets_of(self, y: Array, classes: Any) -> Values:
        return Values.of(y)

    def _usual_output(self, targets: Any) -> str:
        require(self.loss in _LOSSES, "loss", self.loss, f"one of {', '.join(_LOSSES)}; cost= takes any other")
        return _LOSSES[self.loss]
