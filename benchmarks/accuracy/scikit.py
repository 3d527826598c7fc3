"""scikit-learn's MLPClassifier, batch after batch by `partial_fit`; it draws its own first weights."""

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.accuracy.recipes import SIZES, Recipe

__all__ = ["Training"]


class Training:
    """An MLP; the rows of a call are given to `partial_fit` together, which cuts them into batches."""

    def __init__(self, recipe: Recipe, X: np.ndarray, y: np.ndarray, layers: Any, threads: int) -> None:
        rule: dict[str, Any] = {"solver": "sgd", "momentum": 0.9} if recipe.rule == "sgd" else {}
        seed = int(abs(layers[0][0][0, 0]) * 2**31)
        self._mlp = MLPClassifier(SIZES[1:-1], batch_size=recipe.batch, learning_rate_init=recipe.rate, alpha=0.0,
                                  random_state=seed, **rule)  # fmt: skip
        self._X, self._y = X, y

    def train(self, order: np.ndarray) -> None:
        rows = order.ravel()
        self._mlp.partial_fit(self._X[rows], self._y[rows], classes=np.arange(10))

    def layers(self) -> Any:
        return list(zip(self._mlp.coefs_, self._mlp.intercepts_, strict=True))
