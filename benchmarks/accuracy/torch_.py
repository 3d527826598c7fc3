"""PyTorch: its fused Adam, its Muon beside AdamW, and schedule-free AdamW with its operations on lists, or compiled."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.accuracy.recipes import Recipe

__all__ = ["Training"]


class ScheduleFree:
    """Schedule-free AdamW: the parameters are y, where the gradient is taken; x is their mean."""

    def __init__(self, parameters: Any, rate: float) -> None:
        self.y, self.rate, self.t = list(parameters), rate, 0
        self.x, self.z = ([p.detach().clone() for p in self.y] for _ in range(2))
        self.v = [torch.zeros_like(p) for p in self.y]

    @torch.no_grad()
    def step(self) -> None:
        """One update."""
        self.t += 1
        g = [p.grad for p in self.y]
        torch._foreach_mul_(self.v, 0.999)
        torch._foreach_addcmul_(self.v, g, g, 0.001)
        root = torch._foreach_sqrt(self.v)
        torch._foreach_div_(root, (1 - 0.999**self.t) ** 0.5)
        torch._foreach_add_(root, 1e-8)
        torch._foreach_addcdiv_(self.z, g, root, -self.rate)
        torch._foreach_lerp_(self.x, self.z, 1 / self.t)
        for y, x, z in zip(self.y, self.x, self.z, strict=True):
            torch.lerp(x, z, 0.1, out=y.data)


class Training:
    """Gather, forward, autograd, update."""

    def __init__(self, recipe: Recipe, X: np.ndarray, y: np.ndarray, layers: Any, threads: int) -> None:
        torch.set_num_threads(threads)
        self._X, self._y = torch.from_numpy(X), torch.from_numpy(y).long()
        parts: list[nn.Module] = []
        for W, b in layers:
            linear = nn.Linear(*W.shape)
            linear.weight.data, linear.bias.data = torch.from_numpy(W.T.copy()), torch.from_numpy(b.copy())
            parts += [linear, nn.ReLU()]
        self._net = nn.Sequential(*parts[:-1])
        self._rules, self._half = self._rule(recipe), recipe.half
        falls = torch.optim.lr_scheduler.LinearLR
        self._schedules = [falls(rule, 1.0, 1e-3, recipe.total) for rule in self._rules if recipe.total]

    def _rule(self, recipe: Recipe) -> list[Any]:
        parameters = list(self._net.parameters())
        if recipe.rule == "schedule_free":
            return [ScheduleFree(parameters, recipe.rate)]
        if not recipe.rule.endswith("muon"):
            return [torch.optim.Adam(parameters, lr=recipe.rate, fused=True)]
        hidden = [parameters[0], parameters[2]]
        others = [p for p in parameters if not any(p is h for h in hidden)]
        muon = torch.optim.Muon(hidden, lr=recipe.rate, weight_decay=0.0)
        return [muon, torch.optim.AdamW(others, lr=1e-3, weight_decay=0.0, fused=True)]

    def train(self, order: np.ndarray) -> None:
        for rows in torch.from_numpy(order).unbind():
            self._net.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=self._half):
                cost = functional.cross_entropy(self._net(self._X[rows]), self._y[rows])
            cost.backward()
            for rule in self._rules:
                rule.step()
            for schedule in self._schedules:
                schedule.step()

    def layers(self) -> Any:
        parameters = [p.detach() for p in self._net.parameters()]
        if isinstance(self._rules[0], ScheduleFree):
            parameters = self._rules[0].x
        return [(W.numpy().T, b.numpy()) for W, b in zip(parameters[::2], parameters[1::2], strict=True)]
