"""The regressor: it predicts one number for each row, or several."""

import dataclasses
from typing import Any, Self

from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from chainrule.arrays import Array
from chainrule.estimators.base import MLP, takes_steps
from chainrule.estimators.rows import Validation, score_by
from chainrule.estimators.shared_parameters import with_shared_parameters
from chainrule.registry import require
from chainrule.tables.targets import ArrayNumbers

__all__ = ["MLPRegressor"]

_LOSSES = {"squared_error": "identity", "poisson": "exp"}  # the output activation, whose partner is that cost


@with_shared_parameters
@dataclasses.dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, MLP):
    """A multi-layer perceptron that predicts numbers, with scikit-learn's parameters and more.

    y is (n,) or (n, k). It minimises the mean cost of the rows plus the penalties, C of `Network.cost`.

    - loss: "squared_error", C_x = 1/2 sum_j (a_j - t_j)², with the identity as output; or "poisson", with exp.
    - hidden_layer_sizes: the neurons of each hidden layer, one number or a sequence; () for a linear model.
    - activation: that of the hidden layers, by name, as an object or a function of your own, or a list with one for
      each layer.
    {shared}

    Attributes are those of `MLPClassifier`, without `classes_`; the score is R².

    >>> X = np.linspace(-1.0, 1.0, 40)[:, None]
    >>> mlp = cr.MLPRegressor(hidden_layer_sizes=16, solver="lbfgs", max_iter=500, random_state=1)
    >>> mlp = mlp.fit(X, X[:, 0] ** 2)
    >>> bool(abs(mlp.predict([[0.5]])[0] - 0.25) < 0.02), mlp.out_activation_
    (True, 'identity')

    Raises SettingError, a ValueError, when it is fitted with parameters that no training could have.

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
        groups: Any = None,
    ) -> Self:
        """Train for one epoch: exactly the next one that `fit` would make with these rows.

        - X, y, sample_weight: as for `fit`.
        - total_weight: S of the whole set, by which alpha and l1 are divided, where these rows are a part of it.
        - X_val, y_val, sample_weight_val: as for `fit`; without them, early_stopping holds rows out.
        - groups: as for `fit`.

        Once early_stopping has ended training, further calls train nothing.

        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=4, random_state=0)
        >>> [mlp.partial_fit([[0.0], [1.0]], [1.0, 2.0]).n_iter_ for _ in range(3)]
        [1, 2, 3]

        Raises SettingError, DataError or ValueError as `fit` does, and AttributeError with L-BFGS, which needs all
        rows.
        """
        validation = Validation(X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation, groups, once=True, total_weight=total_weight)

    def initialize(self, n_features: int, n_outputs: int | None = None) -> Self:
        """A network before any training: to predict with, to inspect, or to train with `partial_fit`.

        - n_features: the columns that X will have.
        - n_outputs: the columns that y will have; None if it will be (n,).

        >>> cr.MLPRegressor(random_state=0).initialize(3, n_outputs=2).predict(np.zeros((1, 3))).shape
        (1, 2)

        Raises SettingError for parameters that no network could have, and under a preset, which needs data.
        """
        return self._initialized(n_features, ArrayNumbers.plain(n_outputs or 0))

    def predict(self, X: Any) -> Array:
        """The predicted numbers of each row, (n,) or (n, k) as y was.

        Raises NotFittedError before the first fit, ValueError for other columns than in `fit`.
        """
        A = self._outputs(X)
        return self._targets.decode(A)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """The ends (n, 2) of an interval for each row, that has the true number in at least this share of new rows.

        It needs preset="tabular" (see docs/how-sure.md); (n, k, 2) for k columns of y.

        - X: rows, as for `predict`.
        - coverage: the share, between 0 and 1.

        >>> X = np.linspace(-1.0, 1.0, 40)[:, None]
        >>> mlp = cr.MLPRegressor(preset="tabular", max_iter=20, random_state=0).fit(X, X[:, 0])
        >>> mlp.predict_interval(X, coverage=0.8).shape
        (40, 2)

        Raises NotFittedError before the first fit; SettingError without such a preset, after calls with different rows,
        and where there are too few rows for this coverage.
        """
        ends: Array = self._intervals(X, coverage)
        return ends

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R² of the predictions, 1 - sum s (y - a)² / sum s (y - mean y)², the mean over the columns of y.

        Raises NotFittedError before the first fit, DataError for masked values and what is not a number.
        """
        return score_by(super().score, X, y, sample_weight)

    # ------------------------------------------------------------------------------- what the base class needs

    _numeric = True

    def _targets_of(self, y: Array, classes: Any) -> ArrayNumbers:
        return ArrayNumbers.of(y)

    def _usual_output(self, targets: Any) -> str:
        require(
            isinstance(self.loss, str) and self.loss in _LOSSES,
            "loss",
            self.loss,
            f"one of {', '.join(_LOSSES)}; cost= takes any other",
        )
        return _LOSSES[self.loss]
