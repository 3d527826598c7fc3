"""What an estimator's network makes of its inputs."""

import abc
import dataclasses
import os
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from chainrule.arrays import Array
from chainrule.backprop import Ledger, Names
from chainrule.certificate import Certificate
from chainrule.estimators.predictor import EstimatorPredictor
from chainrule.estimators.row_scores import row_scores
from chainrule.estimators.rows import checked_groups, checked_targets
from chainrule.example_gradients import ExampleGradients
from chainrule.export import Program, export, outputs_of
from chainrule.fields import Whole
from chainrule.network import Network

__all__ = ["Explained"]


class Explained(abc.ABC):
    """Methods of `network_` for X as the estimator takes it; `input_names_` has the names of the network's inputs."""

    network_: Network
    engine: str
    _targets: Any
    _plan: Any
    _parameters: Any
    _numeric: ClassVar[bool]

    @abc.abstractmethod
    def _inputs(self, X: Any) -> Array:
        """The rows of X as the network takes them."""

    def _encoded_targets(self, inputs: Any, y: Any) -> Array:
        """The targets T of the network for rows of y. Raises DataError where they are not those of the inputs."""
        return self._targets.encode(checked_targets(y, inputs.shape[0], self._numeric))

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
        names = getattr(self, "feature_names_in_", None)
        if names is not None:
            return np.asarray(names, dtype=object)
        return np.array([f"x{k}" for k in range(self.network_.sizes[0])], dtype=object)

    @property
    def program(self) -> Program:
        """What the estimator computes for a row, as exports write it; under a preset from the cells of a table.

        Its targets are called `y0`, `y1`, ..., or `y` if there is one.

        Raises NotFittedError before the first fit, SettingError for a network with an activation of one's own.
        """
        check_is_fitted(self, "network_")
        net, outputs, columns = self.network_, self._targets.outputs, None
        if self._plan is not None:
            columns = tuple(column for column, _ in self._plan.encoder.slices)
        of = outputs_of(outputs, net.architecture, divided=True)
        of = tuple(dataclasses.replace(each, name="y") for each in of) if self._targets.flat else of
        names = None if columns is not None else tuple(self.input_names_)
        numbered = columns is None and not hasattr(self, "feature_names_in_")
        return Program(net.architecture, net.theta, of, columns, names, numbered=numbered).with_digest_of(self)

    def predictor(self) -> EstimatorPredictor:
        """A frozen copy of the estimator for serving: a function of one row, in microseconds.

        It has the bits of `predict`, and `predict.probabilities(row)` has those of `predict_proba`. Several threads may
        call it at the same time.

        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0, random_state=0).fit(X, y)
        >>> predict = mlp.predictor()
        >>> round(predict([3.0]), 2), round(predict({"x0": 4.0}), 2)
        (7.0, 9.0)

        Raises NotFittedError before the first fit.
        """
        check_is_fitted(self, "network_")
        return EstimatorPredictor(self)

    def export(self, path: str | os.PathLike[str], to: str | None = None, **options: Any) -> None:
        """Write the estimator as a program that runs without chainrule; see `Model.export`.

        - path: the file; its ending chooses the format: see docs/export.md.
        - to: the name of the format, if the ending is another one.
        - options: `dtype` to compute in another type, and those of the format.

        Raises NotFittedError before the first fit, SettingError for an unknown format or option, and for an estimator
        that the format cannot express; OSError where the path cannot be written.
        """
        export(self.program, path, to, **options)

    def hidden_activations(self, X: Any, layer: int | None = None) -> Any:
        """A^l of the hidden layers for every row of X; see `Network.hidden_activations`.

        - X: rows, as for `predict`.
        - layer: the number of one hidden layer, from 2; None for a list of all.

        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]), np.array([1.0, 0.0, 3.0])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", random_state=0).fit(X, y)
        >>> mlp.hidden_activations(X, layer=2).shape
        (3, 5)

        Raises NotFittedError before the first fit, and SettingError for a layer that is not hidden.
        """
        inputs = self._inputs(X)
        return self.network_.hidden_activations(inputs, layer, engine=self.engine)

    def input_gradients(self, X: Any, y: Any = None) -> Array:
        """How the outputs change with the inputs, da^L/dx (n, n_L, n_1); with y how each row's cost does, (n, n_1).

        The last axis is named by `input_names_`; see `Network.input_gradients`.

        - X: rows, as for `predict`.
        - y: the targets of the rows, as for `fit`.

        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]), np.array([1.0, 0.0, 3.0])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(), solver="lbfgs", alpha=0.0).fit(X, y)
        >>> gradients = mlp.input_gradients(X)
        >>> gradients.shape, bool(np.allclose(gradients, [0.0, 1.0], atol=1e-3))
        ((3, 1, 2), True)

        Raises NotFittedError before the first fit, and DataError for a y of another kind than in `fit`.
        """
        inputs = self._inputs(X)
        return self.network_.input_gradients(inputs, None if y is None else self._encoded_targets(inputs, y))

    def check_gradient(self, X: Any, y: Any, sample_weight: Any = None, **choice: Any) -> Certificate:
        """Compare the network's gradient with derivatives of its cost, parameter by parameter: a `Certificate`.

        - X, y: rows and their targets, as for `fit`; some 50 are enough.
        - sample_weight: weights of the rows, or None.
        - choice: `layers`, `most` and `seed`, as for `Network.check_gradient`; also `engine`, `alpha` and `l1` in
          place of those that the estimator trains with.

        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]), np.array([1.0, 0.0, 3.0])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(5,), random_state=0, max_iter=1).initialize(2)
        >>> mlp.check_gradient(X, y).ok
        True

        Raises NotFittedError before the first fit, DataError for a y of another kind than in `fit`, and SettingError
        for a choice that is not allowed.
        """
        inputs = self._inputs(X)
        p = self._parameters
        choice = {"engine": self.engine, "alpha": p.alpha, "l1": p.l1, **choice}
        return self.network_.check_gradient(inputs, self._encoded_targets(inputs, y), sample_weight, **choice)

    def backprop(self, X: Any, y: Any, sample_weight: Any = None) -> Ledger:
        """Every quantity of the four equations for rows of X; see `Network.backprop`.

        Inputs are called by `input_names_`, outputs by the classes or columns of y.

        - X: rows, as for `predict`.
        - y: the targets of the rows, as for `fit`.
        - sample_weight: weights of rows (n,), or (n, k) for k outputs.

        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]), np.array(["no", "yes", "no"])
        >>> mlp = cr.MLPClassifier(hidden_layer_sizes=(), solver="lbfgs", random_state=0).fit(X, y)
        >>> ledger = mlp.backprop(X, y)
        >>> ledger.example(1).neuron(2, 1).title
        'neuron 1 of layer 2: y=yes'
        >>> bool((ledger.A[-1][:, 0] == mlp.predict_proba(X)[:, 1]).all())
        True

        Raises NotFittedError before the first fit, DataError for a y of another kind than in `fit`, and what
        `Network.backprop` raises.
        """
        inputs = self._inputs(X)
        T = self._encoded_targets(inputs, y)
        ledger = self.network_.backprop(inputs, T, sample_weight, engine=self.engine)
        names = Names([str(name) for name in self.input_names_], self._targets.outputs.neurons)
        return dataclasses.replace(ledger, names=names)

    def example_gradients(self, X: Any, y: Any, sample_weight: Any = None, *, layers: Any = None) -> ExampleGradients:
        """dC_x/dtheta of every row, computed when it is read; see `Network.example_gradients`.

        - X: rows, as for `predict`.
        - y: the targets of the rows, as for `fit`.
        - sample_weight: weights of the rows (n,), which weight the mean and the variance.
        - layers: the numbers of layers from 2 whose parameters count; None for all.

        >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0]]), np.array([1.0, 0.0, 3.0])
        >>> mlp = cr.MLPRegressor(hidden_layer_sizes=(5,), solver="lbfgs", random_state=0).fit(X, y)
        >>> mlp.example_gradients(X, y).norms().shape
        (3,)

        Raises NotFittedError before the first fit, SettingError for layers that are not there, and DataError for a y
        of another kind than in `fit`.
        """
        inputs = self._inputs(X)
        T = self._encoded_targets(inputs, y)
        return self.network_.example_gradients(inputs, T, sample_weight, layers=layers, engine=self.engine)

    def suspicious(self, X: Any, y: Any, n: int = 20, *, groups: Any = None) -> dict[str, Any]:
        """The rows that may have a wrong label or odd values, the most suspect first, as plain data.

        - X, y: rows and their targets, as for `fit`.
        - n: how many rows, at most.
        - groups: those of the calls of `fit`, if they had any.

        `method` says what the scores are, `rows` how many rows have one. `suspects` has for each row its number (from
        0), its score, and by target the true value and the prediction; of a class also the predicted probability.

        With several members (preset="tabular") the rows of the training are scored by the out-of-fold cost, which is
        the better method (see docs/suspects.md): X and y must be those of every call, without rows of weight 0. All
        other rows are scored by the cost of the prediction, which is small for wrong labels that were trained on.

        >>> X, y = np.array([[0.0], [1.0]] * 20), np.array(["no", "yes"] * 20)
        >>> y[7] = "no"
        >>> mlp = cr.MLPClassifier(preset="tabular", max_iter=20, random_state=0).fit(X, y)
        >>> suspect = mlp.suspicious(X, y, n=1)["suspects"][0]
        >>> suspect["row"], str(suspect["targets"]["y"]["true"]), str(suspect["targets"]["y"]["said"])
        (7, 'no', 'yes')

        Raises NotFittedError before the first fit, SettingError for n below 1, and DataError for a y of another kind
        than in `fit`.
        """
        n, inputs = Whole(1).clean("n", n), self._inputs(X)
        y = checked_targets(y, inputs.shape[0], self._numeric)
        numbers = checked_groups(groups, inputs.shape[0])
        return row_scores(self, inputs, y, numbers).most(self._targets.outputs, n)
