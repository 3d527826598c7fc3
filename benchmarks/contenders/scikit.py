"""scikit-learn's MLP: `partial_fit` on the rows of a call in order, which makes one update for each batch.

Its regressor takes any target; output activation and first weights are put where its `_initialize` puts them.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.neural_network import MLPRegressor
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer

from benchmarks.workloads import BETA1, BETA2, EPS, Problem

__all__ = ["Training", "outputs", "predictor"]

warnings.filterwarnings("ignore", module="sklearn")


class Adam(AdamOptimizer):
    """eps is added to sqrt(v̂), as in the paper; scikit-learn adds it to sqrt(v)."""

    def _get_updates(self, grads: Any) -> Any:
        self.epsilon = EPS * np.sqrt(1 - BETA2 ** (self.t + 1))
        return super()._get_updates(grads)


class MLP(MLPRegressor):
    """The MLP with the problem's output activation, cost and first weights."""

    def of(self, problem: Problem) -> "MLP":
        self._problem = problem
        self.loss = "squared_error" if problem.workload.head in ("identity", "sigmoid_quadratic") else "log_loss"
        return self

    def _validate_params(self) -> None:
        """Nothing: "log_loss" is not offered for a regressor, but it is there."""

    def _initialize(self, y: Any, layer_units: Any, dtype: Any) -> None:
        super()._initialize(y, layer_units, dtype)
        names = {"sigmoid": "logistic"}
        output = self._problem.workload.head.split("_")[0]
        self.out_activation_ = names.get(output, output)
        layers = self._problem.views(self._problem.theta.copy())
        self.coefs_, self.intercepts_ = [W for W, _ in layers], [b for _, b in layers]
        if self.solver == "adam":
            params = self.coefs_ + self.intercepts_
            self._optimizer = Adam(params, self.learning_rate_init, BETA1, BETA2, EPS)

    def _compute_loss_grad(self, layer: int, total: Any, activations: Any, deltas: Any, *grads: Any) -> None:
        """Only where the pair is not canonical: the factor sigma'(z) that scikit-learn's delta^L lacks."""
        if layer == self.n_layers_ - 2 and self._problem.workload.head == "sigmoid_quadratic":
            deltas[layer] *= activations[-1] * (1 - activations[-1])
        super()._compute_loss_grad(layer, total, activations, deltas, *grads)


def _mlp(problem: Problem) -> MLP:
    w = problem.workload
    return MLP(
        hidden_layer_sizes=w.sizes[1:-1],
        activation={"sigmoid": "logistic"}.get(w.hidden, w.hidden),
        solver="adam" if w.optimizer == "adam" else "sgd",
        alpha=0.0,
        batch_size=w.batch,
        learning_rate_init=w.rate,
        shuffle=False,
        momentum=0.9 if w.optimizer == "momentum" else 0.0,
        nesterovs_momentum=False,
        n_iter_no_change=10**9,
        beta_1=BETA1,
        beta_2=BETA2,
    ).of(problem)


class Training:
    """partial_fit, call after call."""

    whole = False

    def __init__(self, problem: Problem, threads: int) -> None:
        self._problem = problem
        self._T = problem.one_hot(np.arange(len(problem.T)))
        self._X = csr_array(problem.X) if problem.workload.density < 1 else problem.X
        self.reset()

    def reset(self) -> None:
        self._mlp = _mlp(self._problem)

    def steps(self, order: np.ndarray) -> None:
        T = self._T[order]
        self._mlp.partial_fit(self._X[order], T.ravel() if T.shape[1] == 1 else T)

    def theta(self) -> np.ndarray:
        pairs = zip(self._mlp.coefs_, self._mlp.intercepts_, strict=True)
        return np.concatenate([part.ravel() for pair in pairs for part in pair])


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """`predict` of a row; its output layer is the classifier's probabilities."""
    predict = outputs(problem, threads)
    return lambda x: predict(x[None])


def outputs(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """`predict` of rows."""
    mlp = _mlp(problem)
    mlp._validate_input(problem.X[:2], np.squeeze(np.zeros((2, problem.workload.sizes[-1]), np.float32)), True, True)
    mlp.n_outputs_ = problem.workload.sizes[-1]
    mlp._random_state = np.random.RandomState(0)
    mlp._initialize(np.zeros((2, mlp.n_outputs_)), list(problem.workload.sizes), np.float32)
    return mlp.predict
