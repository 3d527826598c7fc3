"""torch.compile of the whole step: gather, forward, gradient and update in one graph without a break.

Everything that makes a call cheaper is on: wrappers in C++, shapes that never vary, no guards once it is compiled.
"""

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.contenders.torch_eager import COST, prepare
from benchmarks.workloads import BETA1, BETA2, CLIP, DROPPED, EPS, L2, Problem, Workload

__all__ = ["Training", "norms"]

torch._inductor.config.cpp_wrapper = True
torch._dynamo.config.automatic_dynamic_shapes = False

Tensors = list[torch.Tensor]
SIGMA = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


def total_cost(w: Workload, parameters: Tensors, X: torch.Tensor, T: torch.Tensor) -> torch.Tensor:
    """The sum of C_x over the rows; parameters are W, b, W, b, ..."""
    for k in range(0, len(parameters) - 2, 2):
        X = SIGMA[w.hidden](torch.addmm(parameters[k + 1], X, parameters[k]))
        if w.feature == "dropout":
            X = torch.nn.functional.dropout(X, DROPPED)
    Z = torch.addmm(parameters[-1], X, parameters[-2])
    return COST[w.head](torch.sigmoid(Z) if w.head == "sigmoid_quadratic" else Z, T)


def with_feature(w: Workload, parameters: Tensors, grads: Tensors) -> Tensors:
    """What the rule gets: with the penalty's gradient, or cut to a length."""
    if w.feature == "L2":
        return [g + L2 * p if p.ndim == 2 else g for p, g in zip(parameters, grads, strict=True)]
    if w.feature == "clip":
        length = sum(g.square().sum() for g in grads).sqrt()
        return [g * (CLIP / length).clamp(max=1) for g in grads]
    return grads


def update(w: Workload, parameters: Tensors, grads: Tensors, m: Tensors, v: Tensors, t: torch.Tensor) -> None:
    """The rule, in place; t counts the updates."""
    t += 1
    correct_m, correct_v = 1 - BETA1**t, 1 - BETA2**t
    for p, g, first, second in zip(parameters, grads, m, v, strict=True):
        if w.optimizer == "adam":
            first.mul_(BETA1).add_(g, alpha=1 - BETA1)
            second.mul_(BETA2).add_(g * g, alpha=1 - BETA2)
            p.sub_(w.rate * (first / correct_m) / ((second / correct_v).sqrt() + EPS))
        elif w.optimizer == "momentum":
            second.mul_(0.9).sub_(g, alpha=w.rate)
            p.add_(second)
        else:
            p.sub_(w.rate * g)


class Training:
    """One compiled call an update."""

    whole = False

    def __init__(self, problem: Problem, threads: int) -> None:
        prepare(threads)
        torch._dynamo.reset()  # what was compiled for other networks would be tried first in every call
        self._problem, w = problem, problem.workload
        self._X = torch.from_numpy(problem.X)
        T = torch.from_numpy(problem.T)
        self._T = T.long() if T.ndim == 1 else T
        self._p, self._m, self._v = ([torch.from_numpy(a) for a in self._flat(self._copy())] for _ in range(3))
        self._t = torch.zeros((), dtype=torch.float64)

        def step(
            rows: torch.Tensor, X: torch.Tensor, T: torch.Tensor, p: Tensors, m: Tensors, v: Tensors, t: torch.Tensor
        ) -> None:
            batch = (X[rows], T[rows])
            grads = torch.func.grad(lambda q: total_cost(w, q, *batch) / w.batch)(p)
            update(w, p, with_feature(w, p, grads), m, v, t)

        self._step, self._compiled = torch.compile(step, fullgraph=True), False
        self.reset()

    def _copy(self) -> np.ndarray:
        return self._problem.theta.copy()

    def _flat(self, theta: np.ndarray) -> list[np.ndarray]:
        return [part for layer in self._problem.views(theta) for part in layer]

    def reset(self) -> None:
        for p, first in zip(self._p, self._flat(self._problem.theta), strict=True):
            p.copy_(torch.from_numpy(first))
        for slot in (*self._m, *self._v, self._t):
            slot.zero_()

    @torch.no_grad()
    def steps(self, order: np.ndarray) -> None:
        with torch.compiler.set_stance(skip_guard_eval_unsafe=self._compiled):
            for rows in torch.from_numpy(order).view(-1, self._problem.workload.batch).unbind():
                self._step(rows, self._X, self._T, self._p, self._m, self._v, self._t)
        self._compiled = True

    def theta(self) -> np.ndarray:
        return np.concatenate([p.numpy().ravel() for p in self._p])


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """vmap of grad, compiled."""
    prepare(threads)
    w = problem.workload
    parameters = [torch.from_numpy(part.copy()) for layer in problem.views(problem.theta) for part in layer]

    def of_one(parameters: Tensors, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return total_cost(w, parameters, x[None], t[None])

    @torch.compile(fullgraph=True)
    def of_all(X: torch.Tensor, T: torch.Tensor) -> torch.Tensor:
        grads = torch.func.vmap(torch.func.grad(of_one), in_dims=(None, 0, 0))(parameters, X, T)
        return sum(g.flatten(1).square().sum(1) for g in grads).sqrt()

    return lambda X, T: of_all(torch.from_numpy(X), torch.from_numpy(T).long()).numpy()
