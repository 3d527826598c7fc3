"""chainrule, through the seam between training and an engine."""

from typing import Any

import numpy as np

import chainrule as cr
from benchmarks.accuracy.recipes import SIZES, Recipe
from chainrule.engines import choose
from chainrule.settings import TrainingSettings

__all__ = ["Training"]


class Training:
    """A run of the engine that "auto" asks first."""

    def __init__(self, recipe: Recipe, X: np.ndarray, y: np.ndarray, layers: Any, threads: int) -> None:
        rules = {"adam": cr.Adam, "schedule_free": cr.ScheduleFree, "muon": cr.Muon, "falling_muon": cr.Muon}
        initial = [W for W, _ in layers], [b for _, b in layers]
        self._net = cr.Network(SIZES, "relu", "softmax", "cross_entropy", initializer=initial, dtype="float32")
        self._X, self._y, self._recipe, self._made = X, y[:, None], recipe, 0
        precision = "bf16" if recipe.half else None
        rule = rules[recipe.rule](recipe.rate)
        settings = TrainingSettings(optimizer=rule, batch_size=recipe.batch, threads=threads, precision=precision)
        engine = choose("auto", self._net.architecture, settings)
        self._run = engine.start(self._net.architecture, self._net.theta, settings, float(len(X)))

    def train(self, order: np.ndarray) -> None:
        rows, done = order.ravel(), 0
        while done < len(order):
            rates = self._recipe.rates(self._made, len(order) - done)
            made = len(self._run.steps(self._X, self._y, None, rows[done * order.shape[1] :], rates, 0, self._made))
            done, self._made = done + made, self._made + made

    def layers(self) -> Any:
        return list(zip(self._net.W, self._net.b, strict=True))
