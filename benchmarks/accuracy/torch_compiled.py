"""torch.compile of the whole update by schedule-free AdamW: gather, forward, gradient and rule in one graph."""

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.accuracy.recipes import Recipe

__all__ = ["Training"]

torch._inductor.config.cpp_wrapper = True
torch._dynamo.config.automatic_dynamic_shapes = False

Tensors = list[torch.Tensor]


def _cost(y: Tensors, X: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    for k in range(0, len(y) - 2, 2):
        X = torch.relu(torch.addmm(y[k + 1], X, y[k]))
    return functional.cross_entropy(torch.addmm(y[-1], X, y[-2]), classes)


class Training:
    """x is the mean that predicts, d = z - x, v the mean of squares; the gradient is taken at x + 0.1 d."""

    def __init__(self, recipe: Recipe, X: np.ndarray, y: np.ndarray, layers: Any, threads: int) -> None:
        torch.set_num_threads(threads)
        self._X, self._y = torch.from_numpy(X), torch.from_numpy(y).long()
        self._x = [torch.from_numpy(part.copy()) for layer in layers for part in layer]
        self._d, self._v = ([torch.zeros_like(x) for x in self._x] for _ in range(2))
        self._t = torch.zeros((), dtype=torch.float64)

        def step(rows: torch.Tensor, X: torch.Tensor, y: torch.Tensor, state: tuple[Tensors, ...], t: Any) -> None:
            at = [x + 0.1 * d for x, d in zip(*state[:2], strict=True)]
            t += 1
            rest, correct = 1 - 1 / t, 1 - 0.999**t
            for g, x, d, v in zip(torch.func.grad(_cost)(at, X[rows], y[rows]), *state, strict=True):
                v.mul_(0.999).add_(g * g, alpha=0.001)
                e = d - recipe.rate * g / ((v / correct).sqrt() + 1e-8)
                x.add_(e / t)
                d.copy_(rest * e)

        self._step, self._known = torch.compile(step, fullgraph=True), False

    @torch.no_grad()
    def train(self, order: np.ndarray) -> None:
        with torch.compiler.set_stance(skip_guard_eval_unsafe=self._known):
            for rows in torch.from_numpy(order).unbind():
                self._step(rows, self._X, self._y, (self._x, self._d, self._v), self._t)
        self._known = True

    def layers(self) -> Any:
        return [(W.numpy(), b.numpy()) for W, b in zip(self._x[::2], self._x[1::2], strict=True)]
