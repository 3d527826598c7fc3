"""PyTorch eager, with its fused optimizers and in its own layout: what a user writes."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.workloads import BETA1, BETA2, EPS, Problem, Workload

__all__ = ["COST", "Training", "network", "norms", "peak", "predictor", "prepare"]

SIGMA = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
COST = {  # of the outputs before softmax or the canonical sigmoid, summed over the batch
    "sigmoid_quadratic": lambda A, T: 0.5 * functional.mse_loss(A, T, reduction="sum"),
    "softmax": lambda Z, T: functional.cross_entropy(Z, T, reduction="sum"),
    "sigmoid_binary": lambda Z, T: functional.binary_cross_entropy_with_logits(Z, T, reduction="sum"),
    "identity": lambda A, T: 0.5 * functional.mse_loss(A, T, reduction="sum"),
}


def prepare(threads: int) -> None:
    """Use so many threads."""
    torch.set_num_threads(threads)


def network(problem: Problem) -> nn.Sequential:
    """The net up to what its cost takes, with the problem's weights."""
    w, parts = problem.workload, []
    for k, (W, b) in enumerate(problem.views(problem.theta)):
        linear = nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T.copy()))
            linear.bias.copy_(torch.from_numpy(b.copy()))
        parts += [linear, SIGMA[w.hidden]()] if k < len(w.layers) - 1 else [linear]
    return nn.Sequential(*parts, nn.Sigmoid()) if w.head == "sigmoid_quadratic" else nn.Sequential(*parts)


def optimizer(w: Workload, net: nn.Module) -> torch.optim.Optimizer:
    """The fused rule."""
    if w.optimizer == "adam":
        return torch.optim.Adam(net.parameters(), lr=w.rate, betas=(BETA1, BETA2), eps=EPS, fused=True)
    return torch.optim.SGD(net.parameters(), lr=w.rate, momentum=0.9 if w.optimizer == "momentum" else 0.0, fused=True)


class Training:
    """Gather, forward, autograd, fused update."""

    whole = False

    def __init__(self, problem: Problem, threads: int) -> None:
        prepare(threads)
        self._problem = problem
        self._X = torch.from_numpy(problem.X)
        T = torch.from_numpy(problem.T)
        self._T = T.long() if T.ndim == 1 else T
        self.reset()

    def reset(self) -> None:
        self._net = network(self._problem)
        self._optimizer = optimizer(self._problem.workload, self._net)

    def steps(self, order: np.ndarray) -> None:
        w, cost = self._problem.workload, COST[self._problem.workload.head]
        for rows in torch.from_numpy(order).view(-1, w.batch).unbind():
            self._optimizer.zero_grad()
            (cost(self._net(self._X[rows]), self._T[rows]) / w.batch).backward()
            self._optimizer.step()

    def theta(self) -> np.ndarray:
        linears = [part for part in self._net if isinstance(part, nn.Linear)]
        parts = [p.detach().numpy() for part in linears for p in (part.weight.T, part.bias)]
        return np.concatenate([part.ravel() for part in parts])


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """One row in inference mode."""
    prepare(threads)
    net = network(problem)
    if problem.workload.head == "softmax":
        net.append(nn.Softmax(dim=-1))
    net.eval()

    @torch.inference_mode()
    def predict(x: np.ndarray) -> np.ndarray:
        return net(torch.from_numpy(x)).numpy()

    return predict


def norms(problem: Problem, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """vmap of grad."""
    prepare(threads)
    net, cost = network(problem), COST[problem.workload.head]
    parameters = {name: p.detach() for name, p in net.named_parameters()}

    def of_one(parameters: dict[str, torch.Tensor], x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return cost(torch.func.functional_call(net, parameters, x[None]), t[None])

    of_all = torch.func.vmap(torch.func.grad(of_one), in_dims=(None, 0, 0))

    def found(X: np.ndarray, T: np.ndarray) -> np.ndarray:
        grads = of_all(parameters, torch.from_numpy(X), torch.from_numpy(T).long())
        return sum(g.flatten(1).square().sum(1) for g in grads.values()).sqrt().numpy()

    return found


def peak(threads: int) -> Callable[[], object]:
    """A product of 1024 × 1024 by torch.mm."""
    prepare(threads)
    A, B, C = (torch.ones(1024, 1024) for _ in range(3))
    return lambda: torch.mm(A, B, out=C)
